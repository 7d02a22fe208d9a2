/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/civil.h"
#include "daemon/base/clock.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <time.h>

START_TEST(every_day_of_four_centuries_comes_back)
{
    int year = 1800, month = 1, day = 1;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (Day d = civil_day(1800, 1, 1); d < civil_day(2200, 1, 1); d++) {
        int y, m, of_month;
        char text[CIVIL_TEXT_SIZE];
        Day again;
        civil_split(d, &y, &m, &of_month);
        ck_assert(y == year && m == month && of_month == day);
        ck_assert(civil_parse_day(civil_format_day(d, text), &again) && again == d);
        bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;
        if (++day > lengths[month - 1] + (month == 2 && leap)) {
            day = 1;
            year += month == 12;
            month = month % 12 + 1;
        }
    }
}
END_TEST

START_TEST(what_is_no_date_is_refused)
{
    static const char *const bad[] = {"2026-02-29", "2026-13-01",  "2026-00-01", "2026-01-00",
                                      "2026-04-31", "26-01-01",    "2026-1-01",  "2026-01-1",
                                      "2026/01/01", "2026-01-01 ", "",           "1799-12-31",
                                      "3000-01-01", "202a-01-01",  "+026-01-01"};
    Day day;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!civil_parse_day(bad[i], &day), "%s", bad[i]);
    ck_assert(!civil_parse_day(NULL, &day));
    ck_assert(civil_parse_day("2024-02-29", &day));
}
END_TEST

START_TEST(london_agrees_with_the_system_over_forty_years)
{
    setenv("TZ", "Europe/London", 1);
    tzset();
    for (int64_t hour = 867024000 / 1800; hour < INT64_C(2145916800) / 1800; hour++) {
        time_t instant = hour * 1800;
        struct tm local;
        localtime_r(&instant, &local);
        ck_assert_int_eq(civil_london_offset_minutes(instant * CLOCK_SECOND), local.tm_gmtoff / 60);
        Day day = civil_day(local.tm_year + 1900, local.tm_mon + 1, local.tm_mday);
        ck_assert_int_eq(civil_london_day(instant * CLOCK_SECOND), day);
        int seconds = local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec;
        ck_assert_int_eq(civil_london_instant(day, seconds, local.tm_isdst > 0),
                         instant * CLOCK_SECOND);
    }
}
END_TEST

START_TEST(the_missing_hour_moves_forward)
{
    Day day = civil_day(2026, 3, 29);
    ck_assert_int_eq(civil_london_instant(day, 5400, false),
                     ((int64_t)day * 86400 + 5400) * CLOCK_SECOND);
}
END_TEST

START_TEST(months_and_years_count)
{
    Month month;
    char text[CIVIL_TEXT_SIZE];
    ck_assert(civil_parse_month("2026-04", &month));
    ck_assert_str_eq(civil_format_month(month, text), "2026-04");
    ck_assert_str_eq(civil_format_month(civil_financial_year(month), text), "2026-04");
    ck_assert_str_eq(civil_format_month(civil_financial_year(month - 1), text), "2025-04");
    ck_assert_str_eq(civil_format_day(civil_last_day(month - 2), text), "2026-02-28");
    ck_assert_int_eq(civil_weekday(civil_day(2026, 11, 23)), 0);
    ck_assert_int_eq(civil_age(civil_day(2008, 2, 29), civil_day(2026, 2, 28)), 17);
    ck_assert_int_eq(civil_age(civil_day(2008, 2, 29), civil_day(2026, 3, 1)), 18);
}
END_TEST

SUITE("base/civil", every_day_of_four_centuries_comes_back, what_is_no_date_is_refused,
      london_agrees_with_the_system_over_forty_years, the_missing_hour_moves_forward,
      months_and_years_count);
