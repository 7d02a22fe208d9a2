/* SPDX-License-Identifier: Apache-2.0 */
/* Each different text once, as a small number: what the checker keeps of a month.
 *
 * Numbers count from 1 in the order of coming; KEY_NONE is "no value".  Two texts
 * are the same key when their bytes are.  The hash has a seed of its own per
 * process, so that nobody can choose texts that collide. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define KEY_NONE 0

typedef struct KeyPool KeyPool;

KeyPool *key_pool_new(void);
void key_pool_free(KeyPool *pool);  /* NULL is fine */
void key_pool_clear(KeyPool *pool); /* forgets every text, keeps its memory */

uint32_t key_of(KeyPool *pool, const char *text); /* NULL: KEY_NONE */
uint32_t key_count(const KeyPool *pool);          /* the highest number given out */

/* calloc and realloc that end the process rather than fail. */
void *check_zeroed(size_t count, size_t size);
void *check_resized(void *memory, size_t count, size_t size);
