/* SPDX-License-Identifier: Apache-2.0 */
/* Civil dates and months. */
#include "daemon/base/civil.h"

#include "daemon/base/clock.h"

#include <stdio.h>
#include <string.h>

/* Days since 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin in March,
 * so that the leap day is the last of its year. */
Day civil_day(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;
    int era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int of_year = (153 * m + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void civil_split(Day day, int *ret_year, int *ret_month, int *ret_day)
{
    int z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
    int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * year + year / 4 - year / 100), m = (5 * of_year + 2) / 153;
    *ret_day = of_year - (153 * m + 2) / 5 + 1;
    *ret_month = m < 10 ? m + 3 : m - 9;
    *ret_year = year + era * 400 + (*ret_month <= 2);
}

/* `count` decimal digits at `text`, or -1. */
static int digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + text[i] - '0';
    }
    return value;
}

bool civil_parse_day(const char *text, Day *ret)
{
    if (!text || strnlen(text, 11) != 10 || text[4] != '-' || text[7] != '-')
        return false;
    int year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
    if (year < 1800 || year > 2999 || month < 1 || month > 12 || day < 1)
        return false;
    Day parsed = civil_day(year, month, day);
    int y, m, d;
    civil_split(parsed, &y, &m, &d);
    if (m != month || d != day)
        return false;
    *ret = parsed;
    return true;
}

bool civil_parse_month(const char *text, Month *ret)
{
    if (!text || strnlen(text, 8) != 7 || text[4] != '-')
        return false;
    int year = digits(text, 4), month = digits(text + 5, 2);
    if (year < 1800 || year > 2999 || month < 1 || month > 12)
        return false;
    *ret = year * 12 + month - 1;
    return true;
}

bool civil_parse_time(const char *text, int *ret_seconds)
{
    size_t size = text ? strnlen(text, 9) : 0;
    if ((size != 5 && size != 8) || text[2] != ':' || (size == 8 && text[5] != ':'))
        return false;
    int hour = digits(text, 2), minute = digits(text + 3, 2);
    int second = size == 8 ? digits(text + 6, 2) : 0;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return false;
    *ret_seconds = hour * 3600 + minute * 60 + second;
    return true;
}

const char *civil_format_day(Day day, char buffer[CIVIL_TEXT_SIZE])
{
    int year, month, of_month;
    civil_split(day, &year, &month, &of_month);
    snprintf(buffer, CIVIL_TEXT_SIZE, "%04d-%02d-%02d", (unsigned)year % 10000,
             (unsigned)month % 100, (unsigned)of_month % 100);
    return buffer;
}

const char *civil_format_month(Month month, char buffer[CIVIL_TEXT_SIZE])
{
    snprintf(buffer, CIVIL_TEXT_SIZE, "%04d-%02d", (unsigned)(month / 12) % 10000,
             (unsigned)(month % 12 + 1) % 100);
    return buffer;
}

int civil_weekday(Day day)
{
    int weekday = (day + 3) % 7; /* 1970-01-01 was a Thursday */
    return weekday < 0 ? weekday + 7 : weekday;
}

Month civil_month_of(Day day)
{
    int year, month, of_month;
    civil_split(day, &year, &month, &of_month);
    return year * 12 + month - 1;
}

Day civil_first_day(Month month)
{
    return civil_day(month / 12, month % 12 + 1, 1);
}

Day civil_last_day(Month month)
{
    return civil_first_day(month + 1) - 1;
}

int civil_age(Day birth, Day on)
{
    int birth_year, birth_month, birth_day, year, month, day;
    civil_split(birth, &birth_year, &birth_month, &birth_day);
    civil_split(on, &year, &month, &day);
    return year - birth_year - (month < birth_month || (month == birth_month && day < birth_day));
}

Month civil_financial_year(Month month)
{
    int year = month / 12, of_year = month % 12;
    return (of_year >= 3 ? year : year - 1) * 12 + 3;
}

/* 01:00 UTC on the last Sunday of a month, in seconds since 1970. */
static int64_t change_over(int year, int month)
{
    Day last = civil_last_day(year * 12 + month - 1);
    return ((int64_t)last - (civil_weekday(last) + 1) % 7) * 86400 + 3600;
}

static int64_t floor_second(int64_t wall_us)
{
    return wall_us / CLOCK_SECOND - (wall_us % CLOCK_SECOND < 0);
}

static Day floor_day(int64_t seconds)
{
    return (Day)(seconds / 86400 - (seconds % 86400 < 0));
}

int civil_london_offset_minutes(int64_t wall_us)
{
    int64_t seconds = floor_second(wall_us);
    int year, month, day;
    civil_split(floor_day(seconds), &year, &month, &day);
    return seconds >= change_over(year, 3) && seconds < change_over(year, 10) ? 60 : 0;
}

Day civil_london_day(int64_t wall_us)
{
    return floor_day(floor_second(wall_us) + civil_london_offset_minutes(wall_us) * 60);
}

int64_t civil_london_instant(Day day, int seconds, bool summer)
{
    int64_t winter = ((int64_t)day * 86400 + seconds) * CLOCK_SECOND;
    int64_t early = winter - 3600 * CLOCK_SECOND;
    bool early_fits = civil_london_offset_minutes(early) == 60;
    bool winter_fits = civil_london_offset_minutes(winter) == 0;
    if (early_fits && winter_fits)
        return summer ? early : winter;
    if (early_fits)
        return early;
    return winter; /* also for the hour that is missing in March: it moves forward */
}
