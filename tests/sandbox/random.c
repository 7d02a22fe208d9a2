/* SPDX-License-Identifier: Apache-2.0 */
/* Draws values by hashing a counter (SplitMix64's finaliser). */
#include "tests/sandbox/random.h"

static const uint64_t GOLDEN = UINT64_C(0x9e3779b97f4a7c15);

uint64_t random_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

uint64_t random_field(uint64_t seed, uint32_t kind, uint64_t index, uint32_t field)
{
    uint64_t value = random_mix(seed + GOLDEN);
    value = random_mix(value ^ (((uint64_t)kind << 32 | field) + GOLDEN));
    return random_mix(value ^ (index + GOLDEN));
}

uint32_t random_below(uint64_t draw, uint32_t bound)
{
    return (uint32_t)(((draw >> 32) * bound) >> 32);
}

const Weighted *random_pick(uint64_t draw, const Weighted *table, size_t count)
{
    uint32_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += table[i].weight;
    uint32_t left = random_below(draw, total);
    for (size_t i = 0; i + 1 < count; i++) {
        if (left < table[i].weight)
            return &table[i];
        left -= table[i].weight;
    }
    return &table[count - 1];
}
