/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP message signatures (RFC 9421), seen from the verifier; and the detached CMS signature over a
 * document.
 *
 * Checked against the RFC's own vectors (tests/test_signature.c). */
#ifndef SANDBOX_SIGNATURE_H
#define SANDBOX_SIGNATURE_H

#include <openssl/x509.h>

#include "tests/sandbox/buffer.h"
#include "tests/sandbox/structured.h"

typedef struct Message {
    const char *method;    /* NULL in a response */
    const char *authority; /* as in Host */
    const char *path;
    const char *query; /* without "?"; NULL = none */
    int status;        /* of a response */
    /* All lines of a field joined by ", "; false when absent. */
    bool (*field)(const void *user, const char *name, Buffer *out);
    const void *user;
} Message;

/* The bytes that were signed. False: a component is unknown, absent or named twice. */
bool signature_base(const Message *message, const InnerList *input, Buffer *ret_base);
/* The algorithm follows from the key: P-256, Ed25519, RSA (PSS with SHA-512). `alg` in the input
 * must agree when it is there. */
bool signature_verify(EVP_PKEY *key, const InnerList *input, const Buffer *base,
                      const Buffer *signature);

/* A DER CMS SignedData, detached, whose signer must be one of `senders`; certificates inside it are
 * not believed. */
bool signature_verify_cms(const Buffer *der, const Buffer *document, STACK_OF(X509) * senders);

#endif
