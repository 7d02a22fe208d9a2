/* SPDX-License-Identifier: Apache-2.0 */
/* A signed statement of who we are, for a token server. */
#include "daemon/net/assertion.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/digest.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/random.h>

#define KEY_LIMIT ((size_t)64 << 10)
#define CLAIMS_LIMIT ((size_t)64 << 10)
#define LEAST_RSA_BITS 2048
#define P256_HALF 32

DEFINE_CLEANUP(BIO *, BIO_free_all, bio);
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free, pkey);
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free, md);
DEFINE_CLEANUP(ECDSA_SIG *, ECDSA_SIG_free, ecdsa);

typedef enum Algorithm { ALGORITHM_NONE, ALGORITHM_RS512, ALGORITHM_ES256 } Algorithm;

static bool refuse(Error *err, const char *what)
{
    ERR_clear_error();
    return error_set(err, ERROR_CONFIG, "auth.key", "%s", what);
}

/* An encrypted key would ask the terminal for its password. */
static int no_password(char *buffer, int size, int writing, void *data)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}

static bool read_key(const char *path, EVP_PKEY **ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(KEY_LIMIT * 2);
    char *text;
    size_t size;
    if (!file_read(file_credential_path(path, arena), KEY_LIMIT, arena, &text, &size, err)) {
        err->kind = ERROR_CONFIG;
        return error_wrap(err, "reading the key for the token server");
    }
    _cleanup_(bio) BIO *bio = BIO_new_mem_buf(text, (int)size);
    *ret = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    OPENSSL_cleanse(text, size);
    return *ret || refuse(err, "the key for the token server cannot be read: it must be a private "
                               "key in PEM, not encrypted");
}

static Algorithm algorithm_of(const EVP_PKEY *key)
{
    char group[32] = "";
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= LEAST_RSA_BITS)
        return ALGORITHM_RS512;
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
        EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
        strcmp(group, "prime256v1") == 0)
        return ALGORITHM_ES256;
    return ALGORITHM_NONE;
}

/* RFC 4648 section 5, without padding. */
static const char *base64url(Arena *arena, const void *bytes, size_t size)
{
    char *text = base64_encode(arena, bytes, size);
    for (char *c = text; *c; c++) {
        if (*c == '+')
            *c = '-';
        else if (*c == '/')
            *c = '_';
        else if (*c == '=')
            *c = '\0';
    }
    return text;
}

static const char *encoded(Arena *arena, const Text *json)
{
    return base64url(arena, text_get(json), json->size);
}

/* header.claims, without a space in either. */
static bool signing_input(const AssertionClaims *claims, Algorithm algorithm, Arena *arena,
                          const char **ret, Error *err)
{
    Text header = text_new(arena, CLAIMS_LIMIT), body = text_new(arena, CLAIMS_LIMIT);
    text_addf(&header, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":",
              algorithm == ALGORITHM_RS512 ? "RS512" : "ES256");
    text_add_json(&header, claims->key_id);
    text_add(&header, "}");
    text_add(&body, "{\"iss\":");
    text_add_json(&body, claims->client);
    text_add(&body, ",\"sub\":");
    text_add_json(&body, claims->client);
    text_add(&body, ",\"aud\":");
    text_add_json(&body, claims->audience);
    text_add(&body, ",\"jti\":");
    text_add_json(&body, claims->id);
    text_addf(&body, ",\"exp\":%lld}", (long long)claims->ends);
    if (!text_ok(&header) || !text_ok(&body))
        return error_set(err, ERROR_CONFIG, "auth.settings",
                         "client_id, client_key_id or token_url is too long");
    *ret = arena_format(arena, "%s.%s", encoded(arena, &header), encoded(arena, &body));
    return true;
}

static bool fail(Error *err)
{
    ERR_clear_error();
    return error_set(err, ERROR_LATER, "auth.sign", "could not sign the statement of who we are");
}

/* OpenSSL gives DER; RFC 7518 section 3.4 wants r and s, 32 bytes each. */
static bool to_raw(Arena *arena, uint8_t **signature, size_t *size, Error *err)
{
    const unsigned char *der = *signature;
    _cleanup_(ecdsa) ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &der, (long)*size);
    uint8_t *raw = arena_alloc(arena, 2 * P256_HALF);
    if (!parts || BN_bn2binpad(ECDSA_SIG_get0_r(parts), raw, P256_HALF) != P256_HALF ||
        BN_bn2binpad(ECDSA_SIG_get0_s(parts), raw + P256_HALF, P256_HALF) != P256_HALF)
        return fail(err);
    *signature = raw;
    *size = (size_t)2 * P256_HALF;
    return true;
}

static bool sign(EVP_PKEY *key, Algorithm algorithm, const char *input, Arena *arena, uint8_t **ret,
                 size_t *ret_size, Error *err)
{
    _cleanup_(md) EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *hash = algorithm == ALGORITHM_RS512 ? EVP_sha512() : EVP_sha256();
    const unsigned char *bytes = (const unsigned char *)input;
    size_t room = 0, size = strlen(input);
    if (!context || EVP_DigestSignInit(context, NULL, hash, NULL, key) != 1 ||
        EVP_DigestSign(context, NULL, &room, bytes, size) != 1)
        return fail(err);
    *ret = arena_alloc(arena, room);
    *ret_size = room;
    if (EVP_DigestSign(context, *ret, ret_size, bytes, size) != 1)
        return fail(err);
    return algorithm == ALGORITHM_RS512 || to_raw(arena, ret, ret_size, err);
}

bool assertion_sign(const char *key_path, const AssertionClaims *claims, Arena *arena,
                    const char **ret, Error *err)
{
    _cleanup_(pkey) EVP_PKEY *key = NULL;
    const char *input;
    uint8_t *signature = NULL;
    size_t size = 0;
    if (!read_key(key_path, &key, err))
        return false;
    Algorithm algorithm = algorithm_of(key);
    if (!algorithm)
        return refuse(err, "the key for the token server must be RSA of 2048 bits or more, or "
                           "P-256");
    if (!signing_input(claims, algorithm, arena, &input, err) ||
        !sign(key, algorithm, input, arena, &signature, &size, err))
        return false;
    *ret = arena_format(arena, "%s.%s", input, base64url(arena, signature, size));
    return true;
}

const char *assertion_new_id(Arena *arena)
{
    uint64_t bits[2];
    if (getrandom(bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        abort();
    return arena_format(arena, "%016llx%016llx", (unsigned long long)bits[0],
                        (unsigned long long)bits[1]);
}
