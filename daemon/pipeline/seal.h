/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing: events get their place in the tree, its head is signed and copied outside.
 *
 * Opening reads the whole seal and holds it against its newest heads, in the
 * database and outside.  Where they do not agree nothing more is sealed (DATA
 * "seal.tampered"): a signature over a changed past would make it look right.
 * After any other error close the sealer and open it again: it then knows what
 * was written. */
#pragma once

#include "daemon/pipeline/seal_copy.h"
#include "daemon/store/seal.h"

#define SEAL_BATCH 1000
#define SEAL_GROUP 16                      /* batches in one transaction, where so many wait */
#define SEAL_EVERY (60 * INT64_C(1000000)) /* microseconds: the longest between two checkpoints */

typedef struct SealerSettings {
    Store *store;
    const NoteKey *key;
    const char *name;   /* in each checkpoint */
    const char *folder; /* of the copy outside */
} SealerSettings;

typedef struct Sealer Sealer;

/* What `settings` points to must outlive the sealer. */
bool sealer_open(const SealerSettings *settings, Sealer **ret, Error *err);
/* Seal what waits when that is SEAL_BATCH events, when the last checkpoint is SEAL_EVERY old, or
 * when `now` is set; an empty checkpoint is one too.  *ret_more: more waits than one round takes,
 * which is SEAL_GROUP checkpoints of SEAL_BATCH events. */
bool sealer_round(Sealer *sealer, bool now, bool *ret_more, Error *err);
void sealer_close(Sealer *sealer); /* NULL is fine */

static inline void sealer_closep(Sealer **sealer)
{
    sealer_close(*sealer);
}
#define _cleanup_sealer_ __attribute__((cleanup(sealer_closep)))
