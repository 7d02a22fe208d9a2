/* SPDX-License-Identifier: Apache-2.0 */
/* The retry policy. */
#include "daemon/pipeline/retry.h"

#include <stdlib.h>
#include <sys/random.h>

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Uniform over 1..span: the high half of a 128-bit product, whose bias is below 2^-38 here. */
static int64_t uniform(int64_t span, uint64_t random)
{
    return 1 + (int64_t)((unsigned __int128)random * (uint64_t)span >> 64);
}

int64_t retry_wait_ms(int tries, int64_t asked_ms, int64_t left_ms, uint64_t random)
{
    if (asked_ms > 0)
        return smaller(asked_ms, RETRY_ASKED_CAP_MS) + uniform(RETRY_ASKED_SPREAD_MS, random) - 1;
    /* 2^10 times the base is past the cap: a larger shift would only overflow. */
    int shift = tries < 1 ? 0 : tries > 10 ? 10 : tries - 1;
    int64_t span = smaller(RETRY_BASE_MS << shift, RETRY_CAP_MS);
    if (left_ms > 0)
        span = smaller(span, larger(RETRY_BASE_MS, left_ms / RETRY_DEADLINE_SHARE));
    return larger(RETRY_FLOOR_MS, uniform(span, random));
}

int64_t retry_knock_ms(uint64_t random)
{
    return RETRY_KNOCK_MS * 3 / 4 + uniform(RETRY_KNOCK_MS / 2, random);
}

uint64_t retry_random(void)
{
    uint64_t bits;
    /* Requests of up to 256 bytes are never cut short once the pool is up. */
    if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        abort();
    return bits;
}

bool breaker_failed(Breaker *breaker, int64_t now_steady, uint64_t random)
{
    bool was_open = breaker->open;
    if (breaker->failures < BREAKER_LIMIT)
        breaker->failures++;
    if (breaker->failures < BREAKER_LIMIT)
        return false;
    breaker->open = true;
    breaker->probes++;
    breaker->probe_at = now_steady + 1000 * retry_wait_ms(breaker->probes, 0, 0, random);
    return !was_open;
}

bool breaker_worked(Breaker *breaker)
{
    bool was_open = breaker->open;
    *breaker = (Breaker){0};
    return was_open;
}

bool breaker_may_probe(const Breaker *breaker, int64_t now_steady)
{
    return breaker->open && now_steady >= breaker->probe_at;
}
