/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to PostgreSQL, opened with our rules, and its transactions. */
#include "daemon/store/store.h"

#include "daemon/base/clock.h"
#include "daemon/store/migrate.h"
#include "daemon/store/store_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* What every connection gets unless the connection string says otherwise. */
static const struct {
    const char *key, *value;
} defaults[] = {
    {"connect_timeout", "10"},
    /* A half-open connection is noticed within a minute, not within two hours. */
    {"keepalives", "1"},
    {"keepalives_idle", "15"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "30000"},
    {"client_encoding", "UTF8"},
    {"target_session_attrs", "read-write"},
};

#define SESSION_OPTIONS                                                                            \
    "-c search_path=mhsflow -c timezone=UTC -c datestyle=ISO -c bytea_output=hex -c jit=off "      \
    "-c client_min_messages=warning -c statement_timeout=300s -c lock_timeout=60s "                \
    "-c idle_in_transaction_session_timeout=300s"

static bool add_option(const char **keys, const char **values, size_t *count, const char *key,
                       const char *value)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(keys[i], key) == 0)
            return false;
    keys[*count] = key;
    values[(*count)++] = value;
    return true;
}

/* The server's notices are nobody's journal: what matters comes as an error. */
static void no_notice(void *data, const char *message)
{
    (void)data;
    (void)message;
}

bool store_connect_plain(const char *conninfo, const char *role, PGconn **ret, Error *err)
{
    char *problem = NULL;
    PQconninfoOption *parsed = PQconninfoParse(conninfo, &problem);
    if (!parsed) {
        PQfreemem(problem); /* may quote the password */
        return error_set(err, ERROR_CONFIG, "store.conninfo",
                         "cannot connect to PostgreSQL: the connection string cannot be read");
    }
    const char *keys[64], *values[64];
    size_t count = 0;
    char options[1024], name[64];
    const char *given = "";
    for (const PQconninfoOption *option = parsed; option->keyword && count < 48; option++) {
        if (!option->val)
            continue;
        if (strcmp(option->keyword, "options") == 0)
            given = option->val;
        else
            add_option(keys, values, &count, option->keyword, option->val);
    }
    snprintf(options, sizeof options, SESSION_OPTIONS " -c mhsflow.clock_offset=%lld %s",
             (long long)clock_offset(), given);
    snprintf(name, sizeof name, "mhsflow %s", role);
    add_option(keys, values, &count, "options", options);
    add_option(keys, values, &count, "application_name", name);
    for (size_t i = 0; i < COUNT_OF(defaults); i++)
        add_option(keys, values, &count, defaults[i].key, defaults[i].value);
    keys[count] = values[count] = NULL;
    PGconn *connection = PQconnectdbParams(keys, values, 0);
    PQconninfoFree(parsed);
    if (PQstatus(connection) == CONNECTION_OK) {
        PQsetNoticeProcessor(connection, no_notice, NULL);
        *ret = connection;
        return true;
    }
    /* libpq's text names host, user and reason, never a password or a record. */
    bool config = PQconnectionNeedsPassword(connection) || PQconnectionUsedPassword(connection);
    const char *text = connection ? PQerrorMessage(connection) : "out of memory";
    config = config || strstr(text, "does not exist") || strstr(text, "authentication failed") ||
             strstr(text, "pg_hba.conf");
    error_set(err, config ? ERROR_CONFIG : ERROR_LATER, config ? "store.login" : "store.connection",
              "could not connect to PostgreSQL: %s", text);
    PQfinish(connection);
    return false;
}

void store_random_name(const char *role, char ret[AUDIT_WRITER_SIZE])
{
    uint8_t random[16];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        abort();
    int used = snprintf(ret, AUDIT_WRITER_SIZE, "%.16s:", role);
    for (size_t i = 0; i < sizeof random; i++)
        used += snprintf(ret + used, AUDIT_WRITER_SIZE - (size_t)used, "%02x", random[i]);
}

static bool check_schema(Store *store, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    Error problem = {0};
    if (!sql_run(store, "read the schema's version",
                 "select max(version), to_regnamespace('" RESTORATION_MARK "') is not null from "
                 "schema_version",
                 NULL, &result, &problem)) {
        if (problem.kind == ERROR_LATER) {
            *err = problem;
            return false;
        }
        return error_set(
            err, ERROR_CONFIG, "store.no_schema",
            "cannot use the database: it has no schema of mhsflow (run `mhsflow db init`)");
    }
    if (sql_get_bool(result, 0, 1))
        return error_set(
            err, ERROR_LATER, "store.restoring",
            "could not use the database: a restore is under way, or broke off (then run "
            "`mhsflow db restore` again)");
    int64_t found = sql_get_number(result, 0, 0);
    if (found > migrate_newest())
        return error_set(err, ERROR_CONFIG, "store.schema_newer",
                         "cannot use the database: its schema %lld is newer than this program's %d",
                         (long long)found, migrate_newest());
    if (found < migrate_newest())
        return error_set(
            err, ERROR_CONFIG, "store.schema_older",
            "cannot use the database: its schema %lld is older than this program's %d (run "
            "`mhsflow db upgrade`)",
            (long long)found, migrate_newest());
    return true;
}

static const char *const channels[CHANNEL_COUNT] = {
    [CHANNEL_WORK] = "mhsflow_work",
    [CHANNEL_BUILD] = "mhsflow_build",
    [CHANNEL_SUBMIT] = "mhsflow_submit",
    [CHANNEL_FEED] = "mhsflow_feed",
};

static bool say(Store *store, const char *verb, StoreChannel channel, Error *err)
{
    char statement[64];
    snprintf(statement, sizeof statement, "%s %s", verb, channels[channel]);
    return sql_do(store, verb, statement, NULL, NULL, err);
}

static bool connect_store(Store *store, Error *err)
{
    if (!store_connect_plain(store->conninfo, store->role, &store->connection, err))
        return false;
    bool ok = check_schema(store, err);
    for (int channel = 0; ok && channel < CHANNEL_COUNT; channel++)
        if (store->listening & 1u << channel)
            ok = say(store, "listen", (StoreChannel)channel, err);
    if (!ok) {
        PQfinish(store->connection);
        store->connection = NULL;
    }
    return ok;
}

bool store_open(const char *conninfo, const char *role, Store **ret, Error *err)
{
    Store *store = calloc(1, sizeof *store);
    if (!store)
        abort();
    store->conninfo = strdup(conninfo);
    store->role = strdup(role);
    store->started_at = clock_wall();
    store->transaction_arena = arena_new((size_t)64 << 20);
    store_random_name(role, store->holder);
    memcpy(store->writer, store->holder, sizeof store->writer);
    if (!connect_store(store, err)) {
        store_close(store);
        return false;
    }
    *ret = store;
    return true;
}

void store_close(Store *store)
{
    if (!store)
        return;
    PQfinish(store->connection);
    arena_free(store->transaction_arena);
    free(store->conninfo);
    free(store->role);
    explicit_bzero(store->subject_key, sizeof store->subject_key);
    free(store);
}

bool store_connected(const Store *store)
{
    return store->connection && PQstatus(store->connection) == CONNECTION_OK;
}

bool store_ensure(Store *store, Error *err)
{
    if (store_connected(store))
        return true;
    PQfinish(store->connection);
    store->connection = NULL;
    store->in_transaction = false;
    store->woken = true; /* what was called meanwhile was not heard */
    audit_forget(store);
    return connect_store(store, err);
}

const char *store_holder(const Store *store)
{
    return store->holder;
}

bool store_begin(Store *store, Transaction *ret, Error *err)
{
    if (store->in_transaction)
        return error_set(err, ERROR_BUG, "store.nested",
                         "cannot begin: a transaction is open already");
    if (!store_connected(store))
        return error_set(err, ERROR_LATER, "store.connection",
                         "could not begin: the connection to PostgreSQL is gone");
    if (!sql_do(store, "begin", "begin", NULL, NULL, err))
        return false;
    store->in_transaction = true;
    store->notifying = 0;
    store->before = store->head;
    ret->store = store;
    return true;
}

static bool send_notifications(Store *store, Error *err)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++)
        if (store->notifying & 1u << channel && !say(store, "notify", (StoreChannel)channel, err))
            return false;
    store->notifying = 0;
    return true;
}

/* The answer to COMMIT did not come: nobody knows whether this chain went on, so a new one begins.
 */
static bool commit_unknown(Store *store, Error *err)
{
    store_random_name(store->role, store->writer);
    store->head = (AuditHead){0};
    store->before = store->head;
    store->in_transaction = false;
    audit_forget(store);
    return error_set(err, ERROR_LATER, "store.commit_unknown",
                     "could not commit: the connection broke before PostgreSQL's answer");
}

bool store_commit(Transaction *transaction, Error *err)
{
    Store *store = transaction->store;
    if (!store)
        return error_set(err, ERROR_BUG, "store.no_transaction",
                         "cannot commit: nothing was begun");
    if (!audit_flush(store, err) || !send_notifications(store, err)) {
        store_rollback(transaction);
        return false;
    }
    _cleanup_result_ PGresult *result = PQexec(store->connection, "commit");
    transaction->store = NULL;
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        if (!store_connected(store))
            return commit_unknown(store, err);
        sql_error(store, result, "commit", err);
    } else if (strcmp(PQcmdStatus(result), "COMMIT") == 0) {
        store->in_transaction = false;
        arena_reset(store->transaction_arena);
        return true;
    } else {
        error_set(err, ERROR_BUG, "store.transaction",
                  "cannot commit: a statement before had failed");
    }
    store->in_transaction = false;
    store->head = store->before;
    audit_forget(store);
    return false;
}

void store_rollback(Transaction *transaction)
{
    Store *store = transaction->store;
    if (!store)
        return;
    transaction->store = NULL;
    store->head = store->before;
    store->notifying = 0;
    audit_forget(store);
    store->in_transaction = false;
    if (store_connected(store))
        PQclear(PQexec(store->connection, "rollback"));
}

bool store_now(Store *store, int64_t *ret_wall, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "ask for the time", "select us(mhsflow.now())", NULL, &result, err))
        return false;
    *ret_wall = sql_get_number(result, 0, 0);
    return true;
}

bool store_listen(Store *store, StoreChannel channel, Error *err)
{
    store->listening |= 1u << channel;
    return say(store, "listen", channel, err);
}

bool store_notify(Store *store, StoreChannel channel, Error *err)
{
    if (!store->in_transaction)
        return say(store, "notify", channel, err);
    store->notifying |= 1u << channel;
    return true;
}

int store_fd(const Store *store)
{
    return store_connected(store) ? PQsocket(store->connection) : -1;
}

bool store_drain(Store *store, bool *ret_woken, Error *err)
{
    if (!PQconsumeInput(store->connection) || !store_connected(store))
        return error_set(err, ERROR_LATER, "store.connection",
                         "could not listen: the connection to PostgreSQL is gone");
    bool woken = store->woken;
    store->woken = false;
    PGnotify *note;
    while ((note = PQnotifies(store->connection))) {
        woken = true;
        PQfreemem(note);
    }
    *ret_woken = woken;
    return true;
}
