/* SPDX-License-Identifier: Apache-2.0 */
/* A row's lineage as compact JSON, and back. */
#include "daemon/base/json.h"
#include "daemon/base/text.h"
#include "daemon/mapping/plan.h"

#include <string.h>

#define LINEAGE_LIMIT ((size_t)256 << 10)
enum { RECORDS_MAX = 16 }; /* a row is made of its record and what its links lead to */

typedef struct Records {
    const Record *items[RECORDS_MAX];
    size_t count;
} Records;

static size_t place_of(Records *records, const Record *record)
{
    size_t at = 0;
    while (at < records->count && records->items[at] != record)
        at++;
    if (at == records->count && at < RECORDS_MAX)
        records->items[records->count++] = record;
    return at;
}

static void add_records(const MappedRow *row, Records *records, Text *text)
{
    text_add(text, "{\"r\":[");
    for (size_t i = 0; i < row->row.table->count; i++)
        if (row->row.values[i] && row->origins[i].record)
            place_of(records, row->origins[i].record);
    for (size_t i = 0; i < records->count; i++) {
        text_add(text, i ? ",[" : "[");
        text_add_json(text, records->items[i]->type);
        text_add(text, ",");
        text_add_json(text, records->items[i]->id);
        text_addf(text, ",%lld", (long long)records->items[i]->version);
        if (row->feed && !text_equal(records->items[i]->feed, row->feed)) {
            text_add(text, ",");
            text_add_json(text, records->items[i]->feed);
        }
        text_add(text, "]");
    }
}

static void add_element(const char *name, const Origin *origin, Records *records, Text *text)
{
    text_addf(text, "\"%s\":[", name);
    if (origin->record && origin->field) {
        text_addf(text, "%zu,", place_of(records, origin->record));
        text_add_json(text, origin->field);
    } else {
        text_add(text, "null,null");
    }
    text_addf(text, ",%d", origin->line->line);
    if (origin->code) {
        const char *name_of_list = origin->code->file + strlen("codes/");
        text_addf(text, ",\"%.*s:%d\"", (int)(strlen(name_of_list) - strlen(".csv")), name_of_list,
                  origin->code->line);
    }
    text_add(text, "]");
}

char *mapping_lineage(const MappedRow *row, Arena *arena)
{
    Text text = text_new(arena, LINEAGE_LIMIT);
    Records records = {0};
    add_records(row, &records, &text);
    text_add(&text, "],\"e\":{");
    bool first = true;
    for (size_t i = 0; i < row->row.table->count; i++) {
        if (!row->row.values[i] || !row->origins[i].line)
            continue;
        text_add(&text, first ? "" : ",");
        first = false;
        add_element(row->row.table->elements[i].name, &row->origins[i], &records, &text);
    }
    text_add(&text, "}}");
    return text_ok(&text) ? text.bytes : arena_text(arena, "{\"r\":[],\"e\":{}}");
}

static void read_record(const json_t *records, const json_t *entry, Arena *arena, LineageEntry *ret)
{
    const json_t *place = json_array_get(entry, 0);
    const json_t *record =
        json_is_integer(place) ? json_array_get(records, (size_t)json_integer_value(place)) : NULL;
    if (!record)
        return;
    ret->record_type = arena_text(arena, json_string_value(json_array_get(record, 0)));
    ret->record_id = arena_text(arena, json_string_value(json_array_get(record, 1)));
    ret->record_version = json_integer_value(json_array_get(record, 2));
    ret->record_feed = arena_text(arena, json_string_value(json_array_get(record, 3)));
    ret->field = arena_text(arena, json_string_value(json_array_get(entry, 1)));
}

static const char *read_code(const char *text, Arena *arena)
{
    const char *colon = text ? strrchr(text, ':') : NULL;
    return colon ? arena_format(arena, "codes/%.*s.csv%s", (int)(colon - text), text, colon) : NULL;
}

bool mapping_lineage_read(const char *json, Arena *arena, LineageEntry **ret, size_t *ret_count,
                          Error *err)
{
    _cleanup_json_ json_t *root = NULL;
    if (!json_parse(json, strlen(json), &root, err))
        return false;
    const json_t *records = json_object_get(root, "r");
    json_t *elements = json_object_get(root, "e");
    if (!json_is_array(records) || !json_is_object(elements))
        return error_set(err, ERROR_DATA, "mapping.lineage", "the lineage of a row cannot be read");
    LineageEntry *entries = arena_array(arena, json_object_size(elements), sizeof *entries);
    size_t count = 0;
    const char *name;
    json_t *entry;
    json_object_foreach(elements, name, entry)
    {
        LineageEntry *at = &entries[count++];
        at->element = arena_text(arena, name);
        read_record(records, entry, arena, at);
        at->line = arena_format(arena, "mapping.yaml:%lld",
                                (long long)json_integer_value(json_array_get(entry, 2)));
        at->code = read_code(json_string_value(json_array_get(entry, 3)), arena);
    }
    *ret = entries;
    *ret_count = count;
    return true;
}
