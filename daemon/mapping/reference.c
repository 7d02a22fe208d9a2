/* SPDX-License-Identifier: Apache-2.0 */
/* Rows without a person: the header, group sessions, and the teams and workers that a month's rows
 * use. */
#include "daemon/base/cleanup.h"
#include "daemon/dataset/inclusion.h"
#include "daemon/mapping/row.h"

#include <string.h>

typedef struct UsedId {
    size_t block;
    const char *id;
    bool found;
    struct UsedId *next;
} UsedId;

typedef struct UsedElement {
    size_t element,
        block; /* the value of this element of a row is an id that this block's rows describe */
} UsedElement;

enum { BUCKETS = 4096 };

struct UsedIds {
    const Mapping *mapping;
    Arena *arena;
    UsedElement **elements; /* by table */
    size_t *counts;
    UsedId *buckets[BUCKETS];
};

static void note_elements(UsedIds *used, const Table *table)
{
    const Mapping *mapping = used->mapping;
    size_t capacity = 0;
    for (size_t i = 0; i < mapping->count; i++)
        for (size_t j = 0; j < mapping->blocks[i].used_count; j++) {
            const Element *element = table_element(table, mapping->blocks[i].used[j]);
            if (!element || table == mapping->blocks[i].table)
                continue;
            UsedElement **list = &used->elements[table->index];
            *list = arena_grow(used->arena, *list, used->counts[table->index], &capacity,
                               sizeof **list);
            (*list)[used->counts[table->index]++] = (UsedElement){element->index, i};
        }
}

UsedIds *mapping_used_new(const Mapping *mapping, Arena *arena)
{
    UsedIds *used = arena_alloc(arena, sizeof *used);
    used->mapping = mapping;
    used->arena = arena;
    used->elements = arena_array(arena, mapping->dataset->table_count, sizeof *used->elements);
    used->counts = arena_array(arena, mapping->dataset->table_count, sizeof *used->counts);
    for (size_t i = 0; i < mapping->dataset->table_count; i++)
        note_elements(used, &mapping->dataset->tables[i]);
    return used;
}

static size_t bucket_of(size_t block, const char *id)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ block;
    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * UINT64_C(1099511628211);
    return (size_t)((hash ^ (hash >> 32)) % BUCKETS);
}

static UsedId *find_used(const UsedIds *used, size_t block, const char *id)
{
    UsedId *entry = used->buckets[bucket_of(block, id)];
    while (entry && !(entry->block == block && strcmp(entry->id, id) == 0))
        entry = entry->next;
    return entry;
}

void mapping_use(UsedIds *used, const Row *row)
{
    const UsedElement *elements = used->elements[row->table->index];
    for (size_t i = 0; i < used->counts[row->table->index]; i++) {
        const char *id = row->values[elements[i].element];
        if (!id || find_used(used, elements[i].block, id))
            continue;
        UsedId **bucket = &used->buckets[bucket_of(elements[i].block, id)];
        UsedId *entry = arena_alloc(used->arena, sizeof *entry);
        *entry = (UsedId){elements[i].block, arena_text(used->arena, id), false, *bucket};
        *bucket = entry;
    }
}

bool mapping_is_reference(const Mapping *mapping, const Table *table)
{
    for (size_t i = 0; i < mapping->count; i++)
        if (mapping->blocks[i].table == table && !table->person)
            return true;
    return false;
}

static bool is_used(const MapReference *reference, const Block *block, const Record *record,
                    Arena *arena)
{
    const char *prefix = settings_id_prefix(reference->settings, record->feed);
    const char *id = arena_format(arena, "%s%s", prefix, record->id);
    UsedId *entry = reference->used
                        ? find_used(reference->used, (size_t)(block - block->mapping->blocks), id)
                        : NULL;
    if (entry)
        entry->found = true;
    return entry != NULL;
}

/* The provider of a group session is that of its organisation, or of the lead that submits for it.
 */
static bool is_own(RowContext *row)
{
    const Record *organisation = row_link(row, LINK_ORGANISATION);
    const char *code = organisation ? field_text(organisation->root, "ods_code") : NULL;
    if (!code && organisation && row->provider->partner_without_code == PARTNER_LEAD) {
        const Record *lead = row_link(row, LINK_LEAD);
        code = lead ? field_text(lead->root, "ods_code") : NULL;
    }
    return code && strcmp(code, row->provider->code) == 0;
}

/* A row of another month leaves no findings either. */
static bool fill_for_month(RowContext *row, MappedRow *ret)
{
    MapFindings *all = row->map->findings, own = {0};
    row->map->findings = &own;
    bool made = row_fill(row, ret) == GOT_VALUE && row_has_needs(row->block, ret);
    row->map->findings = all;
    if (made && !inclusion_holds(row->block->table, &ret->row, row->map->month))
        return false;
    for (size_t i = 0; i < own.count; i++)
        map_finding_add(all, row->map->arena, &own.items[i]);
    return made;
}

static void make_row(RowContext *row, MappedRows *rows)
{
    Arena *arena = row->map->arena;
    MappedRow *made = arena_alloc(arena, sizeof *made);
    if (!row_conditions_hold(row, &row->block->where) ||
        (row->block->unless.count && row_conditions_hold(row, &row->block->unless)) ||
        !fill_for_month(row, made))
        return;
    made->key = row_key(row, made);
    rows->items = arena_grow(arena, rows->items, rows->count, &rows->capacity, sizeof *rows->items);
    rows->items[rows->count++] = made;
    made->row.number = rows->count;
}

static void make_for_records(MapContext *map, const MapReference *reference, const Block *block,
                             MappedRows *rows)
{
    for (size_t i = 0; i < references_count(reference->references); i++) {
        const Record *record = references_at(reference->references, i);
        if (strcmp(record->type, record_type_name(block->type)) != 0)
            continue;
        map->feed = record->feed;
        RowContext row = {
            .map = map, .block = block, .record = record, .provider = reference->provider};
        if (block->used_count ? is_used(reference, block, record, map->arena) : is_own(&row))
            make_row(&row, rows);
    }
}

/* An id that is used and that no record describes: the national checks warn, so say it first. */
static void find_missing(const MapReference *reference, const Block *block, Arena *arena,
                         MapFindings *findings)
{
    size_t index = (size_t)(block - block->mapping->blocks);
    for (size_t i = 0; reference->used && i < BUCKETS; i++)
        for (const UsedId *entry = reference->used->buckets[i]; entry; entry = entry->next)
            if (entry->block == index && !entry->found)
                map_finding_add(findings, arena,
                                &(MapFinding){.kind = &finding_kinds[FINDING_REFERENCE_INCOMPLETE],
                                              .provider = reference->provider,
                                              .table = block->table});
}

bool mapping_reference(const Mapping *mapping, const MapReference *reference, const Table *table,
                       Arena *arena, MappedRows *ret, MapFindings *findings, Error *err)
{
    *ret = (MappedRows){0};
    MapContext map = {.mapping = mapping,
                      .settings = reference->settings,
                      .references = reference->references,
                      .month = reference->month,
                      .created_at = reference->created_at,
                      .arena = arena,
                      .findings = findings};
    for (size_t i = 0; i < mapping->count; i++) {
        const Block *block = &mapping->blocks[i];
        if (block->table != table || table->person)
            continue;
        if (block->type == TYPE_SUBMISSION) {
            RowContext row = {.map = &map, .block = block, .provider = reference->provider};
            make_row(&row, ret);
        } else {
            make_for_records(&map, reference, block, ret);
        }
        if (block->used_count)
            find_missing(reference, block, arena, findings);
        if (!arena_check(arena, err))
            return false;
    }
    return true;
}
