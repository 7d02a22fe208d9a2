/* SPDX-License-Identifier: Apache-2.0 */
/* Every published vector of RFC 9421: our base is theirs, and their signature verifies over it. */
#include "daemon/net/message_signature.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/digest.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "tests/unit/suite.h"

#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#define DATE "Tue, 20 Apr 2021 02:07:55 GMT"
#define DIGEST                                                                                     \
    "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+"                                      \
    "AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
#define RESPONSE_DIGEST                                                                            \
    "sha-512=:"                                                                                    \
    "mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgf"         \
    "LQ==:"

typedef struct Vector {
    const char *name, *key, *algorithm;
    MessageComponent components[10];
    MessageParameters parameters;
} Vector;

static const Vector vectors[] = {
    {"b21",
     "test-key-rsa-pss",
     "rsa-pss-sha512",
     {{0}},
     {.created = 1618884473, .key_id = "test-key-rsa-pss", .nonce = "b3k2pp5k7z-50gnwp.yemd"}},
    {"b22",
     "test-key-rsa-pss",
     "rsa-pss-sha512",
     {{"@authority", NULL, "example.com"},
      {"content-digest", NULL, DIGEST},
      {"@query-param", ";name=\"Pet\"", "dog"}},
     {.created = 1618884473, .key_id = "test-key-rsa-pss", .tag = "header-example"}},
    {"b23",
     "test-key-rsa-pss",
     "rsa-pss-sha512",
     {{"date", NULL, DATE},
      {"@method", NULL, "POST"},
      {"@path", NULL, "/foo"},
      {"@query", NULL, "?param=Value&Pet=dog"},
      {"@authority", NULL, "example.com"},
      {"content-type", NULL, "application/json"},
      {"content-digest", NULL, DIGEST},
      {"content-length", NULL, "18"}},
     {.created = 1618884473, .key_id = "test-key-rsa-pss"}},
    {"b24",
     "test-key-ecc-p256",
     "ecdsa-p256-sha256",
     {{"@status", NULL, "200"},
      {"content-type", NULL, "application/json"},
      {"content-digest", NULL, RESPONSE_DIGEST},
      {"content-length", NULL, "23"}},
     {.created = 1618884473, .key_id = "test-key-ecc-p256"}},
    {"b25",
     "test-shared-secret",
     "hmac-sha256",
     {{"date", NULL, DATE},
      {"@authority", NULL, "example.com"},
      {"content-type", NULL, "application/json"}},
     {.created = 1618884473, .key_id = "test-shared-secret"}},
    {"b26",
     "test-key-ed25519",
     "ed25519",
     {{"date", NULL, DATE},
      {"@method", NULL, "POST"},
      {"@path", NULL, "/foo"},
      {"@authority", NULL, "example.com"},
      {"content-type", NULL, " application/json\t"}, /* white space around a value does not count */
      {"content-length", NULL, "18"}},
     {.created = 1618884473, .key_id = "test-key-ed25519"}},
    {"s25",
     "test-key-rsa-pss",
     "rsa-pss-sha512",
     {{"@method", NULL, "POST"},
      {"@authority", NULL, "example.com"},
      {"@path", NULL, "/foo"},
      {"content-digest", NULL, DIGEST},
      {"content-length", NULL, "18"},
      {"content-type", NULL, "application/json"}},
     {.created = 1618884473, .key_id = "test-key-rsa-pss"}},
    {"s43-client",
     "test-key-ecc-p256",
     "ecdsa-p256-sha256",
     {{"@method", NULL, "POST"},
      {"@authority", NULL, "example.com"},
      {"@path", NULL, "/foo"},
      {"content-digest", NULL, DIGEST},
      {"content-type", NULL, "application/json"},
      {"content-length", NULL, "18"}},
     {.created = 1618884475, .key_id = "test-key-ecc-p256"}},
    {"s43-proxy",
     "test-key-rsa",
     "rsa-v1_5-sha256",
     {{"@method", NULL, "POST"},
      {"@authority", NULL, "origin.host.internal.example"},
      {"@path", NULL, "/foo"},
      {"content-digest", NULL, DIGEST},
      {"content-type", NULL, "application/json"},
      {"content-length", NULL, "18"},
      {"forwarded", NULL, "for=192.0.2.123;host=example.com;proto=https"}},
     {.created = 1618884480,
      .key_id = "test-key-rsa",
      .algorithm = "rsa-v1_5-sha256",
      .expires = 1618884540}},
};

static char *read_data(Arena *arena, const char *name, const char *ending, size_t *ret_size)
{
    const char *root = getenv("MHSFLOW_SOURCE_ROOT");
    char *text;
    Error err = {0};
    ck_assert_ptr_nonnull(root);
    ck_assert(file_read(arena_format(arena, "%s/tests/data/rfc9421/%s%s", root, name, ending),
                        65536, arena, &text, ret_size, &err));
    return text;
}

static size_t count_components(const Vector *vector)
{
    size_t count = 0;
    while (count < COUNT_OF(vector->components) && vector->components[count].name)
        count++;
    return count;
}

static void decode(Arena *arena, const char *name, const char *ending, uint8_t **ret,
                   size_t *ret_size)
{
    size_t size;
    char *text = read_data(arena, name, ending, &size);
    ck_assert(base64_decode(arena, text, strcspn(text, "\n"), ret, ret_size));
}

/* ---- verifying: only tests do ---- */

static bool verify_hmac(Arena *arena, const char *base, size_t size, const uint8_t *signature,
                        size_t signature_size)
{
    uint8_t *secret, made[EVP_MAX_MD_SIZE];
    size_t secret_size;
    unsigned made_size = 0;
    decode(arena, "test-shared-secret", ".base64", &secret, &secret_size);
    HMAC(EVP_sha256(), secret, (int)secret_size, (const unsigned char *)base, size, made,
         &made_size);
    return made_size == signature_size && memcmp(made, signature, made_size) == 0;
}

static size_t to_der(const uint8_t *raw, uint8_t **ret)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    ECDSA_SIG_set0(pair, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL));
    int size = i2d_ECDSA_SIG(pair, ret);
    ECDSA_SIG_free(pair);
    return (size_t)size;
}

static bool verify_with_key(EVP_PKEY *key, const char *algorithm, const char *base, size_t size,
                            const uint8_t *signature, size_t signature_size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    uint8_t *der = NULL;
    const EVP_MD *digest = strcmp(algorithm, "ed25519") == 0          ? NULL
                           : strcmp(algorithm, "rsa-pss-sha512") == 0 ? EVP_sha512()
                                                                      : EVP_sha256();
    ck_assert_int_eq(EVP_DigestVerifyInit(context, &parameters, digest, NULL, key), 1);
    if (strcmp(algorithm, "rsa-pss-sha512") == 0) {
        EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, 64);
    }
    if (strcmp(algorithm, "ecdsa-p256-sha256") == 0 && signature_size == 64) {
        signature_size = to_der(signature, &der);
        signature = der;
    }
    bool fine = EVP_DigestVerify(context, signature, signature_size, (const unsigned char *)base,
                                 size) == 1;
    OPENSSL_free(der);
    EVP_MD_CTX_free(context);
    return fine;
}

static bool verify(Arena *arena, const Vector *vector, const char *base, size_t size)
{
    uint8_t *signature;
    size_t signature_size, key_size;
    decode(arena, vector->name, ".signature", &signature, &signature_size);
    if (strcmp(vector->algorithm, "hmac-sha256") == 0)
        return verify_hmac(arena, base, size, signature, signature_size);
    /* One key's public half has a form that OpenSSL 3 no longer reads: its whole does as well. */
    bool whole = strcmp(vector->key, "test-key-rsa") == 0;
    char *text = read_data(arena, vector->key, whole ? ".private.pem" : ".public.pem", &key_size);
    BIO *bio = BIO_new_mem_buf(text, (int)key_size);
    EVP_PKEY *key = whole ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL)
                          : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(key);
    bool fine = verify_with_key(key, vector->algorithm, base, size, signature, signature_size);
    EVP_PKEY_free(key);
    BIO_free_all(bio);
    return fine;
}

static void make_base(Arena *arena, const Vector *vector, const char **ret, size_t *ret_size)
{
    Error err = {0};
    const char *list;
    size_t count = count_components(vector);
    ck_assert(
        message_parameters(vector->components, count, &vector->parameters, arena, &list, &err));
    ck_assert(message_base(vector->components, count, list, arena, ret, ret_size, &err));
}

START_TEST(every_published_base_is_ours)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        const char *base;
        size_t size, wanted_size;
        make_base(arena, &vectors[i], &base, &size);
        char *wanted = read_data(arena, vectors[i].name, ".base", &wanted_size);
        ck_assert_msg(size == wanted_size && memcmp(base, wanted, size) == 0, "%s: %s",
                      vectors[i].name, base);
    }
}
END_TEST

START_TEST(every_published_signature_verifies_over_it)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        const char *base;
        size_t size;
        make_base(arena, &vectors[i], &base, &size);
        ck_assert_msg(verify(arena, &vectors[i], base, size), "%s", vectors[i].name);
        char *broken = arena_copy(arena, base, size);
        broken[0] ^= 1;
        ck_assert_msg(!verify(arena, &vectors[i], broken, size), "%s", vectors[i].name);
    }
}
END_TEST

/* What a signer gets wrong most often, each refused by the published signature. */
START_TEST(near_misses_do_not_verify)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const Vector *vector = &vectors[5];
    ck_assert_str_eq(vector->name, "b26");
    const char *base;
    size_t size;
    make_base(arena, vector, &base, &size);
    ck_assert(!verify(arena, vector, arena_format(arena, "%s\n", base), size + 1));
    Text crlf = text_new(arena, 4096);
    for (const char *c = base; *c; c++)
        text_add(&crlf, *c == '\n' ? "\r\n" : (char[]){*c, '\0'});
    ck_assert(!verify(arena, vector, text_get(&crlf), crlf.size));
    char *upper = arena_copy(arena, base, size);
    *strstr(upper, "\"date\"") = '"';
    strstr(upper, "date")[0] = 'D';
    ck_assert(!verify(arena, vector, upper, size));
}
END_TEST

static bool refuses(const MessageComponent *components, size_t count)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Error err = {0};
    const char *base;
    size_t size;
    return !message_base(components, count, "()", arena, &base, &size, &err) &&
           err.kind == ERROR_BUG;
}

START_TEST(what_two_messages_could_share_is_refused)
{
    ck_assert(refuses((MessageComponent[]){{"a", NULL, "1"}, {"a", NULL, "1"}}, 2));
    ck_assert(refuses((MessageComponent[]){{"a", NULL, "1\n\"b\": 2"}}, 1));
    ck_assert(refuses((MessageComponent[]){{"a", NULL, "caf\xc3\xa9"}}, 1));
    ck_assert(refuses((MessageComponent[]){{"Date", NULL, "1"}}, 1));
    ck_assert(refuses((MessageComponent[]){{"a", NULL, NULL}}, 1));
    ck_assert(!refuses((MessageComponent[]){{"@query-param", ";name=\"a\"", "1"},
                                            {"@query-param", ";name=\"b\"", "1"}},
                       2));
}
END_TEST

START_TEST(a_base_has_a_limit)
{
    char *value = malloc(MESSAGE_BASE_LIMIT + 1);
    memset(value, 'x', MESSAGE_BASE_LIMIT);
    value[MESSAGE_BASE_LIMIT] = '\0';
    ck_assert(refuses((MessageComponent[]){{"a", NULL, value}}, 1));
    free(value);
}
END_TEST

static void target(const char *url, const char *authority, const char *path)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    Error err = {0};
    const char *got_authority, *got_path;
    ck_assert(message_target(url, arena, &got_authority, &got_path, &err));
    ck_assert_str_eq(got_authority, authority);
    ck_assert_str_eq(got_path, path);
}

START_TEST(targets_are_as_curl_sends_them)
{
    target("https://Example.COM/foo", "example.com", "/foo");
    target("https://example.com:443", "example.com", "/");
    target("https://example.com:8443/msr/v1/submissions?x=1", "example.com:8443",
           "/msr/v1/submissions");
    target("https://[::1]:8443/a", "[::1]:8443", "/a");
    Error err = {0};
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    const char *a, *p;
    ck_assert(!message_target("https://exa mple/", arena, &a, &p, &err));
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
}
END_TEST

static bool fake_key(void *data, Arena *arena, const char **ret, Error *err)
{
    (void)data;
    (void)err;
    *ret = arena_text(arena, "0123456789abcdef");
    return true;
}

static bool fake_sign(void *data, Arena *arena, const char *key_id, const char *base, size_t size,
                      const uint8_t **ret, size_t *ret_size, Error *err)
{
    (void)err;
    ck_assert_str_eq(key_id, "0123456789abcdef");
    *(const char **)data = arena_copy(arena, base, size);
    *ret = (const uint8_t *)"abc";
    *ret_size = 3;
    return true;
}

START_TEST(signing_asks_the_signer_and_writes_both_fields)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const char *base = NULL;
    RequestSigner signer = {&base, fake_key, fake_sign};
    MessageComponent components[] = {{"@method", NULL, "GET"}, {"@path", NULL, "/a"}};
    MessageSignature one, two;
    Error err = {0};
    ck_assert(message_sign(&signer, components, 2, "mhsflow", arena, &one, &err));
    ck_assert(strncmp(one.input, "sig1=(\"@method\" \"@path\");created=1", 34) == 0);
    ck_assert_ptr_nonnull(strstr(one.input, ";keyid=\"0123456789abcdef\";nonce=\""));
    ck_assert_ptr_nonnull(strstr(one.input, ";tag=\"mhsflow\""));
    ck_assert_ptr_null(strstr(one.input, "alg="));
    ck_assert_str_eq(one.signature, "sig1=:YWJj:");
    /* What was signed ends in exactly what is sent. */
    ck_assert_ptr_nonnull(strstr(base, one.input + strlen("sig1=")));
    ck_assert(message_sign(&signer, components, 2, "mhsflow", arena, &two, &err));
    ck_assert_str_ne(one.input, two.input); /* the nonce is fresh */
}
END_TEST

SUITE("net/message_signature", every_published_base_is_ours,
      every_published_signature_verifies_over_it, near_misses_do_not_verify,
      what_two_messages_could_share_is_refused, a_base_has_a_limit, targets_are_as_curl_sends_them,
      signing_asks_the_signer_and_writes_both_fields);
