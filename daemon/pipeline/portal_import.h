/* SPDX-License-Identifier: Apache-2.0 */
/* The portal's Summary Reports, tied to what was sent and held against what our own checks said.
 *
 * A line is tied to a row by the values it names: to the row of the rule's table
 * in which all of them stand, or else the one with the same key.  What fits more
 * than one row ties to nobody, unless the rule is about a group, whose every row
 * it then is.  Accepted or rejected follows from whether a rule of the whole file
 * is among the validations.
 *
 * A difference is a rule that the portal found on a row and we did not, or the
 * other way round; what we had left out of the file does not count, as the portal
 * never saw it.  Our findings are those in force now: bring the reports in before
 * much is corrected. */
#pragma once

#include "adapters/submit/portal_report.h"
#include "daemon/dataset/dataset.h"
#include "daemon/store/receipt.h"

typedef struct PortalDifference {
    const char *rule, *severity, *message; /* NULL where the pack does not know the rule */
    int64_t portal, ours;                  /* lines; rows and elements with our finding */
    int64_t only_portal, only_ours;        /* rows that one named and the other did not */
} PortalDifference;

typedef struct PortalTable { /* rows that went on */
    const char *table;
    int64_t sent, carried;
} PortalTable;

typedef struct PortalImport {
    Outcome outcome;      /* ACCEPTED or REJECTED */
    Finding *findings;    /* of source receiver */
    size_t finding_count; /* at least one for each validation and data quality line */
    int64_t lines, tied, rejected_lines, warning_lines, unreadable;
    PortalDifference *differences;
    size_t difference_count;
    PortalTable
        *tables; /* those where the portal carried on with fewer or more rows than were sent */
    size_t table_count;
} PortalImport;

bool portal_import(Store *store, const Dataset *dataset, const SubmissionInfo *info,
                   const PortalReports *reports, Arena *arena, PortalImport *ret, Error *err);
