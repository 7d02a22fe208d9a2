/* SPDX-License-Identifier: Apache-2.0 */
/* Mapping again what is held: for whom, and how the rows of other rules would differ. */
#pragma once

#include "daemon/store/rows.h"
#include "daemon/store/work.h"

/* Which persons of a feed; what is not filled in asks nothing. */
typedef struct ReplayChoice {
    const char *feed;
    const char *person; /* as the feed has it; who was merged stands for the survivor */
    const char *type;   /* has a record of it */
    Month month;        /* has rows, or a finding, in it; 0: any */
} ReplayChoice;

/* Queues them; the map role makes their rows by the rules in force now.  A transaction of its own,
 * audited. */
bool replay_queue(Store *store, const ReplayChoice *choice, const char *actor, int64_t *ret_people,
                  Error *err);

/* The next of them in order, behind `after` (NULL: from the first), at most `most`. */
bool replay_people(Store *store, const ReplayChoice *choice, const char *after, size_t most,
                   Arena *arena, WorkItem **ret, size_t *ret_count, Error *err);

/* One table's rows as these people would get them, beside those that hold now. */
typedef struct RowDifference {
    const char *table;
    int64_t same, added, gone;
} RowDifference;
bool rows_compare(Store *store, const PersonRows *people, size_t count, Arena *arena,
                  RowDifference **ret, size_t *ret_count, Error *err);

/* When rows were first made by this mapping here: did it ever make any that are kept? */
bool replay_made_rows(Store *store, const char *mapping_version, int64_t *ret_rows, Error *err);

/* Keeps that somebody looked.  A transaction of its own. */
bool replay_rehearsed(Store *store, const char *feed, const char *mapping_version, int64_t people,
                      const char *actor, Error *err);
