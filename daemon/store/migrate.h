/* SPDX-License-Identifier: Apache-2.0 */
/* The schema: numbered SQL files inside the program, applied in order, each in a transaction.
 *
 * Any older version upgrades; a newer schema refuses an older program (CONFIG
 * "store.schema_newer").  Two programs that migrate at once wait for each other. */
#pragma once

#include "daemon/base/error.h"

typedef struct Migration {
    int version;      /* from 1 */
    const char *name; /* "base" */
    const char *sql;
} Migration;

extern const Migration
    migrations[]; /* ends with a zero entry; made by the build from schema/NNNN_name.sql */
int migrate_newest(void);

typedef struct MigrateState {
    int found, newest; /* found 0: no schema yet */
    int applied;       /* by this call */
} MigrateState;

/* Look only. */
bool migrate_check(const char *conninfo, MigrateState *ret, Error *err);
bool migrate_run(const char *conninfo, MigrateState *ret, Error *err);
