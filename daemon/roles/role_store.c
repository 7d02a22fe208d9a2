/* SPDX-License-Identifier: Apache-2.0 */
/* A role's connection to PostgreSQL. */
#include "daemon/roles/role_store.h"

#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/pipeline/retry.h"

#define FIRST_WAIT_MS 200
#define LONGEST_WAIT_MS 5000

static bool connect_once(RoleContext *context, RoleStore *connection, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(64 << 10);
    if (connection->store)
        return store_ensure(connection->store, err);
    return store_open(config_database_as(role_config(context),
                                         arena_format(arena, "mhsflow_%s", connection->role),
                                         arena),
                      connection->role, &connection->store, err);
}

/* Doubling from 0.2 s, at most 5 s, the last half by chance: roles that lost it together come back
 * apart. */
static int64_t wait_ms(int failures)
{
    int64_t wait = FIRST_WAIT_MS << (failures > 5 ? 5 : failures);
    wait = wait > LONGEST_WAIT_MS ? LONGEST_WAIT_MS : wait;
    return wait / 2 + (int64_t)(retry_random() % (uint64_t)(wait / 2 + 1));
}

bool role_store(RoleContext *context, RoleStore *connection)
{
    while (!role_stopping(context)) {
        Error err = {0};
        if (connect_once(context, connection, &err)) {
            if (connection->code)
                log_event(LOG_DATABASE_BACK, NULL);
            connection->code = NULL;
            connection->failures = 0;
            return true;
        }
        if (!text_equal(connection->code, err.code))
            log_event(LOG_DATABASE_LOST, &err);
        connection->code = err.code;
        role_wait(context, wait_ms(connection->failures++), -1);
    }
    return false;
}

RoleWake role_store_wait(RoleContext *context, RoleStore *connection, int64_t milliseconds)
{
    Error lost = {0}; /* role_store() sees to it */
    bool called = false;
    store_drain(connection->store, &called, &lost);
    RoleWake wake = role_wait(context, called ? 0 : milliseconds, store_fd(connection->store));
    if (wake == ROLE_READABLE)
        store_drain(connection->store, &called, &lost);
    return wake;
}

bool role_store_lost(const Error *err)
{
    return err->kind == ERROR_LATER && text_equal(err->code, "store.connection");
}

void role_store_close(RoleStore *connection)
{
    store_close(connection->store);
}
