/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows belong to a month: the pack's inclusion rules on civil dates. */
#include "daemon/dataset/inclusion.h"

#include <string.h>

/* The date at the head of a date or timestamp; false when blank or not one. */
static bool date_of(const Row *row, const Element *element, Day *ret)
{
    const char *value = element ? row_get(row, element) : NULL;
    char date[11];
    if (!value || strnlen(value, 10) < 10)
        return false;
    memcpy(date, value, 10);
    date[10] = '\0';
    return civil_parse_day(date, ret);
}

static bool ended_before(const Row *row, const Element *ends, Month month)
{
    Day day;
    return date_of(row, ends, &day) && day < civil_first_day(month);
}

static bool begins_after(const Row *row, const Element *starts, Month month)
{
    Day day;
    return date_of(row, starts, &day) && day > civil_last_day(month);
}

bool inclusion_holds(const Table *table, const Row *row, Month month)
{
    switch (table->inclusion) {
    case INCLUDE_ALWAYS:
    case INCLUDE_WITH_PARENT:
        return true;
    case INCLUDE_OPEN_SPAN:
    case INCLUDE_SPAN_IN:
        return !begins_after(row, table->starts, month) && !ended_before(row, table->ends, month) &&
               !ended_before(row, table->ends_also, month);
    case INCLUDE_EVENT:
        return !begins_after(row, table->starts, month) && !ended_before(row, table->starts, month);
    case INCLUDE_STATE:
        return !begins_after(row, table->starts, month);
    }
    return true;
}

static bool lies_outside(const Row *row, const Element *element, Month month)
{
    return begins_after(row, element, month) ||
           (element->blank == BLANK_OUTSIDE && ended_before(row, element, month));
}

/* Those with BLANK_WITH come first: they look at their partner's date before it goes. */
void inclusion_blank(const Table *table, Row *row, Month month)
{
    for (size_t i = 0; i < table->blanked_count; i++) {
        const Element *element = table->blanked[i];
        if (lies_outside(row, element->blank == BLANK_WITH ? element->with : element, month))
            row->values[element->index] = NULL;
    }
}
