/* SPDX-License-Identifier: Apache-2.0 */
/* From a feed to the store: one page, one transaction. */
#include "daemon/pipeline/ingest.h"

#include "daemon/base/fault.h"
#include "daemon/base/text.h"
#include "daemon/net/http.h"
#include "daemon/pipeline/ingest_round.h"
#include "daemon/pipeline/retry.h"
#include "daemon/store/finding.h"

#define REMEDY_RECORD "correct the record in the case-management system, or ask its supplier to"

static Finding refusal_finding(const char *feed, const FeedRefusal *refused)
{
    return (Finding){.source = FINDING_FEED,
                     .rule = refused->code,
                     .severity = refused->note ? "note" : "warning",
                     .feed = feed,
                     .record_type = refused->type,
                     .record_id = refused->id,
                     .left_out = !refused->note,
                     .message = refused->text,
                     .remedy = refused->remedy ? refused->remedy : REMEDY_RECORD};
}

static bool keep_findings(Store *store, const char *feed, const FeedPage *page, Arena *arena,
                          Error *err)
{
    if (!page->refused_count)
        return true;
    Finding *findings = arena_array(arena, page->refused_count, sizeof *findings);
    for (size_t i = 0; i < page->refused_count; i++)
        findings[i] = refusal_finding(feed, &page->refused[i]);
    return finding_add(store, findings, page->refused_count, err);
}

/* ---- one page ---- */

static int64_t next_wait(const FeedPage *page, const IngestFeed *feed, uint64_t random)
{
    if (page->more)
        return feed->rate ? 60000 / feed->rate : 0;
    /* up to a tenth later, so that many sites do not ask in one second */
    int64_t spread = feed->poll_interval_ms / 10;
    return feed->poll_interval_ms + (spread ? (int64_t)(random % (uint64_t)spread) : 0);
}

static bool take_in(Store *store, const IngestFeed *feed, const FeedState *before,
                    const FeedPage *page, NextPoll next, Arena *arena, IngestResult *ret,
                    Error *err)
{
    SourceCounts *counts = &ret->counts;
    int64_t waiting = 0;
    if (!source_apply(store, feed->name, page->changes, page->count, counts, err))
        return false;
    if (page->sweep_before && !source_sweep(store, feed->name, page->sweep_before, counts, err))
        return false;
    for (size_t i = 0; i < page->refused_count; i++)
        counts->refused += !page->refused[i].note;
    if (page->next.complete &&
        !ingest_settle_round(store, feed->name, feed->fall, counts, &waiting, err))
        return false;
    ret->shrunk = before->missing ? 0 : waiting;
    counts->unknown_types = page->unknown_types;
    counts->unknown_fields = page->unknown_fields;
    bool news = counts->stored > counts->unchanged;
    return keep_findings(store, feed->name, page, arena, err) &&
           feed_save_page(store, feed->name, &page->next, counts, next, err) &&
           ((!news && page->more) ||
            feed_note_news(store, feed->name, news, feed->silence_ms, &ret->fell_silent, err));
}

/* False in *ret_stored: the feed was moved while the page was on its way, which is then nobody's.
 */
static bool store_page(Store *store, const IngestFeed *feed, const FeedState *before,
                       const FeedPage *page, Arena *arena, IngestResult *ret, bool *ret_stored,
                       Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    NextPoll next = {.in_ms = ret->wait_ms, .seen = before->next_poll};
    if (!store_begin(store, &transaction, err) || !feed_still_at(store, before, ret_stored, err))
        return false;
    if (!*ret_stored)
        return true;
    if (!(page->restart ? feed_restart(store, feed->name, page->why, NULL, err)
                        : take_in(store, feed, before, page, next, arena, ret, err)))
        return false;
    FAULT(INGEST_BEFORE_COMMIT);
    if (!store_commit(&transaction, err))
        return false;
    FAULT(INGEST_AFTER_COMMIT);
    return true;
}

static const char *remedy_of(const Error *failure, const char *held)
{
    if (held)
        return "If it is right, `mhsflow feed reconcile NAME --yes`; else have the source mended, "
               "then `mhsflow feed poll NAME`.";
    if (failure->kind != ERROR_CONFIG)
        return "Nothing, unless it lasts: then tell the supplier of the case-management system.";
    return "Correct what the error names (settings, credential, certificate), then `mhsflow feed "
           "poll`.";
}

static bool failed(Store *store, const char *feed, const FeedState *before, const Error *failure,
                   const FeedWait *asked, uint64_t random, IngestResult *ret, Error *err)
{
    if (text_equal(failure->code, http_failure_code(HTTP_FAILED_STOPPED))) {
        ret->outcome = INGEST_INTERRUPTED;
        return true;
    }
    int failures = before->failures + 1;
    bool stopped = failure->kind == ERROR_CONFIG;
    ret->outcome = INGEST_FAILED;
    ret->failure = *failure;
    ret->state = stopped ? "stopped" : failures >= INGEST_DOWN_AFTER ? "down" : "late";
    ret->wait_ms = INGEST_STOPPED_MS;
    if (!stopped) {
        ret->wait_ms = retry_wait_ms(failures, asked->wait_ms, 0, random);
        if (!asked->wait_ms && ret->wait_ms > INGEST_WAIT_CAP_MS)
            ret->wait_ms = INGEST_WAIT_CAP_MS / 2 + (int64_t)(random % (INGEST_WAIT_CAP_MS / 2));
    }
    return feed_save_failure(store, feed, ret->state, failure, remedy_of(failure, asked->held),
                             asked->held,
                             (NextPoll){.in_ms = ret->wait_ms, .seen = before->next_poll}, err);
}

bool ingest_page(Store *store, const IngestFeed *feed, Arena *arena, uint64_t random,
                 IngestResult *ret, Error *err)
{
    FeedState before = {0};
    FeedPage page = {0};
    FeedWait asked = {0};
    Error failure = {0};
    bool stored;
    *ret = (IngestResult){0};
    if (!feed_place(store, feed->name, arena, &before, err))
        return error_wrap(err, "reading the place in feed \"%s\"", feed->name);
    ret->state_before = ret->state = before.state;
    if (text_equal(before.state, "paused")) {
        ret->outcome = INGEST_PAUSED;
        ret->wait_ms = INGEST_STOPPED_MS;
        return true;
    }
    FAULT(POLL_BEFORE_FETCH);
    if (!feed->adapter->fetch(feed->self, arena, &before.cursor, &page, &asked, &failure))
        return failed(store, feed->name, &before, &failure, &asked, random, ret, err);
    FAULT(POLL_AFTER_FETCH);
    ret->wait_ms = next_wait(&page, feed, random);
    if (!store_page(store, feed, &before, &page, arena, ret, &stored, err))
        return error_wrap(err, "storing a page of feed \"%s\"", feed->name);
    if (!stored) {
        ret->outcome = INGEST_MORE;
        ret->wait_ms = 0;
        return true;
    }
    ret->outcome = page.more ? INGEST_MORE : INGEST_DONE;
    ret->state = "ok";
    ret->restarted = page.restart;
    ret->why = page.why;
    ret->caught_up = page.next.complete && !before.cursor.complete;
    ret->skew_ms = page.clock_skew_ms;
    return true;
}

bool ingest_open_failed(Store *store, const char *feed, const Error *failure, Error *err)
{
    return feed_save_failure(store, feed, "stopped", failure, remedy_of(failure, NULL), NULL,
                             (NextPoll){.in_ms = INGEST_STOPPED_MS}, err);
}
