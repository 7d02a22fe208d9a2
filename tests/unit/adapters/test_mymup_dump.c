/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/feed/feeds.h"
#include "adapters/feed/mymup_dump_table.h"
#include "tests/unit/adapters/drop_case.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

#define SETTINGS "organisations: {\"Young People's Lead\": V9X01}\nsettle: 0s\npage_size: 1000\n"
#define DUMP "october"
#define CLIENTS                                                                                    \
    "Global ID,Franchise,Age,Gender Name,Ethnicity Name,Postcode\n"                                \
    "G1,x,150,Non-Binary, Gypsy/Roma/Traveller ,BD7\nG2,x,-3,,Arab,BD7 9ZZ\nG3,x,,,,\n"
#define REFERRALS                                                                                  \
    "global_id,Franchise,Referral Date,Referral Source\n"                                          \
    "G1,Young People&#039;s Lead,01/09/2026,Self\n"                                                \
    "G1,Young  People&#039;s Lead ,2026-10-01,VCS\nG2,Young People's Lead,02/09/2026,Self\n"
#define CONTACTS                                                                                   \
    "Global ID,Franchise, Contact Date ,Contact Approach,Attendance\n"                             \
    "G1,Young People's Lead,09/09/2026,Talk  Type,Did not Attend\n"                                \
    "G1,Young People's Lead,09/09/2026,Talk Type, Did not Attend \n"                               \
    "G1,Young People's Lead,09/10/2026,Video,Attended\n"                                           \
    "G2,Young People's Lead,01/08/2026,Video,Attended\n"                                           \
    "G2,Young People's Lead,0000-00-00,Video,Attended\n"
#define GOALS                                                                                      \
    "Global ID,Franchise,Goal Date,Score 1,Score 2,Score 3,Initial or Follow up\n"                 \
    "G1,Young People's Lead,10/09/2026,2,,7,Initial\n"                                             \
    "G1,Young People's Lead,2026-09-20,5,,,Follow  up\n"
#define CLOSURES                                                                                   \
    "Global ID,Franchise,File Closure,File Closure Reason\n"                                       \
    "G1,Young People's Lead,\"15/09/2026, 2026-10-20\",Client disengages\n"
#define REJECTIONS "global_id,Franchise,Referral Rejection\nG2,Young People's Lead,03/09/2026\n"
#define TWO "Referral Date,First Contact / Indirect Date,ServiceType,ServiceType\n01/09/2026,,a,b\n"
#define THEMES "Goal Date,Goal Theme\n10/09/2026,Low confidence / self worth\n"

static DropCase *at;

static void write_dump(const char *folder, const char *digits, const char *contacts)
{
    const struct {
        const char *part, *text;
    } files[] = {{"clients_all", CLIENTS},
                 {"referrals", REFERRALS},
                 {"referral_rejections_all", REJECTIONS},
                 {"contacts_all", contacts},
                 {"two_contacts", TWO},
                 {"plans_and_goals_all", GOALS},
                 {"goal_themes_all", THEMES},
                 {"file_closures_all", CLOSURES}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        drop_case_write(
            at, arena_format(at->arena, "%s/cypmh_%s_%s.csv", folder, files[i].part, digits),
            files[i].text);
}

static const Change *found(const char *type, const char *piece)
{
    for (size_t i = 0; i < at->page.count; i++)
        if (strcmp(at->page.changes[i].type, type) == 0 && strstr(at->page.changes[i].json, piece))
            return &at->page.changes[i];
    ck_abort_msg("no %s with %s", type, piece);
    return NULL;
}

static size_t count_of(const char *type)
{
    size_t count = 0;
    for (size_t i = 0; i < at->page.count; i++)
        count += strcmp(at->page.changes[i].type, type) == 0;
    return count;
}

static size_t refused(const char *code)
{
    size_t count = 0;
    for (size_t i = 0; i < at->page.refused_count; i++)
        count += strcmp(at->page.refused[i].code, code) == 0;
    return count;
}

static void begin(void)
{
    at = drop_case_new(&feed_mymup_dump, SETTINGS);
    write_dump(DUMP, "31102026", CONTACTS);
    ck_assert_msg(drop_case_fetch(at, true), "%s", at->err.cause);
}

START_TEST(the_eight_files_become_records)
{
    begin();
    ck_assert_uint_eq(count_of("organisation"), 1);
    ck_assert_uint_eq(count_of("team"), 1);
    ck_assert_uint_eq(count_of("person"), 3);
    ck_assert_uint_eq(count_of("referral"), 3);
    ck_assert_uint_eq(count_of("contact"), 2);
    ck_assert_uint_eq(count_of("goal"), 2);
    found("organisation", "\"name\":\"Young People's Lead\",\"ods_code\":\"V9X01\"");
    found("person", "\"ethnicity\":\"Gypsy/Roma/Traveller\",\"postcode_outward\":\"BD7\"");
    found("person", "\"postcode\":\"BD7 9ZZ\"");
    found("contact", "\"medium\":\"Talk Type\",\"attendance\":\"Did not Attend\"");
    ck_assert_int_eq(at->page.sweep_before, INT64_C(20261031000));
    ck_assert(!strstr(at->seen, "150"));
    drop_case_drain(at);
    ck_assert(drop_case_has(at, "done/" DUMP "/cypmh_referrals_31102026.csv"));
    ck_assert(at->cursor.complete);
    drop_case_free(at);
}
END_TEST

START_TEST(rows_find_the_referral_that_ran_on_their_day)
{
    begin();
    const Change *first = found("referral", "\"received_date\":\"2026-09-01\"");
    const Change *second = found("referral", "\"received_date\":\"2026-10-01\"");
    found("contact",
          arena_format(at->arena, "\"referral\":\"%s\",\"date\":\"2026-09-09\"", first->id));
    found("contact",
          arena_format(at->arena, "\"referral\":\"%s\",\"date\":\"2026-10-09\"", second->id));
    ck_assert(strstr(first->json, "\"support_end_date\":\"2026-09-15\""));
    ck_assert(strstr(second->json, "\"support_end_date\":\"2026-10-20\""));
    ck_assert(strstr(second->json, "\"end_reason\":\"Client disengages\""));
    found("referral", "\"rejected_date\":\"2026-09-03\"");
    found("goal", arena_format(at->arena,
                               "\"referral\":\"%s\",\"number\":\"1\",\"scale\":\"gbo-child\","
                               "\"set_date\":\"2026-09-10\",\"scores\":[{\"date\":\"2026-09-10\","
                               "\"score\":\"2\",\"point\":\"initial\"},{\"date\":\"2026-09-20\","
                               "\"score\":\"5\",\"point\":\"follow_up\"}]",
                               first->id));
    drop_case_free(at);
}
END_TEST

START_TEST(what_cannot_be_joined_or_carried_is_said)
{
    begin();
    ck_assert_uint_eq(refused("mymup.contact_alone"), 1);
    ck_assert_uint_eq(refused("mymup.date"), 1);
    ck_assert_uint_eq(refused("mymup.no_referral"), 1);
    ck_assert_uint_eq(refused("mymup.twice"), 1);
    ck_assert_uint_eq(refused("mymup.not_carried"), 4);
    for (size_t i = 0; i < at->page.refused_count; i++)
        ck_assert_msg(!strstr(at->page.refused[i].text, "G2"), "%s", at->page.refused[i].text);
    drop_case_free(at);
}
END_TEST

START_TEST(what_is_dated_after_the_dump_is_kept_and_said)
{
    at = drop_case_new(&feed_mymup_dump, SETTINGS);
    write_dump(DUMP, "31102026",
               "Global ID,Franchise,Contact Date,Contact Approach,Attendance\n"
               "G1,Young People's Lead,01/01/2199,Video,Attended\n"
               "G1,Young People's Lead,31/10/2026,Video,Attended\n");
    ck_assert_msg(drop_case_fetch(at, true), "%s", at->err.cause);
    ck_assert_uint_eq(count_of("contact"), 2);
    ck_assert_uint_eq(refused("mymup.future"), 1);
    drop_case_free(at);
}
END_TEST

START_TEST(control_characters_are_blanks)
{
    at = drop_case_new(&feed_mymup_dump, SETTINGS);
    write_dump(DUMP, "31102026",
               "Global ID,Franchise,Contact Date,Contact Approach,Attendance\n"
               "G1,Young People's\vLead,09/10/2026,\x01Video\x02,Attended\x7f\n");
    ck_assert_msg(drop_case_fetch(at, true), "%s", at->err.cause);
    found("contact", "\"medium\":\"Video\",\"attendance\":\"Attended\"");
    drop_case_free(at);
}
END_TEST

START_TEST(ids_stay_while_the_row_stays)
{
    begin();
    const char *before = arena_text(at->arena, found("contact", "2026-10-09")->id);
    const char *goal = arena_text(at->arena, found("goal", "\"number\":\"1\"")->id);
    drop_case_drain(at);
    write_dump("november", "20261130",
               "Global ID,Franchise,Contact Date,Contact Approach,Attendance\n"
               "G1,Young People's Lead,2026-10-09,Telephone,Attended\n"
               "G1,Young People's Lead,09/10/2026,Video,Attended\n");
    ck_assert(!drop_case_fetch(at, true));
    ck_assert_str_eq(at->err.code, "drop.fall");
    drop_case_allow(at);
    ck_assert_msg(drop_case_fetch(at, true), "%s", at->err.cause);
    ck_assert_str_eq(found("contact", "Video")->id, before);
    ck_assert_str_ne(found("contact", "Telephone")->id, before);
    ck_assert_str_eq(found("goal", "\"number\":\"1\"")->id, goal);
    ck_assert_int_eq(at->page.sweep_before, INT64_C(20261130000));
    for (size_t i = 0; i < at->page.count; i++)
        ck_assert_uint_le(strlen(at->page.changes[i].id), 16);
    drop_case_free(at);
}
END_TEST

START_TEST(a_dump_waits_for_its_eight_files_and_for_quiet)
{
    at = drop_case_new(&feed_mymup_dump, SETTINGS);
    drop_case_write(at, DUMP "/cypmh_clients_all_31102026.csv", CLIENTS);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "");
    drop_case_free(at);
    at = drop_case_new(&feed_mymup_dump, "organisations: {x: V9X01}\nsettle: 1h\n");
    write_dump(DUMP, "31102026", CONTACTS);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "");
    ck_assert(drop_case_has(at, DUMP));
    drop_case_free(at);
}
END_TEST

START_TEST(an_older_dump_comes_too_late_and_one_of_the_day_does_not)
{
    begin();
    drop_case_drain(at);
    write_dump("september", "30092026", CONTACTS);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "!drop.older ");
    write_dump("again", "31102026", CONTACTS);
    drop_case_drain(at);
    ck_assert_int_eq(at->swept, INT64_C(20261031001));
    drop_case_free(at);
}
END_TEST

START_TEST(a_column_that_is_needed_and_missing_refuses)
{
    at = drop_case_new(&feed_mymup_dump, SETTINGS);
    write_dump(DUMP, "31102026", "Global ID,Contact Approach,Attendance\nG1,Video,Attended\n");
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "!csv.column ");
    ck_assert(strstr(drop_case_read(at, "quarantine/" DUMP ".problems.csv"), "contact_date"));
    drop_case_free(at);
}
END_TEST

START_TEST(values_are_cleaned)
{
    static const struct {
        const char *dirty, *clean;
    } values[] = {{"STEP2 Young People&#039;s Health", "STEP2 Young People's Health"},
                  {"Craven Ward -  Skipton East", "Craven Ward - Skipton East"},
                  {" Low confidence / self worth", "Low confidence / self worth"},
                  {"Follow  up", "Follow up"},
                  {"a&nbsp;&amp;\xc2\xa0 b ", "a & b"},
                  {"&amp;lt;", "&lt;"},
                  {"&#9999;&unknown;", "&#9999;&unknown;"},
                  {"0000-00-00", ""},
                  {"  ", ""}};
    Arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        ck_assert_str_eq(mymup_clean_value(values[i].dirty, arena), values[i].clean);
    ck_assert_str_eq(mymup_clean_column(" First Contact / Indirect Date_", arena),
                     "first_contact_/_indirect_date");
    ck_assert_str_eq(mymup_clean_column("Postcode", arena), "post_code");
    ck_assert_str_eq(mymup_clean_column("Attendance Code", arena), "attendance");
    arena_free(arena);
}
END_TEST

START_TEST(dates_are_read_in_both_ways)
{
    static const struct {
        const char *text, *day;
    } dates[] = {{"31/12/2026", "2026-12-31"},
                 {"2026-12-31", "2026-12-31"},
                 {"1/2/2026", "2026-02-01"},
                 {"2026-12-31 00:00:00", "2026-12-31"},
                 {"31/02/2026", NULL},
                 {"12/31/2026", NULL},
                 {"1/2/26", NULL},
                 {"", NULL},
                 {"tomorrow", NULL},
                 {"2026-12-31x", NULL}};
    Arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        const char *day = mymup_date(dates[i].text, arena);
        ck_assert_msg(day ? dates[i].day && strcmp(day, dates[i].day) == 0 : !dates[i].day, "%s",
                      dates[i].text);
    }
    ck_assert_int_eq(mymup_file_day("cypmh_contacts_all_28032024.csv"), 20240328);
    ck_assert_int_eq(mymup_file_day("cypmh_mib_contacts_all_20240328.csv"), 20240328);
    ck_assert_int_eq(mymup_file_day("cypmh_contacts_all_99999999.csv"), 0);
    ck_assert_int_eq(mymup_file_day("cypmh_contacts_all_2803202.csv"), 0);
    arena_free(arena);
}
END_TEST

SUITE("adapters/mymup_dump", the_eight_files_become_records,
      rows_find_the_referral_that_ran_on_their_day, what_cannot_be_joined_or_carried_is_said,
      what_is_dated_after_the_dump_is_kept_and_said, control_characters_are_blanks,
      ids_stay_while_the_row_stays, a_dump_waits_for_its_eight_files_and_for_quiet,
      an_older_dump_comes_too_late_and_one_of_the_day_does_not,
      a_column_that_is_needed_and_missing_refuses, values_are_cleaned, dates_are_read_in_both_ways);
