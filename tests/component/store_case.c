/* SPDX-License-Identifier: Apache-2.0 */
/* Short words for tests of the store. */
#include "tests/component/store_case.h"

#include "daemon/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

PgCluster *cluster;
double case_timeout = 60;
const char *database;
Store *store;
Arena *arena;

static void before(void)
{
    arena = arena_new((size_t)256 << 20);
    database = pg_database(cluster);
    ok(store_open(database, "test", &store, err));
}

static void after(void)
{
    store_close(store);
    arena_free(arena);
}

static TCase *new_case(Suite *suite, const TTest *test)
{
    TCase *tcase = tcase_create(test->name);
    tcase_add_checked_fixture(tcase, before, after);
    tcase_set_timeout(tcase, case_timeout);
    suite_add_tcase(suite, tcase);
    return tcase;
}

int case_run(const char *name, const TTest *const *tests, size_t count)
{
    return case_run_loop(name, tests, count, NULL, 0);
}

int case_run_loop(const char *name, const TTest *const *tests, size_t count, const TTest *loop,
                  size_t loops)
{
    cluster = pg_start();
    Suite *suite = suite_create(name);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(new_case(suite, tests[i]), tests[i]);
    if (loop)
        tcase_add_loop_test(new_case(suite, loop), loop, 0, (int)loops);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    pg_stop(cluster);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

const char *ask_text(const char *statement)
{
    char conninfo[400];
    snprintf(conninfo, sizeof conninfo, "%s options='-c search_path=mhsflow'", database);
    return arena_text(arena, pg_ask(conninfo, statement));
}

int64_t ask_number(const char *statement)
{
    return strtoll(ask_text(statement), NULL, 10);
}

Change upsert(const char *type, const char *id, int64_t version, const char *json)
{
    static int64_t seq;
    return (Change){.op = json ? CHANGE_UPSERT : CHANGE_DELETE,
                    .seq = ++seq,
                    .version = version,
                    .type = type,
                    .id = id,
                    .org = "O-L1",
                    .recorded_at = "2026-09-02T08:11:00.000Z",
                    .json = json};
}

SourceCounts take_page(Store *on, const char *feed, const Change *changes, size_t count)
{
    SourceCounts counts;
    char prefix[2] = {feed[strlen(feed) - 1], '\0'};
    ok(feed_register(on, feed, prefix, err));
    _cleanup_transaction_ Transaction transaction = {0};
    FeedCursor cursor = {.epoch = "e1",
                         .phase = "changes",
                         .cursor = "c",
                         .seq = changes[count - 1].seq,
                         .head_seq = changes[count - 1].seq,
                         .complete = true};
    ok(store_begin(on, &transaction, err));
    ok(source_apply(on, feed, changes, count, &counts, err));
    ok(feed_save_page(on, feed, &cursor, &counts, (NextPoll){1000, 0}, err));
    ok(store_commit(&transaction, err));
    return counts;
}

void take_person(const char *feed, int number, const char *consent_status)
{
    const char *person = arena_format(arena, "P%07d", number);
    const char *referral = arena_format(arena, "R%07d", number);
    const char *consent = arena_format(arena, "K%07d", number);
    const char *contact = arena_format(arena, "C%07d", number);
    take(feed, upsert("person", person, 1, arena_format(arena, "{\"id\":\"%s\"}", person)),
         upsert("consent", consent, 1,
                arena_format(
                    arena,
                    "{\"id\":\"%s\",\"person\":\"%s\",\"purpose\":\"mhsds\",\"status\":\"%s\","
                    "\"valid_from\":\"2026-04-01\"}",
                    consent, person, consent_status)),
         upsert("referral", referral, 1,
                arena_format(arena, "{\"id\":\"%s\",\"person\":\"%s\",\"org\":\"O-L1\"}", referral,
                             person)),
         upsert("contact", contact, 1,
                arena_format(arena, "{\"id\":\"%s\",\"referral\":\"%s\"}", contact, referral)));
}

RowIn row_of(const char *provider, const char *table, const char *key, Month first, Month last,
             const char *content)
{
    const char *fragment = arena_format(arena, "<%s>%s %s</%s>\n", table, key, content, table);
    uint8_t *digest = arena_alloc(arena, DIGEST_SIZE);
    digest_bytes(fragment, strlen(fragment), digest);
    return (RowIn){.provider = provider,
                   .table = table,
                   .table_order = (int)strtol(table + 3, NULL, 10),
                   .person_key = key,
                   .row_key = key,
                   .first_month = first,
                   .last_month = last,
                   .fragment = fragment,
                   .fragment_size = strlen(fragment),
                   .digest = digest,
                   .lineage = "{\"LocalPatientID\":\"person/id\"}"};
}

size_t map_all(Store *on, const char *provider, Month first, Month last)
{
    size_t done = 0, count;
    WorkItem *items;
    for (;;) {
        ok(work_claim(on, 100, 60000, arena, &items, &count, err));
        if (!count)
            return done;
        PersonRows *people = arena_array(arena, count, sizeof *people);
        PersonBasis *basis = arena_array(arena, count, sizeof *basis);
        RecordList *lists = arena_array(arena, count, sizeof *lists);
        ok(work_records(on, items, count, "mhsds", arena, lists, basis, err));
        for (size_t i = 0; i < count; i++) {
            RowIn *row = arena_alloc(arena, sizeof *row);
            *row = row_of(provider, "MHS001", items[i].person, first, last, "mapped");
            bool open = basis[i].decision == CONSENT_GIVEN && !basis[i].restricted;
            people[i] = (PersonRows){
                .feed = items[i].feed, .person = items[i].person, .rows = row, .row_count = open};
        }
        _cleanup_transaction_ Transaction transaction = {0};
        RowCounts counts;
        ok(store_begin(on, &transaction, err));
        ok(rows_put(on, people, count, "m1", "mhsds-6.0", &counts, err));
        ok(work_done(on, items, count, err));
        ok(store_commit(&transaction, err));
        done += count;
    }
}

int64_t build(Store *on, const char *provider, Month period, const char *held_reason)
{
    int64_t generation, id;
    int revision;
    uint8_t digest[DIGEST_SIZE] = {1};
    ok(provider_raise(on, provider, &generation, err));
    digest[1] = (uint8_t)generation;
    _cleanup_transaction_ Transaction transaction = {0};
    SubmissionNew new = {.data_set = "mhsds-6.0",
                         .provider = provider,
                         .period = period,
                         .generation = generation,
                         .held_reason = held_reason,
                         .route = "sandbox",
                         .legal_basis = "consent",
                         .deadline = INT64_C(1800000000) * CLOCK_SECOND + period,
                         .document_created = "2026-11-23T02:00:00",
                         .document_digest = digest,
                         .content_digest = digest,
                         .document_size = 100,
                         .counts = {1, 1, 1, 1},
                         .pack_version = "6.0",
                         .format_version = "1",
                         .mapping_version = "m1",
                         .program_version = "0.1.0",
                         .spool_name = "x.xml"};
    ok(store_begin(on, &transaction, err));
    ok(submission_insert(on, &new, &id, &revision, err));
    ok(month_built(on, provider, period, generation, err));
    ok(store_commit(&transaction, err));
    return id;
}

SubmissionClaim claim_one(Store *on)
{
    SubmissionClaim *claims;
    size_t count;
    SubmissionCursor cursor = {0};
    ok(submission_claim(on, &cursor, NULL, 1, 60000, arena, &claims, &count, err));
    ck_assert_uint_eq(count, 1);
    return claims[0];
}

bool intend(Store *on, const SubmissionClaim *claim)
{
    bool open;
    int attempt;
    ok(submission_intent(on, claim->info.id, claim->fence, &open, &attempt, err));
    return open;
}

SubmissionState settle(Store *on, const SubmissionClaim *claim, Outcome outcome)
{
    SubmissionState state;
    Settlement settlement = {.outcome = outcome, .code = "test", .status = 200};
    ok(submission_settle(on, claim->info.id, claim->fence, &settlement, &state, err));
    return state;
}
