/* SPDX-License-Identifier: Apache-2.0 */
/* The only source of time. */
#include "daemon/base/clock.h"

#include "daemon/base/civil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return now.tv_sec * CLOCK_SECOND + now.tv_nsec / 1000;
}

/* How far tests moved wall time.  A child process must agree with its parent, so the offset is
 * taken from MHSFLOW_CLOCK_OFFSET when a parent has already worked it out. */
static int64_t find_offset(void)
{
#ifdef MHSFLOW_FAULTS
    const char *given = getenv("MHSFLOW_CLOCK_OFFSET");
    if (given)
        return strtoll(given, NULL, 10);
    const char *wanted = getenv("MHSFLOW_CLOCK");
    int64_t wall;
    if (wanted && clock_parse(wanted, &wall)) {
        char text[32];
        int64_t moved = wall - read_clock(CLOCK_REALTIME);
        snprintf(text, sizeof text, "%lld", (long long)moved);
        setenv("MHSFLOW_CLOCK_OFFSET", text, 1);
        return moved;
    }
#endif
    return 0;
}

static bool offset_known;
static int64_t offset;

int64_t clock_offset(void)
{
    if (!offset_known) {
        offset = find_offset();
        offset_known = true;
    }
    return offset;
}

void clock_move(int64_t microseconds)
{
#ifdef MHSFLOW_FAULTS
    offset = clock_offset() + microseconds;
#else
    (void)microseconds;
#endif
}

int64_t clock_wall(void)
{
    int64_t moved = clock_offset(); /* first: it reads the clock itself the first time */
    return read_clock(CLOCK_REALTIME) + moved;
}

int64_t clock_steady(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

/* Whole days and the rest of the day, also before 1970. */
static Day split(int64_t wall, int64_t *ret_rest)
{
    int64_t day_us = 86400 * CLOCK_SECOND, days = wall / day_us;
    if (wall % day_us < 0)
        days--;
    *ret_rest = wall - days * day_us;
    return (Day)days;
}

const char *clock_format(int64_t wall, char buffer[CLOCK_TEXT_SIZE])
{
    int64_t rest;
    char date[CIVIL_TEXT_SIZE];
    civil_format_day(split(wall, &rest), date);
    int ms = (int)(rest / 1000);
    snprintf(buffer, CLOCK_TEXT_SIZE,
             "%.10s"
             "T%02d:%02d:%02d.%03dZ",
             date, ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
    return buffer;
}

/* ".123" and up to nine digits, as microseconds; moves *text past it. */
static bool parse_fraction(const char **text, int64_t *ret_us)
{
    *ret_us = 0;
    if (**text != '.')
        return true;
    size_t digits = strspn(*text + 1, "0123456789");
    if (digits < 1 || digits > 9)
        return false;
    int64_t unit = CLOCK_SECOND / 10;
    for (size_t i = 1; i <= digits; i++, unit /= 10)
        *ret_us += ((*text)[i] - '0') * unit;
    *text += 1 + digits;
    return true;
}

static bool parse_zone(const char *text, int64_t *ret_seconds)
{
    int seconds;
    *ret_seconds = 0;
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
        return true;
    if ((*text != '+' && *text != '-') || strlen(text) != 6 ||
        !civil_parse_time(text + 1, &seconds))
        return false;
    *ret_seconds = *text == '-' ? -seconds : seconds;
    return true;
}

bool clock_parse(const char *text, int64_t *ret_wall)
{
    char date[11] = "", time[9] = "";
    Day day;
    int seconds;
    int64_t fraction, zone;
    if (strnlen(text, 20) < 20 || (text[10] != 'T' && text[10] != 't' && text[10] != ' '))
        return false;
    memcpy(date, text, 10);
    memcpy(time, text + 11, 8);
    const char *rest = text + 19;
    if (!civil_parse_day(date, &day) || !civil_parse_time(time, &seconds) ||
        !parse_fraction(&rest, &fraction) || !parse_zone(rest, &zone))
        return false;
    *ret_wall = ((int64_t)day * 86400 + seconds - zone) * CLOCK_SECOND + fraction;
    return true;
}

static int month_number(const char *name)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (strncasecmp(name, months + 3 * i, 3) == 0)
            return i + 1;
    return 0;
}

/* RFC 9110 section 5.6.7: two digits are the year nearest to now, not over 50 years ahead. */
static int full_year(int year)
{
    if (year >= 100)
        return year;
    return year + (year < 70 ? 2000 : 1900);
}

bool clock_parse_http(const char *text, int64_t *ret_wall)
{
    char month[4] = "", zone[4] = "";
    int day, year, hour, minute, second;
    const char *comma = strchr(text, ',');
    bool fits = comma ? sscanf(comma + 1, " %2d%*1[ -]%3[A-Za-z]%*1[ -]%4d %2d:%2d:%2d %3[A-Z]",
                               &day, month, &year, &hour, &minute, &second, zone) == 7 &&
                            (strcmp(zone, "GMT") == 0 || strcmp(zone, "UTC") == 0)
                      : sscanf(text, "%*3s %3[A-Za-z] %2d %2d:%2d:%2d %4d", month, &day, &hour,
                               &minute, &second, &year) == 6;
    int number = month_number(month);
    if (!fits || !number || year < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 60)
        return false;
    char date[32];
    Day parsed;
    snprintf(date, sizeof date, "%04d-%02d-%02d", full_year(year), number, day);
    if (!civil_parse_day(date, &parsed))
        return false;
    *ret_wall = ((int64_t)parsed * 86400 + hour * 3600 + minute * 60 + second) * CLOCK_SECOND;
    return true;
}
