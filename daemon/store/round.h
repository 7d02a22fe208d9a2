/* SPDX-License-Identifier: Apache-2.0 */
/* A feed that was read anew (another epoch, an expired place, a person's wish): what of it we still
 * hold and it no longer has.
 *
 * Such records are deleted as if the feed had said so, but never more than a share
 * of all without a person's word: a server restored from an old copy has forgotten
 * what is true, and a truncated one never knew. */
#pragma once

#include "daemon/store/source.h"

typedef struct Round {
    bool open;              /* read anew, and what is missing is not settled */
    int64_t live, missing;  /* records; only when open */
    const char *allowed_by; /* the person who said yes; NULL: nobody */
} Round;

/* In a transaction, when the feed is complete. */
bool round_read(Store *store, const char *feed, Arena *arena, Round *ret, Error *err);
/* At most `most` of the missing, as deletions for source_apply(). */
bool round_missing(Store *store, const char *feed, size_t most, Arena *arena, Change **ret,
                   size_t *ret_count, Error *err);
/* Deleted because they were absent, not because the feed said so: should one come again, at
 * whatever version, it is taken. */
bool round_mark_absent(Store *store, const char *feed, const Change *changes, size_t count,
                       Error *err);
/* Settled: nothing is missing any more.  `deleted`: how many were; an audit event when any. */
bool round_settle(Store *store, const char *feed, const Round *round, Error *err);
/* Too many to go unasked: kept, counted, told once. */
bool round_hold(Store *store, const char *feed, const Round *round, Error *err);

/* A person's word: delete what is missing at the next look, and take what the feed holds back
 * (FeedState.held), just that.  A transaction of its own, audited; *ret_missing is how many records
 * waited.  CONFIG "feed.nothing_missing" when nothing waits. */
bool round_allow(Store *store, const char *feed, const char *actor, int64_t *ret_missing,
                 Error *err);
