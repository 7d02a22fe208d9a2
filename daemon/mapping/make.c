/* SPDX-License-Identifier: Apache-2.0 */
/* All rows of a person: block by block, record by record, provider by provider. */
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/mapping/row.h"

#include <string.h>

static bool equal_rows(const MappedRow *a, const MappedRow *b)
{
    if (a->row.table != b->row.table || a->provider != b->provider)
        return false;
    for (size_t i = 0; i < a->row.table->count; i++) {
        const char *left = a->row.values[i], *right = b->row.values[i];
        if (left != right && !(left && right && strcmp(left, right) == 0))
            return false;
    }
    return true;
}

static bool is_repeated(const MappedRows *rows, size_t from, const MappedRow *row)
{
    for (size_t i = from; i < rows->count; i++)
        if (equal_rows(rows->items[i], row))
            return true;
    return false;
}

static void hold_person(MapContext *map, const ProviderSettings *provider)
{
    for (size_t i = 0; i < map->provider_count; i++)
        if (map->providers[i] == provider)
            map->held[i] = true;
}

static void make_row(RowContext *context, size_t first, MappedRows *rows)
{
    MapContext *map = context->map;
    const Block *block = context->block;
    MappedRow *row = arena_alloc(map->arena, sizeof *row);
    if (row_fill(context, row) == GOT_HOLD) {
        if (block->table == map->mapping->dataset->person)
            hold_person(map, context->provider);
        return;
    }
    if (!row_has_needs(block, row) || (block->distinct && is_repeated(rows, first, row)))
        return;
    row->feed = map->feed;
    row->key = row_key(context, row);
    rows->items =
        arena_grow(map->arena, rows->items, rows->count, &rows->capacity, sizeof *rows->items);
    rows->items[rows->count++] = row;
}

/* A record of a referral goes to that referral's provider, any other to each provider of the
 * person. */
static void make_for_providers(RowContext *context, size_t first, MappedRows *rows)
{
    MapContext *map = context->map;
    if (!row_conditions_hold(context, &context->block->where) ||
        (context->block->unless.count && row_conditions_hold(context, &context->block->unless)))
        return;
    const Record *referral = row_link(context, LINK_REFERRAL);
    if (referral) {
        context->provider = provider_of_referral(map, referral);
        if (context->provider)
            make_row(context, first, rows);
        return;
    }
    for (size_t i = 0; i < map->provider_count; i++) {
        context->provider = map->providers[i];
        make_row(context, first, rows);
    }
}

static void make_for_record(MapContext *map, const Block *block, const Record *record, size_t first,
                            MappedRows *rows)
{
    RowContext context = {.map = map, .block = block, .record = record};
    if (!block->list) {
        make_for_providers(&context, first, rows);
        return;
    }
    const Field *list = field_get(record->root, block->list);
    if (list->kind == FIELD_TEXT || list->kind == FIELD_OBJECT) {
        context.item = list; /* one entry, written without a list around it */
        context.number = 1;
        make_for_providers(&context, first, rows);
        return;
    }
    for (size_t i = 0; list->kind == FIELD_LIST && i < list->count; i++) {
        context.item = &list->items[i];
        context.number = i + 1;
        make_for_providers(&context, first, rows);
    }
}

static bool is_held(const MapContext *map, const ProviderSettings *provider)
{
    for (size_t i = 0; i < map->provider_count; i++)
        if (map->providers[i] == provider)
            return map->held[i];
    return false;
}

static void drop_held(const MapContext *map, MappedRows *rows)
{
    size_t kept = 0;
    for (size_t i = 0; i < rows->count; i++)
        if (!is_held(map, rows->items[i]->provider))
            rows->items[kept++] = rows->items[i];
    rows->count = kept;
}

static size_t hash_parent(const Table *table, const ProviderSettings *provider, const char *value)
{
    uint64_t hash = (uint64_t)(uintptr_t)provider ^ (table->index * UINT64_C(0x9E3779B97F4A7C15));
    for (; *value; value++)
        hash = (hash ^ (unsigned char)*value) * UINT64_C(1099511628211);
    return (size_t)(hash ^ (hash >> 32));
}

typedef struct ParentSlot {
    MappedRow *row;
    const char *value;
    struct ParentSlot *next;
} ParentSlot;

/* A table's own id is the key that children name: its single key element. */
static const char *own_id(const MappedRow *row)
{
    const Table *table = row->row.table;
    return table->key_count == 1 ? row_get(&row->row, table->keys[0]) : NULL;
}

static void link_parents(MappedRows *rows, Arena *arena)
{
    size_t bucket_count = 16;
    while (bucket_count < rows->count)
        bucket_count *= 2;
    ParentSlot **buckets = arena_array(arena, bucket_count, sizeof(ParentSlot *));
    ParentSlot *slots = arena_array(arena, rows->count, sizeof *slots);
    for (size_t i = 0; i < rows->count; i++) {
        MappedRow *row = rows->items[i];
        const char *id = own_id(row);
        if (!id)
            continue;
        size_t at = hash_parent(row->row.table, row->provider, id) & (bucket_count - 1);
        slots[i] = (ParentSlot){row, id, buckets[at]};
        buckets[at] = &slots[i];
    }
    for (size_t i = 0; i < rows->count; i++) {
        MappedRow *row = rows->items[i];
        const Table *table = row->row.table;
        const char *value = table->parent_link ? row_get(&row->row, table->parent_link) : NULL;
        if (!value)
            continue;
        ParentSlot *slot =
            buckets[hash_parent(table->parent, row->provider, value) & (bucket_count - 1)];
        while (slot && !(slot->row->row.table == table->parent &&
                         slot->row->provider == row->provider && strcmp(slot->value, value) == 0))
            slot = slot->next;
        row->parent = slot ? slot->row : NULL;
    }
}

static void find_interval(const Mapping *mapping, Month month, Month *ret_first, Month *ret_last)
{
    *ret_first = INT32_MIN;
    *ret_last = INT32_MAX;
    for (size_t i = 0; i < mapping->change_count; i++) {
        if (mapping->changes[i] <= month)
            *ret_first = mapping->changes[i];
        else if (*ret_last == INT32_MAX)
            *ret_last = mapping->changes[i] - 1;
    }
}

/* The person's own record: the one of that id, or the first of that feed, or of any (a merge is
 * known to the store). */
static const Record *find_person(const MapContext *map)
{
    const Record *person = index_find(&map->index, map->feed, TYPE_PERSON, map->person_id);
    const Record **all = map->index.by_type[TYPE_PERSON];
    for (size_t i = 0; !person && i < map->index.counts[TYPE_PERSON]; i++)
        if (text_equal(all[i]->feed, map->feed))
            person = all[i];
    return person ? person : map->index.counts[TYPE_PERSON] ? all[0] : NULL;
}

bool mapping_make(const Mapping *mapping, const MapPerson *person, Month month, Arena *arena,
                  RawRows *ret, Error *err)
{
    RawRows raw = {0};
    find_interval(mapping, month, &raw.first, &raw.last);
    MapContext map = {.mapping = mapping,
                      .settings = person->settings,
                      .references = person->references,
                      .feed = person->feed,
                      .person_id = person->id,
                      .month = month,
                      .arena = arena,
                      .findings = &raw.findings};
    index_build(&map.index, person->records, arena);
    map.person = find_person(&map);
    provider_choose(&map, person->open);
    for (size_t i = 0; map.provider_count && i < mapping->count; i++) {
        const Block *block = &mapping->blocks[i];
        size_t first = raw.rows.count;
        if (!block->table->person)
            continue;
        for (size_t j = 0; j < map.index.counts[block->type]; j++) {
            const Record *record = map.index.by_type[block->type][j];
            if (!arena_check(arena, err))
                return false;
            if (block->type != TYPE_PERSON || record == map.person)
                make_for_record(&map, block, record, first, &raw.rows);
        }
    }
    raw.withheld = map.withheld;
    raw.withheld_count = map.withheld_count;
    drop_held(&map, &raw.rows);
    link_parents(&raw.rows, arena);
    *ret = raw;
    return true;
}

const char *mapping_person_key(const MapPerson *person, Arena *arena)
{
    return arena_format(arena, "%s%s", settings_id_prefix(person->settings, person->feed),
                        person->id);
}
