/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a SignerKey, for the files that sign with it. */
#pragma once

#include "daemon/sign/key.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

typedef enum SignerAlgorithm { SIGNER_ECDSA_P256, SIGNER_RSA_PSS, SIGNER_ED25519 } SignerAlgorithm;

struct SignerKey {
    EVP_PKEY *pkey;
    X509 *certificate;
    STACK_OF(X509) * chain; /* without our own certificate */
    SignerAlgorithm algorithm;
    char id[SIGN_KEY_ID_SIZE + 1];
    int64_t end;
};

/* A private key in PEM, not encrypted; its text never leaves pages of their own. */
bool signer_private_key(const char *path, EVP_PKEY **ret, Error *err);
