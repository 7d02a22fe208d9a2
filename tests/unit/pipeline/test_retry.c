/* SPDX-License-Identifier: Apache-2.0 */
/* The retry policy, row by row, and its jitter as a property. */
#include "daemon/pipeline/retry.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "tests/unit/suite.h"

#define MOST UINT64_MAX
#define HOUR INT64_C(3600000)

START_TEST(waits_grow_to_the_cap_and_never_vanish)
{
    const struct {
        int tries;
        int64_t asked, left;
        uint64_t random;
        int64_t wanted;
    } rows[] = {
        /* full jitter: from the floor to 5 s, 10 s, 20 s … an hour */
        {1, 0, 0, MOST, 5000},
        {1, 0, 0, 0, RETRY_FLOOR_MS},
        {2, 0, 0, MOST, 10000},
        {3, 0, 0, MOST, 20000},
        {10, 0, 0, MOST, 2560000},
        {11, 0, 0, MOST, HOUR},
        {12, 0, 0, MOST, HOUR},
        {1000000, 0, 0, MOST, HOUR},
        {1000000, 0, 0, 0, RETRY_FLOOR_MS},
        {0, 0, 0, MOST, 5000},
        {-7, 0, 0, MOST, 5000},
        {11, 0, 0, MOST / 2, HOUR / 2},
        /* what the other side asks for: never earlier, at most a second later, capped at a day */
        {1, 1, 0, 0, 1},
        {1, 30000, 0, 0, 30000},
        {9, 30000, 0, MOST, 30999},
        {1, 86400000, 0, 0, 86400000},
        {1, 86400001, 0, 0, 86400000},
        {1, INT64_MAX, 0, MOST, 86400999},
        {1, -5, 0, MOST, 5000},
        /* the deadline draws our own waits in, not what was asked for */
        {11, 0, 8 * HOUR, MOST, HOUR},
        {11, 0, 80000, MOST, 10000},
        {11, 0, 1000, MOST, 5000},
        {11, 0, -1000, MOST, HOUR},
        {11, 120000, 80000, 0, 120000},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t got = retry_wait_ms(rows[i].tries, rows[i].asked, rows[i].left, rows[i].random);
        ck_assert_msg(got == rows[i].wanted, "row %zu: %lld", i, (long long)got);
    }
}
END_TEST

/* Kolmogorov-Smirnov against the uniform distribution: 10,000 waits are not in lockstep. */
static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

START_TEST(jitter_is_uniform)
{
    enum { COUNT = 10000 };
    static int64_t waits[COUNT];
    uint64_t state = 20261123;
    for (int i = 0; i < COUNT; i++) { /* splitmix64 */
        uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        waits[i] = retry_wait_ms(20, 0, 0, z ^ z >> 31);
    }
    qsort(waits, COUNT, sizeof *waits, compare);
    double worst = 0;
    for (int i = 0; i < COUNT; i++) {
        double apart = (double)waits[i] / RETRY_CAP_MS - (i + 0.5) / COUNT;
        apart = apart < 0 ? -apart : apart;
        worst = apart > worst ? apart : worst;
    }
    /* 1.63 / sqrt(10,000) is the 1 % point; the seed is fixed, so this cannot flicker. */
    ck_assert_msg(worst < 0.0163, "%f", worst);
}
END_TEST

START_TEST(chance_comes_from_the_kernel)
{
    ck_assert(retry_random() != retry_random() || retry_random() != retry_random());
}
END_TEST

START_TEST(the_breaker_opens_after_five_and_probes)
{
    Breaker breaker = {0};
    int64_t now = 1000 * CLOCK_SECOND;
    for (int i = 1; i < BREAKER_LIMIT; i++)
        ck_assert(!breaker_failed(&breaker, now, MOST));
    ck_assert(!breaker.open);
    ck_assert(!breaker_worked(&breaker)); /* in a row means in a row */
    for (int i = 1; i < BREAKER_LIMIT; i++)
        ck_assert(!breaker_failed(&breaker, now, MOST));
    ck_assert(breaker_failed(&breaker, now, MOST)); /* said once */
    ck_assert(breaker.open);
    ck_assert(!breaker_may_probe(&breaker, now));
    ck_assert(!breaker_may_probe(&breaker, now + 5 * CLOCK_SECOND - 1));
    ck_assert(breaker_may_probe(&breaker, now + 5 * CLOCK_SECOND));
    ck_assert(!breaker_failed(&breaker, now, MOST)); /* and not again */
    ck_assert(!breaker_may_probe(&breaker, now + 10 * CLOCK_SECOND - 1));
    ck_assert(breaker_may_probe(&breaker, now + 10 * CLOCK_SECOND));
    ck_assert(breaker_worked(&breaker));
    ck_assert(!breaker.open && !breaker_may_probe(&breaker, INT64_MAX));
}
END_TEST

/* A day without the receiver: probes stay few. */
START_TEST(a_day_away_costs_few_probes)
{
    Breaker breaker = {0};
    int64_t now = 0, end = 86400 * CLOCK_SECOND;
    int probes = 0;
    for (int i = 0; i < BREAKER_LIMIT; i++)
        breaker_failed(&breaker, now, MOST);
    while (breaker.probe_at < end) {
        now = breaker.probe_at;
        probes++;
        breaker_failed(&breaker, now, MOST);
    }
    ck_assert_int_le(probes, 34); /* ten while it doubles, then one an hour */
}
END_TEST

SUITE("pipeline/retry", waits_grow_to_the_cap_and_never_vanish, jitter_is_uniform,
      chance_comes_from_the_kernel, the_breaker_opens_after_five_and_probes,
      a_day_away_costs_few_probes);
