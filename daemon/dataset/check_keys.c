/* SPDX-License-Identifier: Apache-2.0 */
/* Each different text once, as a small number. */
#include "daemon/dataset/check_keys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define CHUNK_SIZE ((size_t)256 << 10)

typedef struct KeyChunk {
    struct KeyChunk *before;
    char bytes[];
} KeyChunk;

struct KeyPool {
    uint64_t seed;
    uint32_t *places;     /* open addressing: key numbers, 0 is free */
    uint32_t place_count; /* a power of two */
    uint32_t count, capacity;
    const char **texts; /* by number less one */
    uint32_t *hashes;
    KeyChunk *chunk;
    size_t chunk_used;
};

void *check_zeroed(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        abort();
    return memory;
}

void *check_resized(void *memory, size_t count, size_t size)
{
    void *resized = reallocarray(memory, count ? count : 1, size);
    if (!resized)
        abort();
    return resized;
}

KeyPool *key_pool_new(void)
{
    KeyPool *pool = check_zeroed(1, sizeof *pool);
    if (getrandom(&pool->seed, sizeof pool->seed, GRND_NONBLOCK) != (ssize_t)sizeof pool->seed)
        pool->seed = (uint64_t)(uintptr_t)pool;
    pool->place_count = 64;
    pool->places = check_zeroed(pool->place_count, sizeof *pool->places);
    pool->chunk_used = CHUNK_SIZE;
    return pool;
}

void key_pool_free(KeyPool *pool)
{
    if (!pool)
        return;
    for (KeyChunk *chunk = pool->chunk; chunk;) {
        KeyChunk *before = chunk->before;
        free(chunk);
        chunk = before;
    }
    free(pool->places);
    free(pool->texts);
    free(pool->hashes);
    free(pool);
}

void key_pool_clear(KeyPool *pool)
{
    if (pool->count == 0)
        return;
    memset(pool->places, 0, pool->place_count * sizeof *pool->places);
    pool->count = 0;
    while (pool->chunk && pool->chunk->before) {
        KeyChunk *before = pool->chunk->before;
        free(pool->chunk);
        pool->chunk = before;
    }
    pool->chunk_used = 0;
}

static uint32_t hash_text(const KeyPool *pool, const char *text, size_t size)
{
    uint64_t hash = pool->seed ^ (size * UINT64_C(0x9e3779b97f4a7c15));
    while (size > 0) {
        uint64_t word = 0;
        size_t part = size < sizeof word ? size : sizeof word;
        memcpy(&word, text, part);
        hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
        text += part;
        size -= part;
    }
    return (uint32_t)(hash ^ (hash >> 29));
}

static void places_grow(KeyPool *pool)
{
    pool->place_count *= 2;
    free(pool->places);
    pool->places = check_zeroed(pool->place_count, sizeof *pool->places);
    for (uint32_t key = 1; key <= pool->count; key++) {
        uint32_t place = pool->hashes[key - 1] & (pool->place_count - 1);
        while (pool->places[place])
            place = (place + 1) & (pool->place_count - 1);
        pool->places[place] = key;
    }
}

static const char *keep_text(KeyPool *pool, const char *text, size_t size)
{
    if (pool->chunk_used + size + 1 > CHUNK_SIZE) {
        size_t need = size + 1 > CHUNK_SIZE ? size + 1 : CHUNK_SIZE;
        KeyChunk *chunk = check_resized(NULL, 1, sizeof *chunk + need);
        chunk->before = pool->chunk;
        pool->chunk = chunk;
        pool->chunk_used = 0;
    }
    char *kept = pool->chunk->bytes + pool->chunk_used;
    memcpy(kept, text, size + 1);
    pool->chunk_used += size + 1;
    return kept;
}

static uint32_t key_add(KeyPool *pool, const char *text, size_t size, uint32_t hash)
{
    if (pool->count == pool->capacity) {
        pool->capacity = pool->capacity ? pool->capacity * 2 : 64;
        pool->texts = check_resized(pool->texts, pool->capacity, sizeof *pool->texts);
        pool->hashes = check_resized(pool->hashes, pool->capacity, sizeof *pool->hashes);
    }
    pool->texts[pool->count] = keep_text(pool, text, size);
    pool->hashes[pool->count] = hash;
    return ++pool->count;
}

uint32_t key_of(KeyPool *pool, const char *text)
{
    if (!text)
        return KEY_NONE;
    size_t size = strlen(text);
    uint32_t hash = hash_text(pool, text, size);
    uint32_t place = hash & (pool->place_count - 1);
    for (; pool->places[place]; place = (place + 1) & (pool->place_count - 1)) {
        uint32_t key = pool->places[place];
        if (pool->hashes[key - 1] == hash && strcmp(pool->texts[key - 1], text) == 0)
            return key;
    }
    uint32_t key = key_add(pool, text, size, hash);
    pool->places[place] = key;
    if (pool->count * (uint64_t)4 > pool->place_count * (uint64_t)3)
        places_grow(pool);
    return key;
}

uint32_t key_count(const KeyPool *pool)
{
    return pool->count;
}
