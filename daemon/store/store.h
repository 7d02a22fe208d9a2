/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to PostgreSQL: opened with our rules, in transactions that end themselves.
 *
 * The connection carries the clock's offset, timeouts for statements, locks and
 * idle transactions, TCP keepalives and search_path=mhsflow; a schema newer or
 * older than this program is refused.  SQL asks mhsflow.now() and mhsflow.today()
 * (the civil date in London), nothing else, for the time.
 *
 * Kinds of error: ERROR_LATER for what may pass (connection, resources, shutdown,
 * serialization, lock and statement timeouts), ERROR_CONFIG for rights, names and
 * passwords, ERROR_DATA for values PostgreSQL cannot hold, ERROR_BUG for broken
 * constraints and wrong SQL.  No error text holds a value: PostgreSQL's DETAIL is
 * left out, only its SQLSTATE and the constraint's name are kept.
 *
 * Functions that write say whether they want a transaction: "in a transaction"
 * means the caller's (ERROR_BUG "store.no_transaction" without one), "a
 * transaction of its own" must not be called inside one. */
#pragma once

#include "daemon/base/arena.h"

#include <stdint.h>

typedef struct Store Store;

/* `conninfo`: any libpq connection string or URI, several hosts included.
 * `role`: "poll", "map" … shown in pg_stat_activity and kept in audit and leases. */
bool store_open(const char *conninfo, const char *role, Store **ret, Error *err);
void store_close(Store *store); /* NULL is fine */

/* Connects again when the connection is gone (and LISTENs again); cheap when it is there.  For loop
 * heads: after an ERROR_LATER with "store.connection", wait, then call this until it is true. */
bool store_ensure(Store *store, Error *err);
bool store_connected(const Store *store);

/* Names this process start: "map:5f3a…" (role and 128 random bits).  Never the host's name. */
const char *store_holder(const Store *store);

/* ---- transactions ---- */

/* Rolled back when it leaves scope uncommitted:
 *     _cleanup_transaction_ Transaction transaction = {0};
 *     if (!store_begin(store, &transaction, err)) …
 *     return store_commit(&transaction, err);
 * Audit events of the transaction are written at commit; on rollback the chain's head goes back.
 * store_commit() can fail with "store.commit_unknown" (the connection broke while PostgreSQL
 * answered): what happened must then be read, never assumed. */
typedef struct Transaction {
    Store *store;
} Transaction;

bool store_begin(Store *store, Transaction *ret, Error *err);
bool store_commit(Transaction *transaction, Error *err);
void store_rollback(Transaction *transaction);

static inline void transaction_cleanup(Transaction *transaction)
{
    if (transaction->store)
        store_rollback(transaction);
}
#define _cleanup_transaction_ __attribute__((cleanup(transaction_cleanup)))

/* ---- time, as the database has it ---- */

bool store_now(Store *store, int64_t *ret_wall, Error *err); /* microseconds since 1970 */

/* ---- waking each other ---- */

/* A hint, never the truth: whoever listens polls as well.  At most one NOTIFY per channel and
 * transaction; it goes out at commit. */
typedef enum StoreChannel {
    CHANNEL_WORK,   /* persons wait to be mapped */
    CHANNEL_BUILD,  /* months wait to be built */
    CHANNEL_SUBMIT, /* submissions wait to go, or to be asked about */
    CHANNEL_FEED,   /* a feed is to be polled now */
    CHANNEL_COUNT,
} StoreChannel;

bool store_listen(Store *store, StoreChannel channel, Error *err); /* survives store_ensure() */
bool store_notify(Store *store, StoreChannel channel,
                  Error *err); /* inside or outside a transaction */
int store_fd(
    const Store *store); /* for role_wait(): readable when something came; -1 when not connected */
/* Takes what came; true in *ret_woken when a listened channel was called. */
bool store_drain(Store *store, bool *ret_woken, Error *err);

/* ---- who is there (for `mhsflow status`) ---- */

typedef struct Presence {
    const char *role, *holder, *version;
    int64_t started_at, seen_at; /* microseconds */
    bool alive;                  /* seen within the last minute */
} Presence;

bool store_beat(Store *store,
                Error *err); /* a transaction of its own; at most every 10 s, else nothing */
bool store_presences(Store *store, Arena *arena, Presence **ret, size_t *ret_count, Error *err);

static inline void store_closep(Store **store)
{
    store_close(*store);
}
#define _cleanup_store_ __attribute__((cleanup(store_closep)))
