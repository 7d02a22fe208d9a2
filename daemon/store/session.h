/* SPDX-License-Identifier: Apache-2.0 */
/* Who keeps old row versions from being cleaned away, and how PostgreSQL is. */
#pragma once

#include "daemon/store/store.h"

typedef struct StoreSession {
    const char *kind, *who; /* "transaction"; login and program */
    int64_t pid, seconds;   /* 0: none, not known */
} StoreSession;

/* The oldest first. */
bool store_sessions(Store *store, Arena *arena, StoreSession **ret, size_t *ret_count, Error *err);
/* "15.6", and 150006. */
bool store_server_version(Store *store, Arena *arena, const char **ret_text, int64_t *ret_number,
                          Error *err);
