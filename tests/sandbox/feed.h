/* SPDX-License-Identifier: Apache-2.0 */
/* The export feed MEF/1 over a caseload: what is visible now, in which epoch, and the pages of it.
 */
#ifndef SANDBOX_FEED_H
#define SANDBOX_FEED_H

#include <pthread.h>

#include "tests/sandbox/change_log.h"
#include "tests/sandbox/http.h"

enum {
    FEED_LIMIT_DEFAULT = 500,
    FEED_LIMIT_MOST = 5000,
    FEED_PAGE_BYTES = 8 * 1024 * 1024,
    FEED_WAIT_MOST = 30,
};

typedef struct Feed {
    const ChangeLog *log;
    char *token;
    uint64_t binding; /* ties cursors to this caseload */
    int64_t
        clock_offset;  /* added to the real clock: a caseload with a `--today` lives on that day */
    uint32_t rate;     /* requests a minute, 0 = no limit */
    const char *state; /* folder in which feed.json is kept */

    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint32_t epoch;
    uint32_t revealed; /* entries that can be seen */
    uint32_t expired;  /* entries at the beginning that are no longer kept */
    int64_t minute;    /* of the rate limit */
    uint32_t in_minute;
    bool stopping;
} Feed;

/* What one request sees: taken once, so that a page is of one moment. */
typedef struct FeedView {
    uint32_t epoch, revealed, expired;
} FeedView;

/* `tail`: how many entries are hidden at first; UINT32_MAX = the late ones. Goes on where an
 * earlier run over the same caseload stopped; another caseload in the same folder begins a new
 * epoch. */
bool feed_start(Feed *feed, const ChangeLog *log, uint32_t tail, uint32_t rate, const char *state,
                bool today_given);
void feed_stop(Feed *feed);
/* Ends the waits of long polls. */
void feed_wake(Feed *feed);

void feed_reveal(Feed *feed, uint32_t count);
/* As after a restore from a backup: a new epoch, and the last `lose` visible entries are not there
 * any more. */
void feed_new_epoch(Feed *feed, uint32_t lose);
/* Forgets the oldest `count` visible entries: their cursors answer 410. */
void feed_expire(Feed *feed, uint32_t count);
FeedView feed_view(Feed *feed);
void feed_write_state(Feed *feed, Buffer *out);

int64_t feed_now(const Feed *feed);
void feed_epoch_text(const Feed *feed, uint32_t epoch, Buffer *out);

/* The handler of the HTTP server; `user` is the Feed. */
void feed_handle(void *user, const HttpRequest *request, HttpAnswer *answer);

/* The routes, each in a file of its own. */
void feed_changes(Feed *feed, const HttpRequest *request, HttpAnswer *answer);
void feed_snapshot(Feed *feed, const HttpRequest *request, RecordType type, HttpAnswer *answer);
void feed_record(Feed *feed, const HttpRequest *request, RecordType type, const char *id,
                 HttpAnswer *answer);
void feed_digest(Feed *feed, const HttpRequest *request, RecordType type, HttpAnswer *answer);
void feed_manifest(Feed *feed, HttpAnswer *answer);

/* What pages share (feed_page.c). A page grows by lines until it is full. */
typedef struct FeedPage {
    Buffer *body;
    bool json;
    uint32_t limit;
    uint32_t count;
    int64_t from_seq, to_seq;
} FeedPage;

/* False: the answer is a problem already. */
bool feed_page_begin(const HttpRequest *request, HttpAnswer *answer, FeedPage *ret_page);
bool feed_page_full(const FeedPage *page, const LogEntry *next);
void feed_page_add(FeedPage *page, const ChangeLog *log, uint32_t at);
/* Opens the trailer (or JSON page object) with the members that all have; the caller adds its own,
 * then ends. */
void feed_page_trailer(Feed *feed, FeedPage *page, const FeedView *view, HttpAnswer *answer);
void feed_page_end(FeedPage *page);

#endif
