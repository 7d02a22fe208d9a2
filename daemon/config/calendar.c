/* SPDX-License-Identifier: Apache-2.0 */
/* Answers which months are open, from the published days and the stated fallback. */
#include "daemon/config/calendar.h"

#include "daemon/base/clock.h"
#include "daemon/base/csv.h"

enum {
    FALLBACK_CUTOFF_DAY = 20,   /* of the next month */
    FALLBACK_YEAR_END_DAY = 28, /* of May */
    CUTOFF_SECONDS = (23 * 60 + 59) * 60,
};

typedef struct CalendarRow {
    Month month;
    Day opens, closes;
} CalendarRow;

struct Calendar {
    CalendarRow *rows; /* by month, without gaps in order but maybe in count */
    size_t count;
};

static const CalendarRow *find(const Calendar *calendar, Month month)
{
    for (size_t i = 0; i < calendar->count; i++)
        if (calendar->rows[i].month == month)
            return &calendar->rows[i];
    return NULL;
}

static bool wrong(const char *path, const CsvRow *row, const char *what, Error *err)
{
    return error_set(err, ERROR_CONFIG, "calendar.row", "%s:%d: %s", path, row->line, what);
}

/* The bounds keep the list of open months short and make a slip of the pen visible. */
static bool read_row(const char *path, const CsvRow *csv, const int columns[3], CalendarRow *ret,
                     Error *err)
{
    CalendarRow row;

    if (!civil_parse_month(csv->fields[columns[0]], &row.month))
        return wrong(path, csv, "\"month\" is not a month (YYYY-MM)", err);
    if (!civil_parse_day(csv->fields[columns[1]], &row.opens))
        return wrong(path, csv, "\"opens\" is not a date (YYYY-MM-DD)", err);
    if (!civil_parse_day(csv->fields[columns[2]], &row.closes))
        return wrong(path, csv, "\"closes\" is not a date (YYYY-MM-DD)", err);
    if (row.opens < civil_first_day(row.month + 1))
        return wrong(path, csv, "a month cannot open before it has ended", err);
    if (row.closes < row.opens || row.closes > civil_last_day(row.month + 2))
        return wrong(path, csv,
                     "\"closes\" must lie between \"opens\" and the end of the second month after",
                     err);
    *ret = row;
    return true;
}

static bool load_rows(const char *path, Arena *arena, Calendar *calendar, Error *err)
{
    static const char *const names[] = {"month", "opens", "closes"};
    _cleanup_csv_ CsvReader *reader = NULL;
    size_t capacity = 0;
    const CsvRow *csv;
    int columns[3];

    if (!csv_open(path, &reader, err) || !csv_require(reader, names, 3, columns, err))
        return error_wrap(err, "reading the calendar");
    for (;;) {
        CalendarRow row;

        if (!csv_next(reader, &csv, err))
            return error_wrap(err, "reading the calendar");
        if (!csv)
            return true;
        if (!arena_check(arena, err) || !read_row(path, csv, columns, &row, err))
            return false;
        if (find(calendar, row.month))
            return wrong(path, csv, "the month stands twice", err);
        calendar->rows =
            arena_grow(arena, calendar->rows, calendar->count, &capacity, sizeof(CalendarRow));
        calendar->rows[calendar->count++] = row;
    }
}

bool calendar_load(const char *path, Arena *arena, const Calendar **ret, Error *err)
{
    Calendar *calendar = arena_alloc(arena, sizeof(*calendar));

    if (path && !load_rows(path, arena, calendar, err)) {
        err->kind = err->kind == ERROR_DATA ? ERROR_CONFIG : err->kind;
        return false;
    }
    *ret = calendar;
    return true;
}

bool calendar_is_published(const Calendar *calendar, Month month)
{
    return find(calendar, month) != NULL;
}

Day calendar_opens(const Calendar *calendar, Month month)
{
    const CalendarRow *row = find(calendar, month);

    return row ? row->opens : civil_first_day(month + 1);
}

Day calendar_cutoff(const Calendar *calendar, Month month)
{
    const CalendarRow *row = find(calendar, month);

    return row ? row->closes : civil_first_day(month + 1) + FALLBACK_CUTOFF_DAY - 1;
}

Day calendar_last_day(const Calendar *calendar, Month month)
{
    Month next_april = civil_financial_year(month) + 12;
    const CalendarRow *row = find(calendar, next_april);

    return row ? row->closes : civil_first_day(next_april + 1) + FALLBACK_YEAR_END_DAY - 1;
}

int64_t calendar_cutoff_at(const Calendar *calendar, Month month)
{
    return civil_london_instant(calendar_cutoff(calendar, month), CUTOFF_SECONDS, true);
}

int64_t calendar_last_at(const Calendar *calendar, Month month)
{
    return civil_london_instant(calendar_last_day(calendar, month), CUTOFF_SECONDS, true);
}

int64_t calendar_deadline(const Calendar *calendar, Month month, int64_t wall)
{
    int64_t cutoff = calendar_cutoff_at(calendar, month);

    return wall <= cutoff ? cutoff : calendar_last_at(calendar, month);
}

size_t calendar_open_months(const Calendar *calendar, Day today, Month ret[CALENDAR_MONTHS_MAX])
{
    Month running = civil_month_of(today);
    size_t count = 0;

    for (Month month = civil_financial_year(running) - 12; month <= running; month++)
        if (today <= calendar_last_day(calendar, month) && count < CALENDAR_MONTHS_MAX)
            ret[count++] = month;
    return count;
}

size_t calendar_due_months(const Calendar *calendar, Day today, Month ret[CALENDAR_MONTHS_MAX])
{
    Month open[CALENDAR_MONTHS_MAX];
    size_t open_count = calendar_open_months(calendar, today, open), count = 0;

    for (size_t i = 0; i < open_count; i++)
        if (today >= calendar_opens(calendar, open[i]))
            ret[count++] = open[i];
    return count;
}

bool calendar_due(const Calendar *calendar, Month month, Day today)
{
    return today >= calendar_opens(calendar, month) && today <= calendar_last_day(calendar, month);
}
