/* SPDX-License-Identifier: Apache-2.0 */
/* A private key that lies on a PKCS#11 token (a smart card, a hardware module) and never leaves it.
 *
 * Debian 12 has PKCS#11 for OpenSSL as an engine (libengine-pkcs11-openssl).  The engine, and the
 * module it was first told, stay for the life of the process; keys and PIN may change. */
#pragma once

#include "daemon/base/error.h"

#include <openssl/evp.h>

typedef struct SignerToken {
    const char *uri; /* "pkcs11:token=…;object=…;type=private" (RFC 7512), without a PIN in it */
    const char *module; /* the maker's shared library; NULL: the engine's own choice (p11-kit) */
    const char *pin;    /* a path or "credential:NAME" */
} SignerToken;

bool signer_token_named(const char *key); /* is that a key on a token? */

/* CONFIG "sign.pin" when the token refused the PIN: asking again may lock the token. */
bool signer_token_key(const SignerToken *token, EVP_PKEY **ret, Error *err);
