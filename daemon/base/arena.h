/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for one unit of work: many small allocations, freed as one.
 *
 * The cap is a promise about input, not about luck: when a unit of work has
 * used more than its cap, arena_check() says so as an ERROR_DATA, because size
 * is the sender's choice.  Call it at the head of every loop whose length comes
 * from outside.  A single allocation never fails: between two checks an arena
 * may overrun its cap by ARENA_SLACK, and past that, or when the machine itself
 * has no memory, the process ends, because the truth is in PostgreSQL. */
#pragma once

#include "daemon/base/error.h"

#include <stddef.h>

#define ARENA_SLACK ((size_t)64 << 20)

typedef struct Arena Arena;

Arena *arena_new(size_t cap);
void arena_free(Arena *arena); /* NULL is fine */

/* Forget everything, keep the first block: for the next unit of the same loop. */
void arena_reset(Arena *arena);

void *arena_alloc(Arena *arena, size_t size);               /* zeroed, aligned for any type */
void *arena_array(Arena *arena, size_t count, size_t size); /* zeroed; overflow ends the process */
char *arena_copy(Arena *arena, const void *bytes, size_t size); /* one NUL added */
char *arena_text(Arena *arena, const char *text);               /* NULL gives NULL */
char *arena_format(Arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

/* Grow an array of `size`-byte items so that index `count` can be written.
 * *capacity starts at 0.  Old memory stays in the arena until it is freed. */
void *arena_grow(Arena *arena, void *array, size_t count, size_t *capacity, size_t size);

size_t arena_used(const Arena *arena);
bool arena_check(const Arena *arena, Error *err); /* ERROR_DATA "arena.cap" */

static inline void arena_freep(Arena **arena)
{
    arena_free(*arena);
}
#define _cleanup_arena_ __attribute__((cleanup(arena_freep)))
