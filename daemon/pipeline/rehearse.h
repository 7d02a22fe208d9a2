/* SPDX-License-Identifier: Apache-2.0 */
/* What the records that are held would become by other rules, beside the rows that hold now.
 *
 * The same gate, mapping and checks as the map role's, with a mapping file of the caller's choice:
 * the one of then, or one that is to come.  Nothing is written.  Settings, pack, calendar and
 * consent are those of now: of then only what a person kept is known. */
#pragma once

#include "daemon/pipeline/tools.h"
#include "daemon/store/replay.h"

typedef struct Rehearsal {
    const char *mapping_version;
    int64_t people;
    int64_t unmapped;      /* too large or unreadable */
    RowDifference *tables; /* by table's code */
    size_t table_count, table_capacity;
} Rehearsal;

/* `mapping`: the file.  Texts live in `arena`. */
bool rehearse(Store *store, const Config *config, const char *mapping, const ReplayChoice *choice,
              Arena *arena, Rehearsal *ret, Error *err);

/* The reference records of all feeds, as mapping wants them. */
bool references_load(Store *store, const Config *config, Arena *arena, References **ret,
                     Error *err);
