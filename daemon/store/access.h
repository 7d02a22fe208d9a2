/* SPDX-License-Identifier: Apache-2.0 */
/* Who may see the pages: tokens with a name, a role and an end, and the sessions begun with them.
 *
 * A token is 256 random bits, shown once when it is made; only its SHA-256 is kept,
 * as is that of a session's cookie.  A name has one token: making another ends the
 * one before and its sessions.  A session ends with its token, after a time without
 * a request, and after a time whatever happens. */
#pragma once

#include "daemon/base/civil.h"
#include "daemon/base/digest.h"
#include "daemon/store/store.h"

#define ACCESS_SECRET_SIZE 65 /* 64 hexadecimal digits */

typedef struct AccessToken {
    const char *name, *role, *created_by, *ended_by;
    int64_t created_at, ends_at; /* microseconds */
    bool holds;
} AccessToken;

/* A transaction of its own, audited.  `until`: the last day in London on which it holds.  CONFIG
 * "access.role", "access.name" or "access.until". */
bool access_make(Store *store, const char *name, const char *role, Day until, const char *actor,
                 char ret_token[ACCESS_SECRET_SIZE], Error *err);
/* A transaction of its own, audited.  CONFIG "access.unknown" when there is none that holds. */
bool access_end(Store *store, const char *name, const char *actor, Error *err);
bool access_list(Store *store, Arena *arena, AccessToken **ret, size_t *ret_count, Error *err);

typedef struct AccessSession {
    const char *name, *role;         /* NULL: there is no such session, or it has ended */
    char secret[ACCESS_SECRET_SIZE]; /* of the cookie */
} AccessSession;

typedef struct AccessLimits {
    int64_t idle_ms, longest_ms;
} AccessLimits;

/* A transaction of its own, audited.  *ret without a name: the token is wrong or has ended. */
bool access_sign_in(Store *store, const char *token, Arena *arena, AccessSession *ret, Error *err);
/* The same for who comes with a name that a trusted proxy gave: the role is that of the name's
 * token. */
bool access_admit(Store *store, const char *name, Arena *arena, AccessSession *ret, Error *err);
/* The session of a cookie; `secret` may be anything that somebody sent. */
bool access_session(Store *store, const char *secret, const AccessLimits *limits, Arena *arena,
                    AccessSession *ret, Error *err);
bool access_sign_out(Store *store, const AccessSession *session, Error *err);
