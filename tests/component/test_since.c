/* SPDX-License-Identifier: Apache-2.0 */
/* A source that can only say "updated since", against PostgreSQL: whatever its rows do, late
 * commits, equal times and deletions included, the store ends equal to it.
 *
 * The source is made up here and shares no code with the adapter.  Its clock is its
 * own and moves by seconds, so that times are often equal. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "daemon/config/config.h"
#include "daemon/pipeline/ingest.h"
#include "daemon/store/round.h"
#include "tests/harness/peer.h"
#include "tests/harness/pg.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define NAME "here"
#define EACH 12 /* records of each type */
#define KINDS 3
#define SEEDS 3
#define STEPS 30

static PgCluster *cluster;
static const char *const kinds[KINDS] = {"person", "referral", "contact"};
static const char letters[] = "PRC";

typedef struct Row {
    bool live;
    int content;
    int64_t time; /* seconds, the source's */
} Row;

typedef struct Source {
    uint64_t random;
    int64_t now;
    Row rows[KINDS][EACH];
    int fail_percent;
    bool keyless;   /* goes on by time alone: its pages come again */
    int64_t behind; /* its clock is so many seconds slow */
    int requests;
} Source;

typedef struct Bench {
    Source source;
    PeerStep steps[5];
    Peer *peer;
    const char *database;
    Store *store;
    Arena *arena, *page;
    IngestFeed feed;
    IngestResult result;
    Error err;
} Bench;

static int below(Source *source, int limit)
{
    source->random = source->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((source->random >> 33) % (uint64_t)limit);
}

/* ---- what the source answers ---- */

static int64_t seconds_of(const char *text)
{
    struct tm tm = {0};
    return strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) ? (int64_t)timegm(&tm) : -1;
}

static const char *parameter(const char *head, const char *name, char *value, size_t size)
{
    const char *at = strstr(head, name);
    snprintf(value, size, "%.*s", at ? (int)strcspn(at + strlen(name), "& ") : 0,
             at ? at + strlen(name) : "");
    return value;
}

typedef struct Found {
    int index;
    int64_t time;
} Found;

static int in_order(const void *a, const void *b)
{
    const Found *one = a, *other = b;
    if (one->time != other->time)
        return one->time < other->time ? -1 : 1;
    return one->index - other->index;
}

static size_t find(const Source *source, int kind, int64_t since, int after, Found found[EACH])
{
    size_t count = 0;
    for (int i = 0; i < EACH; i++) {
        const Row *row = &source->rows[kind][i];
        bool behind = row->time > since || (row->time == since && i > after);
        if (row->live && behind)
            found[count++] = (Found){i, row->time};
    }
    qsort(found, count, sizeof *found, in_order);
    return count;
}

static void add_row(const Source *source, int kind, const Found *found, bool first, Text *body)
{
    char time[40];
    struct tm tm;
    time_t seconds = (time_t)found->time;
    const Row *row = &source->rows[kind][found->index];
    strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));
    text_addf(body, "%s{\"id\":\"%c%02d\",\"updated_at\":\"%s%s\",", first ? "" : ",",
              letters[kind], found->index, time, found->index % 2 ? "Z" : "+00:00");
    if (found->index % 3) /* fields in the row itself, or beneath */
        text_addf(body, "\"status\":\"v%d\"}", row->content);
    else
        text_addf(body, "\"record\":{\"id\":\"%c%02d\",\"status\":\"v%d\"}}", letters[kind],
                  found->index, row->content);
}

static char *answer(Source *source, const char *status, const char *body, size_t *ret_size)
{
    char headers[256], date[64];
    struct tm tm;
    time_t seconds = (time_t)(source->now - source->behind);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&seconds, &tm));
    snprintf(headers, sizeof headers,
             "Connection: close\r\nContent-Type: application/json\r\nDate: %s\r\n", date);
    return peer_make_answer(status, headers, body, strlen(body), ret_size);
}

static char *serve(void *data, const PeerRequest *request, size_t *ret_size)
{
    Source *source = data;
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Text body = text_new(arena, 1 << 18);
    Found found[EACH];
    char value[64];
    int kind = 0;
    source->requests++;
    if (below(source, 100) < source->fail_percent)
        return answer(source, "503 Service Unavailable", "{}", ret_size);
    while (kind < KINDS && !strstr(request->head, kinds[kind]))
        kind++;
    ck_assert_int_lt(kind, KINDS);
    ck_assert_ptr_null(
        strchr(parameter(request->head, "updated_since=", value, sizeof value), '+'));
    int64_t since = seconds_of(value);
    ck_assert_int_ge(since, 0);
    parameter(request->head, "after=", value, sizeof value);
    int after = *value && !source->keyless ? (int)strtol(value + 1, NULL, 10) : -1;
    size_t limit =
        (size_t)strtol(parameter(request->head, "limit=", value, sizeof value), NULL, 10);
    if (limit > 4)
        limit = 4; /* less than was asked for, without a word */
    size_t all = find(source, kind, since, after, found), count = all < limit ? all : limit;
    text_add(&body, "{\"data\":[");
    for (size_t i = 0; i < count; i++)
        add_row(source, kind, &found[i], i == 0, &body);
    text_add(&body, "]");
    if (kind == 1) /* some say whether there is more, some do not */
        text_addf(&body, ",\"has_more\":%s", count < all ? "true" : "false");
    text_add(&body, "}");
    return answer(source, "200 OK", text_get(&body), ret_size);
}

/* ---- what happens there ---- */

static void happen(Source *source)
{
    Row *row = &source->rows[below(source, KINDS)][below(source, EACH)];
    int what = below(source, 10);
    if (what < 2) {
        row->live = false;
        return;
    }
    /* stamped when it began, seen when it was committed */
    int64_t began = source->now - (what < 5 ? below(source, 40) : 0);
    if (row->live && row->time > began)
        began = row->time;
    row->time = began;
    row->live = true;
    row->content++;
}

static Bench *bench_new(uint64_t seed)
{
    Bench *bench = calloc(1, sizeof *bench);
    YamlNode *map;
    const Section *section;
    bench->source.random = seed * 7919 + 1;
    bench->source.now = clock_wall() / CLOCK_SECOND - 800;
    bench->steps[0] = (PeerStep){.act = PEER_ACCEPT};
    bench->steps[1] = (PeerStep){.act = PEER_EXPECT};
    bench->steps[2] = (PeerStep){.act = PEER_CALL, .call = serve, .data = &bench->source};
    bench->steps[3] = (PeerStep){.act = PEER_CLOSE};
    bench->steps[4] = (PeerStep){.act = PEER_GOTO};
    bench->peer = peer_start(PEER_TLS_GOOD, bench->steps, COUNT_OF(bench->steps));
    bench->arena = arena_new(4 << 20);
    bench->page = arena_new(INGEST_PAGE_CAP);
    bench->feed = (IngestFeed){.name = NAME,
                               .adapter = feed_adapter("updated_since"),
                               .poll_interval_ms = 1000,
                               .fall = 2};
    const OptionDecl *const tables[] = {feed_options, bench->feed.adapter->options};
    const char *text = arena_format(bench->arena,
                                    "name: here\nadapter: updated_since\nurl: %s\nca: %s\n"
                                    "types: [contact, person, referral]\noverlap: 1m\n",
                                    peer_url(bench->peer, "/api/"), peer_ca_path(bench->peer));
    ck_assert(yaml_parse("settings", text, strlen(text), bench->arena, &map, &bench->err));
    ck_assert_msg(section_read(map, tables, 2, bench->arena, &section, &bench->err), "%s",
                  bench->err.cause);
    ck_assert_msg(bench->feed.adapter->open(NAME, section, &bench->feed.self, &bench->err), "%s",
                  bench->err.cause);
    bench->database = pg_database(cluster);
    ck_assert(store_open(bench->database, "poll", &bench->store, &bench->err));
    ck_assert(feed_register(bench->store, NAME, "s", &bench->err));
    return bench;
}

static void bench_free(Bench *bench)
{
    bench->feed.adapter->close(bench->feed.self);
    store_close(bench->store);
    peer_stop(bench->peer);
    arena_free(bench->arena);
    arena_free(bench->page);
    free(bench);
}

static void pages(Bench *bench, int most)
{
    for (int i = 0; i < most; i++) {
        arena_reset(bench->page);
        ck_assert_msg(
            ingest_page(bench->store, &bench->feed, bench->page, 7, &bench->result, &bench->err),
            "%s %s", bench->err.code, bench->err.cause);
        if (bench->result.outcome == INGEST_DONE)
            return;
    }
}

/* One look from beginning to end. */
static void look(Bench *bench)
{
    bench->source.fail_percent = 0;
    do
        pages(bench, 1);
    while (bench->result.outcome == INGEST_MORE);
    ck_assert_msg(bench->result.outcome == INGEST_DONE, "%s %s", bench->result.failure.code,
                  bench->result.failure.cause);
}

static const char *truth(const Bench *bench)
{
    Text text = text_new(bench->arena, 1 << 16);
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < EACH; i++)
            if (bench->source.rows[kind][i].live)
                text_addf(&text, "%c%02d.v%d ", letters[kind], i,
                          bench->source.rows[kind][i].content);
    return text_get(&text);
}

/* Of those only that live at the source, when `known`. */
static const char *held(const Bench *bench, bool known)
{
    Text ids = text_new(bench->arena, 1 << 16);
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < EACH; i++)
            if (bench->source.rows[kind][i].live)
                text_addf(&ids, "%s'%c%02d'", ids.size ? "," : "", letters[kind], i);
    return pg_ask(
        bench->database,
        arena_format(bench->arena,
                     "select coalesce(string_agg(id || '.' || (record ->> 'status') || "
                     "' ', '' order by strpos('PRC', left(id, 1)), id), '')"
                     " from mhsflow.source_record where not deleted and (%s or id in (%s))",
                     known ? "false" : "true", ids.size ? text_get(&ids) : "''"));
}

#define REREAD_IS_DUE                                                                              \
    "update mhsflow.feed_state set cursor = regexp_replace(cursor, '^(\\d+~\\d+)~\\d+', '\\1~1') " \
    "returning 1"

static void equals(const Bench *bench, const char *got, const char *what)
{
    ck_assert_msg(strcmp(got, truth(bench)) == 0, "%s\nstore: %s\ntruth: %s", what, got,
                  truth(bench));
}

START_TEST(the_store_ends_equal_to_the_source)
{
    Bench *bench = bench_new((uint64_t)_i);
    int64_t missing;
    for (int step = 0; step < STEPS; step++) {
        for (int i = below(&bench->source, 6); i >= 0; i--)
            happen(&bench->source);
        bench->source.now += below(&bench->source, 3) ? below(&bench->source, 30) : 0;
        bench->source.fail_percent = 10;
        pages(bench, 1 + below(&bench->source, 12));
        if (below(&bench->source, 12) == 0 && bench->result.outcome == INGEST_DONE)
            pg_ask(bench->database, REREAD_IS_DUE);
    }
    bench->source.now += 2;
    look(bench);
    look(bench); /* the one before may have begun before the last event */
    equals(bench, held(bench, true), "before everything is read anew");
    ck_assert_str_eq(pg_ask(bench->database, "select complete from mhsflow.feed_state"), "t");
    pg_ask(bench->database, REREAD_IS_DUE);
    look(bench);
    if (round_allow(bench->store, NAME, "tester", &missing, &bench->err))
        look(bench);
    equals(bench, held(bench, false), "after");
    bench_free(bench);
}
END_TEST

/* Ten in one second, pages of four: by time alone the first four would come for ever. */
START_TEST(equal_times_over_more_than_a_page_are_all_read)
{
    Bench *bench = bench_new(1);
    for (int i = 0; i < EACH; i++)
        bench->source.rows[0][i] = (Row){true, 1, bench->source.now};
    look(bench);
    equals(bench, held(bench, false), "equal times");
    bench_free(bench);
    bench = bench_new(1);
    bench->source.keyless = true;
    for (int i = 0; i < EACH; i++)
        bench->source.rows[0][i] = (Row){true, 1, bench->source.now};
    pages(bench, 2);
    ck_assert_int_eq(bench->result.outcome, INGEST_FAILED);
    ck_assert_str_eq(bench->result.failure.code, "feed.cursor_loop");
    bench_free(bench);
}
END_TEST

/* Changed again in the second in which it was read: the time is the same, the content is not. */
START_TEST(an_edit_in_the_same_second_is_not_lost)
{
    Bench *bench = bench_new(1);
    bench->source.rows[0][3] = (Row){true, 1, bench->source.now};
    look(bench);
    bench->source.rows[0][3].content = 2;
    bench->source.now += 30;
    look(bench);
    equals(bench, held(bench, false), "an edit in the same second");
    /* and nothing moves while nothing happens */
    look(bench);
    ck_assert_int_eq(bench->result.counts.stored, bench->result.counts.unchanged);
    bench_free(bench);
}
END_TEST

START_TEST(clocks_too_far_apart_stop_the_feed)
{
    Bench *bench = bench_new(1);
    bench->source.behind = 1800;
    pages(bench, 1);
    ck_assert_str_eq(bench->result.state, "stopped");
    ck_assert_str_eq(bench->result.failure.code, "feed.clock");
    bench->source.behind = 0;
    look(bench);
    bench_free(bench);
}
END_TEST

/* Most of it is gone at once: that waits for a person. */
START_TEST(what_is_gone_goes_when_everything_is_read_anew)
{
    Bench *bench = bench_new(1);
    int64_t missing = 0;
    for (int i = 0; i < EACH; i++)
        bench->source.rows[0][i] = (Row){true, 1, bench->source.now};
    look(bench);
    bench->source.rows[0][0].live = bench->source.rows[0][1].live = false;
    look(bench);
    ck_assert_str_eq(
        pg_ask(bench->database, "select count(*) from mhsflow.source_record where not deleted"),
        "12");
    pg_ask(bench->database, REREAD_IS_DUE);
    look(bench);
    ck_assert_str_eq(pg_ask(bench->database, "select missing from mhsflow.feed_state"), "2");
    ck_assert(round_allow(bench->store, NAME, "tester", &missing, &bench->err));
    look(bench);
    equals(bench, held(bench, false), "deletions");
    bench_free(bench);
}
END_TEST

int main(void)
{
    cluster = pg_start();
    Suite *suite = suite_create("component/since");
    TCase *tcase = tcase_create("since");
    const char *asked = getenv("MHSFLOW_SEEDS");
    int seeds = asked ? (int)strtol(asked, NULL, 10) : SEEDS;
    printf("# %d seeds\n", seeds);
    fflush(stdout);
    tcase_set_timeout(tcase, 180);
    tcase_add_loop_test(tcase, the_store_ends_equal_to_the_source, 0, seeds);
    tcase_add_test(tcase, equal_times_over_more_than_a_page_are_all_read);
    tcase_add_test(tcase, an_edit_in_the_same_second_is_not_lost);
    tcase_add_test(tcase, clocks_too_far_apart_stop_the_feed);
    tcase_add_test(tcase, what_is_gone_goes_when_everything_is_read_anew);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    pg_stop(cluster);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
