/* SPDX-License-Identifier: Apache-2.0 */
/* Writes rows with their origins, and findings, one line each. */
#include "daemon/mapping/show.h"

#include "daemon/mapping/plan.h"

static void show_origin(const Origin *origin, bool places, Arena *arena, Text *out)
{
    if (origin->record && origin->field)
        text_addf(out, "%s/%s %s", origin->record->type, origin->record->id, origin->field);
    else
        text_add(out, origin->line->value ? "always so" : "settings");
    if (origin->code && places)
        text_addf(out, ", %s", origin_code(origin, arena));
    else if (origin->code)
        text_addf(out, ", %s \"%s\"", origin->code->file, origin->code->local);
    if (places)
        text_addf(out, ", %s", origin_line(origin, arena));
}

void show_row(const MappedRow *row, bool places, Arena *arena, Text *out)
{
    const Table *table = row->row.table;
    text_addf(out, "%s at %s, key %s\n", table->name, row->provider->code, row->key);
    for (size_t i = 0; i < table->count; i++) {
        if (!row->row.values[i])
            continue;
        text_addf(out, "  %-28s %-26s < ", table->elements[i].name, row->row.values[i]);
        show_origin(&row->origins[i], places, arena, out);
        text_add(out, "\n");
    }
}

void show_finding(const MapFinding *finding, Text *out)
{
    text_addf(out, "%s (%s)", finding->kind->code, map_finding_source_name(finding->kind->source));
    if (finding->record)
        text_addf(out, " %s/%s", finding->record->type, finding->record->id);
    if (finding->field)
        text_addf(out, " %s", finding->field);
    if (finding->element)
        text_addf(out, " -> %s.%s", finding->table->code, finding->element->name);
    else if (finding->table)
        text_addf(out, " -> %s", finding->table->code);
    if (finding->provider)
        text_addf(out, " at %s", finding->provider->code);
    text_addf(out, ": %s\n", finding->kind->message);
}
