/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a person's records by type, and by type and id. */
#include "daemon/base/text.h"
#include "daemon/mapping/row.h"

#include <string.h>

static size_t hash_id(RecordType type, const char *id)
{
    uint64_t hash = UINT64_C(14695981039346656037) ^ (uint64_t)type;
    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * UINT64_C(1099511628211);
    return (size_t)(hash ^ (hash >> 32));
}

void index_build(PersonIndex *index, const RecordList *records, Arena *arena)
{
    *index = (PersonIndex){.bucket_count = 16};
    while (index->bucket_count < records->count * 2)
        index->bucket_count *= 2;
    index->buckets = arena_array(arena, index->bucket_count, sizeof(IndexEntry *));
    IndexEntry *entries = arena_array(arena, records->count, sizeof *entries);
    size_t capacities[TYPE_COUNT] = {0};
    for (size_t i = 0; i < records->count; i++) {
        const Record *record = records->items[i];
        RecordType type;
        if (!record_type_find(record->type, &type))
            continue;
        index->by_type[type] = arena_grow(arena, index->by_type[type], index->counts[type],
                                          &capacities[type], sizeof(Record *));
        index->by_type[type][index->counts[type]++] = record;
        IndexEntry **bucket =
            &index->buckets[hash_id(type, record->id) & (index->bucket_count - 1)];
        entries[i] = (IndexEntry){record, *bucket};
        *bucket = &entries[i];
    }
}

const Record *index_find(const PersonIndex *index, const char *feed, RecordType type,
                         const char *id)
{
    if (!id || !index->bucket_count)
        return NULL;
    IndexEntry *entry = index->buckets[hash_id(type, id) & (index->bucket_count - 1)];
    for (; entry; entry = entry->next)
        if (strcmp(entry->record->id, id) == 0 &&
            strcmp(entry->record->type, record_type_name(type)) == 0 &&
            text_equal(entry->record->feed, feed))
            return entry->record;
    return NULL;
}
