/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the calendar and asks why a month that is nearly due is not there. */
#include "daemon/pipeline/cutoff.h"

#include "daemon/base/text.h"

#include <stdlib.h>

/* Neither is there anything to send, nor does anything keep it. */
static bool is_no_trouble(const Explanation *why)
{
    return text_equal(why->reason->code, "sent") || text_equal(why->reason->code, "not_built");
}

static int by_time(const void *a, const void *b)
{
    const Cutoff *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

bool cutoff_list(const ExplainTools *tools, const char *const *providers, size_t provider_count,
                 Cutoff **ret, size_t *ret_count, Error *err)
{
    Month due[CALENDAR_MONTHS_MAX];
    int64_t now;
    size_t count = 0;
    if (!store_now(tools->store, &now, err))
        return false;
    Day today = civil_london_day(now);
    size_t due_count = calendar_due_months(tools->calendar, today, due);
    Cutoff *all = arena_array(tools->arena, due_count * provider_count + 1, sizeof *all);
    for (size_t i = 0; i < due_count * provider_count; i++) {
        const char *provider = providers[i / due_count];
        Month month = due[i % due_count];
        Day left = calendar_cutoff(tools->calendar, month) - today;
        Cutoff *cutoff = &all[count];
        if (left < 0 || left > CUTOFF_DAYS)
            continue;
        *cutoff = (Cutoff){.provider = provider,
                           .month = month,
                           .days = (int)left,
                           .at = calendar_cutoff_at(tools->calendar, month)};
        if (!explain_month(tools, provider, month, &cutoff->why, err))
            return false;
        count += !is_no_trouble(&cutoff->why);
    }
    qsort(all, count, sizeof *all, by_time);
    *ret = all;
    *ret_count = count;
    return true;
}

bool cutoff_say(Store *store, const Cutoff *cutoff, bool *ret_say, Error *err)
{
    static const int steps[] = {1, 3, CUTOFF_DAYS};
    size_t step = 0;
    while (steps[step] < cutoff->days)
        step++;
    return month_warned(store, cutoff->provider, cutoff->month, steps[step], ret_say, err);
}
