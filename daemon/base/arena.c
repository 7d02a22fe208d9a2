/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for one unit of work. */
#include "daemon/base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK ((size_t)16 << 10)
#define LARGEST_BLOCK ((size_t)1 << 20)

typedef struct Block {
    struct Block *next;
    size_t size, used;
    max_align_t bytes[];
} Block;

struct Arena {
    Block *first, *current;
    size_t cap, used;
};

static _Noreturn void out_of_memory(void)
{
    fputs("mhsflow: out of memory\n", stderr);
    abort();
}

static Block *block_new(size_t size)
{
    Block *block = malloc(sizeof *block + size);
    if (!block)
        out_of_memory();
    *block = (Block){.size = size};
    return block;
}

Arena *arena_new(size_t cap)
{
    Arena *arena = malloc(sizeof *arena);
    if (!arena)
        out_of_memory();
    Block *block = block_new(FIRST_BLOCK);
    *arena = (Arena){.first = block, .current = block, .cap = cap};
    return arena;
}

static void free_after(Block *block)
{
    Block *next = block->next;
    block->next = NULL;
    while (next) {
        Block *after = next->next;
        free(next);
        next = after;
    }
}

void arena_free(Arena *arena)
{
    if (!arena)
        return;
    free_after(arena->first);
    free(arena->first);
    free(arena);
}

void arena_reset(Arena *arena)
{
    free_after(arena->first);
    arena->first->used = 0;
    arena->current = arena->first;
    arena->used = 0;
}

void *arena_alloc(Arena *arena, size_t size)
{
    size_t align = _Alignof(max_align_t);
    if (size > arena->cap + ARENA_SLACK)
        out_of_memory();
    size = (size + align - 1) / align * align;
    if (arena->used + size > arena->cap + ARENA_SLACK)
        out_of_memory();
    Block *block = arena->current;
    if (block->size - block->used < size) {
        size_t grown = block->size * 2 > LARGEST_BLOCK ? LARGEST_BLOCK : block->size * 2;
        block = block_new(size > grown ? size : grown);
        arena->current->next = block;
        arena->current = block;
    }
    void *memory = (char *)block->bytes + block->used;
    block->used += size;
    arena->used += size;
    return memset(memory, 0, size);
}

void *arena_array(Arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory();
    return arena_alloc(arena, total);
}

char *arena_copy(Arena *arena, const void *bytes, size_t size)
{
    char *copy = arena_alloc(arena, size + 1);
    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

char *arena_text(Arena *arena, const char *text)
{
    return text ? arena_copy(arena, text, strlen(text)) : NULL;
}

char *arena_format(Arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = arena_alloc(arena, (size_t)size + 1);
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

void *arena_grow(Arena *arena, void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    size_t wanted = *capacity ? *capacity * 2 : 8;
    void *grown = arena_array(arena, wanted, size);
    if (count)
        memcpy(grown, array, count * size);
    *capacity = wanted;
    return grown;
}

size_t arena_used(const Arena *arena)
{
    return arena->used;
}

bool arena_check(const Arena *arena, Error *err)
{
    if (arena->used <= arena->cap)
        return true;
    return error_set(err, ERROR_DATA, "arena.cap",
                     "input needs more than the %zu MiB this unit of work may use",
                     arena->cap >> 20);
}
