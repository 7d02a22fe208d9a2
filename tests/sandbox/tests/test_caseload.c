/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/change_log.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/nhs_number.h"
#include "tests/sandbox/random.h"
#include "tests/sandbox/tests/suite.h"
#include "tests/sandbox/truth.h"

static CaseloadPlan plan_of(uint32_t people, int32_t today)
{
    return (CaseloadPlan){.seed = 1, .people = people, .today = today, .profile = PROFILE_TYPICAL};
}

static json_t *line_of(const ChangeLog *log, uint32_t at)
{
    const LogEntry *entry = &log->entries[at];
    json_t *line = json_loadb(log->text.data + entry->line_start, entry->line_length, 0, NULL);
    ck_assert_ptr_nonnull(line);
    return line;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static uint64_t hash_of(const Buffer *text)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < text->length; i++)
        hash = (hash ^ (unsigned char)text->data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

START_TEST(the_same_plan_gives_the_same_bytes)
{
    CaseloadPlan plan = plan_of(120, calendar_day(2026, 11, 23));
    ChangeLog *first = change_log_build(&plan);
    ChangeLog *second = change_log_build(&plan);
    ck_assert_uint_eq(first->text.length, second->text.length);
    ck_assert_mem_eq(first->text.data, second->text.data, first->text.length);
    /* Fixed for ever: another compiler or machine must come to the same bytes. */
    ck_assert_uint_eq(hash_of(&first->text), UINT64_C(12156097746257567596));
    plan.seed = 2;
    ChangeLog *other = change_log_build(&plan);
    ck_assert_uint_ne(hash_of(&first->text), hash_of(&other->text));
    change_log_free(first);
    change_log_free(second);
    change_log_free(other);
}
END_TEST

static void find_in_log(void *user, const CaseloadChange *change)
{
    const ChangeLog *log = user;
    BUFFER_AUTO text = {0};
    buffer_add(&text, change->text, change->length);
    ck_assert_msg(strstr(log->text.data, text.data) != NULL, "%s", text.data);
}

START_TEST(one_person_can_be_made_alone)
{
    CaseloadPlan plan = plan_of(60, calendar_day(2026, 11, 23));
    ChangeLog *log = change_log_build(&plan);
    caseload_person(&plan, 41, find_in_log, NULL, log);
    caseload_person(&plan, 7, find_in_log, NULL, log);
    change_log_free(log);
}
END_TEST

START_TEST(nhs_numbers_are_valid_and_one_each)
{
    char number[11];
    char before[11] = "";
    nhs_number_start();
    for (uint32_t i = 0; i < NHS_NUMBER_COUNT; i += i % 1000 < 3 ? 1 : 331) {
        nhs_number_write(number, i);
        ck_assert(strncmp(number, "999", 3) == 0 && strcmp(number, before) > 0);
        ck_assert_int_eq(nhs_number_check_digit(number), number[9] - '0');
        memcpy(before, number, sizeof before);
    }
    nhs_number_write(number, NHS_NUMBER_COUNT - 1);
    ck_assert_str_eq(number, "9999999999");
}
END_TEST

START_TEST(nobody_in_it_can_be_real)
{
    CaseloadPlan plan = plan_of(400, calendar_day(2026, 11, 23));
    ChangeLog *log = change_log_build(&plan);
    uint32_t numbers = 0;
    for (uint32_t at = 0; at < log->count; at++) {
        if (log->entries[at].type != TYPE_PERSON || log->entries[at].op != CHANGE_UPSERT)
            continue;
        json_t *line = line_of(log, at);
        const json_t *record = json_object_get(line, "record");
        const char *number = text_of(record, "nhs_number");
        const char *postcode = text_of(record, "postcode");
        ck_assert(number[0] == '\0' || (strncmp(number, "999", 3) == 0 && strlen(number) == 10 &&
                                        nhs_number_check_digit(number) == number[9] - '0'));
        size_t length = strlen(postcode);
        ck_assert(length == 0 || strncmp(postcode, "ZZ99 ", 5) == 0 ||
                  (strspn(postcode + length - 2, "CIKMOV") == 2));
        ck_assert(json_object_get(record, "name") == NULL);
        numbers += number[0] != '\0';
        json_decref(line);
    }
    ck_assert_uint_gt(numbers, 200);
    ck_assert_uint_lt(numbers, 330);
    change_log_free(log);
}
END_TEST

START_TEST(versions_rise_by_one_and_time_never_goes_back)
{
    CaseloadPlan plan = plan_of(400, calendar_day(2026, 3, 31));
    ChangeLog *log = change_log_build(&plan);
    uint32_t merges = 0;
    uint32_t deletions = 0;
    for (uint32_t at = 0; at < log->count; at++) {
        const LogEntry *entry = &log->entries[at];
        uint32_t before = entry->previous == LOG_NONE ? 0 : log->entries[entry->previous].version;
        ck_assert_uint_eq(entry->version, before + 1);
        ck_assert(at == 0 || log->entries[at - 1].recorded_at <= entry->recorded_at);
        merges += entry->op == CHANGE_MERGE;
        deletions += entry->op == CHANGE_DELETE;
    }
    ck_assert_uint_ge(merges, 1);
    ck_assert_uint_ge(deletions, 2);
    ck_assert_uint_ge(log->count - log->late, 25);
    ck_assert_uint_le(log->count - log->late, 60);
    change_log_free(log);
}
END_TEST

START_TEST(a_clean_caseload_has_no_gap)
{
    CaseloadPlan plan = plan_of(100, calendar_day(2026, 11, 23));
    plan.profile = PROFILE_CLEAN;
    ChangeLog *log = change_log_build(&plan);
    BUFFER_AUTO out = {0};
    truth_write(log, log->count, &out);
    json_t *truth = json_loadb(out.data, out.length, 0, NULL);
    ck_assert_ptr_nonnull(truth);
    const json_t *consent = json_object_get(truth, "consent_mhsds");
    ck_assert_int_eq(json_integer_value(json_object_get(consent, "given")), 100);
    ck_assert_uint_eq(json_array_size(json_object_get(truth, "planted")), 0);
    ck_assert_ptr_null(strstr(log->text.data, "\"nhs_number\":null"));
    ck_assert_ptr_null(strstr(log->text.data, "\"nv\""));
    json_decref(truth);
    change_log_free(log);
}
END_TEST

START_TEST(dirt_is_still_a_feed)
{
    for (int profile = PROFILE_DIRTY; profile <= PROFILE_HOSTILE; profile++) {
        CaseloadPlan plan = plan_of(200, calendar_day(2026, 11, 23));
        plan.profile = (CaseloadProfile)profile;
        ChangeLog *log = change_log_build(&plan);
        uint32_t damaged = 0;
        for (uint32_t at = 0; at < log->count; at++) {
            json_t *line = line_of(log, at); /* fails when it is not JSON in UTF-8 */
            int32_t day;
            const char *date = text_of(json_object_get(line, "record"), "date");
            damaged += log->entries[at].type == TYPE_CONTACT &&
                       log->entries[at].op == CHANGE_UPSERT && !calendar_parse(date, &day);
            ck_assert_uint_lt(log->entries[at].line_length, 256 * 1024);
            json_decref(line);
        }
        ck_assert_uint_ge(damaged, 3);
        change_log_free(log);
    }
}
END_TEST

/* Every text that looks like a date is one; those that tell of something done are not after today.
 */
static void check_dates(const json_t *value, const char *key, int32_t today)
{
    const char *member;
    const json_t *inner;
    size_t i;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, member, inner)
            check_dates(inner, member, today);
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, inner) check_dates(inner, key, today);
    } else if (json_is_string(value)) {
        const char *text = json_string_value(value);
        int32_t day;
        if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
            return;
        ck_assert_msg(calendar_parse(text, &day), "%s", text);
        bool planned = strcmp(key, "review_date") == 0 || strcmp(key, "valid_from") == 0;
        ck_assert_msg(planned || day <= today, "%s %s", key, text);
    }
}

/* A civil time exists on its day, and says its offset where it comes twice. */
static void check_time(const json_t *record)
{
    int32_t day;
    const char *time = text_of(record, "time");
    if (time[0] == '\0' || !calendar_parse(text_of(record, "date"), &day))
        return;
    int year = calendar_civil(day).year;
    bool one_to_two = strncmp(time, "01:", 3) == 0;
    ck_assert(!(one_to_two && day == calendar_clock_change(year, 3)));
    bool twice = one_to_two && day == calendar_clock_change(year, 10);
    ck_assert_int_eq(twice, json_object_get(record, "utc_offset") != NULL);
}

static void check_months(const ChangeLog *log)
{
    BUFFER_AUTO out = {0};
    truth_write(log, log->late, &out);
    json_t *truth = json_loadb(out.data, out.length, 0, NULL);
    const json_t *cell;
    size_t i;
    ck_assert_uint_eq(json_array_size(json_object_get(truth, "months")),
                      2 * ((size_t)caseload_months(&log->plan) + 1));
    json_array_foreach(json_object_get(truth, "months"), i, cell)
    {
        if (json_is_true(json_object_get(cell, "complete")))
            ck_assert_int_ge(json_integer_value(json_object_get(cell, "contacts_consented")), 1);
    }
    json_decref(truth);
}

START_TEST(it_holds_on_every_day_of_a_leap_year)
{
    for (int32_t today = calendar_day(2024, 1, 1); today <= calendar_day(2024, 12, 31); today++) {
        /* Few people suffice for most days: the calendar is what changes. */
        CaseloadPlan plan = plan_of(today % 31 == 0 ? 130 : CASELOAD_PEOPLE_LEAST, today);
        plan.seed = (uint64_t)today;
        ChangeLog *log = change_log_build(&plan);
        for (uint32_t at = 0; at < log->count; at++) {
            json_t *line = line_of(log, at);
            ck_assert(at < log->late ||
                      log->entries[at].recorded_at < caseload_cut(&plan) + 3600000);
            check_dates(json_object_get(line, "record"), "record", today);
            check_time(json_object_get(line, "record"));
            json_decref(line);
        }
        check_months(log);
        change_log_free(log);
    }
}
END_TEST

/* Whose number, and at which provider. */
typedef struct Numbered {
    char number[16];
    bool second;
} Numbered;

static void find_number(void *user, const CaseloadChange *change)
{
    Numbered *found = user;
    if (change->type != TYPE_PERSON || change->op != CHANGE_UPSERT || found->number[0] != '\0')
        return;
    BUFFER_AUTO whole = {0};
    buffer_char(&whole, '{'); /* the text begins behind it */
    buffer_add(&whole, change->text, change->length);
    json_t *line = json_loadb(whole.data, whole.length, 0, NULL);
    ck_assert_ptr_nonnull(line);
    snprintf(found->number, sizeof found->number, "%s",
             text_of(json_object_get(line, "record"), "nhs_number"));
    found->second = strcmp(text_of(line, "org"), "O-L2") == 0;
    json_decref(line);
}

START_TEST(where_numbers_run_out_they_repeat_across_providers_only)
{
    CaseloadPlan plan = plan_of(CASELOAD_PEOPLE_MOST, calendar_day(2026, 11, 23));
    int repeated = 0;
    for (uint32_t i = 1000; i < 1600; i++) {
        Numbered at[3] = {0};
        for (uint32_t block = 0; block < 3; block++)
            caseload_person(&plan, i + block * 800000, find_number, NULL, &at[block]);
        for (int a = 0; a < 3; a++)
            for (int b = a + 1; b < 3; b++)
                if (at[a].number[0] != '\0' && strcmp(at[a].number, at[b].number) == 0) {
                    ck_assert_msg(at[a].second != at[b].second, "%u", i);
                    repeated++;
                }
    }
    ck_assert_int_gt(repeated, 50);
}
END_TEST

START_TEST(two_years_are_as_whole_as_three_months)
{
    CaseloadPlan plan = plan_of(CASELOAD_PEOPLE_LEAST, calendar_day(2026, 11, 23));
    plan.months = CASELOAD_MONTHS_MOST;
    ck_assert_int_eq(caseload_first_day(&plan), calendar_day(2024, 11, 1));
    ChangeLog *log = change_log_build(&plan);
    check_months(log);
    change_log_free(log);
}
END_TEST

START_TEST(the_calendar_knows_its_days)
{
    char text[25];
    int32_t day;
    ck_assert_int_eq(calendar_day(1970, 1, 1), 0);
    ck_assert_int_eq(calendar_weekday(calendar_day(2026, 11, 23)), 0);
    ck_assert(calendar_parse("2024-02-29", &day) && !calendar_parse("2023-02-29", &day));
    ck_assert(!calendar_parse("2023-1-01", &day) && !calendar_parse("2023-13-01", &day));
    ck_assert_int_eq(calendar_clock_change(2026, 10), calendar_day(2026, 10, 25));
    ck_assert_int_eq(calendar_clock_change(2024, 3), calendar_day(2024, 3, 31));
    ck_assert_int_eq(calendar_month_start(calendar_day(2024, 1, 31), -3),
                     calendar_day(2023, 10, 1));
    for (day = -200000; day < 200000; day += 13) {
        CivilDate date = calendar_civil(day);
        ck_assert_int_eq(calendar_day(date.year, date.month, date.day), day);
    }
    calendar_write_instant(text, 86399999);
    ck_assert_str_eq(text, "1970-01-01T23:59:59.999Z");
}
END_TEST

SUITE("sandbox/caseload", the_same_plan_gives_the_same_bytes, one_person_can_be_made_alone,
      nhs_numbers_are_valid_and_one_each, nobody_in_it_can_be_real,
      versions_rise_by_one_and_time_never_goes_back, a_clean_caseload_has_no_gap,
      dirt_is_still_a_feed, it_holds_on_every_day_of_a_leap_year,
      where_numbers_run_out_they_repeat_across_providers_only,
      two_years_are_as_whole_as_three_months, the_calendar_knows_its_days);
