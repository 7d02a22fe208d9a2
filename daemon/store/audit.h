/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: one event per change of state, in its transaction, chained by hash, without personal
 * data.
 *
 * Each process start is a writer with a chain of its own (random 128-bit id, dense
 * sequence from 1), so writers never wait for each other.  The hash of an event is
 *     SHA-256( 0x00 ‖ body )
 * where body is one line of JSON, keys in byte order, no spaces, UTF-8:
 *     {"at":"2026-11-23T02:20:00.123456Z","event":"feed_advanced","fields":{…},
 *      "previous":"<64 hex>","seq":1,"writer":"<role>:<32 hex>"}
 * `fields` likewise has its keys in byte order; numbers are whole, everything else
 * is a string.  `previous` is the hash of the writer's event before, 64 zeros for
 * its first.  0x00 is the leaf prefix of RFC 6962, so that a tree can be built over
 * the same hashes.  Which fields an event may have is declared in audit.def; their
 * types have no room for a record's content. */
#pragma once

#include "daemon/base/civil.h"
#include "daemon/base/digest.h"
#include "daemon/store/store.h"

typedef enum AuditEvent {
#define AUDIT_EVENT(name, text, fields, meaning) AUDIT_##name,
#include "daemon/store/audit.def"
#undef AUDIT_EVENT
    AUDIT_EVENT_COUNT
} AuditEvent;

/* One member per line of audit_field.def; NULL or 0 leaves it out. */
typedef struct AuditFields {
#define AUDIT_NUMBER int64_t
#define AUDIT_WORD const char *
#define AUDIT_NAME const char *
#define AUDIT_MONTH Month
#define AUDIT_DIGEST const uint8_t *
#define AUDIT_FIELD(name, type, meaning) AUDIT_##type name;
#include "daemon/store/audit_field.def"
#undef AUDIT_FIELD
#undef AUDIT_NUMBER
#undef AUDIT_WORD
#undef AUDIT_NAME
#undef AUDIT_MONTH
#undef AUDIT_DIGEST
} AuditFields;

/* In a transaction: audit_append(store, AUDIT_FEED_CHANGED, &(AuditFields){.feed = name, .to =
 * "down"}, err). A field that the event may not have, or a value of the wrong shape, is ERROR_BUG
 * "audit.field". */
bool audit_append(Store *store, AuditEvent event, const AuditFields *fields, Error *err);

const char *audit_event_name(AuditEvent event);
const char *audit_event_meaning(const char *name); /* NULL for an unknown name */

/* Whom an event is about, without saying who: HMAC-SHA-256 under a key kept in the database. */
bool audit_subject(Store *store, const char *feed, const char *type, const char *id,
                   uint8_t ret[DIGEST_SIZE], Error *err);

typedef struct AuditRecord {
    const char *writer;
    int64_t seq, number; /* number: order of commit as the database gave it out, for paging */
    const char *at, *event, *fields; /* RFC 3339 with microseconds; name; JSON text as hashed */
    uint8_t previous[DIGEST_SIZE], hash[DIGEST_SIZE]; /* as stored */
    int64_t submission; /* the column by which it is found, as stored; not hashed */
} AuditRecord;

typedef struct AuditFilter {
    const char *event, *feed, *provider; /* NULL: any */
    int64_t submission, number;          /* 0: any */
    int64_t from, to;                    /* microseconds; 0: open */
    int64_t limit;                       /* newest so many, given oldest first; 0: all */
} AuditFilter;
typedef bool (*AuditSink)(void *context, const AuditRecord *record, Error *err);
bool audit_list(Store *store, const AuditFilter *filter, AuditSink sink, void *context, Error *err);

/* For pages: the newest first, a part at a time, by an index. */
typedef struct AuditSearch {
    const char *event, *actor; /* NULL: any */
    const uint8_t *subject;    /* NULL: any */
    int64_t submission;        /* 0: any */
    int64_t from, to;          /* microseconds; 0: open */
    int64_t before_at, before; /* where the part before ended; 0: at the newest */
    size_t limit;
} AuditSearch;
typedef struct AuditFound {
    AuditRecord record;
    int64_t at_us, leaf; /* leaf -1: not sealed yet */
} AuditFound;
bool audit_search(Store *store, const AuditSearch *search, Arena *arena, AuditFound **ret,
                  size_t *ret_count, Error *err);

typedef struct AuditSealed {
    int64_t events, sealed; /* by the highest numbers: what was given out, not what was counted */
    int64_t checkpoint, checkpoint_at;
} AuditSealed;
bool audit_sealed(Store *store, AuditSealed *ret, Error *err);

/* Every event's name, NULL after the last. */
const char *const *audit_event_names(void);

/* The body of an event as hashed, and its hash; in `arena`. */
char *audit_body(const AuditRecord *record, Arena *arena);
void audit_hash(const AuditRecord *record, Arena *arena, uint8_t ret[DIGEST_SIZE]);

typedef struct AuditFault {
    const char *writer;
    int64_t seq; /* first bad one */
    const char
        *what; /* "edited" "missing" "reordered" "unknown event" "misfiled" "state without event" */
} AuditFault;
typedef struct AuditVerdict {
    int64_t events, writers;
    AuditFault *faults; /* the first of each writer */
    size_t fault_count;
} AuditVerdict;

/* An event's hash by what the database holds now, and whether that is the one stored beside it. */
typedef struct AuditSum {
    int64_t number;
    uint8_t hash[DIGEST_SIZE];
    bool same;
} AuditSum;
typedef void (*AuditSumSink)(void *context, const AuditSum *sum);

/* In a transaction.  One pass over all events in order of their number: recomputes every chain,
 * holds the newest event of each submission against its state, and tells each sum (or NULL). */
bool audit_check(Store *store, AuditSumSink sink, void *context, Arena *arena, AuditVerdict *ret,
                 Error *err);
/* The same in a transaction of its own. */
bool audit_verify(Store *store, Arena *arena, AuditVerdict *ret, Error *err);
