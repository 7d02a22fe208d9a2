/* SPDX-License-Identifier: Apache-2.0 */
/* Keys on a PKCS#11 token (SoftHSM): they sign as files do, are replaced, and a PIN is tried once.
 */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/sign/key.h"
#include "tests/harness/peer_certificate.h"
#include "tests/harness/token.h"
#include "tests/unit/suite.h"

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <string.h>

typedef struct Desk {
    Token *token;
    Arena *arena;
    SignerKeySource source;
    SignerKey *key;
    Error err;
} Desk;

static const char *in_folder(const Desk *desk, const char *name)
{
    return arena_format(desk->arena, "%s/%s", token_folder(desk->token), name);
}

/* A key of that kind on the token, and its certificate beside it. */
static void put_key(Desk *desk, const char *kind, const char *label)
{
    const char *file = in_folder(desk, "key.pem");
    desk->source.certificate = in_folder(desk, arena_format(desk->arena, "%s.pem", label));
    peer_make_certificate(desk->source.certificate, file, kind, -1, 30);
    token_import(desk->token, file, label);
    ck_assert_int_eq(unlink(file), 0);
    desk->source.key = token_uri(desk->token, label, desk->arena);
}

static Desk open_desk(void)
{
    Desk desk = {.token = token_new(), .arena = arena_new(1 << 20)};
    desk.source.module = TOKEN_MODULE;
    desk.source.pin = token_pin_path(desk.token);
    return desk;
}

static void close_desk(Desk *desk)
{
    signer_key_free(desk->key);
    token_free(desk->token);
    arena_free(desk->arena);
}

static bool open_key(Desk *desk)
{
    signer_key_free(desk->key);
    desk->key = NULL;
    desk->err = (Error){0};
    return signer_key_open(&desk->source, clock_wall(), &desk->key, &desk->err);
}

static bool cms_verifies(const Desk *desk, const uint8_t *bytes, size_t size, const char *document)
{
    FILE *file = fopen(desk->source.certificate, "re");
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    X509_STORE *trusted = X509_STORE_new();
    X509_STORE_add_cert(trusted, certificate);
    X509_STORE_set_purpose(trusted, X509_PURPOSE_ANY);
    const unsigned char *at = bytes;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)size);
    BIO *content = BIO_new_mem_buf(document, -1);
    bool fine = cms && CMS_verify(cms, NULL, trusted, content, NULL, CMS_BINARY) == 1;
    BIO_free(content);
    CMS_ContentInfo_free(cms);
    X509_STORE_free(trusted);
    X509_free(certificate);
    return fine;
}

static void signs(const char *kind, const char *algorithm, size_t request_size)
{
    Desk desk = open_desk();
    uint8_t digest[DIGEST_SIZE];
    const uint8_t *bytes;
    size_t size;
    put_key(&desk, kind, "one");
    ck_assert_msg(open_key(&desk), "%s: %s", kind, desk.err.cause);
    ck_assert_str_eq(signer_key_algorithm(desk.key), algorithm);
    digest_bytes("made up", 7, digest);
    ck_assert_msg(
        signer_key_document(desk.key, digest, clock_wall(), desk.arena, &bytes, &size, &desk.err),
        "%s", desk.err.cause);
    ck_assert(cms_verifies(&desk, bytes, size, "made up"));
    ck_assert(!cms_verifies(&desk, bytes, size, "made up?"));
    ck_assert_msg(signer_key_request(desk.key, "base", 4, desk.arena, &bytes, &size, &desk.err),
                  "%s", desk.err.cause);
    ck_assert_uint_eq(size, request_size);
    close_desk(&desk);
}

START_TEST(a_p256_key_on_a_token_signs)
{
    signs("p256", "ecdsa-p256-sha256", 64);
}
END_TEST

START_TEST(an_rsa_key_on_a_token_signs)
{
    signs("rsa3072", "rsa-pss-sha512", 384);
}
END_TEST

START_TEST(another_key_is_taken_without_a_restart)
{
    Desk desk = open_desk();
    char before[SIGN_KEY_ID_SIZE + 1];
    put_key(&desk, "p256", "one");
    ck_assert_msg(open_key(&desk), "%s", desk.err.cause);
    memcpy(before, signer_key_id(desk.key), sizeof before);
    put_key(&desk, "p256", "two");
    ck_assert_msg(open_key(&desk), "%s", desk.err.cause);
    ck_assert_str_ne(signer_key_id(desk.key), before);
    close_desk(&desk);
}
END_TEST

static void refused(Desk *desk, const char *code, const char *words)
{
    ck_assert(!open_key(desk));
    ck_assert_int_eq(desk->err.kind, ERROR_CONFIG);
    ck_assert_str_eq(desk->err.code, code);
    ck_assert_msg(strstr(desk->err.cause, words), "%s", desk->err.cause);
}

START_TEST(what_is_wrong_is_said_in_words)
{
    Desk desk = open_desk();
    put_key(&desk, "p256", "one");
    const char *uri = desk.source.key, *pin = desk.source.pin;
    desk.source.key = token_uri(desk.token, "nobody", desk.arena);
    refused(&desk, "sign.token", "no such key");
    desk.source.key = arena_format(desk.arena, "%s;pin-value=1234", uri);
    refused(&desk, "sign.token", "must not stand");
    desk.source.key = uri;
    desk.source.pin = NULL;
    refused(&desk, "sign.token", "needs its PIN");
    desk.source.pin = in_folder(&desk, "absent");
    refused(&desk, "file.open", "absent");
    desk.source.pin = pin;
    peer_make_certificate(desk.source.certificate, in_folder(&desk, "key.pem"), "p256", -1, 30);
    refused(&desk, "sign.key", "does not belong");
    close_desk(&desk);
}
END_TEST

START_TEST(a_wrong_pin_is_its_own_failure)
{
    Desk desk = open_desk();
    put_key(&desk, "p256", "one");
    const char *pin = desk.source.pin;
    desk.source.pin = in_folder(&desk, "wrong");
    ck_assert(file_write(desk.source.pin, "9999\n", 5, 0600, &desk.err));
    refused(&desk, "sign.pin", "refused the PIN");
    desk.source.pin = pin;
    ck_assert_msg(open_key(&desk), "%s", desk.err.cause);
    close_desk(&desk);
}
END_TEST

START_TEST(a_module_that_is_none_is_said)
{
    Desk desk = open_desk();
    put_key(&desk, "p256", "one");
    desk.source.module = "/nonexistent.so";
    refused(&desk, "sign.token", "module cannot be loaded");
    close_desk(&desk);
}
END_TEST

SUITE("sign/token", a_p256_key_on_a_token_signs, an_rsa_key_on_a_token_signs,
      another_key_is_taken_without_a_restart, what_is_wrong_is_said_in_words,
      a_wrong_pin_is_its_own_failure, a_module_that_is_none_is_said);
