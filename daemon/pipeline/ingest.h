/* SPDX-License-Identifier: Apache-2.0 */
/* From a feed to the store: one page, one transaction.
 *
 * Records and cursor move together or not at all, so nothing acknowledged is
 * lost and nothing is skipped; what comes twice is ignored by its version.  A
 * line that is no change, or a record that the database cannot hold, is set
 * aside with a finding (here, or by source_apply) and never holds up its page.  A feed that fails
 * is a result, not an error: the caller goes on with the next one. */
#pragma once

#include "adapters/adapter.h"
#include "daemon/store/source.h"

#define INGEST_PAGE_CAP ((size_t)48 << 20)  /* arena of one page */
#define INGEST_DOWN_AFTER 5                 /* failures in a row: late until then, then down */
#define INGEST_WAIT_CAP_MS INT64_C(900000)  /* a failing feed is asked again within 15 min */
#define INGEST_STOPPED_MS INT64_C(3600000)  /* a stopped one each hour, for what others mended */
#define INGEST_SKEW_WARN_MS INT64_C(120000) /* clocks this far apart are worth a word */

typedef struct IngestFeed {
    const char *name;
    const FeedAdapter *adapter;
    void *self;
    int64_t poll_interval_ms;
    int64_t rate;       /* pages a minute at most; 0: no ceiling */
    int64_t silence_ms; /* so long without anything new is silence; 0: never */
    int64_t fall;       /* so many per cent may go unasked when it was read anew */
} IngestFeed;

typedef enum IngestOutcome {
    INGEST_MORE,        /* a page is in; ask again at once */
    INGEST_DONE,        /* a page is in and no more waits */
    INGEST_FAILED,      /* nothing moved; `failure` says why, tried again after `wait_ms` */
    INGEST_INTERRUPTED, /* we were asked to stop while the feed was read: nothing happened */
    INGEST_PAUSED,      /* a person paused the feed: not asked */
} IngestOutcome;

typedef struct IngestResult {
    IngestOutcome outcome;
    SourceCounts counts;
    const char *state_before, *state; /* "ok" "late" "down" "stopped" "new" */
    bool restarted;                   /* the feed begins anew */
    const char *why;                  /* of that: our word for it */
    int64_t shrunk;                   /* so many records wait for a person, since this page */
    bool fell_silent;                 /* nothing new for too long, since this page */
    bool caught_up;                   /* complete, and was not before this page */
    int64_t wait_ms;                  /* until the feed is due again */
    int64_t skew_ms;
    Error failure; /* INGEST_FAILED */
} IngestResult;

/* False is our own failure (the database): nothing moved.  `random`: 64 uniform bits for the wait.
 * Texts of the result live in `arena`, which is the page's: reset it between two. */
bool ingest_page(Store *store, const IngestFeed *feed, Arena *arena, uint64_t random,
                 IngestResult *ret, Error *err);

/* The feed could not even be opened: kept and shown like a failure of its own. */
bool ingest_open_failed(Store *store, const char *feed, const Error *failure, Error *err);
