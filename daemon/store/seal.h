/* SPDX-License-Identifier: Apache-2.0 */
/* The seal's tables: each event's place in the tree, and the signed heads.
 *
 * An event gets its place once no transaction that may still write an earlier one
 * is left: those below pg_snapshot_xmin, ordered by transaction, then by number.
 * So an event that commits late comes after the head that was signed meanwhile,
 * never before it.  What a restored dump says of transactions is of another
 * server: such events are taken as ended. */
#pragma once

#include "daemon/store/audit.h"

typedef struct SealLeaf {
    int64_t leaf, number;      /* place from 0; number of the event */
    uint8_t hash[DIGEST_SIZE]; /* as sealed */
} SealLeaf;

typedef struct SealCheckpoint {
    int64_t number, size, at; /* from 1; leaves covered; microseconds */
    const char *note;
} SealCheckpoint;

/* Where the last look ended: zero at the start, and after an error. */
typedef struct SealPlace {
    bool own;       /* events of another server's transactions have their places */
    char xact[24];  /* all events up to this transaction … */
    int64_t number; /* … and this event of it have theirs */
} SealPlace;

/* In a transaction: one sealer at a time, until it ends.  The newest checkpoint's number, or 0. */
bool seal_lock(Store *store, int64_t *ret_newest, Error *err);
/* In a transaction: the next events to seal, at most `limit`; `leaf` not yet given.  *ret_more:
 * there are more than that. */
bool seal_next(Store *store, SealPlace *place, size_t limit, Arena *arena, SealLeaf **ret,
               size_t *ret_count, bool *ret_more, Error *err);
/* In a transaction. */
bool seal_store(Store *store, const SealLeaf *leaves, size_t count,
                const SealCheckpoint *checkpoints, size_t checkpoint_count, Error *err);

/* Each function may be NULL. */
typedef struct SealReader {
    AuditSumSink sum; /* first all events, in order of their number */
    bool (*checkpoint)(void *data, const SealCheckpoint *checkpoint, Error *err); /* then these */
    bool (*leaf)(void *data, const SealLeaf *leaf, Error *err); /* then these, in order of place */
    void *data;
    Arena *arena;        /* for `sum` only: what the verdict is kept in */
    AuditVerdict chains; /* answer, for `sum` only */
} SealReader;
/* As of one moment, in a transaction of its own. */
bool seal_read(Store *store, SealReader *reader, Error *err);
/* The number of the event at a place; 0: none. */
bool seal_event_at(Store *store, int64_t leaf, int64_t *ret, Error *err);

/* The documents that were signed: every submission with its digest. */
typedef struct SealDocument {
    int64_t submission;
    const uint8_t *digest;
    bool is_signed;
} SealDocument;
bool seal_documents(Store *store, Arena *arena, SealDocument **ret, size_t *ret_count, Error *err);
