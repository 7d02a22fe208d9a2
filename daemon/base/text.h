/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows up to a limit given at birth, in an arena.
 *
 * Adding past the limit adds nothing and sets a flag that stays: build the whole
 * text, then ask text_ok() once. */
#pragma once

#include "daemon/base/arena.h"

#include <stdint.h>

typedef struct Text {
    Arena *arena;
    char *bytes; /* always ends in a NUL that `size` does not count; NULL while empty */
    size_t size, capacity, limit;
    bool over;
} Text;

Text text_new(Arena *arena, size_t limit);
void text_add(Text *text, const char *more); /* NULL adds nothing */
void text_add_bytes(Text *text, const void *bytes, size_t size);
void text_addf(Text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_clear(Text *text);            /* keeps memory, limit and arena */
const char *text_get(const Text *text); /* "" while empty */
bool text_ok(const Text *text);

/* JSON string with its quotes; XML character data; CSV field by RFC 4180 with the
 * formula guard of spreadsheets (a leading = + - @ TAB CR gets a quote mark before it). */
void text_add_json(Text *text, const char *value);
void text_add_xml(Text *text, const char *value);
void text_add_csv(Text *text, const char *value);

bool text_equal(const char *a, const char *b);     /* two NULLs are equal */
bool text_is_utf8(const char *bytes, size_t size); /* valid, no NUL, no C0 but \t \n \r */
bool text_starts(const char *text, const char *prefix);
const char *text_nearest(const char *word, const char *const *words, size_t count); /* or NULL */
bool text_to_int64(const char *text, int64_t *ret); /* whole decimal text, no spaces */
