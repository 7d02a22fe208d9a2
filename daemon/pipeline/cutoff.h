/* SPDX-License-Identifier: Apache-2.0 */
/* Months that are about to miss their national cut-off, and what is missing. */
#pragma once

#include "daemon/pipeline/explain.h"

#define CUTOFF_DAYS 7 /* from so many days before it on */

typedef struct Cutoff {
    const char *provider;
    Month month;
    int days;        /* 0: today */
    int64_t at;      /* microseconds */
    Explanation why; /* what keeps it */
} Cutoff;

/* The due months of these providers whose cut-off is near and which the receiver does not have as
 * they stand; soonest first.  A month in which nobody is does not count. */
bool cutoff_list(const ExplainTools *tools, const char *const *providers, size_t provider_count,
                 Cutoff **ret, size_t *ret_count, Error *err);

/* Is this to be said now?  Once in the last week, once in the last three days and once on the last
 * day or the one before, by whichever process asks first. */
bool cutoff_say(Store *store, const Cutoff *cutoff, bool *ret_say, Error *err);
