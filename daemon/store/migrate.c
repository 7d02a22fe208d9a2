/* SPDX-License-Identifier: Apache-2.0 */
/* The schema, brought to this program's version. */
#include "daemon/store/migrate.h"

#include "daemon/store/audit.h"
#include "daemon/store/store_private.h"

#include <stdio.h>
#include <string.h>

int migrate_newest(void)
{
    int newest = 0;
    for (const Migration *migration = migrations; migration->version; migration++)
        newest = migration->version;
    return newest;
}

bool store_open_unchecked(const char *conninfo, const char *role, Store **ret, Error *err)
{
    PGconn *connection;
    if (!store_connect_plain(conninfo, role, &connection, err))
        return false;
    Store *store = calloc(1, sizeof *store);
    if (!store)
        abort();
    store->connection = connection;
    store->transaction_arena = arena_new((size_t)1 << 20);
    store_random_name(role, store->holder);
    memcpy(store->writer, store->holder, sizeof store->writer);
    *ret = store;
    return true;
}

static bool read_version(Store *store, int *ret, Error *err)
{
    _cleanup_result_ PGresult *exists = NULL, *version = NULL;
    if (!sql_run(store, "look for the schema",
                 "select to_regclass('mhsflow.schema_version') is not null", NULL, &exists, err))
        return false;
    if (!sql_get_bool(exists, 0, 0)) {
        *ret = 0;
        return true;
    }
    if (!sql_run(store, "read the schema's version",
                 "select max(version) from mhsflow.schema_version", NULL, &version, err))
        return false;
    *ret = (int)sql_get_number(version, 0, 0);
    return true;
}

static bool too_new(int found, Error *err)
{
    return error_set(err, ERROR_CONFIG, "store.schema_newer",
                     "cannot use the database: its schema %d is newer than this program's %d",
                     found, migrate_newest());
}

bool migrate_check(const char *conninfo, MigrateState *ret, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    int found;
    if (!store_open_unchecked(conninfo, "migrate", &store, err) ||
        !read_version(store, &found, err))
        return false;
    *ret = (MigrateState){.found = found, .newest = migrate_newest()};
    return found <= migrate_newest() || too_new(found, err);
}

/* One step: its SQL, its row in schema_version, its audit event, in one transaction. */
static bool apply(Store *store, const Migration *migration, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    if (!store_begin(store, &transaction, err))
        return false;
    /* Migrations may hold many statements, which only the simple protocol takes. */
    PGresult *result = PQexec(store->connection, migration->sql);
    ExecStatusType status = PQresultStatus(result);
    bool ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
              sql_error(store, result, "change the schema", err);
    PQclear(result);
    if (!ok)
        return error_wrap(err, "migration %d (%s)", migration->version, migration->name);
    Sql sql = sql_new(arena);
    sql_number(&sql, migration->version);
    sql_text(&sql, migration->name);
    sql_text(&sql, MHSFLOW_VERSION);
    return sql_do(store, "note the schema's version",
                  "insert into schema_version (version, name, program, applied_at) "
                  "values ($1, $2, $3, mhsflow.now())",
                  &sql, NULL, err) &&
           audit_append(store, AUDIT_SCHEMA_MIGRATED,
                        &(AuditFields){.version = arena_format(arena, "%d", migration->version)},
                        err) &&
           store_commit(&transaction, err);
}

bool migrate_run(const char *conninfo, MigrateState *ret, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    MigrateState state = {.newest = migrate_newest()};
    if (!store_open_unchecked(conninfo, "migrate", &store, err))
        return false;
    /* Held by the session: two programs that start at once take turns. */
    if (!sql_do(store, "wait for other migrations", MIGRATE_LOCK, NULL, NULL, err) ||
        !read_version(store, &state.found, err))
        return false;
    if (state.found > state.newest)
        return too_new(state.found, err);
    if (state.found == 0 &&
        (!sql_do(store, "make the schema", "create schema if not exists mhsflow", NULL, NULL,
                 err) ||
         !sql_do(store, "make the schema",
                 "create table if not exists mhsflow.schema_version (version integer primary key, "
                 "name text "
                 "not null, program text not null, applied_at timestamptz not null)",
                 NULL, NULL, err)))
        return false;
    for (const Migration *migration = migrations; migration->version; migration++) {
        if (migration->version <= state.found)
            continue;
        if (!apply(store, migration, err))
            return false;
        state.applied++;
    }
    *ret = state;
    return true;
}
