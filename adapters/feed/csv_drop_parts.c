/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that make up a list of a record: the scores of a goal, the items of an assessment. */
#include "adapters/feed/csv_drop_parts.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_CAP ((size_t)256 << 20)

static int by_key(const void *a, const void *b)
{
    const CsvPart *one = a, *other = b;
    int order = strcmp(one->key, other->key);
    return order ? order : one->line < other->line ? -1 : one->line > other->line;
}

/* A row of which the first part column is blank is no part. */
static const char *part_json(const CsvColumns *columns, const CsvRow *row,
                             const CsvDialect *dialect, Arena *arena)
{
    if (columns->items[0].at < 0 || !*row->fields[columns->items[0].at])
        return NULL;
    Text text = text_new(arena, CSV_RECORD_LIMIT);
    text_add(&text, "{");
    csv_columns_add(columns, row, dialect, &text);
    text_add(&text, "}");
    return text_ok(&text) ? text_get(&text) : NULL;
}

static bool read_parts(const CsvTable *table, CsvReader *reader, const CsvColumns *columns,
                       const CsvDialect *dialect, CsvParts *ret, Error *err)
{
    int key = csv_column(reader, table->part_key);
    for (;;) {
        const CsvRow *row;
        if (!arena_check(ret->arena, err) || !csv_next(reader, &row, err))
            return false;
        if (!row || key < 0)
            break;
        const char *json = part_json(columns, row, dialect, ret->arena);
        if (!json)
            continue;
        ret->items =
            arena_grow(ret->arena, ret->items, ret->count, &ret->capacity, sizeof *ret->items);
        ret->items[ret->count++] = (CsvPart){
            .key = arena_text(ret->arena, row->fields[key]), .json = json, .line = row->line};
    }
    if (ret->count)
        qsort(ret->items, ret->count, sizeof *ret->items, by_key);
    return true;
}

bool csv_parts_load(const CsvTable *table, const DropFile *file, const CsvProfile *profile,
                    CsvParts *ret, Error *err)
{
    _cleanup_csv_ CsvReader *reader = NULL;
    CsvColumns columns;
    const char *missing;
    *ret = (CsvParts){.arena = arena_new(PARTS_CAP)};
    csv_columns_read(table->part_columns, ret->arena, &columns);
    return csv_profile_open(profile, file, ret->arena, &reader, err) &&
           csv_columns_find(&columns, reader, &missing) &&
           read_parts(table, reader, &columns, &profile->dialect, ret, err);
}

void csv_parts_free(CsvParts *parts)
{
    arena_free(parts->arena);
    *parts = (CsvParts){0};
}

void csv_parts_add(CsvParts *parts, const CsvTable *table, const char *id, Text *out)
{
    if (!parts->arena)
        return;
    CsvPart wanted = {.key = id};
    size_t from = 0, to = parts->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (by_key(&parts->items[middle], &wanted) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    text_addf(out, ",\"%s\":[", table->part_field);
    for (size_t i = from; i < parts->count && strcmp(parts->items[i].key, id) == 0; i++) {
        parts->items[i].used = true;
        text_add(out, i > from ? "," : "");
        text_add(out, parts->items[i].json);
    }
    text_add(out, "]");
}

bool csv_parts_left(CsvParts *parts, const char **ret_key, int *ret_line)
{
    while (parts->left < parts->count && parts->items[parts->left].used)
        parts->left++;
    if (parts->left == parts->count)
        return false;
    *ret_key = parts->items[parts->left].key;
    *ret_line = parts->items[parts->left++].line;
    return true;
}
