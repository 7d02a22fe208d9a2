/* SPDX-License-Identifier: Apache-2.0 */
/* Keys: which are taken, and that others verify what they sign (OpenSSL's own command, the
 * published vectors). */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/sign/key.h"
#include "tests/harness/peer_certificate.h"
#include "tests/unit/suite.h"

#include <fcntl.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

typedef struct Made {
    char folder[32];
    Arena *arena;
    SignerKey *key;
    const char *certificate, *private_key;
    Error err;
} Made;

static const char *in_folder(const Made *made, const char *name)
{
    return arena_format(made->arena, "%s/%s", made->folder, name);
}

static Made make(const char *kind, int from_days, int to_days)
{
    Made made = {.folder = "/tmp/sign-key-XXXXXX", .arena = arena_new(1 << 20)};
    ck_assert_ptr_nonnull(mkdtemp(made.folder));
    made.certificate = in_folder(&made, "certificate.pem");
    made.private_key = in_folder(&made, "key.pem");
    peer_make_certificate(made.certificate, made.private_key, kind, from_days, to_days);
    signer_key_open(&(SignerKeySource){.certificate = made.certificate, .key = made.private_key},
                    clock_wall(), &made.key, &made.err);
    return made;
}

static void clear(Made *made)
{
    signer_key_free(made->key);
    unlink(made->certificate);
    unlink(made->private_key);
    unlink(in_folder(made, "document"));
    unlink(in_folder(made, "signature"));
    ck_assert_int_eq(rmdir(made->folder), 0);
    arena_free(made->arena);
}

static void refused(const char *kind, int from_days, int to_days, const char *words)
{
    Made made = make(kind, from_days, to_days);
    ck_assert_msg(!made.key, "%s", kind);
    ck_assert_int_eq(made.err.kind, ERROR_CONFIG);
    ck_assert_msg(strstr(made.err.cause, words), "%s", made.err.cause);
    clear(&made);
}

START_TEST(weak_old_and_odd_keys_are_refused)
{
    refused("rsa2048", -1, 30, "too weak");
    refused("p384", -1, 30, "P-256");
    refused("p256", -30, -1, "expired");
    refused("p256", 1, 30, "not valid yet");
}
END_TEST

START_TEST(a_key_belongs_to_its_certificate)
{
    Made made = make("p256", -1, 30);
    ck_assert_ptr_nonnull(made.key);
    signer_key_free(made.key);
    made.key = NULL;
    peer_make_certificate(in_folder(&made, "document"), made.private_key, "p256", -1, 30);
    ck_assert(!signer_key_open(
        &(SignerKeySource){.certificate = made.certificate, .key = made.private_key}, clock_wall(),
        &made.key, &made.err));
    ck_assert_ptr_nonnull(strstr(made.err.cause, "does not belong"));
    ck_assert(
        !signer_key_open(&(SignerKeySource){.certificate = made.certificate, .key = "/nonexistent"},
                         clock_wall(), &made.key, &made.err));
    ck_assert(!signer_key_open(
        &(SignerKeySource){.certificate = made.private_key, .key = made.private_key}, clock_wall(),
        &made.key, &made.err));
    ck_assert(!signer_key_open(
        &(SignerKeySource){.certificate = made.certificate, .key = made.certificate}, clock_wall(),
        &made.key, &made.err));
    ck_assert_int_eq(made.err.kind, ERROR_CONFIG);
    clear(&made);
}
END_TEST

extern char **environ;

static int run(const char *const *arguments)
{
    pid_t child;
    int status = -1;
    char *copy[16] = {NULL};
    for (size_t i = 0; arguments[i]; i++)
        copy[i] = strdup(arguments[i]);
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
    ck_assert_int_eq(posix_spawnp(&child, copy[0], &quiet, NULL, copy, environ), 0);
    posix_spawn_file_actions_destroy(&quiet);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    for (size_t i = 0; copy[i]; i++)
        free(copy[i]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int openssl_verifies(const Made *made, const char *document, const char *signature)
{
    return run((const char *const[]){"openssl", "cms", "-verify", "-binary", "-inform", "DER",
                                     "-in", signature, "-content", document, "-CAfile",
                                     made->certificate, "-purpose", "any", NULL});
}

static const char text[] = "<MHSDS>\r\n  made up \xc2\xa3\n</MHSDS>\n";

static void openssl_agrees(const char *kind)
{
    Made made = make(kind, -1, 30);
    ck_assert_msg(made.key, "%s: %s", kind, made.err.cause);
    const char *document = in_folder(&made, "document");
    const char *signature = in_folder(&made, "signature");
    uint8_t digest[DIGEST_SIZE];
    const uint8_t *bytes;
    size_t size;
    digest_bytes(text, sizeof text - 1, digest);
    ck_assert_msg(
        signer_key_document(made.key, digest, clock_wall(), made.arena, &bytes, &size, &made.err),
        "%s", made.err.cause);
    ck_assert_uint_lt(size, 8192);
    ck_assert(file_write(document, text, sizeof text - 1, 0600, &made.err));
    ck_assert(file_write(signature, bytes, size, 0600, &made.err));
    ck_assert_int_eq(openssl_verifies(&made, document, signature), 0);
    /* one bit of the document, and it no longer does */
    ck_assert(file_write(document, text, sizeof text - 2, 0600, &made.err));
    ck_assert_int_ne(openssl_verifies(&made, document, signature), 0);
    clear(&made);
}

START_TEST(openssl_accepts_our_document_signatures)
{
    openssl_agrees("p256");
    openssl_agrees("rsa3072");
}
END_TEST

START_TEST(ed25519_signs_requests_only)
{
    Made made = make("ed25519", -1, 30);
    ck_assert_ptr_nonnull(made.key);
    ck_assert(!signer_key_signs_documents(made.key));
    const uint8_t *bytes;
    size_t size;
    ck_assert(!signer_key_document(made.key, (uint8_t[DIGEST_SIZE]){0}, clock_wall(), made.arena,
                                   &bytes, &size, &made.err));
    ck_assert_int_eq(made.err.kind, ERROR_CONFIG);
    ck_assert(signer_key_request(made.key, text, 5, made.arena, &bytes, &size, &made.err));
    ck_assert_uint_eq(size, 64);
    clear(&made);
}
END_TEST

static bool verifies(EVP_PKEY *key, const EVP_MD *digest, bool pss, const uint8_t *signature,
                     size_t size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    EVP_DigestVerifyInit(context, &parameters, digest, NULL, key);
    if (pss) {
        EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 64);
    }
    bool fine = EVP_DigestVerify(context, signature, size, (const unsigned char *)text,
                                 sizeof text - 1) == 1;
    EVP_MD_CTX_free(context);
    return fine;
}

static EVP_PKEY *public_key(const Made *made)
{
    FILE *file = fopen(made->certificate, "re");
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    EVP_PKEY *key = X509_get_pubkey(certificate);
    X509_free(certificate);
    fclose(file);
    return key;
}

START_TEST(request_signatures_have_the_form_of_their_algorithm)
{
    static const char *const kinds[] = {"p256", "rsa3072", "ed25519"};
    static const char *const names[] = {"ecdsa-p256-sha256", "rsa-pss-sha512", "ed25519"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        Made made = make(kinds[i], -1, 30);
        EVP_PKEY *key = public_key(&made);
        const uint8_t *bytes;
        size_t size;
        ck_assert_str_eq(signer_key_algorithm(made.key), names[i]);
        ck_assert(signer_key_request(made.key, text, sizeof text - 1, made.arena, &bytes, &size,
                                     &made.err));
        if (i == 0) {
            ck_assert_uint_eq(size, 64);
            ECDSA_SIG *pair = ECDSA_SIG_new();
            uint8_t *der = NULL;
            ECDSA_SIG_set0(pair, BN_bin2bn(bytes, 32, NULL), BN_bin2bn(bytes + 32, 32, NULL));
            int der_size = i2d_ECDSA_SIG(pair, &der);
            ck_assert(verifies(key, EVP_sha256(), false, der, (size_t)der_size));
            OPENSSL_free(der);
            ECDSA_SIG_free(pair);
        } else {
            ck_assert(verifies(key, i == 1 ? EVP_sha512() : NULL, i == 1, bytes, size));
        }
        EVP_PKEY_free(key);
        clear(&made);
    }
}
END_TEST

/* The public key's name is what `openssl pkey -pubin -outform DER | sha256sum` begins with. */
START_TEST(a_key_is_named_by_its_public_half)
{
    Made made = make("p256", -1, 30);
    EVP_PKEY *key = public_key(&made);
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(key, &der);
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_HEX_SIZE];
    digest_bytes(der, (size_t)size, digest);
    digest_hex(digest, hex);
    hex[16] = '\0';
    ck_assert_str_eq(signer_key_id(made.key), hex);
    int64_t left = signer_key_end(made.key) - clock_wall() / CLOCK_SECOND;
    ck_assert_int_gt(left, 29 * 86400);
    ck_assert_int_le(left, 30 * 86400);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    clear(&made);
}
END_TEST

SUITE("sign/key", weak_old_and_odd_keys_are_refused, a_key_belongs_to_its_certificate,
      openssl_accepts_our_document_signatures, ed25519_signs_requests_only,
      request_signatures_have_the_form_of_their_algorithm, a_key_is_named_by_its_public_half);
