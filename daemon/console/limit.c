/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets by address, in a table that does not grow. */
#include "daemon/console/limit.h"

#include "daemon/base/clock.h"
#include "daemon/base/text.h"

#include <stdio.h>

#define BUCKETS 256

typedef struct Bucket {
    char who[48];
    double left;
    int64_t at;
} Bucket;

struct Limit {
    double per_us, burst;
    Bucket buckets[BUCKETS];
};

Limit *limit_new(Arena *arena, int per_minute, int burst)
{
    Limit *limit = arena_alloc(arena, sizeof *limit);
    limit->per_us = per_minute / (60.0 * CLOCK_SECOND);
    limit->burst = burst;
    return limit;
}

/* Its own bucket, or that of whoever has not come for longest. */
static Bucket *find(Limit *limit, const char *who)
{
    Bucket *oldest = &limit->buckets[0];
    for (size_t i = 0; i < BUCKETS; i++) {
        Bucket *bucket = &limit->buckets[i];
        if (text_equal(bucket->who, who))
            return bucket;
        if (bucket->at < oldest->at)
            oldest = bucket;
    }
    *oldest = (Bucket){.left = limit->burst};
    snprintf(oldest->who, sizeof oldest->who, "%s", who);
    return oldest;
}

bool limit_take(Limit *limit, const char *who, int64_t now)
{
    Bucket *bucket = find(limit, who);
    if (bucket->at)
        bucket->left += (double)(now - bucket->at) * limit->per_us;
    if (bucket->left > limit->burst)
        bucket->left = limit->burst;
    bucket->at = now;
    if (bucket->left < 1)
        return false;
    bucket->left -= 1;
    return true;
}

void limit_give(Limit *limit, const char *who)
{
    find(limit, who)->left += 1;
}
