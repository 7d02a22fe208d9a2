/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/config/calendar.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *source_path(Arena *arena, const char *relative)
{
    const char *root = getenv("MHSFLOW_SOURCE_ROOT");

    return arena_format(arena, "%s/%s", root ? root : ".", relative);
}

static const Calendar *shipped(Arena *arena)
{
    const Calendar *calendar = NULL;
    Error err = {0};

    ck_assert_msg(calendar_load(source_path(arena, "conf/calendar.csv"), arena, &calendar, &err),
                  "%s", err.cause);
    return calendar;
}

static const Calendar *fallback(Arena *arena)
{
    const Calendar *calendar = NULL;
    Error err = {0};

    ck_assert(calendar_load(NULL, arena, &calendar, &err));
    return calendar;
}

static Day day(const char *text)
{
    Day ret = 0;

    ck_assert_msg(civil_parse_day(text, &ret), "%s", text);
    return ret;
}

static Month month(const char *text)
{
    Month ret = 0;

    ck_assert_msg(civil_parse_month(text, &ret), "%s", text);
    return ret;
}

START_TEST(published_days_are_followed)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const Calendar *calendar = shipped(arena);

    ck_assert_int_eq(calendar_cutoff(calendar, month("2023-10")), day("2023-11-23"));
    ck_assert_int_eq(calendar_opens(calendar, month("2023-10")), day("2023-11-01"));
    ck_assert_int_eq(calendar_cutoff(calendar, month("2024-03")), day("2024-04-24"));
    ck_assert(calendar_is_published(calendar, month("2024-03")));
    /* The year's last window is that of the next April. */
    ck_assert_int_eq(calendar_last_day(calendar, month("2023-04")), day("2024-05-28"));
    ck_assert_int_eq(calendar_last_day(calendar, month("2024-03")), day("2024-05-28"));
    ck_assert_int_eq(calendar_last_day(calendar, month("2024-04")), day("2025-05-28"));
}
END_TEST

START_TEST(months_nobody_published_follow_the_stated_fallback)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const Calendar *calendar = shipped(arena);

    ck_assert(!calendar_is_published(calendar, month("2026-10")));
    ck_assert_int_eq(calendar_opens(calendar, month("2026-10")), day("2026-11-01"));
    ck_assert_int_eq(calendar_cutoff(calendar, month("2026-10")), day("2026-11-20"));
    ck_assert_int_eq(calendar_cutoff(calendar, month("2026-12")), day("2027-01-20"));
    ck_assert_int_eq(calendar_last_day(calendar, month("2026-10")), day("2027-05-28"));
}
END_TEST

START_TEST(a_window_that_closes_in_may_covers_thirteen_months)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const Calendar *calendar = fallback(arena);
    Month months[CALENDAR_MONTHS_MAX];

    ck_assert_uint_eq(calendar_due_months(calendar, day("2026-05-28"), months), 13);
    ck_assert_int_eq(months[0], month("2025-04"));
    ck_assert_int_eq(months[12], month("2026-04"));
    ck_assert_uint_eq(calendar_due_months(calendar, day("2026-05-29"), months), 1);
    ck_assert_int_eq(months[0], month("2026-04"));
    ck_assert_uint_eq(calendar_open_months(calendar, day("2026-05-29"), months), 2);
    ck_assert_uint_eq(calendar_due_months(calendar, day("2026-04-30"), months), 12);
    ck_assert_uint_eq(calendar_due_months(calendar, day("2026-04-01"), months), 12);
    ck_assert_int_eq(months[11], month("2026-03"));
    ck_assert_uint_eq(calendar_due_months(calendar, day("2026-06-01"), months), 2);
}
END_TEST

START_TEST(every_day_of_forty_years_has_sound_months)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const Calendar *calendar = shipped(arena);
    Month months[CALENDAR_MONTHS_MAX], due[CALENDAR_MONTHS_MAX];

    for (Day today = day("2020-01-01"); today < day("2060-01-01"); today++) {
        Month running = civil_month_of(today);
        size_t count = calendar_open_months(calendar, today, months);
        size_t due_count = calendar_due_months(calendar, today, due);

        ck_assert_uint_ge(count, 1);
        ck_assert_uint_le(count, 14);
        ck_assert_int_eq(months[count - 1], running);
        for (size_t i = 1; i < count; i++)
            ck_assert_int_eq(months[i], months[i - 1] + 1);
        ck_assert_uint_eq(due_count, count - 1);
        ck_assert_uint_ge(due_count + (running == civil_financial_year(running)), 1);
        for (size_t i = 0; i < due_count; i++) {
            ck_assert_int_eq(due[i], months[i]);
            ck_assert(calendar_due(calendar, due[i], today));
            ck_assert_int_lt(civil_last_day(due[i]), today);
        }
        ck_assert(!calendar_due(calendar, running, today));
        ck_assert(!calendar_due(calendar, months[0] - 1, today));
    }
}
END_TEST

START_TEST(cut_offs_are_2359_in_london)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const Calendar *calendar = fallback(arena);
    char text[CLOCK_TEXT_SIZE];
    int64_t cutoff = calendar_cutoff_at(calendar, month("2026-10"));

    ck_assert_str_eq(clock_format(cutoff, text), "2026-11-20T23:59:00.000Z");
    ck_assert_str_eq(clock_format(calendar_cutoff_at(calendar, month("2026-05")), text),
                     "2026-06-20T22:59:00.000Z");
    ck_assert_int_eq(calendar_deadline(calendar, month("2026-10"), cutoff), cutoff);
    ck_assert_int_eq(calendar_deadline(calendar, month("2026-10"), cutoff + 1),
                     calendar_last_at(calendar, month("2026-10")));
    ck_assert_str_eq(clock_format(calendar_last_at(calendar, month("2026-10")), text),
                     "2027-05-28T22:59:00.000Z");
}
END_TEST

typedef struct Wrong {
    const char *text, *says;
} Wrong;

static const Wrong wrong[] = {
    {"month,opens\n", "closes"},
    {"month,opens,closes\n2026-13,2026-11-01,2026-11-20\n", "calendar:2: \"month\""},
    {"month,opens,closes\n2026-10,2026-11-31,2026-11-20\n", "\"opens\""},
    {"month,opens,closes\n2026-10,2026-11-01,20/11/2026\n", "\"closes\""},
    {"month,opens,closes\n2026-10,2026-10-21,2026-11-20\n", "before it has ended"},
    {"month,opens,closes\n2026-10,2026-11-01,2027-01-01\n", "second month after"},
    {"month,opens,closes\n2026-10,2026-11-21,2026-11-20\n", "between"},
    {"month,opens,closes\n2026-10,2026-11-01,2026-11-20\n2026-10,2026-11-01,2026-11-20\n", "twice"},
};

START_TEST(a_wrong_calendar_is_refused_with_its_line)
{
    char folder[] = "/tmp/mhsflow-calendar-XXXXXX";

    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        _cleanup_arena_ Arena *arena = arena_new(1 << 20);
        const char *path = arena_format(arena, "%s/calendar", folder);
        const Calendar *calendar = NULL;
        Error err = {0};

        ck_assert(file_write(path, wrong[i].text, strlen(wrong[i].text), 0600, &err));
        bool loaded = calendar_load(path, arena, &calendar, &err);
        remove(path);
        ck_assert_msg(!loaded, "row %zu", i);
        ck_assert_int_eq(err.kind, ERROR_CONFIG);
        ck_assert_msg(strstr(err.cause, wrong[i].says) != NULL, "%s", err.cause);
    }
    remove(folder);
}
END_TEST

START_TEST(a_missing_calendar_is_an_error_not_the_fallback)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const Calendar *calendar = NULL;
    Error err = {0};

    ck_assert(!calendar_load("/nonexistent/calendar.csv", arena, &calendar, &err));
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
}
END_TEST

SUITE("config/calendar", published_days_are_followed,
      months_nobody_published_follow_the_stated_fallback,
      a_window_that_closes_in_may_covers_thirteen_months, every_day_of_forty_years_has_sound_months,
      cut_offs_are_2359_in_london, a_wrong_calendar_is_refused_with_its_line,
      a_missing_calendar_is_an_error_not_the_fallback);
