/* SPDX-License-Identifier: Apache-2.0 */
/* The Authorization header of MESH: one token for one request, never used again. */
#pragma once

#include "daemon/base/arena.h"

#include <stdint.h>

typedef struct MeshToken {
    const char *mailbox, *password, *key;
    const char *nonce;     /* GUID */
    const char *count;     /* digits as sent: "1" and "001" hash differently */
    const char *timestamp; /* yyyyMMddHHmm, UTC */
} MeshToken;

/* "NHSMESH mailbox:nonce:count:timestamp:hash". */
const char *mesh_token_text(const MeshToken *token, Arena *arena);

/* With a fresh nonce and the clock's minute. */
const char *mesh_token_now(const char *mailbox, const char *password, const char *key,
                           Arena *arena);
