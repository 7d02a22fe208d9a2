/* SPDX-License-Identifier: Apache-2.0 */
/* The schema: from nothing, from older, refused when newer; its rules, rights, clock and plans. */
#include "daemon/base/clock.h"
#include "daemon/store/migrate.h"
#include "daemon/store/source_private.h"
#include "daemon/store/submission_private.h"
#include "tests/component/store_case.h"

#include <pthread.h>
#include <string.h>

START_TEST(from_nothing_and_once_more)
{
    const char *empty = pg_empty(cluster);
    Store *none;
    MigrateState state;
    fails("store.no_schema", store_open(empty, "test", &none, err));
    ok(migrate_check(empty, &state, err));
    ck_assert_int_eq(state.found, 0);
    ok(migrate_run(empty, &state, err));
    ck_assert_int_eq(state.applied, migrate_newest());
    ok(migrate_run(empty, &state, err));
    ck_assert_int_eq(state.applied, 0);
    ok(store_open(empty, "test", &none, err));
    AuditVerdict verdict;
    ok(audit_verify(none, arena, &verdict, err));
    ck_assert_int_eq(verdict.events, migrate_newest());
    store_close(none);
}
END_TEST

/* Every older version, with a row of data in it where it has room for one. */
START_TEST(from_every_older_version)
{
    for (int from = 1; from < migrate_newest(); from++) {
        const char *old = pg_empty(cluster);
        MigrateState state;
        pg_ask(old, "create schema mhsflow; create table mhsflow.schema_version (version integer "
                    "primary key,"
                    " name text not null, program text not null, applied_at timestamptz not null)");
        for (int step = 0; step < from; step++)
            pg_ask(old,
                   arena_format(arena,
                                "set search_path = mhsflow; %s; insert into schema_version values"
                                " (%d, 'x', 'x', mhsflow.now())",
                                migrations[step].sql, step + 1));
        pg_ask(old, "insert into mhsflow.feed_state (feed, id_prefix) values ('feed-b', 'b');"
                    "insert into mhsflow.source_record (feed, type, id, version, round, owner, "
                    "person, record)"
                    " values ('feed-b', 'person', 'P1', 1, 1, 'P1', 'P1', '{}')");
        Store *none;
        fails("store.schema_older", store_open(old, "test", &none, err));
        ok(migrate_run(old, &state, err));
        ck_assert_int_eq(state.found, from);
        ck_assert_int_eq(state.applied, migrate_newest() - from);
        ck_assert_str_eq(pg_ask(old, "select belongs_to from mhsflow.source_person"), "P1");
    }
}
END_TEST

START_TEST(a_newer_schema_refuses_this_program)
{
    Store *none;
    MigrateState state;
    ask_text("insert into schema_version values (999, 'later', 'x', mhsflow.now())");
    fails("store.schema_newer", store_open(database, "test", &none, err));
    fails("store.schema_newer", migrate_run(database, &state, err));
}
END_TEST

static void *migrate_beside(void *conninfo)
{
    static MigrateState state;
    Error err = {0};
    return migrate_run(conninfo, &state, &err) ? NULL : conninfo;
}

START_TEST(two_programs_migrate_at_once)
{
    const char *empty = pg_empty(cluster);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, migrate_beside, (void *)(uintptr_t)empty);
    for (int i = 0; i < 3; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        ck_assert_ptr_null(failed);
    }
    ck_assert_str_eq(pg_ask(empty, "select count(*) from mhsflow.schema_version"),
                     arena_format(arena, "%d", migrate_newest()));
}
END_TEST

/* ---- states.def ---- */

START_TEST(the_database_allows_the_declared_moves_and_no_other)
{
    static const char *const states[] = {
#define STATE(name, text, meaning) text,
#include "daemon/store/states.def"
#undef STATE
    };
    static const int moves[][2] = {
#define MOVE(from, on, to, event, meaning) {SUBMISSION_##from, SUBMISSION_##to},
#include "daemon/store/states.def"
#undef MOVE
    };
    const char *rule =
        ask_text("select prosrc from pg_proc where proname = 'submission_state_check'");
    for (int from = 0; from < SUBMISSION_STATE_COUNT; from++)
        for (int to = 0; to < SUBMISSION_STATE_COUNT; to++) {
            bool declared = false;
            for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
                declared = declared || (moves[i][0] == from && moves[i][1] == to);
            bool allowed =
                strstr(rule, arena_format(arena, "('%s', '%s')", states[from], states[to])) != NULL;
            ck_assert_msg(declared == allowed, "%s to %s", states[from], states[to]);
        }
}
END_TEST

START_TEST(every_move_names_an_event_that_exists)
{
    static const char *const events[] = {
#define MOVE(from, on, to, event, meaning) event,
#include "daemon/store/states.def"
#undef MOVE
    };
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        ck_assert_ptr_nonnull(audit_event_meaning(events[i]));
}
END_TEST

START_TEST(a_forbidden_move_fails)
{
    build(store, "V1", 24321, NULL);
    ck_assert_str_eq(
        pg_ask_state(database, "update mhsflow.submission_queue set state = 'accepted'"), "23514");
    ck_assert_str_eq(
        pg_ask_state(database, "update mhsflow.submission_queue set state = 'cancelled'"), "");
    ck_assert_str_eq(pg_ask_state(database, "update mhsflow.submission_queue set state = 'ready'"),
                     "23514");
}
END_TEST

/* ---- clock ---- */

START_TEST(now_follows_the_programs_clock)
{
    const char *moved =
        arena_format(arena, "%s options='-c mhsflow.clock_offset=-86400000000'", database);
    ck_assert_str_eq(pg_ask(moved, "select mhsflow.now() < clock_timestamp() - interval '86399 s'"),
                     "t");
    int64_t now;
    ok(store_now(store, &now, err));
    ck_assert_int_lt(llabs(now - clock_wall()), 5 * CLOCK_SECOND);
}
END_TEST

START_TEST(dates_of_records_are_dates_or_nothing)
{
    static const struct {
        const char *text, *day;
    } cases[] = {{"2026-02-28", "2026-02-28"},
                 {"2028-02-29", "2028-02-29"},
                 {"2026-02-29", ""},
                 {"2026-04-31", ""},
                 {"2026-13-01", ""},
                 {"2026-00-10", ""},
                 {"2026-1-01", ""},
                 {"0000-01-01", ""},
                 {"today", ""},
                 {"2026-01-01T00:00", ""},
                 {"1999-12-31", "1999-12-31"},
                 {"", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(
            ask_text(arena_format(arena, "select coalesce(to_day('%s')::text, '')", cases[i].text)),
            cases[i].day);
}
END_TEST

/* ---- rights ---- */

static const struct {
    const char *role, *statement, *state;
} rights[] = {
    {"mhsflow_map", "delete from audit_event", "42501"},
    {"mhsflow_map", "update submission set route = 'x'", "42501"},
    {"mhsflow_map", "select count(*) from source_record", ""},
    {"mhsflow_map", "update feed_state set seq = 0", "42501"},
    {"mhsflow_poll", "select count(*) from submission_row", "42501"},
    {"mhsflow_poll", "delete from audit_event", "42501"},
    {"mhsflow_build", "delete from national_row", "42501"},
    {"mhsflow_build", "update source_record set version = 0", "42501"},
    {"mhsflow_submit", "select value from secret", "42501"},
    {"mhsflow_submit", "update national_row set fragment = ''", "42501"},
    {"mhsflow_submit", "delete from attempt", "42501"},
    {"mhsflow_read", "select value from secret", "42501"},
    {"mhsflow_read", "select count(*) from submission", ""},
    {"mhsflow_read", "insert into audit_event default values", "42501"},
    {"mhsflow_operate", "delete from submission", "42501"},
};

START_TEST(each_role_may_what_it_needs)
{
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        const char *statement = arena_format(arena, "set search_path = mhsflow; set role %s; %s",
                                             rights[i].role, rights[i].statement);
        ck_assert_msg(strcmp(pg_ask_state(database, statement), rights[i].state) == 0, "%s: %s",
                      rights[i].role, rights[i].statement);
    }
}
END_TEST

/* ---- plans ---- */

static const char *plan_of(const char *types, const char *statement, const char *arguments)
{
    return ask_text(arena_format(
        arena,
        "prepare pinned(%s) as %s; create function plan() returns text language plpgsql as $f$ "
        "declare line text;"
        " whole text := ''; begin for line in execute 'explain execute pinned(%s)' loop"
        " whole := whole || line || E'\\n'; end loop; return whole; end $f$; select plan()",
        types, statement, arguments));
}

START_TEST(a_claim_reads_the_ready_index_from_its_mark)
{
    ask_text("insert into submission overriding system value select i, 'd', 'V' || i, 24321, 1, 1, "
             "'r', 'consent', "
             "mhsflow.now(),"
             " mhsflow.now(), '', '', '', 0, 0, 0, 0, 0, 0, '', '', '', '', '', i::text from"
             " generate_series(1, 5000) i");
    ask_text("alter table submission_queue disable trigger submission_state;"
             "insert into submission_queue select i, i, case when i > 4000 then 'ready' else "
             "'accepted' end,"
             " false, 'r', mhsflow.now() + i * interval '1 s', mhsflow.now() from "
             "generate_series(1, 5000) i;"
             "analyze submission, submission_queue");
    const char *plan = plan_of("bigint, bigint, text, text, bigint, bigint",
                               submission_claim_statement(true), "100, 60000, ''h'', null, 1, 1");
    ck_assert_msg(strstr(plan, "submission_queue_ready"), "%s", plan);
    ck_assert_msg(strstr(plan, "Index Cond: (ROW(deadline, id)"), "%s", plan);
    ck_assert_msg(!strstr(plan, "Seq Scan on submission_queue"), "%s", plan);
}
END_TEST

START_TEST(a_page_probes_the_key_and_never_joins_a_whole_feed)
{
    ask_text("insert into feed_state (feed, id_prefix) values ('feed-b', 'b');"
             "insert into source_record (feed, type, id, version, round, owner, person, record) "
             "select 'feed-b',"
             " 'contact', i::text, 1, 1, 'P1', 'P1', '{}' from generate_series(1, 20000) i");
    /* Whether the planner knows the table or not. */
    for (int known = 0; known < 2; known++) {
        const char *lists =
            "''feed-b'', 1, array_fill(''contact''::text, array[5000]),"
            " array_fill(''x''::text, array[5000]), array_fill(1::bigint, array[5000]),"
            " array_fill(1::bigint, array[5000]), array_fill(1::bigint, array[5000]),"
            " array_fill(''o''::text, array[5000]), array_fill(''{}''::text, array[5000])";
        const char *plan =
            plan_of("text, bigint, text[], text[], bigint[], bigint[], bigint[], text[], text[]",
                    source_store_statement, lists);
        ck_assert_msg(!strstr(plan, "Seq Scan on source_record"), "%s", plan);
        ck_assert_msg(!strstr(plan, "Bitmap Heap Scan on source_record"), "%s", plan);
        ask_text("drop function plan(); analyze source_record");
    }
}
END_TEST

CASE_MAIN("store: schema", from_nothing_and_once_more, from_every_older_version,
          a_newer_schema_refuses_this_program, two_programs_migrate_at_once,
          the_database_allows_the_declared_moves_and_no_other,
          every_move_names_an_event_that_exists, a_forbidden_move_fails,
          now_follows_the_programs_clock, dates_of_records_are_dates_or_nothing,
          each_role_may_what_it_needs, a_claim_reads_the_ready_index_from_its_mark,
          a_page_probes_the_key_and_never_joins_a_whole_feed)
