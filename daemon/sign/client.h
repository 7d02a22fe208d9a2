/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the signer.  One short connection for each question; answers within ten seconds or LATER.
 *
 * Codes: "sign.away" (no signer there), "sign.rate", "sign.key_changed",
 * "sign.refused" (it closed without a word: our user may not ask), "sign.failed". */
#pragma once

#include "daemon/sign/protocol.h"

typedef struct SignerState {
    char key_id[SIGN_KEY_ID_SIZE + 1];
    int64_t end; /* the certificate's, seconds since 1970 */
} SignerState;

bool sign_client_key(const char *socket_path, SignerState *ret, Error *err);

/* CMS, DER, detached, over the document with this SHA-256. */
bool sign_client_document(const char *socket_path, int64_t submission,
                          const uint8_t digest[DIGEST_SIZE], Arena *arena, const uint8_t **ret,
                          size_t *ret_size, Error *err);

/* Over an RFC 9421 signature base of at most SIGN_BASE_LIMIT bytes, by the key with that id. */
bool sign_client_request(const char *socket_path, int64_t submission, const char *key_id,
                         const char *base, size_t size, Arena *arena, const uint8_t **ret,
                         size_t *ret_size, Error *err);
