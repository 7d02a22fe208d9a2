/* SPDX-License-Identifier: Apache-2.0 */
/* Takes from a person's rows those that belong to a month, with what lies outside it blanked. */
#include "daemon/base/cleanup.h"
#include "daemon/dataset/inclusion.h"
#include "daemon/mapping/mapping.h"

#include <string.h>

enum { UNKNOWN, IN, OUT };

/* A person is in the month when one of their own spans (a referral) is. */
static bool starts_person(const Table *table)
{
    return table->parent && table->parent == table->dataset->person &&
           table->inclusion == INCLUDE_OPEN_SPAN;
}

/* Everything but an event goes only with its parent.  An event in the month whose parent is not in
 * it stays: the national rules name it as an orphan, and a person sees it. */
static bool needs_parent(const Table *table)
{
    return table->parent && table->inclusion != INCLUDE_EVENT && !starts_person(table);
}

static bool is_in(const RawRows *raw, unsigned char *states, const MappedRow *row, Month month)
{
    unsigned char *state = &states[row->row.number - 1];
    if (*state != UNKNOWN)
        return *state == IN;
    bool in = row->row.table != row->row.table->dataset->person && /* set before, if at all */
              inclusion_holds(row->row.table, &row->row, month);
    if (in && needs_parent(row->row.table))
        in = row->parent && is_in(raw, states, row->parent, month);
    *state = in ? IN : OUT;
    return in;
}

static MappedRow *copy_row(const MappedRow *row, Arena *arena)
{
    MappedRow *copy = arena_alloc(arena, sizeof *copy);
    size_t count = row->row.table->count;
    *copy = *row;
    copy->row.values = arena_array(arena, count, sizeof *copy->row.values);
    memcpy(copy->row.values, row->row.values, count * sizeof *copy->row.values);
    return copy;
}

/* A row that the month changes nothing in is handed on as it is, values and all. */
static MappedRow *row_of_month(MappedRow *row, Month month, Arena *arena)
{
    const Table *table = row->row.table;
    bool has_any = false;
    for (size_t i = 0; i < table->blanked_count; i++)
        has_any = has_any || row_get(&row->row, table->blanked[i]);
    if (!has_any)
        return row;
    MappedRow *copy = copy_row(row, arena);
    inclusion_blank(table, &copy->row, month);
    bool same = true;
    for (size_t i = 0; i < table->blanked_count; i++) {
        size_t at = table->blanked[i]->index;
        same = same && copy->row.values[at] == row->row.values[at];
    }
    return same ? row : copy;
}

void mapping_select(const Mapping *mapping, const RawRows *raw, Month month, Arena *arena,
                    MappedRows *ret)
{
    (void)mapping;
    *ret = (MappedRows){0};
    unsigned char *states = arena_alloc(arena, raw->rows.count + 1);
    for (size_t i = 0; i < raw->rows.count; i++)
        raw->rows.items[i]->row.number = i + 1;
    for (size_t i = 0; i < raw->rows.count; i++) {
        MappedRow *row = raw->rows.items[i];
        if (starts_person(row->row.table) && row->parent && is_in(raw, states, row, month))
            states[row->parent->row.number - 1] = IN;
    }
    for (size_t i = 0; i < raw->rows.count; i++) {
        MappedRow *row = raw->rows.items[i];
        if (!is_in(raw, states, row, month))
            continue;
        ret->items = arena_grow(arena, ret->items, ret->count, &ret->capacity, sizeof *ret->items);
        ret->items[ret->count++] = row_of_month(row, month, arena);
    }
}

bool mapping_person(const Mapping *mapping, const MapPerson *person, Month month, Arena *arena,
                    MappedRows *ret, MapFindings *findings, Error *err)
{
    RawRows raw;
    if (!mapping_make(mapping, person, month, arena, &raw, err))
        return false;
    mapping_select(mapping, &raw, month, arena, ret);
    *findings = raw.findings;
    return true;
}
