/* SPDX-License-Identifier: Apache-2.0 */
/* A backup put in the place of the database, so that nothing accepted since goes out again unasked.
 *
 * restoration_prepare() sets what is there aside, the caller loads the backup, and
 * restoration_finish() begins a new epoch; between the two every role is refused
 * ("store.restoring"), however the machine ends.  restoration_undo() puts back
 * what was there.  All three as the owner, with transactions of their own.
 *
 * The new epoch: what was `ready` or `sending` becomes `unsure`, so that the
 * receiver is asked first (where another revision of the month is asked about
 * already, `held`); the first build of each month waits for a person; revisions
 * count on from 1000 times the epoch. */
#pragma once

#include "daemon/store/store.h"

#include "daemon/base/civil.h"
#include "daemon/base/digest.h"

/* CONFIG "db.busy" while a process of mhsflow is at work on it. */
bool restoration_prepare(const char *conninfo, Error *err);
bool restoration_undo(const char *conninfo, Error *err);

typedef struct Restoration {
    int64_t epoch;       /* from 1 */
    int64_t asked, held; /* submissions */
} Restoration;
/* The backup's schema is brought to this program's version first; a newer one is refused. */
bool restoration_finish(const char *conninfo, const char *actor, const uint8_t digest[DIGEST_SIZE],
                        Restoration *ret, Error *err);
/* Opens the database to the roles again: the last step, after the rights are set. */
bool restoration_end(const char *conninfo, Error *err);

/* Must this month's next revision wait for a person: was nothing of it released or accepted since
 * the last restoration? */
bool restoration_holds(Store *store, const char *data_set, const char *provider, Month period,
                       bool *ret, Error *err);

/* When the last one was, in microseconds; 0: never. */
bool restoration_last(Store *store, int64_t *ret_at, Error *err);

/* One audit event: a copy of everything was made. */
bool restoration_note_copy(const char *conninfo, const char *actor,
                           const uint8_t digest[DIGEST_SIZE], Error *err);
