/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP message signatures (RFC 9421): what is signed, and the two header fields that carry it.
 *
 * This folder never sees a key: it writes the signature base and asks a
 * RequestSigner for the signature.  The base has one line per component and no
 * line feed at its end; any doubled component, any byte outside ASCII and any line
 * end inside a value is an error, because each would let two messages share a base. */
#pragma once

#include "daemon/base/arena.h"

#include <stdint.h>

/* Longest base that will be asked for; the signer's own limit is the same. */
#define MESSAGE_BASE_LIMIT ((size_t)16 << 10)

/* Signs on a caller's behalf without showing it a key. */
typedef struct RequestSigner {
    void *data;
    /* Name of the key in force, for the `keyid` parameter. */
    bool (*key)(void *data, Arena *arena, const char **ret_key_id, Error *err);
    /* Signature over `base` by that key, in the form RFC 9421 section 3.3 gives its algorithm.
     * LATER "sign.key_changed" when the key was replaced in between. */
    bool (*sign)(void *data, Arena *arena, const char *key_id, const char *base, size_t size,
                 const uint8_t **ret, size_t *ret_size, Error *err);
} RequestSigner;

/* A covered component: derived ("@method") or a field's name in lower case. */
typedef struct MessageComponent {
    const char *name;
    const char *parameters; /* as written, ";name=\"Pet\""; NULL: none */
    const char *value;
} MessageComponent;

/* Written in this order; what is NULL or 0 is left out. */
typedef struct MessageParameters {
    int64_t created; /* seconds since 1970 */
    const char *key_id, *nonce, *tag, *algorithm;
    int64_t expires;
} MessageParameters;

/* The inner list: `("@method" "@path");created=…;keyid="…"` */
bool message_parameters(const MessageComponent *components, size_t count,
                        const MessageParameters *parameters, Arena *arena, const char **ret,
                        Error *err);

/* The signature base (section 2.5). */
bool message_base(const MessageComponent *components, size_t count, const char *parameters,
                  Arena *arena, const char **ret, size_t *ret_size, Error *err);

typedef struct MessageSignature {
    const char *input;     /* value of Signature-Input: `sig1=(…)…` */
    const char *signature; /* value of Signature: `sig1=:…:` */
} MessageSignature;

/* Sign now: created is the clock's second, the nonce is fresh. */
bool message_sign(const RequestSigner *signer, const MessageComponent *components, size_t count,
                  const char *tag, Arena *arena, MessageSignature *ret, Error *err);

/* "@authority" (host in lower case, port 443 dropped) and "@path" of an https URL, as curl will
 * send them. */
bool message_target(const char *url, Arena *arena, const char **ret_authority,
                    const char **ret_path, Error *err);
