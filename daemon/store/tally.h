/* SPDX-License-Identifier: Apache-2.0 */
/* What pages show of large tables, counted ahead: findings by cause and organisation, unmapped
 * codes, the rows of each submission.
 *
 * Counting a million findings takes seconds, so it runs on a connection of its own
 * while the caller goes on, and only after something changed.  Every answer says
 * when it was counted. */
#pragma once

#include "daemon/store/finding.h"

/* Begins what is due on `store`, which nobody else uses; *ret_running false: nothing was due. */
bool tally_start(Store *store, bool *ret_running, Error *err);
/* *ret_done: what was begun has ended; *err is set when it failed. */
bool tally_finished(Store *store, bool *ret_done, Error *err);

typedef struct FindingTally {
    FindingGroup group;
    const char *org; /* NULL: all organisations together; "" those of none */
} FindingTally;
/* `org` and `cause` NULL: by cause over all organisations; `cause` given: that cause by
 * organisation; `org` given: that organisation by cause.  *ret_at: when it was counted, 0: never.
 */
bool tally_findings(Store *store, const char *cause, const char *org, Arena *arena,
                    FindingTally **ret, size_t *ret_count, int64_t *ret_at, Error *err);

typedef struct OrgTally {
    const char *org;
    int64_t findings, left_out, causes;
} OrgTally;
/* Who has most to correct first. */
bool tally_orgs(Store *store, Arena *arena, OrgTally **ret, size_t *ret_count, Error *err);

typedef struct DayTally {
    Day day;
    int64_t findings, left_out;
} DayTally;
bool tally_days(Store *store, Day from, Arena *arena, DayTally **ret, size_t *ret_count,
                Error *err);

typedef struct CodeTally {
    const char *feed, *record_type, *field, *code;
    int64_t records;
} CodeTally;
bool tally_codes(Store *store, size_t limit, Arena *arena, CodeTally **ret, size_t *ret_count,
                 Error *err);

typedef struct TableTally {
    const char *table;
    int64_t rows, before; /* before: of the revision that `before` names */
} TableTally;
/* The rows of a submission by table, beside those of another (0: none); no rows: not counted yet.
 */
bool tally_tables(Store *store, int64_t submission, int64_t before, Arena *arena, TableTally **ret,
                  size_t *ret_count, Error *err);
