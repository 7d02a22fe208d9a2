/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from outside, read with limits. */
#include "daemon/base/json.h"

#include <stdio.h>
#include <stdlib.h>

#define DEEPEST 64

/* jansson limits depth at compile time only (2048): count brackets first.  Strings are skipped. */
static bool too_deep(const char *bytes, size_t size)
{
    int depth = 0;
    bool text = false;
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        if (text) {
            i += c == '\\';
            text = c != '"';
        } else if (c == '"') {
            text = true;
        } else if (c == '{' || c == '[') {
            if (++depth > DEEPEST)
                return true;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return false;
}

bool json_parse(const char *bytes, size_t size, json_t **ret, Error *err)
{
    json_error_t where;
    if (too_deep(bytes, size))
        return error_set(err, ERROR_DATA, "json.depth", "JSON is nested deeper than %d", DEEPEST);
    json_t *value = json_loadb(bytes, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (!value)
        return error_set(err, ERROR_DATA, "json.syntax", "JSON is not valid at line %d, column %d",
                         where.line, where.column);
    *ret = value;
    return true;
}

const char *json_get_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

bool json_get_int(const json_t *object, const char *key, int64_t *ret)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        return false;
    *ret = json_integer_value(value);
    return true;
}

/* Digits that read as the same number again.  15 keep what people write (0.1); a few numbers, the
 * largest among them, need 17. */
static int digits_of(double number)
{
    char text[32];
    snprintf(text, sizeof text, "%.15g", number);
    return strtod(text, NULL) == number ? 15 : 17;
}

const char *json_number_text(Arena *arena, const json_t *number)
{
    if (json_is_integer(number))
        return arena_format(arena, "%lld", (long long)json_integer_value(number));
    double real = json_real_value(number);
    return arena_format(arena, "%.*g", digits_of(real), real);
}

/* The most that a number within needs; no deeper than json_parse() lets through. */
static int digits_within(json_t *value)
{
    int most = 15;
    size_t i;
    const char *key;
    json_t *item;
    if (json_is_real(value))
        return digits_of(json_real_value(value));
    json_array_foreach(value, i, item) most = digits_within(item) > most ? 17 : most;
    json_object_foreach(value, key, item) most = digits_within(item) > most ? 17 : most;
    return most;
}

char *json_canonical(Arena *arena, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY |
                                       JSON_REAL_PRECISION(digits_within(value)));
    char *copy = arena_text(arena, text);
    free(text);
    return copy;
}
