/* SPDX-License-Identifier: Apache-2.0 */
/* Where a value came from, as text: mapping line and code-list row. */
#include "daemon/base/text.h"
#include "daemon/mapping/plan.h"

#include <string.h>

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
