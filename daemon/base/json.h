/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from outside, read with limits (jansson): depth 64, no doubled keys, no invalid UTF-8.
 *
 * Errors say line and column, never the text.  Numbers that are not whole are
 * kept as doubles by jansson: json_number_text() gives the shortest text again. */
#pragma once

#include "daemon/base/arena.h"

#include <jansson.h>

bool json_parse(const char *bytes, size_t size, json_t **ret, Error *err);

const char *json_get_text(const json_t *object, const char *key); /* NULL unless a string */
bool json_get_int(const json_t *object, const char *key, int64_t *ret);
const char *json_number_text(Arena *arena, const json_t *number);

/* Compact text with sorted keys: the same value always gives the same bytes. */
char *json_canonical(Arena *arena, json_t *value);

static inline void json_cleanup(json_t **value)
{
    json_decref(*value);
}
#define _cleanup_json_ __attribute__((cleanup(json_cleanup)))
