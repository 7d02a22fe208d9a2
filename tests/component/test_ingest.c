/* SPDX-License-Identifier: Apache-2.0 */
/* From a feed to a real PostgreSQL: records and cursor move together or not at all, whatever dies,
 * fails or lies between two lines. */
#include "daemon/base/cleanup.h"
#include "daemon/base/fault.h"
#include "daemon/base/text.h"
#include "daemon/pipeline/ingest.h"
#include "daemon/store/round.h"
#include "tests/contract/feed_site.h"
#include "tests/harness/pg.h"
#include "tests/unit/suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "here"
#define AT_HEAD "114" /* the peer's last sequence number */

static PgCluster *cluster;

/* A database, a peer and a feed between them. */
typedef struct Bench {
    const char *database;
    Store *store;
    FeedPeer peer_feed;
    Peer *peer;
    FeedSite *site; /* only for its settings */
    IngestFeed feed;
    Arena *page;
    IngestResult result;
    Error err;
} Bench;

static const char *ask(const Bench *bench, const char *statement)
{
    return pg_ask(bench->database, statement);
}

static void is(const Bench *bench, const char *statement, const char *wanted)
{
    const char *got = ask(bench, statement);
    ck_assert_msg(strcmp(got, wanted) == 0, "%s: %s, not %s", statement, got, wanted);
}

static Bench *bench_new(void)
{
    Bench *bench = calloc(1, sizeof *bench);
    bench->database = pg_database(cluster);
    bench->peer_feed = (FeedPeer){.token = "token-one"};
    bench->peer = feed_peer_start(&bench->peer_feed, PEER_TLS_GOOD);
    bench->site = feed_site_new(feed_adapter("mef"), bench->peer, NULL);
    bench->page = arena_new(INGEST_PAGE_CAP);
    bench->feed = (IngestFeed){
        .name = NAME, .adapter = bench->site->adapter, .poll_interval_ms = 1000, .fall = 2};
    ck_assert_msg(store_open(bench->database, "poll", &bench->store, &bench->err), "%s",
                  bench->err.cause);
    ck_assert_msg(feed_register(bench->store, NAME, "b", &bench->err), "%s", bench->err.cause);
    ck_assert(feed_site_open(bench->site));
    bench->feed.self = bench->site->self;
    return bench;
}

static void bench_free(Bench *bench)
{
    store_close(bench->store);
    feed_site_free(bench->site);
    peer_stop(bench->peer);
    arena_free(bench->page);
    free(bench);
}

static bool one_page(Bench *bench)
{
    error_clear(&bench->err);
    arena_reset(bench->page);
    return ingest_page(bench->store, &bench->feed, bench->page, 12345, &bench->result, &bench->err);
}

static void read_all(Bench *bench)
{
    for (int pages = 0; pages < 100; pages++) {
        ck_assert_msg(one_page(bench), "%s %s", bench->err.context, bench->err.cause);
        ck_assert_msg(bench->result.outcome != INGEST_FAILED, "%s", bench->result.failure.cause);
        if (bench->result.outcome == INGEST_DONE)
            return;
    }
    ck_abort_msg("a hundred pages and no end");
}

/* What the feed holds in the end, with the versions that count. */
static void holds_everything(const Bench *bench)
{
    is(bench,
       "select string_agg(id || '.' || version, ' ' order by type collate \"C\", id) from "
       "mhsflow.source_record where not deleted",
       FEED_PEER_MARKER "1.3 " FEED_PEER_MARKER "2.1 " FEED_PEER_MARKER "3.1 " FEED_PEER_MARKER
                        "5.1 P1.1 P2.1 P3.1 P4.1 R1.2 R2.1");
    is(bench, "select seq || ' ' || complete from mhsflow.feed_state", AT_HEAD " true");
}

START_TEST(a_feed_ends_in_the_store)
{
    Bench *bench = bench_new();
    int moved = 0;
    bench->feed.rate = 120; /* pages a minute */
    do {
        ck_assert_msg(one_page(bench), "%s %s", bench->err.context, bench->err.cause);
        ck_assert_str_eq(bench->result.state, "ok");
        ck_assert(bench->result.outcome != INGEST_MORE || bench->result.wait_ms == 500);
        moved++;
        char count[16];
        snprintf(count, sizeof count, "%d", moved);
        is(bench, "select count(*) from mhsflow.audit_event where event = 'feed_advanced'", count);
    } while (bench->result.outcome == INGEST_MORE);
    ck_assert(bench->result.caught_up);
    ck_assert_int_ge(bench->result.wait_ms, 1000);
    holds_everything(bench);
    is(bench, "select state from mhsflow.feed_state", "ok");
    is(bench, "select count(distinct person) > 0 from mhsflow.work", "t");
    /* nothing new: no event, nothing moves */
    ck_assert(one_page(bench));
    ck_assert_int_eq(bench->result.outcome, INGEST_DONE);
    ck_assert(!bench->result.caught_up);
    char count[16];
    snprintf(count, sizeof count, "%d", moved);
    is(bench, "select count(*) from mhsflow.audit_event where event = 'feed_advanced'", count);
    bench_free(bench);
}
END_TEST

/* The child is killed at the named point of its `visit`-th page. */
static void read_until_killed(Bench *bench, const char *fault)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        Error err = {0};
        Store *store;
        IngestResult result;
        setenv("MHSFLOW_FAULT", fault, 1);
        bench->feed.self = NULL;
        if (!store_open(bench->database, "poll", &store, &err) ||
            !bench->site->adapter->open(NAME, bench->site->section, &bench->feed.self, &err))
            _exit(9);
        for (int pages = 0; pages < 100; pages++) {
            arena_reset(bench->page);
            if (!ingest_page(store, &bench->feed, bench->page, 1, &result, &err) ||
                result.outcome == INGEST_FAILED)
                _exit(8);
            if (result.outcome == INGEST_DONE)
                _exit(0);
        }
        _exit(7);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: status %x", fault,
                  status);
}

static const FaultPoint kill_points[] = {FAULT_POLL_BEFORE_FETCH, FAULT_POLL_AFTER_FETCH,
                                         FAULT_INGEST_BEFORE_COMMIT, FAULT_INGEST_AFTER_COMMIT};

/* At each point, at the first page, in a snapshot and in the change log; the next process goes on.
 */
START_TEST(a_kill_between_page_and_cursor_loses_nothing)
{
    static const int visits[] = {1, 3, 7};
    char fault[64], before[64];
    Bench *bench = bench_new();
    FaultPoint point = kill_points[_i / (int)COUNT_OF(visits)];
    snprintf(fault, sizeof fault, "%s:%d", fault_name(point), visits[_i % (int)COUNT_OF(visits)]);
    read_until_killed(bench, fault);
    /* records and cursor agree: as many pages as events, and no record newer than the cursor's page
     */
    snprintf(before, sizeof before, "%s", ask(bench, "select pages from mhsflow.feed_state"));
    is(bench, "select count(*) from mhsflow.audit_event where event = 'feed_advanced'", before);
    ck_assert_int_eq(strtol(before, NULL, 10), visits[_i % (int)COUNT_OF(visits)] -
                                                   (point == FAULT_INGEST_AFTER_COMMIT ? 0 : 1));
    read_all(bench);
    holds_everything(bench);
    bench_free(bench);
}
END_TEST

START_TEST(what_comes_twice_changes_nothing)
{
    Bench *bench = bench_new();
    read_all(bench);
    pg_ask(
        bench->database,
        "update mhsflow.feed_state set cursor = null, phase = '', epoch = null, complete = false");
    pg_ask(bench->database, "delete from mhsflow.work");
    int64_t stored = 0;
    do {
        ck_assert(one_page(bench));
        stored += bench->result.counts.stored;
    } while (bench->result.outcome == INGEST_MORE);
    ck_assert_int_eq(stored, 0);
    is(bench, "select count(*) from mhsflow.work", "0");
    holds_everything(bench);
    bench_free(bench);
}
END_TEST

START_TEST(a_feed_that_is_down_says_so_once_and_comes_back)
{
    Bench *bench = bench_new();
    ck_assert(one_page(bench));
    char cursor[600];
    snprintf(cursor, sizeof cursor, "%s",
             ask(bench, "select phase || cursor from mhsflow.feed_state"));
    bench->peer_feed.fault = FEED_FAULT_STATUS;
    bench->peer_feed.fault_path = "/";
    bench->peer_feed.fault_times = 1000;
    bench->peer_feed.status = "503 Service Unavailable";
    for (int i = 1; i <= INGEST_DOWN_AFTER + 2; i++) {
        ck_assert_msg(one_page(bench), "%s", bench->err.cause);
        ck_assert_int_eq(bench->result.outcome, INGEST_FAILED);
        ck_assert_str_eq(bench->result.state, i >= INGEST_DOWN_AFTER ? "down" : "late");
        ck_assert_int_gt(bench->result.wait_ms, 0);
        ck_assert_int_le(bench->result.wait_ms, INGEST_WAIT_CAP_MS);
    }
    is(bench, "select phase || cursor from mhsflow.feed_state", cursor);
    is(bench, "select last_error_code from mhsflow.feed_state", "feed.internal");
    is(bench,
       "select count(*) from mhsflow.audit_event where event = 'feed_changed' and fields::text "
       "like '%down%'",
       "1");
    bench->peer_feed.fault = FEED_FAULT_NONE;
    ck_assert(one_page(bench));
    ck_assert_str_eq(bench->result.state_before, "down");
    ck_assert_str_eq(bench->result.state, "ok");
    read_all(bench);
    holds_everything(bench);
    is(bench, "select failures from mhsflow.feed_state", "0");
    bench_free(bench);
}
END_TEST

START_TEST(a_wait_that_was_asked_for_is_kept)
{
    Bench *bench = bench_new();
    bench->peer_feed.fault = FEED_FAULT_STATUS;
    bench->peer_feed.fault_path = "/manifest";
    bench->peer_feed.fault_times = 1;
    bench->peer_feed.status = "429 Too Many Requests";
    bench->peer_feed.code = "rate_limited";
    bench->peer_feed.headers = "Retry-After: 40\r\n";
    ck_assert(one_page(bench));
    ck_assert_int_eq(bench->result.outcome, INGEST_FAILED);
    ck_assert_int_ge(bench->result.wait_ms, 40000);
    is(bench, "select next_poll > mhsflow.now() + interval '35 s' from mhsflow.feed_state", "t");
    bench_free(bench);
}
END_TEST

START_TEST(a_refusal_that_waiting_does_not_mend_stops_the_feed)
{
    Bench *bench = bench_new();
    bench->peer_feed.token = "another";
    ck_assert(one_page(bench));
    ck_assert_str_eq(bench->result.state, "stopped");
    ck_assert_str_eq(bench->result.failure.code, "feed.token_invalid");
    is(bench, "select state || ' ' || (remedy is not null) from mhsflow.feed_state",
       "stopped true");
    ck_assert_msg(feed_pause(bench->store, NAME, "tester", &bench->err), "%s", bench->err.cause);
    int asked = bench->peer_feed.requests;
    ck_assert(one_page(bench));
    ck_assert_int_eq(bench->result.outcome, INGEST_PAUSED);
    ck_assert_int_eq(bench->peer_feed.requests, asked);
    bench_free(bench);
}
END_TEST

START_TEST(a_bad_line_becomes_a_finding)
{
    Bench *bench = bench_new();
    bench->peer_feed.fault = FEED_FAULT_BAD_RECORD;
    bench->peer_feed.fault_path = "/changes";
    bench->peer_feed.fault_times = 1;
    read_all(bench);
    holds_everything(bench);
    is(bench, "select count(*) from mhsflow.finding where source = 'feed' and rule = 'change.id'",
       "1");
    is(bench, "select refused from mhsflow.feed_state", "1");
    bench_free(bench);
}
END_TEST

START_TEST(a_restored_feed_is_read_anew)
{
    Bench *bench = bench_new();
    read_all(bench);
    bench->peer_feed.epoch = 4;
    bool restarted = false;
    do {
        ck_assert(one_page(bench));
        ck_assert_msg(bench->result.outcome != INGEST_FAILED, "%s", bench->result.failure.cause);
        restarted = restarted || bench->result.restarted;
        if (bench->result.restarted)
            is(bench, "select complete from mhsflow.feed_state", "f");
    } while (bench->result.outcome == INGEST_MORE);
    ck_assert(restarted);
    holds_everything(bench);
    is(bench, "select count(*) from mhsflow.audit_event where event = 'feed_restarted'", "1");
    bench_free(bench);
}
END_TEST

/* One of ten is more than a few: it stays until a person says so. */
START_TEST(what_a_restored_feed_lost_waits_for_a_person)
{
    Bench *bench = bench_new();
    int64_t missing = 0;
    read_all(bench);
    bench->peer_feed.epoch = 4;
    bench->peer_feed.forgotten = 1;
    read_all(bench);
    holds_everything(bench);
    is(bench, "select missing || ' ' || (reconciled < round) from mhsflow.feed_state", "1 true");
    is(bench, "select count(*) from mhsflow.finding where rule = 'feed.missing'", "1");
    ck_assert(one_page(bench)); /* and again: told once */
    is(bench, "select count(*) from mhsflow.finding where rule = 'feed.missing'", "1");
    ck_assert_msg(round_allow(bench->store, NAME, "tester", &missing, &bench->err), "%s",
                  bench->err.cause);
    ck_assert_int_eq(missing, 1);
    ck_assert(one_page(bench));
    ck_assert_int_eq(bench->result.counts.deleted, 1);
    is(bench, "select deleted from mhsflow.source_record where id = 'P3'", "t");
    is(bench, "select count(*) from mhsflow.source_record where not deleted", "9");
    is(bench, "select missing || ' ' || (reconciled = round) from mhsflow.feed_state", "0 true");
    is(bench, "select count(*) from mhsflow.finding where rule = 'feed.missing'", "0");
    is(bench, "select count(*) from mhsflow.audit_event where event = 'feed_reconciled'", "2");
    error_clear(&bench->err);
    ck_assert(!round_allow(bench->store, NAME, "tester", &missing, &bench->err));
    ck_assert_str_eq(bench->err.code, "feed.nothing_missing");
    bench_free(bench);
}
END_TEST

/* ---- a feed of our own, for what no honest adapter hands over ---- */

#define MANY 120

typedef struct Scripted {
    const char *holds; /* what it holds back until it is allowed */
    Change changes[MANY];
    bool restart; /* answered once */
    size_t count;
    bool kill_database;    /* while the page is in memory */
    const char *meanwhile; /* SQL of a person, while the page is in memory */
    const char *database;  /* theirs */
} Scripted;

static bool scripted_fetch(void *self, Arena *arena, const FeedCursor *after, FeedPage *ret,
                           FeedWait *ret_wait, Error *err)
{
    Scripted *scripted = self;
    *ret_wait = (FeedWait){0};
    if (scripted->holds && !text_equal(after->allowed, scripted->holds)) {
        ret_wait->held = arena_text(arena, scripted->holds);
        return error_set(err, ERROR_CONFIG, "drop.fall", "it waits for a person");
    }
    *ret = (FeedPage){.changes = scripted->changes, .count = scripted->count};
    ret->next = (FeedCursor){
        .epoch = "e", .phase = "changes", .cursor = "C", .seq = after->seq + 5, .complete = true};
    if (scripted->restart) {
        scripted->restart = false;
        *ret = (FeedPage){.restart = true, .more = true};
    }
    if (scripted->kill_database) {
        scripted->kill_database = false;
        pg_kill(cluster);
    }
    if (scripted->meanwhile)
        pg_ask(scripted->database, scripted->meanwhile);
    scripted->meanwhile = NULL;
    return true;
}

static void scripted_close(void *self)
{
    (void)self;
}

static const FeedAdapter scripted_adapter = {
    .name = "scripted", .fetch = scripted_fetch, .close = scripted_close};

static void script(Bench *bench, Scripted *scripted)
{
    static const char *const ids[] = {"P1", "P2", "P3", "P4", "P5"};
    static const char *const records[] = {"{\"id\":\"P1\"}", "{\"id\":\"P2\"}", "{\"id\":\"P3\"}",
                                          "{\"id\":\"P4\"}", "{\"id\":\"P5\"}"};
    scripted->count = COUNT_OF(ids);
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        scripted->changes[i] = (Change){.op = CHANGE_UPSERT,
                                        .seq = (int64_t)i + 1,
                                        .version = 1,
                                        .type = "person",
                                        .id = ids[i],
                                        .json = records[i],
                                        .recorded_at = "2026-09-02T08:11:00.000Z"};
    bench->feed.adapter = &scripted_adapter;
    bench->feed.self = scripted;
}

START_TEST(a_few_that_a_restored_feed_lost_go_unasked)
{
    Bench *bench = bench_new();
    Scripted scripted = {.count = MANY};
    char ids[MANY][8], records[MANY][24];
    for (int i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof ids[i], "P%d", i);
        snprintf(records[i], sizeof records[i], "{\"id\":\"P%d\"}", i);
        scripted.changes[i] = (Change){.op = CHANGE_UPSERT,
                                       .seq = i + 1,
                                       .version = 1,
                                       .type = "person",
                                       .id = ids[i],
                                       .json = records[i]};
    }
    bench->feed.adapter = &scripted_adapter;
    bench->feed.self = &scripted;
    ck_assert_msg(one_page(bench), "%s %s", bench->err.code, bench->err.cause);
    is(bench, "select count(*) from mhsflow.source_record where not deleted", "120");
    scripted.restart = true;
    scripted.count = MANY - 2;
    ck_assert(one_page(bench) && bench->result.restarted);
    ck_assert_msg(one_page(bench), "%s %s", bench->err.code, bench->err.cause);
    is(bench, "select count(*) from mhsflow.source_record where not deleted", "118");
    is(bench, "select reconciled = round from mhsflow.feed_state", "t");
    is(bench, "select count(*) from mhsflow.audit_event where event = 'feed_reconciled'", "1");
    /* The server finds them again: the same versions, the same epoch. */
    scripted.count = MANY;
    ck_assert_msg(one_page(bench), "%s %s", bench->err.code, bench->err.cause);
    is(bench, "select count(*) from mhsflow.source_record where not deleted", "120");
    ck_assert_int_eq(bench->result.counts.stored, 2);
    bench_free(bench);
}
END_TEST

START_TEST(what_a_feed_holds_back_is_taken_once_a_person_allows_it)
{
    Bench *bench = bench_new();
    Scripted scripted = {.holds = "drop-one"};
    int64_t missing = 1;
    script(bench, &scripted);
    ck_assert(!round_allow(bench->store, NAME, "tester", &missing, &bench->err));
    ck_assert_str_eq(bench->err.code, "feed.nothing_missing");
    for (int i = 0; i < 2; i++) {
        ck_assert(one_page(bench));
        ck_assert_str_eq(bench->result.state, "stopped");
    }
    is(bench, "select held || (remedy like '%feed reconcile%') from mhsflow.feed_state",
       "drop-onetrue");
    is(bench, "select count(*) from mhsflow.audit_event where event = 'feed_changed'", "1");
    ck_assert_msg(round_allow(bench->store, NAME, "tester", &missing, &bench->err), "%s",
                  bench->err.cause);
    ck_assert_int_eq(missing, 0);
    scripted.holds = "drop-two"; /* another one came in its place: the word was not about it */
    ck_assert(one_page(bench));
    ck_assert_int_eq(bench->result.outcome, INGEST_FAILED);
    is(bench, "select held || ' ' || allowed from mhsflow.feed_state", "drop-two drop-one");
    ck_assert(round_allow(bench->store, NAME, "tester", &missing, &bench->err));
    ck_assert(one_page(bench));
    ck_assert_int_eq(bench->result.outcome, INGEST_DONE);
    is(bench,
       "select state || (held is null) || (allowed is null) || (remedy is null)"
       " from mhsflow.feed_state",
       "oktruetruetrue");
    is(bench,
       "select count(*) || min(fields ->> 'actor') from mhsflow.audit_event"
       " where event = 'feed_reconciled'",
       "2tester");
    bench_free(bench);
}
END_TEST

/* The share that may go unasked is the feed's own. */
START_TEST(a_feed_may_be_allowed_to_fall_further)
{
    Bench *bench = bench_new();
    bench->feed.fall = 10;
    read_all(bench);
    bench->peer_feed.epoch = 4;
    bench->peer_feed.forgotten = 1;
    read_all(bench);
    is(bench, "select missing || ' ' || records from mhsflow.feed_state", "0 9");
    bench_free(bench);
}
END_TEST

#define WISH "update mhsflow.feed_state set next_poll = mhsflow.now() - interval '1 second' "

START_TEST(a_wish_while_a_page_is_on_its_way_is_kept)
{
    Bench *bench = bench_new();
    bench->feed.poll_interval_ms = 86400000;
    Scripted scripted = {.database = bench->database, .meanwhile = WISH "returning 1"};
    script(bench, &scripted);
    ck_assert_msg(one_page(bench), "%s %s", bench->err.code, bench->err.cause);
    is(bench, "select seq || ' ' || (next_poll <= mhsflow.now()) from mhsflow.feed_state",
       "5 true");
    ck_assert(one_page(bench));
    is(bench, "select next_poll > mhsflow.now() from mhsflow.feed_state", "t");
    bench_free(bench);
}
END_TEST

/* A page of the round before would look like a whole new round that lacks nearly everything. */
START_TEST(a_page_that_was_asked_before_a_resync_is_not_taken_after_it)
{
    Bench *bench = bench_new();
    Scripted scripted = {.database = bench->database};
    script(bench, &scripted);
    ck_assert(one_page(bench));
    scripted.count = 1;
    scripted.meanwhile = WISH ", round = round + 1, epoch = null, phase = '', cursor = null, "
                              "seq = 0, complete = false returning 1";
    ck_assert_msg(one_page(bench), "%s %s", bench->err.code, bench->err.cause);
    ck_assert_int_eq(bench->result.outcome, INGEST_MORE);
    is(bench, "select complete || ' ' || seq from mhsflow.feed_state", "false 0");
    is(bench, "select count(*) from mhsflow.source_record where not deleted", "5");
    bench_free(bench);
}
END_TEST

START_TEST(a_record_that_cannot_be_stored_does_not_hold_up_the_others)
{
    Bench *bench = bench_new();
    Scripted scripted = {.kill_database = false};
    script(bench, &scripted);
    scripted.changes[1].json = "{\"id\":\"P2\",\"status\":\"\\u0000\"}";
    scripted.changes[3].json = "{\"id\":\"P4\"";
    ck_assert_msg(one_page(bench), "%s %s", bench->err.code, bench->err.cause);
    is(bench, "select string_agg(id, ' ' order by id) from mhsflow.source_record", "P1 P3 P5");
    is(bench,
       "select string_agg(record_id, ' ' order by record_id) from mhsflow.finding where rule = "
       "'feed.refused'",
       "P2 P4");
    is(bench, "select seq from mhsflow.feed_state", "5");
    bench_free(bench);
}
END_TEST

START_TEST(a_database_that_dies_under_a_page_gets_it_again)
{
    Bench *bench = bench_new();
    Scripted scripted = {.kill_database = true};
    script(bench, &scripted);
    ck_assert(!one_page(bench));
    ck_assert_int_eq(bench->err.kind, ERROR_LATER);
    pg_restart(cluster);
    Error err = {0};
    for (int i = 0; i < 100 && !store_ensure(bench->store, &err); i++)
        error_clear(&err);
    is(bench, "select count(*) from mhsflow.source_record", "0");
    is(bench, "select seq from mhsflow.feed_state", "0");
    ck_assert_msg(one_page(bench), "%s %s", bench->err.code, bench->err.cause);
    is(bench, "select count(*) from mhsflow.source_record", "5");
    is(bench, "select seq from mhsflow.feed_state", "5");
    bench_free(bench);
}
END_TEST

int main(void)
{
    cluster = pg_start();
    Suite *suite = suite_create("component/ingest");
    TCase *tcase = tcase_create("ingest");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_feed_ends_in_the_store);
    tcase_add_loop_test(tcase, a_kill_between_page_and_cursor_loses_nothing, 0,
                        (int)COUNT_OF(kill_points) * 3);
    tcase_add_test(tcase, what_comes_twice_changes_nothing);
    tcase_add_test(tcase, a_feed_that_is_down_says_so_once_and_comes_back);
    tcase_add_test(tcase, a_wait_that_was_asked_for_is_kept);
    tcase_add_test(tcase, a_refusal_that_waiting_does_not_mend_stops_the_feed);
    tcase_add_test(tcase, a_bad_line_becomes_a_finding);
    tcase_add_test(tcase, a_restored_feed_is_read_anew);
    tcase_add_test(tcase, what_a_restored_feed_lost_waits_for_a_person);
    tcase_add_test(tcase, a_few_that_a_restored_feed_lost_go_unasked);
    tcase_add_test(tcase, what_a_feed_holds_back_is_taken_once_a_person_allows_it);
    tcase_add_test(tcase, a_feed_may_be_allowed_to_fall_further);
    tcase_add_test(tcase, a_wish_while_a_page_is_on_its_way_is_kept);
    tcase_add_test(tcase, a_page_that_was_asked_before_a_resync_is_not_taken_after_it);
    tcase_add_test(tcase, a_record_that_cannot_be_stored_does_not_hold_up_the_others);
    tcase_add_test(tcase, a_database_that_dies_under_a_page_gets_it_again);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    pg_stop(cluster);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
