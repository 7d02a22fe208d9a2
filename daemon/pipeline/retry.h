/* SPDX-License-Identifier: Apache-2.0 */
/* When to try again: the one retry policy, and the circuit breaker of a route or feed.
 *
 * Everything here is a pure function of its arguments: chance and time come in as
 * numbers, so that a table can test every row and a fake clock can run a day. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RETRY_BASE_MS INT64_C(5000)          /* first wait is up to this */
#define RETRY_CAP_MS INT64_C(3600000)        /* our own waits never pass an hour */
#define RETRY_FLOOR_MS INT64_C(250)          /* and are never nothing */
#define RETRY_ASKED_CAP_MS INT64_C(86400000) /* Retry-After is obeyed up to 24 h */
#define RETRY_ASKED_SPREAD_MS INT64_C(1000)  /* and up to a second late, against lockstep */
#define RETRY_DEADLINE_SHARE 8               /* never wait more than 1/8 of what is left */

/* Full jitter: uniform over (0, min(cap, base * 2^(tries-1))], never below the floor.
 *
 * `tries`       failures so far, 1 for the first
 * `asked_ms`    what the other side asked for; 0: nothing.  Never earlier than this (capped at
 *               24 h); then `tries` plays no part
 * `left_ms`     until the deadline; 0 or less: none, or it has passed.  Our own waits shrink
 * towards it, what the other side asked for does not `random`      64 uniform bits */
int64_t retry_wait_ms(int tries, int64_t asked_ms, int64_t left_ms, uint64_t random);

/* A stopped route (credentials, trust, settings) is asked about once an hour, a quarter more or
 * less: until then nothing goes, and waiting alone mends nothing. */
#define RETRY_KNOCK_MS INT64_C(3600000)
int64_t retry_knock_ms(uint64_t random);

uint64_t retry_random(void); /* from the kernel */

/* After BREAKER_LIMIT transport failures in a row nothing is tried until `probe_at`; then one cheap
 * probe decides.  While it is open, no submission is charged an attempt. */
#define BREAKER_LIMIT 5
typedef struct Breaker {
    int failures; /* in a row */
    int probes;   /* failed since it opened */
    bool open;
    int64_t probe_at; /* clock_steady() microseconds; only while open */
} Breaker;

/* True when the state changed (log it then, and only then). */
bool breaker_failed(Breaker *breaker, int64_t now_steady, uint64_t random);
bool breaker_worked(Breaker *breaker);
bool breaker_may_probe(const Breaker *breaker, int64_t now_steady);
