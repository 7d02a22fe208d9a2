/* SPDX-License-Identifier: Apache-2.0 */
/* What a feed says happened to a record, and where the feed stands.
 *
 * Here, below adapters and store, because both speak of it: an adapter returns
 * changes with the next cursor, the store takes them in one transaction. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ChangeOp {
#define CHANGE_OP(name, text, meaning) CHANGE_##name,
#include "daemon/record/change_op.def"
#undef CHANGE_OP
    CHANGE_OP_COUNT
} ChangeOp;

/* One line of a change log, or one record of a snapshot (op upsert, seq of the snapshot). */
typedef struct Change {
    ChangeOp op;
    int64_t seq, version;
    const char *type, *id, *org;
    const char *recorded_at; /* RFC 3339, as sent */
    const char *json;        /* the whole record as JSON text; NULL for delete, purge, … */
    const char *reason;      /* delete, purge, restrict: as sent, one word */
    const char *survivor;    /* merge, unmerge */
    const char *const *merged;
    size_t merged_count;
    bool children_repointed;
} Change;

/* Where a feed stands.  The caller stores it in the same transaction as the records. */
typedef struct FeedCursor {
    const char *epoch;   /* NULL before the first look */
    const char *phase;   /* "" new · "snapshot:TYPE" · "changes" */
    const char *cursor;  /* opaque to everyone but the feed; NULL at the start of a phase */
    const char *etag;    /* of the last answer at the head */
    int64_t seq;         /* highest seq taken in */
    int64_t head_seq;    /* the head as the manifest said at the start of this poll */
    const char *allowed; /* what FeedWait.held named and a person has allowed since; or NULL */
    bool complete;       /* every snapshot is in and the cursor reached the head seen */
} FeedCursor;
