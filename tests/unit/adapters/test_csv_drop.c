/* SPDX-License-Identifier: Apache-2.0 */
#include "adapters/feed/csv_drop_check.h"
#include "adapters/feed/csv_drop_profile.h"
#include "adapters/feed/feeds.h"
#include "daemon/base/file.h"
#include "tests/unit/adapters/drop_case.h"
#include "tests/unit/suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FULL "mef1_made-up_full_20261001T020000Z_1"
#define LATER "mef1_made-up_full_20261002T020000Z_1"
#define DELTA "mef1_made-up_delta_20261001T140000Z_1"
#define PEOPLE "id,birth_date,ethnicity,version\r\nP1,1988-04-09,~declined,3\r\nP2,,J,1\r\n"
#define REFERRALS                                                                                  \
    "id,person_id,received_date,reasons_other\r\nR1,P1,2026-09-01,Housing|Debt\r\nR2,P2,2026-09-"  \
    "02,\r\n"

static DropCase *at;

static void begin(void)
{
    at = drop_case_new(&feed_csv_drop, "page_size: 2\n");
}

/* With a profile beside the folder of drops. */
static void begin_with(const char *profile)
{
    Error err = {0};
    char path[] = "/tmp/mhsflow-profile-XXXXXX", settings[80];
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert(file_write(path, profile, strlen(profile), 0600, &err));
    snprintf(settings, sizeof settings, "profile: %s\n", path);
    at = drop_case_new(&feed_csv_drop, settings);
    unlink(path);
}

static void two_people(const char *name)
{
    drop_case_drop(at, name, "people.csv", PEOPLE, "referrals.csv", REFERRALS, NULL);
}

START_TEST(a_full_drop_is_taken_in_parents_first_and_moves_afterwards)
{
    begin();
    two_people(FULL);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "person:P1 person:P2 referral:R1 referral:R2 ");
    ck_assert_int_eq(at->swept, INT64_C(20261001020000001));
    ck_assert_int_eq(at->cursor.seq, at->swept);
    ck_assert(at->cursor.complete);
    ck_assert(drop_case_has(at, "done/" FULL "/people.csv"));
    ck_assert(drop_case_has(at, "done/" FULL ".sha256"));
    ck_assert(!drop_case_has(at, FULL));
    drop_case_free(at);
}
END_TEST

START_TEST(a_zip_file_says_the_same)
{
    begin();
    drop_case_zip(at, FULL ".zip", "people.csv", PEOPLE, "referrals.csv", REFERRALS, NULL);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "person:P1 person:P2 referral:R1 referral:R2 ");
    ck_assert(drop_case_has(at, "done/" FULL ".zip"));
    drop_case_free(at);
}
END_TEST

START_TEST(values_keep_their_kind)
{
    begin();
    two_people(FULL);
    ck_assert(drop_case_fetch(at, true));
    ck_assert_str_eq(drop_case_json(at, "P1"), "{\"id\":\"P1\",\"birth_date\":\"1988-04-09\","
                                               "\"ethnicity\":{\"nv\":\"declined\"}}");
    ck_assert_str_eq(drop_case_json(at, "P2"),
                     "{\"id\":\"P2\",\"birth_date\":null,\"ethnicity\":\"J\"}");
    ck_assert(drop_case_fetch(at, true));
    ck_assert_str_eq(drop_case_json(at, "R1"),
                     "{\"id\":\"R1\",\"person\":\"P1\",\"received_date\":\"2026-09-01\","
                     "\"reasons_other\":[\"Housing\",\"Debt\"]}");
    ck_assert(strstr(drop_case_json(at, "R2"), "\"reasons_other\":[]"));
    drop_case_free(at);
}
END_TEST

START_TEST(rows_become_lists_of_their_record)
{
    begin();
    drop_case_drop(
        at, FULL, "goals.csv", "id,referral_id,number\nG1,R1,1\nG2,R1,2\n", "goal_scores.csv",
        "id,goal_id,date,score,point\n1,G2,2026-09-09,3,initial\n2,G1,2026-09-01,2,initial\n"
        "3,G2,2026-10-09,6,final\n4,G9,2026-10-09,6,final\n",
        "assessments.csv",
        "id,referral_id,tool,date,time,item,score,total\nA1,R1,dialog,2026-09-01,10:00,1,5,\n"
        "A1,R1,dialog,2026-09-01,10:00,2,4,\nA2,R1,reqol10,2026-09-02,,,,18\n",
        "care_plans.csv",
        "id,person_id,type,agreed_by,agreed_date\nL1,P1,10,person,2026-09-03\nL2,P1,10,,\n", NULL);
    drop_case_restart(at);
    ck_assert(drop_case_fetch(at, true));
    ck_assert(strstr(drop_case_json(at, "G2"),
                     "\"scores\":[{\"date\":\"2026-09-09\",\"score\":\"3\",\"point\":\"initial\"},"
                     "{\"date\":\"2026-10-09\",\"score\":\"6\",\"point\":\"final\"}]"));
    ck_assert(drop_case_fetch(at, true));
    ck_assert_uint_eq(at->page.refused_count, 1);
    ck_assert_str_eq(at->page.refused[0].code, "row.part");
    ck_assert(strstr(drop_case_json(at, "A1"),
                     "\"completed_at\":{\"date\":\"2026-09-01\",\"time\":\"10:00\"}"));
    ck_assert(
        strstr(drop_case_json(at, "A1"),
               "\"items\":[{\"item\":\"1\",\"score\":\"5\"},{\"item\":\"2\",\"score\":\"4\"}]"));
    ck_assert(strstr(drop_case_json(at, "A2"), "\"total\":\"18\",\"items\":[]"));
    ck_assert(drop_case_fetch(at, true));
    ck_assert(strstr(drop_case_json(at, "L1"),
                     "\"agreed_by\":[{\"who\":\"person\",\"date\":\"2026-09-03\"}]"));
    ck_assert(strstr(drop_case_json(at, "L2"), "\"agreed_by\":[]"));
    drop_case_free(at);
}
END_TEST

/* Whatever page is lost or process killed: each record comes, in order, and nothing moves early. */
START_TEST(a_page_that_was_not_committed_comes_again)
{
    for (int lost = 0; lost < 4; lost++) {
        begin();
        two_people(FULL);
        at->seen[0] = '\0';
        for (int page = 0; page < 4; page++) {
            if (page == lost) {
                ck_assert(drop_case_fetch(at, false));
                if (lost % 2)
                    drop_case_restart(at);
                ck_assert(page == 3 || drop_case_has(at, FULL));
            }
            ck_assert(drop_case_fetch(at, true));
        }
        ck_assert_str_eq(at->seen, "person:P1 person:P2 referral:R1 referral:R2 ");
        ck_assert(drop_case_has(at, "done/" FULL));
        drop_case_restart(at);
        drop_case_drain(at);
        ck_assert_str_eq(at->seen, "");
        drop_case_free(at);
    }
}
END_TEST

START_TEST(a_delta_deletes_by_name_and_sweeps_nothing)
{
    begin();
    two_people(FULL);
    drop_case_drain(at);
    drop_case_drop(
        at, DELTA, "people.csv", "id,version\nP3,1\n", "deletions.csv",
        "type,id,op,reason,survivor_id,recorded_at\ncontact,C9,delete,entered_in_error,,\n"
        "person,P2,merge,,P1,2026-10-01T13:00:00Z\nperson,P3,restrict,,,\n"
        "person,P4,explode,,,\n",
        NULL);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "person:P3 -contact:C9 -person:P1 -person:P3 !row.deletion ");
    ck_assert_int_eq(at->swept, 0);
    ck_assert(at->cursor.complete);
    drop_case_free(at);
}
END_TEST

START_TEST(a_delta_alone_is_not_complete)
{
    begin();
    drop_case_drop(at, DELTA, "people.csv", "id\nP3\n", NULL);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "person:P3 ");
    ck_assert(!at->cursor.complete);
    two_people(LATER);
    drop_case_drain(at);
    ck_assert(at->cursor.complete);
    drop_case_free(at);
}
END_TEST

START_TEST(a_fall_waits_for_a_person)
{
    begin();
    two_people(FULL);
    drop_case_drain(at);
    drop_case_drop(at, LATER, "people.csv", "id\nP1\n", "referrals.csv", REFERRALS, NULL);
    for (int i = 0; i < 2; i++) {
        ck_assert(!drop_case_fetch(at, true));
        ck_assert_int_eq(at->err.kind, ERROR_CONFIG);
        ck_assert_str_eq(at->err.code, "drop.fall");
        ck_assert(drop_case_has(at, LATER));
    }
    drop_case_allow(at);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "person:P1 referral:R1 referral:R2 ");
    drop_case_free(at);
}
END_TEST

/* The yes was to that drop, not to whatever comes in its place. */
START_TEST(a_yes_holds_for_one_drop)
{
    begin();
    drop_case_drop(at, FULL, "people.csv", "id\nP1\nP2\nP3\n", NULL);
    drop_case_drain(at);
    drop_case_drop(at, LATER, "people.csv", "id\nP1\nP2\n", NULL);
    ck_assert(!drop_case_fetch(at, true));
    drop_case_allow(at);
    drop_case_drop(at, LATER, "people.csv", "id\nP1\n", NULL);
    ck_assert(!drop_case_fetch(at, true));
    ck_assert_str_eq(at->err.code, "drop.fall");
    drop_case_allow(at);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "person:P1 ");
    drop_case_free(at);
}
END_TEST

/* A file that is left out altogether has fallen to nothing. */
START_TEST(a_missing_file_is_a_fall)
{
    begin();
    two_people(FULL);
    drop_case_drain(at);
    drop_case_drop(at, LATER, "people.csv", PEOPLE, NULL);
    ck_assert(!drop_case_fetch(at, true));
    ck_assert_str_eq(at->err.code, "drop.fall");
    drop_case_free(at);
}
END_TEST

static void is_refused(const char *name, const char *code, const char *in_problems)
{
    drop_case_drain(at);
    ck_assert_msg(strstr(at->seen, code), "%s is not in %s", code, at->seen);
    char path[256];
    snprintf(path, sizeof path, "quarantine/%s.problems.csv", name);
    const char *problems = drop_case_read(at, path);
    ck_assert_msg(strstr(problems, in_problems), "%s", problems);
    snprintf(path, sizeof path, "quarantine/%s", name);
    ck_assert(drop_case_has(at, path));
    ck_assert(!drop_case_has(at, name));
    ck_assert(!at->cursor.complete);
    ck_assert_int_eq(at->cursor.seq, 0);
}

START_TEST(a_refused_drop_goes_to_quarantine_with_its_problems)
{
    begin();
    two_people(FULL);
    drop_case_write(at, FULL "/people.csv", PEOPLE "P3,,,1\r\n");
    is_refused(FULL, "!file.hash", "people.csv,,,the file is not what the manifest says");
    drop_case_free(at);

    begin();
    drop_case_drop(at, FULL, "people.csv", "id,lot\nP1,1\nP2\n\"P3\"x,1\n", NULL);
    is_refused(FULL, "!csv.fields", "people.csv,3,,the row has another number of fields");
    drop_case_free(at);

    begin();
    drop_case_drop(at, FULL, "people.csv", "id,lot\nP1,\"1\"x\n", NULL);
    is_refused(FULL, "!csv.syntax", "people.csv,2,lot,the row cannot be read");
    drop_case_free(at);

    begin();
    drop_case_drop(at, FULL, "referrals.csv", "id,person\nR1,P1\n", NULL);
    is_refused(FULL, "!csv.column", "referrals.csv,1,person_id,a column that is needed");
    drop_case_free(at);

    begin();
    two_people(FULL);
    drop_case_write(at, FULL ".sha256",
                    "0000000000000000000000000000000000000000000000000000000000000000");
    is_refused(FULL, "!drop.hash", ",,,the content is not what");
    drop_case_free(at);
}
END_TEST

START_TEST(a_cut_zip_and_a_bomb_are_refused)
{
    begin();
    drop_case_write(at, FULL ".zip", "PK\3\4 and then nothing");
    drop_case_write(at, FULL ".zip.sha256",
                    "0000000000000000000000000000000000000000000000000000000000000000");
    is_refused(FULL ".zip", "!drop.hash", ",,,the content is not what");
    drop_case_free(at);

    at = drop_case_new(&feed_csv_drop, "size_limit: 1MiB\n");
    char *big = calloc(1, (2 << 20) + 1);
    memset(big, '\n', 2 << 20);
    memcpy(big, "id\n", 3);
    drop_case_zip(at, FULL ".zip", "people.csv", big, NULL);
    free(big);
    is_refused(FULL ".zip", "!drop.size", "people.csv,,,is larger than size_limit");
    drop_case_free(at);
}
END_TEST

START_TEST(a_drop_without_its_hash_is_not_looked_at)
{
    begin();
    two_people(FULL);
    char path[256];
    snprintf(path, sizeof path, "%s/%s.sha256", at->folder, FULL);
    ck_assert_int_eq(unlink(path), 0);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "");
    ck_assert(drop_case_has(at, FULL));
    ck_assert(!at->cursor.complete);
    drop_case_free(at);
}
END_TEST

START_TEST(an_older_drop_comes_too_late)
{
    begin();
    two_people(LATER);
    drop_case_drain(at);
    drop_case_drop(at, DELTA, "people.csv", "id\nP3\n", NULL);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "!drop.older ");
    ck_assert(drop_case_has(at, "quarantine/" DELTA));
    ck_assert(at->cursor.complete);
    drop_case_free(at);
}
END_TEST

START_TEST(what_is_put_there_again_is_not_taken_again)
{
    begin();
    two_people(FULL);
    drop_case_drain(at);
    two_people(FULL);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "");
    ck_assert(drop_case_has(at, "done/" FULL ".2"));
    drop_case_drop(at, FULL, "people.csv", "id\nP7\n", NULL);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "!drop.older ");
    drop_case_free(at);
}
END_TEST

START_TEST(a_drop_changed_or_taken_away_half_read_says_so)
{
    begin();
    two_people(FULL);
    ck_assert(drop_case_fetch(at, true));
    drop_case_drop(at, FULL, "people.csv", "id\nP7\n", "referrals.csv", REFERRALS, NULL);
    drop_case_restart(at);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "!drop.changed ");
    ck_assert(!at->cursor.complete);
    drop_case_free(at);

    begin();
    two_people(FULL);
    ck_assert(drop_case_fetch(at, true));
    char from[256], to[256];
    snprintf(from, sizeof from, "%s/%s", at->folder, FULL);
    snprintf(to, sizeof to, "%s/elsewhere", at->folder);
    ck_assert_int_eq(rename(from, to), 0);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "!drop.changed ");
    ck_assert(!at->cursor.complete);
    drop_case_free(at);
}
END_TEST

START_TEST(windows_1252_is_read_and_said)
{
    begin();
    drop_case_drop(at, FULL, "people.csv", "id,religion,shoe\nP1,caf\xe9 \x80,9\n", NULL);
    ck_assert(drop_case_fetch(at, true));
    ck_assert_str_eq(drop_case_json(at, "P1"), "{\"id\":\"P1\",\"religion\":\"café €\"}");
    ck_assert_str_eq(at->seen, "person:P1 !file.windows_1252 !csv.column_unknown ");
    ck_assert(at->page.refused[0].note && at->page.refused[1].note);
    drop_case_drain(at);
    ck_assert(strstr(drop_case_read(at, "done/" FULL ".problems.csv"), "people.csv,1,shoe,"));
    drop_case_free(at);

    begin();
    drop_case_drop(at, FULL, "people.csv", "id,religion\nP1,\x81\n", NULL);
    is_refused(FULL, "!file.encoding", "people.csv,,,the file is neither");
    drop_case_free(at);
}
END_TEST

START_TEST(a_byte_order_mark_is_no_content)
{
    begin();
    drop_case_drop(at, FULL, "people.csv", "\xef\xbb\xbfid\nP1\n", NULL);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "person:P1 ");
    drop_case_free(at);
}
END_TEST

START_TEST(an_id_that_stands_twice_is_its_highest_version)
{
    begin();
    drop_case_drop(at, FULL, "people.csv", "id,lot,version\nP1,1,2\nP1,2,10\nP1,3,9\nno id!,1,1\n",
                   NULL);
    drop_case_restart(at);
    ck_assert(drop_case_fetch(at, true));
    ck_assert(strstr(drop_case_json(at, "P1"), "\"lot\":\"2\""));
    drop_case_drain(at);
    drop_case_free(at);

    begin();
    drop_case_drop(at, FULL, "people.csv", "id,lot,version\nP1,1,2\nP1,2,10\nP1,3,9\nno id!,1,1\n",
                   NULL);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "person:P1 !row.twice !row.twice !row.id ");
    drop_case_free(at);
}
END_TEST

START_TEST(dates_may_be_written_day_first)
{
    begin_with("dates: dd/mm/yyyy\n");
    drop_case_drop(at, FULL, "people.csv",
                   "id,birth_date\nP1,09/04/1988\nP2,31/02/1990\nP3,1990-01-02\n", NULL);
    ck_assert(drop_case_fetch(at, true));
    ck_assert(strstr(drop_case_json(at, "P1"), "\"1988-04-09\""));
    ck_assert(strstr(drop_case_json(at, "P2"), "\"31/02/1990\""));
    ck_assert(strstr(drop_case_json(at, "P3"), "\"1990-01-02\""));
    drop_case_free(at);
}
END_TEST

#define PROFILE                                                                                    \
    "delimiter: \";\"\ndates: dd.mm.yyyy\nlists: \",\"\nfiles:\n"                                  \
    "  people: {file: Clients.CSV, columns: {id: Client Ref, birth_date: DOB}}\n"                  \
    "  referrals: {columns: {person_id: Client Ref, id: Ref, source: Nowhere}}\n"

START_TEST(a_profile_says_what_the_site_calls_things)
{
    begin_with(PROFILE);
    drop_case_drop(at, FULL, "Clients.CSV",
                   "Client Ref;DOB;id;ethnicity\nP1;09.04.1988;77;\"A;B\"\n", "referrals.csv",
                   "Ref;Client Ref;received_date;reasons_other\nR1;P1;1.9.2026;Housing,Debt\n",
                   NULL);
    ck_assert_msg(drop_case_fetch(at, true), "%s", at->err.cause);
    ck_assert_str_eq(drop_case_json(at, "P1"),
                     "{\"id\":\"P1\",\"birth_date\":\"1988-04-09\",\"ethnicity\":\"A;B\"}");
    ck_assert_str_eq(drop_case_json(at, "R1"),
                     "{\"id\":\"R1\",\"person\":\"P1\",\"received_date\":\"2026-09-01\","
                     "\"reasons_other\":[\"Housing\",\"Debt\"]}");
    drop_case_drain(at);
    const char *said = drop_case_read(at, "done/" FULL ".problems.csv");
    ck_assert(strstr(said, "referrals.csv,1,Nowhere,\"the profile names the column"));
    ck_assert(strstr(said, "Clients.CSV,1,~id,the column is not of the contract"));
    drop_case_drop(at, LATER, "Clients.CSV", "DOB\n09.04.1988\n", NULL);
    drop_case_drain(at);
    ck_assert(strstr(drop_case_read(at, "quarantine/" LATER ".problems.csv"),
                     "Clients.CSV,1,Client Ref,a column that is needed is missing"));
    drop_case_free(at);
}
END_TEST

START_TEST(a_profile_that_says_what_none_can_is_refused)
{
    static const char *const profiles[] = {
        "delimiter: x\n",
        "dates: mm/dd/yyyy\n",
        "lists: [a]\n",
        "colour: red\n",
        "files: people\n",
        "files: {clients: {file: a.csv}}\n",
        "files: {people: {file: a.txt}}\n",
        "files: {people: {file: ../a.csv}}\n",
        "files: {people: {columns: {shoe_size: Size}}}\n",
        "files: {people: {columns: {id: }}}\n",
        "files: {people: {columns: {id: X, lot: X}}}\n",
        "files: {people: {file: a.csv}, teams: {file: a.csv}}\n",
    };
    Arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        Error err = {0};
        const CsvProfile *profile;
        char path[] = "/tmp/mhsflow-profile-XXXXXX";
        close(mkstemp(path));
        ck_assert(file_write(path, profiles[i], strlen(profiles[i]), 0600, &err));
        ck_assert_msg(!csv_profile_load(path, arena, &profile, &err), "%s", profiles[i]);
        ck_assert_int_eq(err.kind, ERROR_CONFIG);
        ck_assert_msg(strstr(err.cause, ":1:"), "%s", err.cause);
        unlink(path);
    }
    arena_free(arena);
}
END_TEST

START_TEST(each_way_to_write_a_date)
{
    static const struct {
        CsvDates dates;
        const char *text, *day;
    } cases[] = {{CSV_DATES_ISO, "2026-07-04", "2026-07-04"},
                 {CSV_DATES_SLASH, "4/7/2026", "2026-07-04"},
                 {CSV_DATES_SLASH, "31/02/2026", NULL},
                 {CSV_DATES_SLASH, "04/07/2026 10:00", NULL},
                 {CSV_DATES_DASH, "04-07-2026", "2026-07-04"},
                 {CSV_DATES_DOT, "04.07.2026", "2026-07-04"},
                 {CSV_DATES_DOT, "04/07/2026", NULL},
                 {CSV_DATES_PLAIN, "20260704", "2026-07-04"},
                 {CSV_DATES_PLAIN, "202607", NULL},
                 {CSV_DATES_PLAIN, "", NULL}};
    char buffer[16];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *day = csv_date(cases[i].text, cases[i].dates, buffer);
        ck_assert_msg(day ? cases[i].day && strcmp(day, cases[i].day) == 0 : !cases[i].day, "%s",
                      cases[i].text);
    }
}
END_TEST

START_TEST(begun_anew_the_archive_is_read_from_its_last_full_drop)
{
    begin();
    two_people(FULL);
    drop_case_drop(at, DELTA, "people.csv", "id\nP3\n", NULL);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "person:P1 person:P2 referral:R1 referral:R2 person:P3 ");
    at->cursor = (FeedCursor){0};
    drop_case_restart(at);
    drop_case_drain(at);
    ck_assert_str_eq(at->seen, "person:P1 person:P2 referral:R1 referral:R2 person:P3 ");
    ck_assert(drop_case_has(at, "done/" DELTA));
    drop_case_free(at);
}
END_TEST

START_TEST(names_say_what_a_drop_is)
{
    CsvDropName name;
    ck_assert(csv_drop_name_read("mef1_a_b_delta_20261031T235959Z_12.zip", &name));
    ck_assert_str_eq(name.feed, "a_b");
    ck_assert(!name.full);
    ck_assert_int_eq(name.order, INT64_C(20261031235959012));
    static const char *const bad[] = {
        "mef1_a_full_20261031T235959Z",      "mef1_a_full_20261031T245959Z_1",
        "mef1_a_full_20261331T235959Z_1",    "mef1_a_half_20261031T235959Z_1",
        "mef1_full_20261031T235959Z_1",      "mef1_a_full_20261031T235959Z_1.part",
        "mef1_a_full_20261031T235959Z_1000", "mef1_",
        "mef2_a_full_20261031T235959Z_1",    "mef1_a_full_20261031T235959Z_1.sha256"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!csv_drop_name_read(bad[i], &name), "%s", bad[i]);
}
END_TEST

SUITE("adapters/csv_drop", a_full_drop_is_taken_in_parents_first_and_moves_afterwards,
      a_zip_file_says_the_same, values_keep_their_kind, rows_become_lists_of_their_record,
      a_page_that_was_not_committed_comes_again, a_delta_deletes_by_name_and_sweeps_nothing,
      a_delta_alone_is_not_complete, a_fall_waits_for_a_person, a_yes_holds_for_one_drop,
      a_missing_file_is_a_fall, a_refused_drop_goes_to_quarantine_with_its_problems,
      a_cut_zip_and_a_bomb_are_refused, a_drop_without_its_hash_is_not_looked_at,
      an_older_drop_comes_too_late, what_is_put_there_again_is_not_taken_again,
      a_drop_changed_or_taken_away_half_read_says_so, windows_1252_is_read_and_said,
      a_byte_order_mark_is_no_content, an_id_that_stands_twice_is_its_highest_version,
      dates_may_be_written_day_first, a_profile_says_what_the_site_calls_things,
      a_profile_that_says_what_none_can_is_refused, each_way_to_write_a_date,
      begun_anew_the_archive_is_read_from_its_last_full_drop, names_say_what_a_drop_is);
