/* SPDX-License-Identifier: Apache-2.0 */
/* The seal held against the events, its signatures and its copy outside the database.
 *
 * Every sealed event is hashed anew from what the database holds now.  The tree
 * over those hashes must have, at the size of every checkpoint (of the database
 * and of the copy), the root that was signed; the copy's leaves then say which
 * event is the first that differs.  Without them the first bad place is known to
 * lie between two checkpoints, and the lower end is named.
 *
 * What it cannot see: events after the newest checkpoint (their count is told),
 * and a database and a copy that were both set back together; for that somebody
 * else must hold a copy. */
#pragma once

#include "daemon/pipeline/seal_copy.h"
#include "daemon/store/seal.h"

typedef enum SealState {
    SEAL_UNSEALED,    /* nothing was ever sealed here, and nothing says that it was */
    SEAL_INTACT,      /* all sealed events are as they were signed, up to the newest checkpoint */
    SEAL_TAMPERED,    /* something was changed, cut out, put in or set back */
    SEAL_CANNOT_TELL, /* no key, or no copy outside: the end may have been cut */
} SealState;

typedef struct SealVerdict {
    SealState state;
    const char *reason;  /* one sentence, for SEAL_TAMPERED and SEAL_CANNOT_TELL */
    int64_t first_bad;   /* place of the first bad event; -1: none, or not known */
    int64_t sealed;      /* events in the tree */
    int64_t unsealed;    /* events after the newest checkpoint: only their chains hold them */
    int64_t checkpoints; /* in the database */
    int64_t outside;     /* events that the newest checkpoint of the copy covers */
    int64_t sealed_at;   /* the newest checkpoint's time, microseconds; 0: none */
    AuditVerdict chains; /* what the chains say, by the same reading */
} SealVerdict;

/* `expected`: a sealing key is set, so that no seal at all is "cannot tell".  `keys_path`: public
 * keys to trust; NULL takes the copy's own keys.pem. */
bool seal_verify(Store *store, const char *folder, const char *keys_path, bool expected,
                 Arena *arena, SealVerdict *ret, Error *err);
