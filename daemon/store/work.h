/* SPDX-License-Identifier: Apache-2.0 */
/* Persons whose national rows must be made again: claimed in batches, kept by lease and fence.
 *
 * Somebody who killed a mapper is tried alone the next time, so that only the one
 * who does it again is set aside (quarantined, with a finding), never the others of
 * the batch.  Leases run on the database's clock. */
#pragma once

#include "daemon/store/source.h"

typedef struct WorkItem {
    const char *feed, *person; /* person: the survivor's id, as the feed has it */
    int64_t fence, changed;    /* opaque: handed back to work_done() */
    int attempts, crashes;
    const char *id_prefix; /* the feed's */
    bool follows; /* goes under another feed's local id (match.h): has no rows of its own */
} WorkItem;

/* A transaction of its own: at most `limit` persons that are due, oldest first, leased for
 * `lease_ms`. Of those whose mapper died, one at a time; a second death sets them aside first. */
bool work_claim(Store *store, size_t limit, int64_t lease_ms, Arena *arena, WorkItem **ret,
                size_t *ret_count, Error *err);

/* All live records of the claimed persons and of those of other feeds who go under their local id
 * (none for whoever goes under another's), in order of type, id and feed, deleted and restricted
 * records left out; lists[i] belongs to items[i].  basis[i]: consent for `purpose` and restriction.
 */
bool work_records(Store *store, const WorkItem *items, size_t count, const char *purpose,
                  Arena *arena, RecordList *lists, PersonBasis *basis, Error *err);

/* In a transaction, the last step before commit: takes the persons out of the queue.  Who was
 * queued again meanwhile stays, and so does, until then, whoever has a decision that begins or ends
 * on a later day. ERROR_LATER "work.stale" when a lease is no longer ours: roll back, others have
 * them. */
bool work_done(Store *store, const WorkItem *items, size_t count, Error *err);

/* A transaction of its own.  Try again in `wait_ms`; after 5 failures in a row set aside with a
 * finding that names `failure->code`.  ERROR_DATA sets aside at once. */
bool work_fail(Store *store, const WorkItem *item, const Error *failure, int64_t wait_ms,
               Error *err);

/* A transaction of its own.  Give back untouched (stopping). */
bool work_release(Store *store, const WorkItem *items, size_t count, Error *err);

/* Queue everyone of a feed (NULL: all feeds) again: new mapping, new pack, a new month began.
 * A transaction of its own; audited with `reason` (one of our words). */
bool work_requeue_all(Store *store, const char *feed, const char *reason, int64_t *ret_people,
                      Error *err);

typedef struct WorkState {
    int64_t waiting, later, claimed, quarantined;
    int64_t oldest_us; /* since when the first waits; 0: nobody */
    int64_t next_due;  /* microseconds: when the next becomes due; 0: nobody */
} WorkState;
bool work_state(Store *store, WorkState *ret, Error *err);

/* One person, for whoever asks why something is not sent. */
typedef struct WorkPerson {
    bool waiting;   /* due to be mapped, or being mapped */
    bool set_aside; /* could not be mapped */
} WorkPerson;
bool work_person(Store *store, const char *feed, const char *person, WorkPerson *ret, Error *err);

/* What made all rows so far: when mapping, pack or open months change, everyone is queued again
 * (work_requeue_all) and this is set, in one transaction of its own.  *ret_changed says whether it
 * did. */
bool work_settings(Store *store, const char *fingerprint, bool *ret_changed, Error *err);
