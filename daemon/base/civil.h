/* SPDX-License-Identifier: Apache-2.0 */
/* Civil dates and months, as people in England keep them; never an instant.
 *
 * A Day counts days since 1970-01-01, a Month counts months since 0000-01 (year
 * times 12 plus month less one), so that both compare and subtract as numbers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef int32_t Day;
typedef int32_t Month;
#define CIVIL_TEXT_SIZE 16

bool civil_parse_day(const char *text,
                     Day *ret); /* "2026-02-28", real dates of years 1800 to 2999 only */
bool civil_parse_month(const char *text, Month *ret);      /* "2026-02" */
bool civil_parse_time(const char *text, int *ret_seconds); /* "HH:MM" or "HH:MM:SS" */
const char *civil_format_day(Day day, char buffer[CIVIL_TEXT_SIZE]);
const char *civil_format_month(Month month, char buffer[CIVIL_TEXT_SIZE]);

Day civil_day(int year, int month, int day); /* no check: from parsed parts */
void civil_split(Day day, int *ret_year, int *ret_month, int *ret_day);
int civil_weekday(Day day); /* 0 Monday … 6 Sunday */
Month civil_month_of(Day day);
Day civil_first_day(Month month);
Day civil_last_day(Month month);
int civil_age(Day birth, Day on);        /* full years; born on 29 February counts from 1 March */
Month civil_financial_year(Month month); /* the April it began in */

/* Europe/London.  The rule since 1996: summer time from the last Sunday of March
 * 01:00 UTC to the last Sunday of October 01:00 UTC. */
Day civil_london_day(int64_t wall_us);
int civil_london_offset_minutes(int64_t wall_us); /* 0 or 60 */
/* The instant of a London wall time; in the repeated hour `summer` chooses, in the missing hour it
 * moves forward.  Seconds are of the day. */
int64_t civil_london_instant(Day day, int seconds, bool summer);
