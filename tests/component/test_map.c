/* SPDX-License-Identifier: Apache-2.0 */
/* From records in the store to rows in the store: gate, mapping, national rules, months, one
 * transaction. */
#include "tests/component/map_case.h"

#define BORN "\"birth_date\":\"1988-04-09\""

START_TEST(rows_hold_for_their_months)
{
    Bench *bench = bench_open("");
    take_references("feed-b");
    take_whole_person("feed-b", "P1", 1, "given", BORN);
    ck_assert_uint_eq(map_everyone(bench), 1);
    ck_assert_int_eq(ask_number("select count(*) from work"), 0);
    /* September to November: one row each for the person, the practice, the referral; the contact
     * in October. */
    ck_assert_str_eq(
        ask_text("select string_agg(table_code || ' ' || row_key || ' ' || first_month || '-' || "
                 "last_month,"
                 " ', ' order by table_code) from national_row where gen_to is null"),
        arena_format(
            arena,
            "MHS001 bP1 %d-%d, MHS002 bP1|Z9X001| %d-%d, MHS101 bRP1 %d-%d, MHS201 bCP1 %d-%d",
            2026 * 12 + 8, 2026 * 12 + 10, 2026 * 12 + 8, 2026 * 12 + 10, 2026 * 12 + 8,
            2026 * 12 + 10, 2026 * 12 + 9, 2026 * 12 + 9));
    ck_assert_int_eq(ask_number("select count(*) from finding where rule = 'nhs_number_missing'"),
                     1);
    ck_assert_int_ge(
        ask_number("select count(*) from finding where source = 'check' and rule = 'MHS00111'"), 1);
    mapper_free(bench->mapper);
}
END_TEST

START_TEST(a_closed_gate_takes_all_rows_out)
{
    Bench *bench = bench_open("");
    take_references("feed-b");
    take_whole_person("feed-b", "P1", 1, "given", BORN);
    map_everyone(bench);
    take("feed-b",
         upsert("consent", "KP1", 2,
                "{\"id\":\"KP1\",\"person\":\"P1\",\"purpose\":\"mhsds\",\"status\":\"withdrawn\","
                "\"valid_from\":\"2020-02-01\"}"));
    ck_assert_uint_eq(map_everyone(bench), 1);
    ck_assert_int_eq(ask_number("select count(*) from national_row where gen_to is null"), 0);
    ck_assert_int_eq(
        ask_number("select count(*) from finding where rule = 'withheld_withdrawn' and left_out"),
        1);
    mapper_free(bench->mapper);
}
END_TEST

START_TEST(another_basis_lets_them_flow)
{
    Bench *bench = bench_open(", legal_basis: legal_obligation");
    take_references("feed-b");
    take_whole_person("feed-b", "P1", 1, "refused", BORN);
    map_everyone(bench);
    ck_assert_int_eq(ask_number("select count(*) from national_row where gen_to is null"), 4);
    mapper_free(bench->mapper);
}
END_TEST

START_TEST(a_fallen_referral_takes_the_person_and_names_the_cause)
{
    Bench *bench = bench_open("");
    take_references("feed-b");
    take_whole_person("feed-b", "P1", 1, "given", BORN);
    take("feed-b", upsert("referral", "RP1", 2,
                          "{\"id\":\"RP1\",\"person\":\"P1\",\"org\":\"O-L1\",\"team\":\"T-1\","
                          "\"received_date\":\"2026-09-10\"}"));
    map_everyone(bench);
    ck_assert_int_eq(ask_number("select count(*) from national_row where gen_to is null"), 0);
    ck_assert_int_eq(
        ask_number(
            "select count(*) from finding where rule = 'MHS10108' and record_type = 'referral'"
            " and record_id = 'RP1' and field = 'commissioner' and left_out"),
        1);
    ck_assert_int_ge(
        ask_number(
            "select count(*) from finding where rule = 'MHS00146' and cause_rule = 'MHS10108'"),
        1);
    mapper_free(bench->mapper);
}
END_TEST

/* The second person's records are too large: only that person is set aside. */
START_TEST(one_person_who_cannot_be_mapped_does_not_stop_the_others)
{
    Bench *bench = bench_open("");
    take_references("feed-b");
    take_whole_person("feed-b", "P1", 1, "given", BORN);
    take_whole_person("feed-b", "P2", 1, "given", BORN);
    take_whole_person("feed-b", "P3", 1, "given", BORN);
    Text list = text_new(arena, (size_t)8 << 20);
    text_add(&list, "{\"id\":\"P2\",\"gp_practice\":\"Z9X001\",\"disabilities\":[");
    for (int i = 0; i < 20000; i++)
        text_add(&list, i ? ",\"01\"" : "\"01\"");
    text_add(&list, "]}");
    take("feed-b", upsert("person", "P2", 2, text_get(&list)));
    load_references(bench);
    WorkItem *items;
    size_t count;
    MapCounts counts;
    ok(work_claim(store, 10, 60000, arena, &items, &count, err));
    ck_assert_uint_eq(count, 3);
    MapTools tools = {.store = store,
                      .mapper = bench->mapper,
                      .tools = &bench->tools,
                      .references = bench->references,
                      .person_cap = (size_t)4 << 20};
    ok(map_batch(&tools, items, count, &counts, err));
    ck_assert_uint_eq(counts.people, 2);
    ck_assert_uint_eq(counts.failed, 1);
    ck_assert_int_eq(ask_number("select count(*) from work where quarantined and person = 'P2'"),
                     1);
    ck_assert_int_eq(
        ask_number("select count(distinct person) from national_row where gen_to is null"), 2);
    mapper_free(bench->mapper);
}
END_TEST

START_TEST(an_edit_changes_only_what_it_touches)
{
    Bench *bench = bench_open("");
    take_references("feed-b");
    take_whole_person("feed-b", "P1", 1, "given", BORN);
    map_everyone(bench);
    int64_t kept =
        ask_number("select id from national_row where table_code = 'MHS101' and gen_to is null");
    take("feed-b",
         upsert("contact", "CP1", 2,
                "{\"id\":\"CP1\",\"referral\":\"RP1\",\"date\":\"2026-10-07\",\"medium\":\"02\","
                "\"attendance\":\"5\"}"));
    map_everyone(bench);
    ck_assert_int_eq(
        ask_number("select id from national_row where table_code = 'MHS101' and gen_to is null"),
        kept);
    ck_assert_int_eq(
        ask_number(
            "select count(*) from national_row where table_code = 'MHS201' and gen_to is null"),
        1);
    take("feed-b", upsert("contact", "CP1", 3, NULL));
    map_everyone(bench);
    ck_assert_int_eq(
        ask_number(
            "select count(*) from national_row where table_code = 'MHS201' and gen_to is null"),
        0);
    mapper_free(bench->mapper);
}
END_TEST

CASE_MAIN("map: from records to rows", rows_hold_for_their_months, a_closed_gate_takes_all_rows_out,
          another_basis_lets_them_flow, a_fallen_referral_takes_the_person_and_names_the_cause,
          one_person_who_cannot_be_mapped_does_not_stop_the_others,
          an_edit_changes_only_what_it_touches)
