/* SPDX-License-Identifier: Apache-2.0 */
/* Turns civil dates into day numbers and back, and knows when England's clocks change. */
#include "tests/sandbox/calendar.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MS_PER_DAY = 86400000, MS_PER_HOUR = 3600000 };

int32_t calendar_day(int year, int month, int day)
{
    /* Howard Hinnant's days_from_civil, with the year starting in March. */
    int shifted = year - (month <= 2);
    int era = (shifted >= 0 ? shifted : shifted - 399) / 400;
    int of_era = shifted - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return (int32_t)(era * 146097 + days - 719468);
}

CivilDate calendar_civil(int32_t number)
{
    int shifted = number + 719468;
    int era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int of_era = shifted - era * 146097;
    int year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month = (5 * of_year + 2) / 153;
    CivilDate date = {.day = of_year - (153 * month + 2) / 5 + 1,
                      .month = month < 10 ? month + 3 : month - 9};
    date.year = year_of_era + era * 400 + (date.month <= 2);
    return date;
}

int calendar_days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

int calendar_weekday(int32_t day)
{
    int weekday = (day + 3) % 7; /* day 0 was a Thursday */
    return weekday < 0 ? weekday + 7 : weekday;
}

int32_t calendar_month_start(int32_t day, int months)
{
    CivilDate date = calendar_civil(day);
    int count = date.year * 12 + date.month - 1 + months;
    return calendar_day(count / 12, count % 12 + 1, 1);
}

int32_t calendar_clock_change(int year, int month)
{
    int32_t last = calendar_day(year, month, calendar_days_in_month(year, month));
    return last - (calendar_weekday(last) + 1) % 7;
}

static void write_digits(char *text, int value, int digits)
{
    for (int at = digits - 1; at >= 0; at--) {
        text[at] = (char)('0' + value % 10);
        value /= 10;
    }
}

void calendar_write(char text[11], int32_t day)
{
    CivilDate date = calendar_civil(day);
    write_digits(text, date.year, 4);
    text[4] = '-';
    write_digits(text + 5, date.month, 2);
    text[7] = '-';
    write_digits(text + 8, date.day, 2);
    text[10] = '\0';
}

void calendar_write_month(char text[8], int32_t day)
{
    char whole[11];
    calendar_write(whole, day);
    memcpy(text, whole, 7);
    text[7] = '\0';
}

void calendar_write_instant(char text[25], int64_t ms)
{
    int32_t day = (int32_t)(ms / MS_PER_DAY);
    int rest = (int)(ms % MS_PER_DAY);
    calendar_write(text, day);
    text[10] = 'T';
    write_digits(text + 11, rest / MS_PER_HOUR, 2);
    text[13] = ':';
    write_digits(text + 14, rest / 60000 % 60, 2);
    text[16] = ':';
    write_digits(text + 17, rest / 1000 % 60, 2);
    text[19] = '.';
    write_digits(text + 20, rest % 1000, 3);
    text[23] = 'Z';
    text[24] = '\0';
}

bool calendar_parse(const char *text, int32_t *ret_day)
{
    static const char shape[] = "dddd-dd-dd";
    int parts[3] = {0};
    int part = 0;
    if (strlen(text) != 10)
        return false;
    for (int i = 0; i < 10; i++) {
        if (shape[i] == '-') {
            if (text[i] != '-')
                return false;
            part++;
        } else if (text[i] < '0' || text[i] > '9') {
            return false;
        } else {
            parts[part] = parts[part] * 10 + (text[i] - '0');
        }
    }
    if (parts[0] < 1900 || parts[1] < 1 || parts[1] > 12 || parts[2] < 1 ||
        parts[2] > calendar_days_in_month(parts[0], parts[1]))
        return false;
    *ret_day = calendar_day(parts[0], parts[1], parts[2]);
    return true;
}

int64_t calendar_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int32_t calendar_today(void)
{
    int64_t now = calendar_now();
    int year = calendar_civil((int32_t)(now / MS_PER_DAY)).year;
    /* Both changes happen at 01:00 UTC. */
    int64_t begin = (int64_t)calendar_clock_change(year, 3) * MS_PER_DAY + MS_PER_HOUR;
    int64_t end = (int64_t)calendar_clock_change(year, 10) * MS_PER_DAY + MS_PER_HOUR;
    if (now >= begin && now < end)
        now += MS_PER_HOUR;
    return (int32_t)(now / MS_PER_DAY);
}
