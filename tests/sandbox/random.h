/* SPDX-License-Identifier: Apache-2.0 */
/* Counter-based randomness: a value is a pure function of (seed, kind, index, field).
 *
 * There is no state, so any field of any record can be drawn alone, in any order, on any machine,
 * with the same result. Integers only: floating point would differ between compilers. */
#ifndef SANDBOX_RANDOM_H
#define SANDBOX_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct Weighted {
    uint32_t weight;
    const char *value; /* NULL = blank */
} Weighted;

uint64_t random_mix(uint64_t value);
uint64_t random_field(uint64_t seed, uint32_t kind, uint64_t index, uint32_t field);
/* Maps a draw onto 0 … bound-1. */
uint32_t random_below(uint64_t draw, uint32_t bound);
/* Picks one of a table whose weights sum to `total`. */
const Weighted *random_pick(uint64_t draw, const Weighted *table, size_t count);

#define RANDOM_PICK(draw, table)                                                                   \
    (random_pick((draw), (table), sizeof(table) / sizeof((table)[0]))->value)

#endif
