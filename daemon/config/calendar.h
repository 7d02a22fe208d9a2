/* SPDX-License-Identifier: Apache-2.0 */
/* The national submission calendar: which months are open on a day, and when each must be in.
 *
 * A month cannot be sent before it has ended.  Its cut-off is 23:59 in London on a
 * published day of the month after it; what is accepted by then counts for that
 * month's performance figures.  After its cut-off a month of the current financial
 * year can still be sent again, until the year closes: at the cut-off of the next
 * April's data, which falls in May.  So a window that closes in May covers thirteen
 * months: the twelve of the year that closes, and April of the new one.
 *
 * The published days are data (conf/calendar.csv: month,opens,closes,source).  A
 * month that the file does not know follows the stated fallback: it opens on the
 * first of the next month and its cut-off is the 20th of it (never later than the
 * days published so far, so early rather than late); a year closes on 28 May.
 *
 * Everything here is a pure function of the calendar, a London civil day, and a
 * month.  The caller asks base/clock.h and civil_london_day() for the day. */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/base/civil.h"

typedef struct Calendar Calendar;

enum { CALENDAR_MONTHS_MAX = 16 }; /* no day has more months open, given the bounds on `closes` */

/* NULL as path: the fallback alone.  CONFIG errors name file, line and what is wrong. */
bool calendar_load(const char *path, Arena *arena, const Calendar **ret, Error *err);

/* The months that a change today can still reach, oldest first: all that have begun (the running
 * month too) and whose year is not closed.  Mapping makes rows for these. */
size_t calendar_open_months(const Calendar *calendar, Day today, Month ret[CALENDAR_MONTHS_MAX]);

/* The same without the running month, and without a month that has ended but does not open until a
 * later day: what may be built and sent today. */
size_t calendar_due_months(const Calendar *calendar, Day today, Month ret[CALENDAR_MONTHS_MAX]);
bool calendar_due(const Calendar *calendar, Month month, Day today);

Day calendar_opens(const Calendar *calendar, Month month); /* first day on which it may be sent */
Day calendar_cutoff(const Calendar *calendar,
                    Month month); /* last day for the performance figures */
Day calendar_last_day(const Calendar *calendar,
                      Month month); /* last day of its year's last window */

/* The instant (microseconds) of 23:59 in London on the cut-off day; and on the last day. */
int64_t calendar_cutoff_at(const Calendar *calendar, Month month);
int64_t calendar_last_at(const Calendar *calendar, Month month);
/* The next of the two that is not behind us: what the queue orders by.  The last one when both are.
 */
int64_t calendar_deadline(const Calendar *calendar, Month month, int64_t wall);

bool calendar_is_published(const Calendar *calendar,
                           Month month); /* false: the fallback was used */
