/* SPDX-License-Identifier: Apache-2.0 */
/* A signing key with its certificate. */
#include "daemon/sign/key.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/sign/key_private.h"
#include "daemon/sign/token.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define CERTIFICATE_FILE_LIMIT ((size_t)256 << 10)
#define KEY_FILE_LIMIT ((size_t)64 << 10)
#define CHAIN_LIMIT 8
#define LEAST_RSA_BITS 3072

DEFINE_CLEANUP(BIO *, BIO_free_all, bio);

static bool refuse(Error *err, const char *what)
{
    ERR_clear_error();
    return error_set(err, ERROR_CONFIG, "sign.key", "%s", what);
}

/* An encrypted key would ask the terminal for its password: it is refused instead. */
static int no_password(char *buffer, int size, int writing, void *data)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}

/* Reads into pages of their own, kept out of core dumps and wiped before they go. */
bool signer_private_key(const char *path, EVP_PKEY **ret, Error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        error_errno(err, errno, "sign.key", "could not open the signing key \"%s\"", path);
        err->kind = ERROR_CONFIG;
        return false;
    }
    char *text =
        mmap(NULL, KEY_FILE_LIMIT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (text == MAP_FAILED)
        return error_errno(err, errno, "sign.key", "could not get memory for the signing key");
    madvise(text, KEY_FILE_LIMIT, MADV_DONTDUMP);
    size_t size = 0;
    ssize_t got;
    while (size < KEY_FILE_LIMIT &&
           (got = TEMP_FAILURE_RETRY(read(fd, text + size, KEY_FILE_LIMIT - size))) > 0)
        size += (size_t)got;
    EVP_PKEY *pkey = NULL;
    if (size < KEY_FILE_LIMIT) {
        _cleanup_(bio) BIO *bio = BIO_new_mem_buf(text, (int)size);
        pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    }
    OPENSSL_cleanse(text, KEY_FILE_LIMIT);
    munmap(text, KEY_FILE_LIMIT);
    if (!pkey)
        return refuse(
            err, "the signing key cannot be read: it must be a private key in PEM, not encrypted");
    *ret = pkey;
    return true;
}

static bool read_certificates(const char *path, SignerKey *key, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(CERTIFICATE_FILE_LIMIT * 2);
    char *text;
    size_t size;
    if (!file_read(path, CERTIFICATE_FILE_LIMIT, arena, &text, &size, err)) {
        err->kind = ERROR_CONFIG;
        return error_wrap(err, "reading the signing certificate");
    }
    _cleanup_(bio) BIO *bio = BIO_new_mem_buf(text, (int)size);
    key->chain = sk_X509_new_null();
    if (!bio || !key->chain)
        abort();
    for (X509 *one; (one = PEM_read_bio_X509(bio, NULL, no_password, NULL));) {
        if (!key->certificate) {
            key->certificate = one;
        } else if (sk_X509_num(key->chain) == CHAIN_LIMIT || !sk_X509_push(key->chain, one)) {
            X509_free(one);
            return refuse(err, "the signing certificate's file holds too many certificates");
        }
    }
    ERR_clear_error(); /* the end of the file is an error to PEM_read */
    return key->certificate ||
           refuse(err, "the signing certificate cannot be read: it must be PEM");
}

static bool judge_type(SignerKey *key, Error *err)
{
    char group[32] = "";
    switch (EVP_PKEY_get_base_id(key->pkey)) {
    case EVP_PKEY_EC:
        EVP_PKEY_get_group_name(key->pkey, group, sizeof group, NULL);
        if (strcmp(group, "prime256v1") != 0)
            return refuse(err, "the signing key is on another curve than P-256");
        key->algorithm = SIGNER_ECDSA_P256;
        return true;
    case EVP_PKEY_RSA:
        if (EVP_PKEY_get_bits(key->pkey) < LEAST_RSA_BITS)
            return refuse(err, "the signing key is too weak: RSA needs 3072 bits or more");
        key->algorithm = SIGNER_RSA_PSS;
        return true;
    case EVP_PKEY_ED25519:
        key->algorithm = SIGNER_ED25519;
        return true;
    }
    return refuse(err, "the signing key is of another kind than P-256, RSA or Ed25519");
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm = {0};
    return ASN1_TIME_to_tm(time, &tm) ? (int64_t)timegm(&tm) : 0;
}

static bool judge_validity(SignerKey *key, int64_t now_wall, Error *err)
{
    int64_t now = now_wall / CLOCK_SECOND;
    key->end = seconds_of(X509_get0_notAfter(key->certificate));
    if (now < seconds_of(X509_get0_notBefore(key->certificate)))
        return refuse(err, "the signing certificate is not valid yet: see that the clock is right");
    if (now > key->end)
        return refuse(err, "the signing certificate has expired");
    return true;
}

static bool name_key(SignerKey *key, Error *err)
{
    unsigned char *bytes = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(key->certificate), &bytes);
    if (size <= 0)
        return refuse(err, "the signing certificate has no readable public key");
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_HEX_SIZE];
    digest_bytes(bytes, (size_t)size, digest);
    OPENSSL_free(bytes);
    memcpy(key->id, digest_hex(digest, hex), SIGN_KEY_ID_SIZE);
    return true;
}

static bool read_key(const SignerKeySource *source, EVP_PKEY **ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(65536);
    if (signer_token_named(source->key))
        return signer_token_key(&(SignerToken){source->key, source->module, source->pin}, ret, err);
    return signer_private_key(file_credential_path(source->key, arena), ret, err);
}

bool signer_key_open(const SignerKeySource *source, int64_t now_wall, SignerKey **ret, Error *err)
{
    _cleanup_signer_key_ SignerKey *key = calloc(1, sizeof *key);
    if (!key)
        abort();
    if (!read_certificates(source->certificate, key, err) || !read_key(source, &key->pkey, err) ||
        !judge_type(key, err))
        return false;
    if (X509_check_private_key(key->certificate, key->pkey) != 1)
        return refuse(err, "the signing key does not belong to the signing certificate");
    if (!judge_validity(key, now_wall, err) || !name_key(key, err))
        return false;
    *ret = TAKE_PTR(key);
    return true;
}

void signer_key_free(SignerKey *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey); /* OpenSSL wipes private numbers as it frees them */
    X509_free(key->certificate);
    sk_X509_pop_free(key->chain, X509_free);
    free(key);
}

const char *signer_key_id(const SignerKey *key)
{
    return key->id;
}

int64_t signer_key_end(const SignerKey *key)
{
    return key->end;
}

bool signer_key_signs_documents(const SignerKey *key)
{
    return key->algorithm != SIGNER_ED25519;
}

const char *signer_key_algorithm(const SignerKey *key)
{
    static const char *const names[] = {[SIGNER_ECDSA_P256] = "ecdsa-p256-sha256",
                                        [SIGNER_RSA_PSS] = "rsa-pss-sha512",
                                        [SIGNER_ED25519] = "ed25519"};
    return names[key->algorithm];
}
