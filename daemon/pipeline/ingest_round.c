/* SPDX-License-Identifier: Apache-2.0 */
/* After a feed was read anew. */
#include "daemon/pipeline/ingest_round.h"

#include "daemon/store/round.h"

#define BATCH 2000
#define BATCH_CAP ((size_t)8 << 20)

static void add(SourceCounts *all, const SourceCounts *more)
{
    all->changes += more->changes;
    all->stored += more->stored;
    all->deleted += more->deleted;
    all->people += more->people;
    all->orphans += more->orphans;
}

static bool delete_missing(Store *store, const char *feed, SourceCounts *counts, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(BATCH_CAP);
    for (;;) {
        Change *changes;
        size_t count;
        SourceCounts part = {0};
        arena_reset(arena);
        if (!round_missing(store, feed, BATCH, arena, &changes, &count, err))
            return false;
        if (!count)
            return true;
        if (!source_apply(store, feed, changes, count, &part, err))
            return false;
        if (part.stored != (int64_t)count)
            return error_set(err, ERROR_BUG, "ingest.round", "a record that is gone did not go");
        if (!round_mark_absent(store, feed, changes, count, err))
            return false;
        add(counts, &part);
    }
}

bool ingest_settle_round(Store *store, const char *feed, int64_t fall, SourceCounts *counts,
                         int64_t *ret_waiting, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(64 << 10);
    Round round;
    *ret_waiting = 0;
    if (!round_read(store, feed, arena, &round, err))
        return false;
    if (!round.open)
        return true;
    bool few = round.missing * 100 <= round.live * fall;
    if (!few && !round.allowed_by) {
        *ret_waiting = round.missing;
        return round_hold(store, feed, &round, err);
    }
    return delete_missing(store, feed, counts, err) && round_settle(store, feed, &round, err);
}
