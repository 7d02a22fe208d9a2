/* SPDX-License-Identifier: Apache-2.0 */
/* A database that was set back to an older state, by somebody's word.
 *
 * The copy outside then has checkpoints that the database lacks, which is what an
 * attacker's cut looks like too: nothing is sealed until a person says that it was
 * a restore.  The word is an audit event with the name, what is given up and the
 * digest of the copy's newest checkpoint; the copy is moved aside and kept
 * (checkpoints.1, leaves.1), and the next sealer writes it anew from the database.
 * Whoever holds an older copy elsewhere still sees that the database was set back. */
#pragma once

#include "daemon/pipeline/seal_copy.h"
#include "daemon/store/seal.h"

typedef struct SealRestored {
    bool behind;      /* the copy had more than the database: it was set back */
    int64_t kept;     /* sealed events that both have */
    int64_t given_up; /* sealed events that only the copy has */
} SealRestored;

/* DATA "seal.tampered" when the database is no earlier state of the copy: that is no restore. */
bool seal_restore(Store *store, const char *folder, const char *actor, SealRestored *ret,
                  Error *err);
