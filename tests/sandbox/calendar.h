/* SPDX-License-Identifier: Apache-2.0 */
/* Civil days in England: a day is a number (days since 1970-01-01), never an instant. */
#ifndef SANDBOX_CALENDAR_H
#define SANDBOX_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CivilDate {
    int year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
} CivilDate;

int32_t calendar_day(int year, int month, int day);
CivilDate calendar_civil(int32_t day);
int calendar_days_in_month(int year, int month);
/* 0 = Monday … 6 = Sunday. */
int calendar_weekday(int32_t day);
/* The first day of the month that lies `months` after (or, negative, before) the month of `day`. */
int32_t calendar_month_start(int32_t day, int months);
/* The day on which the clocks change in that year: the last Sunday of March (3) or October (10). */
int32_t calendar_clock_change(int year, int month);

/* "YYYY-MM-DD" into 11 bytes. */
void calendar_write(char text[11], int32_t day);
/* "YYYY-MM" into 8 bytes. */
void calendar_write_month(char text[8], int32_t day);
/* RFC 3339 with milliseconds and Z into 25 bytes; `ms` counts from 1970-01-01T00:00Z. */
void calendar_write_instant(char text[25], int64_t ms);
/* Accepts exactly YYYY-MM-DD of a day that exists. */
bool calendar_parse(const char *text, int32_t *ret_day);

/* Now, in milliseconds since 1970, and the civil day that England has now. */
int64_t calendar_now(void);
int32_t calendar_today(void);

#endif
