/* SPDX-License-Identifier: Apache-2.0 */
/* A hash of reference records by feed, type and id. */
#include "daemon/mapping/references.h"

#include <string.h>

typedef struct Slot {
    Record *record;
    struct Slot *next;
} Slot;

enum { BUCKETS = 1024 };

struct References {
    Arena *arena;
    Slot *buckets[BUCKETS];
    Record **all;
    size_t count, capacity;
};

static uint64_t add_text(uint64_t hash, const char *text)
{
    for (; text && *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (hash ^ '|') * UINT64_C(1099511628211);
}

static size_t bucket_of(const char *feed, const char *type, const char *id)
{
    uint64_t hash = add_text(add_text(add_text(UINT64_C(14695981039346656037), feed), type), id);
    return (size_t)((hash ^ (hash >> 32)) % BUCKETS);
}

static bool is_named(const Record *record, const char *feed, const char *type, const char *id)
{
    return strcmp(record->id, id) == 0 && strcmp(record->type, type) == 0 &&
           strcmp(record->feed ? record->feed : "", feed ? feed : "") == 0;
}

References *references_new(Arena *arena)
{
    References *references = arena_alloc(arena, sizeof *references);
    references->arena = arena;
    return references;
}

static Slot *find_slot(const References *references, const char *feed, const char *type,
                       const char *id)
{
    Slot *slot = references->buckets[bucket_of(feed, type, id)];
    while (slot && !is_named(slot->record, feed, type, id))
        slot = slot->next;
    return slot;
}

void references_add(References *references, Record *record)
{
    Slot *slot = find_slot(references, record->feed, record->type, record->id);
    if (slot) {
        for (size_t i = 0; i < references->count; i++)
            if (references->all[i] == slot->record)
                references->all[i] = record;
        slot->record = record;
        return;
    }
    Slot **bucket = &references->buckets[bucket_of(record->feed, record->type, record->id)];
    slot = arena_alloc(references->arena, sizeof *slot);
    *slot = (Slot){record, *bucket};
    *bucket = slot;
    references->all = arena_grow(references->arena, references->all, references->count,
                                 &references->capacity, sizeof *references->all);
    references->all[references->count++] = record;
}

const Record *references_find(const References *references, const char *feed, const char *type,
                              const char *id)
{
    if (!references || !id)
        return NULL;
    const Slot *slot = find_slot(references, feed, type, id);
    return slot ? slot->record : NULL;
}

size_t references_count(const References *references)
{
    return references ? references->count : 0;
}

const Record *references_at(const References *references, size_t index)
{
    return references->all[index];
}
