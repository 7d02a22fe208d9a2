/* SPDX-License-Identifier: Apache-2.0 */
/* A row's line read back into values. */
#include "daemon/dataset/fragment.h"

#include "daemon/base/cleanup.h"

#include <string.h>

typedef struct Cursor {
    const char *at, *end;
} Cursor;

static bool take(Cursor *cursor, const char *text, size_t size)
{
    if ((size_t)(cursor->end - cursor->at) < size || memcmp(cursor->at, text, size) != 0)
        return false;
    cursor->at += size;
    return true;
}

/* <NAME> or </NAME>. */
static bool take_tag(Cursor *cursor, const char *open, const char *name)
{
    Cursor tried = *cursor;
    if (!take(&tried, open, strlen(open)) || !take(&tried, name, strlen(name)) ||
        !take(&tried, ">", 1))
        return false;
    *cursor = tried;
    return true;
}

static bool take_entity(Cursor *cursor, char *ret)
{
    static const struct {
        const char *text;
        char meaning;
    } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&#13;", '\r'}};
    for (size_t i = 0; i < COUNT_OF(entities); i++)
        if (take(cursor, entities[i].text, strlen(entities[i].text))) {
            *ret = entities[i].meaning;
            return true;
        }
    return false;
}

/* Character data up to the next tag, in memory of its own. */
static bool take_value(Cursor *cursor, Arena *arena, const char **ret)
{
    const char *stop = memchr(cursor->at, '<', (size_t)(cursor->end - cursor->at));
    if (!stop)
        return false;
    char *value = arena_alloc(arena, (size_t)(stop - cursor->at) + 1), *out = value;
    while (cursor->at < stop) {
        if (*cursor->at != '&')
            *out++ = *cursor->at++;
        else if (!take_entity(cursor, out++))
            return false;
    }
    *ret = value;
    return true;
}

bool fragment_read(const Table *table, const char *bytes, size_t size, Arena *arena, Row **ret,
                   Error *err)
{
    Cursor cursor = {bytes, bytes + size};
    Row *row = row_new(table, arena);
    bool fits = take_tag(&cursor, "<", table->name);
    for (size_t i = 0; fits && i < table->count; i++)
        if (take_tag(&cursor, "<", table->elements[i].name))
            fits = take_value(&cursor, arena, &row->values[i]) &&
                   take_tag(&cursor, "</", table->elements[i].name);
    if (!fits || !take_tag(&cursor, "</", table->name) || !take(&cursor, "\n", 1) ||
        cursor.at != cursor.end)
        return error_set(err, ERROR_BUG, "fragment.form",
                         "a stored row of %s is not in the form it was written", table->code);
    *ret = row;
    return true;
}
