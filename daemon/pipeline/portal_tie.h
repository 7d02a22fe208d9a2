/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows of a submission the lines of the portal's reports speak of.
 *
 * One pass over the rows, whatever the number of lines: each line waits under one
 * of its values, its anchor, and is looked at closely where that value comes by. */
#pragma once

#include "adapters/submit/portal_report.h"
#include "daemon/dataset/dataset.h"
#include "daemon/store/rows.h"
#include "daemon/store/submission.h"

typedef struct PortalTie {
    const Table *table;
    const char *feed, *person, *row_key; /* feed and person NULL: a row without a person */
} PortalTie;

#define PORTAL_TIES_LIMIT 20 /* rows of one line */

typedef struct PortalTied {
    PortalTie ties[PORTAL_TIES_LIMIT];
    size_t count; /* rows that fit; may be over the limit */
    bool full, same_person;
} PortalTied;

typedef struct PortalTies {
    int64_t *rows;      /* sent, by table index */
    PortalTied **lines; /* by line; NULL: none fits */
    const PortalReports *reports;
    const Dataset *dataset;
    PortalTie one; /* scratch for portal_ties_of */
} PortalTies;

bool portal_tie(Store *store, const Dataset *dataset, const SubmissionInfo *info,
                const PortalReports *reports, Arena *arena, PortalTies *ret, Error *err);

/* What a line ties to: its row; each row of a group; or the one person whom all that fits belongs
 * to (row_key NULL).  The next call may reuse it. */
size_t portal_ties_of(PortalTies *ties, size_t line, const PortalTie **ret);
