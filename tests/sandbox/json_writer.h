/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON text into a buffer, commas included. Keys are written as they stand: they are our own
 * constants. */
#ifndef SANDBOX_JSON_WRITER_H
#define SANDBOX_JSON_WRITER_H

#include "tests/sandbox/buffer.h"

void put_string(Buffer *out, const char *text);

void put_open(Buffer *out, const char *key, char bracket);
void put_close(Buffer *out, char bracket);
/* A NULL text is written as null. */
void put_text(Buffer *out, const char *key, const char *text);
void put_number(Buffer *out, const char *key, int64_t value);
void put_bool(Buffer *out, const char *key, bool value);
void put_null(Buffer *out, const char *key);
void put_day(Buffer *out, const char *key, int32_t day);
void put_instant(Buffer *out, const char *key, int64_t ms);
/* Minutes after midnight as "HH:MM". */
void put_time(Buffer *out, const char *key, int minutes);
/* {"nv":"declined"} and its like: an explicit kind of "no value". */
void put_no_value(Buffer *out, const char *key, const char *kind);
/* {"code":…,"system":…} and, when `label` is given, "label". */
void put_code(Buffer *out, const char *key, const char *system, const char *code,
              const char *label);

#endif
