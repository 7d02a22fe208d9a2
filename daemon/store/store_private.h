/* SPDX-License-Identifier: Apache-2.0 */
/* What a Store is inside; only store/ includes this. */
#pragma once

#include "daemon/base/digest.h"
#include "daemon/store/sql.h"

#define AUDIT_WRITER_SIZE 64

/* An audit chain's end: what the next event hangs on. */
typedef struct AuditHead {
    int64_t seq;
    uint8_t hash[DIGEST_SIZE];
} AuditHead;

typedef struct AuditPending AuditPending;

struct Store {
    PGconn *connection;
    char *conninfo, *role;
    char holder[AUDIT_WRITER_SIZE];
    char writer[AUDIT_WRITER_SIZE]; /* a new one whenever a commit's outcome was not seen */
    bool in_transaction;
    bool woken;
    unsigned listening, notifying; /* bits of StoreChannel */
    int64_t started_at, beat_at;
    AuditHead head, before; /* `before`: where a rollback goes back to */
    AuditPending *pending, *pending_last;
    Arena *transaction_arena; /* audit events that wait for the commit */
    uint8_t subject_key[DIGEST_SIZE];
    bool has_subject_key;
};

bool store_connect_plain(const char *conninfo, const char *role, PGconn **ret, Error *err);
/* A Store without the schema check, for those who make the schema and its rights. */
bool store_open_unchecked(const char *conninfo, const char *role, Store **ret, Error *err);
/* The schema that is there while a backup takes the place of the database, and holds what was
 * there before. */
#define RESTORATION_MARK "mhsflow_before"
/* Held by the session: whoever changes the schema or its rights takes turns. */
#define MIGRATE_LOCK "select pg_advisory_lock(hashtext('mhsflow.migrate'))"
void store_random_name(const char *role, char ret[AUDIT_WRITER_SIZE]);

/* audit.c: write what waits; forget what waits. */
bool audit_flush(Store *store, Error *err);
void audit_forget(Store *store);
