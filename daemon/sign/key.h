/* SPDX-License-Identifier: Apache-2.0 */
/* A signing key with its certificate: the only code that touches a private key.
 *
 * P-256 and RSA of 3072 bits or more sign documents (CMS) and requests; Ed25519
 * signs requests only, because CMS in OpenSSL 3.0 has no digest for it.  The key's
 * text is wiped as soon as OpenSSL has it, the key itself when it is freed. */
#pragma once

#include "daemon/base/digest.h"
#include "daemon/sign/protocol.h"

#include <stdint.h>

typedef struct SignerKey SignerKey;

typedef struct SignerKeySource {
    const char *certificate;  /* PEM: ours first, then what else a verifier needs of its chain */
    const char *key;          /* PEM, not encrypted: a path or "credential:NAME"; or "pkcs11:…" */
    const char *module, *pin; /* of a pkcs11: key (token.h) */
} SignerKeySource;

/* CONFIG when they do not belong together, the key is too weak, or the certificate is not valid at
 * `now_wall`; "sign.pin" when a token refused its PIN. */
bool signer_key_open(const SignerKeySource *source, int64_t now_wall, SignerKey **ret, Error *err);
void signer_key_free(SignerKey *key); /* NULL is fine */

/* First 16 hex digits of the SHA-256 of the certificate's SubjectPublicKeyInfo. */
const char *signer_key_id(const SignerKey *key);
int64_t signer_key_end(const SignerKey *key);           /* not after, seconds since 1970 */
const char *signer_key_algorithm(const SignerKey *key); /* RFC 9421 name */
bool signer_key_signs_documents(const SignerKey *key);

/* Detached CMS SignedData (RFC 5652), DER, over a document of which only the SHA-256 is known:
 * contentType, messageDigest and signingTime are signed attributes, the certificates are inside. */
bool signer_key_document(const SignerKey *key, const uint8_t digest[DIGEST_SIZE], int64_t now_wall,
                         Arena *arena, const uint8_t **ret, size_t *ret_size, Error *err);

/* ecdsa-p256-sha256 (r and s, 64 bytes), rsa-pss-sha512 (salt 64), or ed25519. */
bool signer_key_request(const SignerKey *key, const char *base, size_t size, Arena *arena,
                        const uint8_t **ret, size_t *ret_size, Error *err);

static inline void signer_key_freep(SignerKey **key)
{
    signer_key_free(*key);
}
#define _cleanup_signer_key_ __attribute__((cleanup(signer_key_freep)))
