/* SPDX-License-Identifier: Apache-2.0 */
/* National rows: what is kept, ended, deleted; generations that never change once raised. */
#include "tests/component/store_case.h"

#include <pthread.h>
#include <string.h>

#define OCTOBER (2026 * 12 + 9)
#define NOVEMBER (2026 * 12 + 10)

static RowCounts put(const char *person, const RowIn *rows, size_t count, const Finding *findings,
                     size_t finding_count)
{
    RowCounts counts;
    PersonRows one = {"feed-b", person, rows, count, findings, finding_count};
    _cleanup_transaction_ Transaction transaction = {0};
    ok(store_begin(store, &transaction, err));
    ok(rows_put(store, &one, 1, "m1", "mhsds-6.0", &counts, err));
    ok(store_commit(&transaction, err));
    return counts;
}

static bool add_row(void *context, const RowOut *row, Error *err)
{
    Text *text = context;
    (void)err;
    text_addf(text, "%s/%s ", row->table, row->row_key);
    return true;
}

static const char *rows_at(const char *provider, Month month, int64_t generation)
{
    Text text = text_new(arena, 1 << 20);
    ok(rows_stream(store, provider, month, generation, add_row, &text, err));
    return text_get(&text);
}

static int64_t raise(const char *provider)
{
    int64_t generation;
    ok(provider_raise(store, provider, &generation, err));
    return generation;
}

START_TEST(equal_rows_are_left_alone)
{
    RowIn rows[] = {row_of("V1", "MHS001", "a", OCTOBER, NOVEMBER, "x"),
                    row_of("V1", "MHS101", "r", OCTOBER, NOVEMBER, "x")};
    RowCounts counts = put("P1", rows, 2, NULL, 0);
    ck_assert_int_eq(counts.inserted, 2);
    counts = put("P1", rows, 2, NULL, 0);
    ck_assert_int_eq(counts.kept, 2);
    ck_assert_int_eq(counts.inserted + counts.ended + counts.deleted, 0);
}
END_TEST

START_TEST(unbuilt_rows_go_without_a_trace_and_built_ones_end)
{
    RowIn old = row_of("V1", "MHS001", "a", NOVEMBER, NOVEMBER, "old");
    RowIn new = row_of("V1", "MHS001", "a", NOVEMBER, NOVEMBER, "new");
    put("P1", &old, 1, NULL, 0);
    ck_assert_int_eq(put("P1", &new, 1, NULL, 0).deleted, 1);
    ck_assert_int_eq(raise("V1"), 1);
    ck_assert_int_eq(put("P1", &old, 1, NULL, 0).ended, 1);
    ck_assert_int_eq(raise("V1"), 2);
    put("P1", NULL, 0, NULL, 0);
    ck_assert_int_eq(raise("V1"), 3);
    ck_assert_str_eq(
        ask_text("select string_agg(gen_from || '-' || coalesce(gen_to::text, ''), ' ' order by id)"
                 " from national_row"),
        "1-2 2-3");
    ck_assert_str_eq(rows_at("V1", NOVEMBER, 1), "MHS001/a ");
    ck_assert_str_eq(rows_at("V1", NOVEMBER, 3), "");
    ck_assert_str_eq(rows_at("V1", OCTOBER, 1), "");
}
END_TEST

START_TEST(repeated_rows_are_counted)
{
    RowIn rows[] = {row_of("V1", "MHS011", "a", NOVEMBER, NOVEMBER, "x"),
                    row_of("V1", "MHS011", "a", NOVEMBER, NOVEMBER, "x"),
                    row_of("V1", "MHS011", "a", NOVEMBER, NOVEMBER, "x")};
    put("P1", rows, 3, NULL, 0);
    RowCounts counts = put("P1", rows, 2, NULL, 0);
    ck_assert_int_eq(counts.kept, 2);
    ck_assert_int_eq(counts.deleted, 1);
}
END_TEST

START_TEST(a_move_to_another_provider_marks_both)
{
    RowIn here = row_of("V1", "MHS001", "a", OCTOBER, NOVEMBER, "x");
    RowIn there = row_of("V2", "MHS001", "a", NOVEMBER, NOVEMBER, "x");
    put("P1", &here, 1, NULL, 0);
    for (Month month = OCTOBER; month <= NOVEMBER; month++)
        build(store, "V1", month, NULL);
    ProviderMonth *months;
    size_t count;
    ok(months_dirty(store, NULL, arena, &months, &count, err));
    ck_assert_uint_eq(count, 0);
    put("P1", &there, 1, NULL, 0);
    ok(months_dirty(store, NULL, arena, &months, &count, err));
    ck_assert_uint_eq(count, 3);
    ok(months_dirty(store, "V1", arena, &months, &count, err));
    ck_assert_uint_eq(count, 2);
}
END_TEST

START_TEST(a_build_during_a_change_leaves_the_month_dirty)
{
    RowIn row = row_of("V1", "MHS001", "a", NOVEMBER, NOVEMBER, "x");
    RowIn more[] = {row, row_of("V1", "MHS001", "b", NOVEMBER, NOVEMBER, "x")};
    ProviderMonth *months;
    size_t count;
    put("P1", &row, 1, NULL, 0);
    int64_t generation = raise("V1");
    put("P1", more, 2, NULL, 0);
    _cleanup_transaction_ Transaction transaction = {0};
    ok(store_begin(store, &transaction, err));
    ok(month_built(store, "V1", NOVEMBER, generation, err));
    ok(store_commit(&transaction, err));
    ok(months_dirty(store, "V1", arena, &months, &count, err));
    ck_assert_uint_eq(count, 1);
    ck_assert_int_gt(months[0].dirty_since, 0);
}
END_TEST

START_TEST(rows_come_in_the_order_of_their_bytes)
{
    RowIn rows[] = {row_of("V1", "MHS101", "a", NOVEMBER, NOVEMBER, "x"),
                    row_of("V1", "MHS001", "b", NOVEMBER, NOVEMBER, "x"),
                    row_of("V1", "MHS001", "a", NOVEMBER, NOVEMBER, "x"),
                    row_of("V1", "MHS001", "B", NOVEMBER, NOVEMBER, "x"),
                    row_of("V1", "MHS001", "a1", NOVEMBER, NOVEMBER, "x")};
    put("P1", rows, 5, NULL, 0);
    raise("V1");
    ck_assert_str_eq(rows_at("V1", NOVEMBER, 1), "MHS001/B MHS001/a MHS001/a1 MHS001/b MHS101/a ");
}
END_TEST

/* ---- a mapper's commit, delayed past a build ---- */

typedef struct Raiser {
    Store *store;
    int64_t generation;
    int finished;
} Raiser;

static void *raise_beside(void *argument)
{
    Raiser *raiser = argument;
    Error err = {0};
    if (provider_raise(raiser->store, "V1", &raiser->generation, &err))
        __atomic_store_n(&raiser->finished, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

START_TEST(a_build_waits_for_mappers_in_flight)
{
    RowIn first = row_of("V1", "MHS001", "a", NOVEMBER, NOVEMBER, "x");
    RowIn late = row_of("V1", "MHS001", "late", NOVEMBER, NOVEMBER, "x");
    put("P1", &first, 1, NULL, 0);
    Raiser raiser = {0};
    pthread_t thread;
    ok(store_open(database, "build", &raiser.store, err));
    RowCounts counts;
    PersonRows person = {.feed = "feed-b", .person = "P2", .rows = &late, .row_count = 1};
    _cleanup_transaction_ Transaction transaction = {0};
    ok(store_begin(store, &transaction, err));
    ok(rows_put(store, &person, 1, "m1", "mhsds-6.0", &counts, err));
    pthread_create(&thread, NULL, raise_beside, &raiser);
    /* Until the build is seen waiting for our lock. */
    for (int i = 0; i < 1000; i++)
        if (ask_number("select count(*) from pg_locks where locktype = 'advisory' and not granted"))
            break;
    ck_assert_int_eq(
        ask_number("select count(*) from pg_locks where locktype = 'advisory' and not granted"), 1);
    ck_assert(!__atomic_load_n(&raiser.finished, __ATOMIC_SEQ_CST));
    ok(store_commit(&transaction, err));
    pthread_join(thread, NULL);
    ck_assert(raiser.finished);
    /* It came before, so it is in; what comes now is not. */
    ck_assert_str_eq(rows_at("V1", NOVEMBER, raiser.generation), "MHS001/a MHS001/late ");
    RowIn after = row_of("V1", "MHS001", "after", NOVEMBER, NOVEMBER, "x");
    put("P3", &after, 1, NULL, 0);
    ck_assert_str_eq(rows_at("V1", NOVEMBER, raiser.generation), "MHS001/a MHS001/late ");
    store_close(raiser.store);
}
END_TEST

/* ---- findings beside rows ---- */

static bool add_finding(void *context, const Finding *finding, Error *err)
{
    Text *text = context;
    (void)err;
    text_addf(text, "%s ", finding->rule);
    return true;
}

static const char *findings(const FindingFilter *filter)
{
    Text text = text_new(arena, 1 << 20);
    ok(finding_list(store, filter, add_finding, &text, err));
    return text_get(&text);
}

START_TEST(findings_come_and_go_with_rows)
{
    Finding two[] = {{.source = FINDING_CHECK,
                      .rule = "MHS00101",
                      .severity = "record rejected",
                      .provider = "V1",
                      .table = "MHS001",
                      .left_out = true,
                      .message = "blank"},
                     {.source = FINDING_POLICY, .rule = "unknown_gp", .severity = "note"},
                     {.source = FINDING_CHECK,
                      .rule = "MHS10101",
                      .severity = "record rejected",
                      .provider = "V1",
                      .table = "MHS101",
                      .cause_rule = "MHS00101",
                      .cause_table = "MHS001",
                      .left_out = true,
                      .message = "fell"}};
    put("P1", NULL, 0, two, 3);
    put("P1", NULL, 0, two, 3);
    ck_assert_str_eq(findings(&(FindingFilter){0}), "MHS00101 MHS10101 unknown_gp ");
    ck_assert_str_eq(findings(&(FindingFilter){.only_left_out = true, .source = "check"}),
                     "MHS00101 MHS10101 ");
    FindingGroup *groups;
    size_t count;
    ok(finding_groups(store, &(FindingFilter){0}, arena, &groups, &count, err));
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(groups[0].rule, "MHS00101");
    ck_assert_str_eq(groups[0].message, "blank");
    ck_assert_int_eq(groups[0].findings, 2);
    ck_assert_int_eq(groups[0].people, 1);
    raise("V1");
    put("P1", NULL, 0, two, 1);
    ck_assert_str_eq(findings(&(FindingFilter){0}), "MHS00101 ");
    ck_assert_str_eq(findings(&(FindingFilter){.past = true}), "MHS00101 MHS10101 ");
}
END_TEST

START_TEST(a_row_can_be_traced)
{
    RowIn row = row_of("V1", "MHS001", "bP1", NOVEMBER, NOVEMBER, "x");
    RowTrace *traces;
    size_t count;
    put("P1", &row, 1, NULL, 0);
    ok(rows_of_person(store, "feed-b", "P1", false, arena, &traces, &count, err));
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(traces[0].lineage, row.lineage);
    ck_assert_str_eq(traces[0].mapping_version, "m1");
    ok(rows_by_key(store, "V1", "MHS001", "bP1", false, arena, &traces, &count, err));
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(traces[0].person, "P1");
}
END_TEST

CASE_MAIN("store: rows", equal_rows_are_left_alone,
          unbuilt_rows_go_without_a_trace_and_built_ones_end, repeated_rows_are_counted,
          a_move_to_another_provider_marks_both, a_build_during_a_change_leaves_the_month_dirty,
          rows_come_in_the_order_of_their_bytes, a_build_waits_for_mappers_in_flight,
          findings_come_and_go_with_rows, a_row_can_be_traced)
