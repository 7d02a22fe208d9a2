/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures over RFC 9421 signature bases (section 3.3). */
#include "daemon/base/cleanup.h"
#include "daemon/sign/key_private.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#define P256_HALF 32
#define PSS_SALT 64

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free, md);
DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free, ecdsa);

static bool fail(Error *err)
{
    unsigned long number = ERR_get_error();
    ERR_clear_error();
    return error_set(err, ERROR_LATER, "sign.request", "could not sign a request: %s",
                     number ? ERR_reason_error_string(number) : "no reason given");
}

/* OpenSSL gives DER; the wire wants r and s, 32 bytes each (section 3.3.4). */
static bool to_raw(const uint8_t *der, size_t size, Arena *arena, const uint8_t **ret,
                   size_t *ret_size, Error *err)
{
    _cleanup_(ecdsa) ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)size);
    uint8_t *raw = arena_alloc(arena, 2 * P256_HALF);
    if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, P256_HALF) != P256_HALF ||
        BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + P256_HALF, P256_HALF) != P256_HALF)
        return fail(err);
    *ret = raw;
    *ret_size = (size_t)2 * P256_HALF;
    return true;
}

static bool start(EVP_MD_CTX *context, const SignerKey *key)
{
    EVP_PKEY_CTX *parameters = NULL; /* belongs to the context */
    switch (key->algorithm) {
    case SIGNER_ED25519: /* one shot, no digest before it */
        return EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) == 1;
    case SIGNER_ECDSA_P256:
        return EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pkey) == 1;
    case SIGNER_RSA_PSS:
        return EVP_DigestSignInit(context, &parameters, EVP_sha512(), NULL, key->pkey) == 1 &&
               EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha512()) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, PSS_SALT) == 1;
    }
    return false;
}

bool signer_key_request(const SignerKey *key, const char *base, size_t size, Arena *arena,
                        const uint8_t **ret, size_t *ret_size, Error *err)
{
    _cleanup_(md) EVP_MD_CTX *context = EVP_MD_CTX_new();
    const unsigned char *bytes = (const unsigned char *)base;
    size_t room = 0;
    if (!context || !start(context, key) || EVP_DigestSign(context, NULL, &room, bytes, size) != 1)
        return fail(err);
    uint8_t *signature = arena_alloc(arena, room);
    if (EVP_DigestSign(context, signature, &room, bytes, size) != 1)
        return fail(err);
    if (key->algorithm == SIGNER_ECDSA_P256)
        return to_raw(signature, room, arena, ret, ret_size, err);
    *ret = signature;
    *ret_size = room;
    return true;
}
