/* SPDX-License-Identifier: Apache-2.0 */
/* What was purged: a keyed hash, when, why, how much, and whether the tables were cleared of it. */
#pragma once

#include "daemon/base/digest.h"
#include "daemon/store/store.h"

typedef struct Purge {
    int64_t id;
    const char *feed, *type, *reason; /* reason NULL: none was given */
    uint8_t subject[DIGEST_SIZE];
    int64_t purged_at, vacuumed_at; /* 0: not yet */
    int64_t records, rows;
} Purge;

/* Newest first.  `id` 0: all. */
bool purge_list(Store *store, int64_t id, Arena *arena, Purge **ret, size_t *ret_count, Error *err);
/* The number of the audit event that tells of it; 0: none is kept. */
bool purge_event(Store *store, const Purge *purge, int64_t *ret, Error *err);
/* How many documents that had already gone out were made of rows that purges took, of all purges.
 */
bool purge_documents(Store *store, int64_t *ret, Error *err);

/* Clears what purges deleted from tables and indexes.  Only the tables' owner can: CONFIG
 * "purge.owner".  What an older snapshot still sees waits for another time. */
bool purge_vacuum(Store *store, int64_t *ret_done, int64_t *ret_waiting, Error *err);
