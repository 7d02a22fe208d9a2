/* SPDX-License-Identifier: Apache-2.0 */
/* One person whom two feeds know: under one local id where it is sure, apart with a finding where
 * not. */
#include "daemon/base/cleanup.h"
#include "daemon/store/match.h"
#include "tests/component/map_case.h"

#define NUMBER "\"nhs_number\":\"9990000018\""
#define OTHER "\"nhs_number\":\"9990000026\""
#define BORN "\"birth_date\":\"1988-04-09\""
#define GLOBAL "\"global_id\":\"G7\""
#define OCTOBER (2026 * 12 + 9)

static Bench *bench;

static void begin(MatchRule rule)
{
    bench = bench_open("");
    ok(feed_register(store, "feed-b", "b", err));
    ok(feed_register(store, "feed-c", "c", err));
    ok(match_settings(store, rule, err));
    take_references("feed-b");
    take_references("feed-c");
}

static void end(void)
{
    mapper_free(bench->mapper);
}

static void map(void)
{
    map_everyone(bench);
    ck_assert_int_eq(ask_number("select count(*) from work"), 0);
}

static const char *links(void)
{
    return ask_text("select coalesce(string_agg(feed || '/' || person || '>' || lead_feed || '/' ||"
                    " lead_person, ' ' order by feed, person), '') from person_match");
}

static const char *said(void)
{
    return ask_text("select coalesce(string_agg(feed || '/' || record_id || ' ' || rule, ', '"
                    " order by feed, record_id), '') from finding where source = 'match'");
}

/* The rows of October: table, key. */
static const char *rows(void)
{
    return ask_text("select coalesce(string_agg(table_code || ' ' || row_key, ', '"
                    " order by table_code, row_key), '') from national_row where gen_to is null"
                    " and 24321 between first_month and last_month and table_code in"
                    " ('MHS001', 'MHS101', 'MHS201')");
}

static int64_t audited(const char *event)
{
    return ask_number(
        arena_format(arena, "select count(*) from audit_event where event = '%s'", event));
}

#define TOGETHER "MHS001 bP1, MHS101 bRP1, MHS101 cRP1, MHS201 bCP1, MHS201 cCP1"
#define APART "MHS001 bP1, MHS001 cP1, MHS101 bRP1, MHS101 cRP1, MHS201 bCP1, MHS201 cCP1"

/* The ids of the two feeds are the same on purpose: nothing may be mistaken for the other's. */
START_TEST(the_same_number_and_birth_date_go_under_one_local_id)
{
    begin(MATCH_RULE_NHS_NUMBER);
    ck_assert_int_eq(OCTOBER, 24321);
    take_whole_person("feed-c", "P1", 1, "given", NUMBER "," BORN);
    take_whole_person("feed-b", "P1", 1, "given", "\"nhs_number\":\"999 000 0018\"," BORN);
    map();
    ck_assert_str_eq(links(), "feed-b/P1>feed-c/P1");
    ck_assert_str_eq(said(), "feed-b/P1 match.same_person");
    ck_assert_str_eq(rows(), "MHS001 cP1, MHS101 bRP1, MHS101 cRP1, MHS201 bCP1, MHS201 cCP1");
    ck_assert_int_eq(ask_number("select count(*) from national_row where gen_to is null and"
                                " fragment like '%<LocalPatientID>bP1<%'"),
                     0);
    ck_assert_int_eq(ask_number("select count(*) from national_row where gen_to is null and"
                                " row_key = 'bRP1' and fragment like '%<LocalPatientID>cP1<%' and"
                                " fragment like '%>9990000018<%' is false and lineage::text like"
                                " '%[\"referral\",\"RP1\",1,\"feed-b\"]%'"),
                     1);
    ck_assert_int_eq(audited("person_matched"), 1);
    /* The same page again, and any other change, moves nobody. */
    take_whole_person("feed-b", "P1", 2, "given", NUMBER "," BORN ",\"lot\":\"2\"");
    map();
    ck_assert_int_eq(audited("person_matched"), 1);
    end();
}
END_TEST

START_TEST(a_change_in_either_feed_reaches_the_rows)
{
    begin(MATCH_RULE_NHS_NUMBER);
    take_whole_person("feed-b", "P1", 1, "given", NUMBER "," BORN);
    take_whole_person("feed-c", "P1", 1, "given", NUMBER "," BORN);
    map();
    ck_assert_str_eq(rows(), TOGETHER);
    take("feed-c", upsert("contact", "CP1", 2, NULL));
    map();
    ck_assert_str_eq(rows(), "MHS001 bP1, MHS101 bRP1, MHS101 cRP1, MHS201 bCP1");
    take("feed-c", upsert("contact", "C9", 1,
                          "{\"id\":\"C9\",\"referral\":\"RP1\",\"date\":\"2026-10-09\","
                          "\"medium\":\"9\",\"attendance\":\"5\"}"));
    map();
    /* What is wrong with it leads to the feed that has the record. */
    ck_assert_int_eq(ask_number("select count(*) from finding where gen_to is null and record_id ="
                                " 'C9' and feed = 'feed-b' and record_feed = 'feed-c'") > 0,
                     1);
    end();
}
END_TEST

START_TEST(they_part_when_it_no_longer_holds)
{
    begin(MATCH_RULE_NHS_NUMBER);
    take_whole_person("feed-b", "P1", 1, "given", NUMBER "," BORN);
    take_whole_person("feed-c", "P1", 1, "given", NUMBER "," BORN);
    map();
    ck_assert_str_eq(rows(), TOGETHER);
    take_whole_person("feed-c", "P1", 2, "given", OTHER "," BORN);
    map();
    ck_assert_str_eq(links(), "");
    ck_assert_str_eq(said(), "");
    ck_assert_str_eq(rows(), APART);
    ck_assert_int_eq(audited("person_parted"), 1);
    /* Back again, and apart because the lead's record is gone. */
    take_whole_person("feed-c", "P1", 3, "given", NUMBER "," BORN);
    map();
    ck_assert_str_eq(rows(), TOGETHER);
    take("feed-b", upsert("person", "P1", 9, NULL), upsert("referral", "RP1", 9, NULL),
         upsert("contact", "CP1", 9, NULL));
    map();
    ck_assert_str_eq(links(), "");
    ck_assert_str_eq(rows(), "MHS001 cP1, MHS101 cRP1, MHS201 cCP1");
    end();
}
END_TEST

START_TEST(what_is_doubtful_stays_apart_and_is_said)
{
    static const struct {
        const char *one, *other, *rule;
    } cases[] = {
        {NUMBER "," BORN, NUMBER ",\"birth_date\":\"1989-04-09\"", "match.birth_date"},
        {NUMBER "," BORN, NUMBER, "match.birth_date_missing"},
        {NUMBER, NUMBER, "match.birth_date_missing"},
        {GLOBAL "," NUMBER, GLOBAL "," OTHER, "match.nhs_number"},
        {GLOBAL "," BORN, GLOBAL ",\"birth_date\":\"1989-04-09\"", "match.birth_date"},
    };
    begin(MATCH_RULE_GLOBAL_ID);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        take_whole_person("feed-b", "P1", (int64_t)i + 1, "given", cases[i].one);
        take_whole_person("feed-c", "P1", (int64_t)i + 1, "given", cases[i].other);
        map();
        ck_assert_str_eq(links(), "");
        ck_assert_str_eq(said(), arena_format(arena, "feed-b/P1 %s, feed-c/P1 %s", cases[i].rule,
                                              cases[i].rule));
        ck_assert_str_eq(rows(), APART);
    }
    end();
}
END_TEST

START_TEST(two_of_one_feed_are_never_put_together)
{
    begin(MATCH_RULE_NHS_NUMBER);
    take_whole_person("feed-b", "P1", 1, "given", NUMBER "," BORN);
    take_whole_person("feed-c", "P1", 1, "given", NUMBER "," BORN);
    ck_assert_str_eq(links(), "feed-c/P1>feed-b/P1");
    take_whole_person("feed-c", "P2", 1, "given", NUMBER "," BORN);
    map();
    ck_assert_str_eq(links(), "");
    ck_assert_str_eq(said(), "feed-b/P1 match.several, feed-c/P1 match.several, feed-c/P2 "
                             "match.several");
    /* A merge at the source answers it. */
    const char *second[] = {"P2"};
    Change merge = upsert("person", "P1", 7, NULL);
    merge.op = CHANGE_MERGE;
    merge.survivor = "P1";
    merge.merged = second;
    merge.merged_count = 1;
    take("feed-c", merge);
    map();
    ck_assert_str_eq(links(), "feed-c/P1>feed-b/P1");
    ck_assert_str_eq(said(), "feed-c/P1 match.same_person");
    ck_assert_str_eq(rows(), "MHS001 bP1, MHS101 bRP1, MHS101 cRP1, MHS101 cRP2, MHS201 bCP1, "
                             "MHS201 cCP1, MHS201 cCP2");
    end();
}
END_TEST

START_TEST(a_number_that_cannot_be_one_says_nothing)
{
    static const char *const numbers[] = {"0000000000", "9990000019", "12345", "", "9999999999"};
    begin(MATCH_RULE_NHS_NUMBER);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        const char *more = arena_format(arena, "\"nhs_number\":\"%s\"," BORN, numbers[i]);
        take_whole_person("feed-b", "P1", (int64_t)i + 1, "given", more);
        take_whole_person("feed-c", "P1", (int64_t)i + 1, "given", more);
        ck_assert_str_eq(links(), "");
        ck_assert_str_eq(said(), "");
    }
    end();
}
END_TEST

START_TEST(the_latest_decision_of_either_feed_is_in_force)
{
    begin(MATCH_RULE_NHS_NUMBER);
    take_whole_person("feed-b", "P1", 1, "given", NUMBER "," BORN);
    take_whole_person("feed-c", "P1", 1, "given", NUMBER "," BORN);
    map();
    ck_assert_str_eq(rows(), TOGETHER);
    take("feed-c", upsert("consent", "K2", 1,
                          "{\"id\":\"K2\",\"person\":\"P1\",\"purpose\":\"mhsds\",\"status\":"
                          "\"withdrawn\",\"valid_from\":\"2021-01-01\"}"));
    PersonBasis basis;
    ok(source_basis(store, "feed-b", "P1", "mhsds", arena, &basis, err));
    ck_assert_int_eq(basis.decision, CONSENT_WITHDRAWN);
    ck_assert_str_eq(ask_text("select feed || status from consent_in_force where not holds"),
                     "feed-bwithdrawn");
    map();
    ck_assert_str_eq(rows(), "");
    take("feed-c", upsert("consent", "K2", 2, NULL));
    map();
    ck_assert_str_eq(rows(), TOGETHER);
    Change restricted = upsert("person", "P1", 5, NULL);
    restricted.op = CHANGE_RESTRICT;
    take("feed-c", restricted);
    ck_assert_str_eq(ask_text("select feed || '/' || person from person_restricted"), "feed-b/P1");
    map();
    ck_assert_str_eq(rows(), "");
    end();
}
END_TEST

START_TEST(a_purge_in_either_feed_takes_the_rows)
{
    begin(MATCH_RULE_NHS_NUMBER);
    take_whole_person("feed-b", "P1", 1, "given", NUMBER "," BORN);
    take_whole_person("feed-c", "P1", 1, "given", NUMBER "," BORN);
    map();
    Change purge = upsert("person", "P1", 5, NULL);
    purge.op = CHANGE_PURGE;
    take("feed-c", purge);
    ck_assert_str_eq(rows(), ""); /* at once, also those that the other feed's records are in */
    map();
    ck_assert_str_eq(links(), "");
    ck_assert_str_eq(rows(), "MHS001 bP1, MHS101 bRP1, MHS201 bCP1");
    ck_assert_int_eq(ask_number("select count(*) from person_identity"), 1);
    end();
}
END_TEST

START_TEST(the_setting_changes_what_counts)
{
    begin(MATCH_RULE_NHS_NUMBER);
    take_whole_person("feed-b", "P1", 1, "given", GLOBAL "," BORN);
    take_whole_person("feed-c", "P1", 1, "given", GLOBAL);
    map();
    ck_assert_str_eq(links(), "");
    ok(match_settings(store, MATCH_RULE_GLOBAL_ID, err));
    ck_assert_str_eq(links(), "feed-c/P1>feed-b/P1");
    map();
    ck_assert_str_eq(rows(), TOGETHER);
    ok(match_settings(store, MATCH_RULE_NO, err));
    map();
    ck_assert_str_eq(rows(), APART);
    ck_assert_str_eq(said(), "");
    take_whole_person("feed-b", "P2", 1, "given", GLOBAL "," BORN);
    ck_assert_int_eq(ask_number("select count(*) from person_identity"), 0);
    ok(match_settings(store, MATCH_RULE_NO, err)); /* the same again is nothing */
    ck_assert_int_eq(ask_number("select count(*) from audit_event where event ="
                                " 'settings_switched' and fields ->> 'code' = 'no'"),
                     1);
    end();
}
END_TEST

CASE_MAIN("match: one person whom two feeds know",
          the_same_number_and_birth_date_go_under_one_local_id,
          a_change_in_either_feed_reaches_the_rows, they_part_when_it_no_longer_holds,
          what_is_doubtful_stays_apart_and_is_said, two_of_one_feed_are_never_put_together,
          a_number_that_cannot_be_one_says_nothing, the_latest_decision_of_either_feed_is_in_force,
          a_purge_in_either_feed_takes_the_rows, the_setting_changes_what_counts)
