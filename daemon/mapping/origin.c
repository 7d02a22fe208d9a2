/* SPDX-License-Identifier: Apache-2.0 */
/* Where a value came from, as text: mapping line, code-list row, and a row's lineage as JSON. */
#include "daemon/base/text.h"
#include "daemon/mapping/plan.h"

#include <string.h>

#define LINEAGE_LIMIT ((size_t)256 << 10)

const char *map_line_place(const MapLine *line, Arena *arena)
{
    return arena_format(arena, "%s:%d", line->file, line->line);
}

const char *origin_line(const Origin *origin, Arena *arena)
{
    return origin->line ? map_line_place(origin->line, arena) : NULL;
}

const char *origin_code(const Origin *origin, Arena *arena)
{
    return origin->code ? arena_format(arena, "%s:%d", origin->code->file, origin->code->line)
                        : NULL;
}

static void add_text(Text *text, const char *value)
{
    if (value)
        text_add_json(text, value);
    else
        text_add(text, "null");
}

char *mapping_lineage(const MappedRow *row, Arena *arena)
{
    Text text = text_new(arena, LINEAGE_LIMIT);
    bool first = true;
    text_add(&text, "{");
    for (size_t i = 0; i < row->row.table->count; i++) {
        const Origin *origin = &row->origins[i];
        if (!origin->line)
            continue;
        text_addf(&text, "%s\"%s\":[", first ? "" : ",", row->row.table->elements[i].name);
        first = false;
        const Record *record = origin->record;
        add_text(&text, record ? record->type : NULL);
        text_add(&text, ",");
        add_text(&text, record ? record->id : NULL);
        if (record)
            text_addf(&text, ",%lld,", (long long)record->version);
        else
            text_add(&text, ",null,");
        add_text(&text, record ? origin->field : NULL);
        text_addf(&text, ",\"%s:%d\",", origin->line->file, origin->line->line);
        if (origin->code)
            text_addf(&text, "\"%s:%d\"]", origin->code->file, origin->code->line);
        else
            text_add(&text, "null]");
    }
    text_add(&text, "}");
    return arena_text(arena, text_ok(&text) ? text_get(&text) : "{}");
}

const MapLine *mapping_line(const Mapping *mapping, const Element *element)
{
    for (size_t i = 0; i < mapping->count; i++)
        for (size_t j = 0; j < mapping->blocks[i].count; j++)
            if (mapping->blocks[i].items[j].element == element)
                return &mapping->blocks[i].items[j].lines[0];
    return NULL;
}

const char *map_line_text(const MapLine *line, Arena *arena)
{
    Text text = text_new(arena, 4096);
    for (size_t i = 0; i < line->from_count; i++) {
        text_add(&text, i ? " or " : "");
        if (line->from[i].scope == SCOPE_RECORD)
            text_addf(&text, "%s.", record_type_name(line->block->type));
        text_add(&text, line->from[i].text);
    }
    if (line->value)
        text_addf(&text, "always \"%s\"", line->value);
    if (line->transform)
        text_addf(&text, "%s%s", text.size ? " through " : "by ", line->transform->name);
    if (line->codes)
        text_addf(&text, " by %s", line->codes->file);
    return arena_text(arena, text_get(&text));
}
