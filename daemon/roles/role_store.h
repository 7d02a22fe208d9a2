/* SPDX-License-Identifier: Apache-2.0 */
/* A role's connection to PostgreSQL: waited for, and found again when it was lost.
 *
 * The database may be away for an hour: the role stays, waits with a jittered
 * back-off of at most 5 s, and says once that it is away and once that it is back. */
#pragma once

#include "daemon/roles/role.h"
#include "daemon/store/store.h"

typedef struct RoleStore {
    const char *role;
    Store *store;     /* NULL before the first connection */
    int failures;     /* in a row */
    const char *code; /* of the failure that was logged */
} RoleStore;

/* True with a live connection; false only when the role is to stop.  Cheap when it is there. */
bool role_store(RoleContext *context, RoleStore *connection);

/* Waits as role_wait() does, and no longer than until a listened channel is called.  A call that
 * came in with the answer to a query is no longer on the socket: it is looked for first. */
RoleWake role_store_wait(RoleContext *context, RoleStore *connection, int64_t milliseconds);

/* After an error: true when it was the connection's and the loop should just come round. */
bool role_store_lost(const Error *err);

void role_store_close(RoleStore *connection);
#define _cleanup_role_store_ __attribute__((cleanup(role_store_close)))
