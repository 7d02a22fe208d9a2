/* SPDX-License-Identifier: Apache-2.0 */
/* A signed statement of who we are, for a token server (RFC 7523, `private_key_jwt`).
 *
 * The key's kind decides the algorithm: RSA of 2048 bits or more signs RS512,
 * P-256 signs ES256.  The key's text is wiped as soon as OpenSSL has it, and the
 * key is let go as soon as it has signed: it is read again for each statement, so
 * that a new one needs no restart. */
#pragma once

#include "daemon/base/arena.h"

#include <stdint.h>

#define ASSERTION_LIFE_S 240 /* five minutes are allowed; one is left for clocks that differ */

typedef struct AssertionClaims {
    const char *key_id;   /* under which the server knows the public key */
    const char *client;   /* issuer and subject */
    const char *audience; /* the token server's address, character by character */
    const char *id;       /* never used twice */
    int64_t ends;         /* seconds since 1970 */
} AssertionClaims;

/* `key_path`: PEM, not encrypted (a path or "credential:NAME").  CONFIG "auth.key" when it cannot
 * be read or is of another kind. */
bool assertion_sign(const char *key_path, const AssertionClaims *claims, Arena *arena,
                    const char **ret, Error *err);

const char *assertion_new_id(Arena *arena); /* 128 random bits, 32 hex digits */
