/* SPDX-License-Identifier: Apache-2.0 */
/* Signed statements: the bytes that are signed and the signature, against a fixed vector. */
#include "daemon/net/assertion.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/digest.h"
#include "daemon/base/text.h"
#include "tests/unit/suite.h"

#include <string.h>

/* The audience of the vector; nothing is ever asked there. */
#define AUDIENCE "https://int.api.service.nhs.uk/oauth2/token"

static const char *key_path(const char *name, Arena *arena)
{
    const char *root = getenv("MHSFLOW_SOURCE_ROOT");
    return arena_format(arena, "%s/tests/data/%s", root ? root : ".", name);
}

static const AssertionClaims claims = {.key_id = "test-1",
                                       .client = "CLIENT",
                                       .audience = AUDIENCE,
                                       .id = "00000000-0000-4000-8000-000000000001",
                                       .ends = 1700000300};

static void hashes_to(const void *bytes, size_t size, const char *hex)
{
    uint8_t digest[DIGEST_SIZE];
    char text[DIGEST_HEX_SIZE];
    digest_bytes(bytes, size, digest);
    ck_assert_str_eq(digest_hex(digest, text), hex);
}

static void unpack(Arena *arena, const char *text, uint8_t **ret, size_t *ret_size)
{
    Text padded = text_new(arena, 4096);
    for (const char *c = text; *c; c++) {
        char plain = *c == '-' ? '+' : *c == '_' ? '/' : *c;
        text_add_bytes(&padded, &plain, 1);
    }
    while (padded.size % 4)
        text_add(&padded, "=");
    ck_assert(base64_decode(arena, text_get(&padded), padded.size, ret, ret_size));
}

/* RS512 is the same every time: two other programs gave these digests. */
START_TEST(rs512_is_the_vector)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Error err = {0};
    const char *jwt;
    uint8_t *signature;
    size_t size;
    ck_assert_msg(assertion_sign(key_path("rfc9421/test-key-rsa.private.pem", arena), &claims,
                                 arena, &jwt, &err),
                  "%s", err.cause);
    const char *last = strrchr(jwt, '.');
    ck_assert_int_eq(last - jwt, 251);
    hashes_to(jwt, 251, "85b5ad664e36ed5d7e2d57753d48933af4e9ee309e9a9c90a810b3c0ebc54111");
    unpack(arena, last + 1, &signature, &size);
    ck_assert_uint_eq(size, 256);
    hashes_to(signature, size, "5fa719f9503ddb1245feaf7d797bec89f616f4afaf95e40791595e34322609e1");
}
END_TEST

START_TEST(es256_is_two_numbers_of_32_bytes)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Error err = {0};
    const char *jwt;
    uint8_t *signature;
    size_t size;
    ck_assert_msg(assertion_sign(key_path("rfc9421/test-key-ecc-p256.private.pem", arena), &claims,
                                 arena, &jwt, &err),
                  "%s", err.cause);
    ck_assert(text_starts(jwt, "eyJhbGciOiJFUzI1NiIs")); /* {"alg":"ES256", */
    unpack(arena, strrchr(jwt, '.') + 1, &signature, &size);
    ck_assert_uint_eq(size, 64);
}
END_TEST

START_TEST(other_kinds_of_key_are_refused)
{
    static const char *const names[] = {"rfc9421/test-key-ed25519.private.pem", "none",
                                        "../meson.build"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        _cleanup_arena_ Arena *arena = arena_new(1 << 20);
        Error err = {0};
        const char *jwt;
        ck_assert(!assertion_sign(key_path(names[i], arena), &claims, arena, &jwt, &err));
        ck_assert_int_eq(err.kind, ERROR_CONFIG);
    }
}
END_TEST

START_TEST(an_id_comes_once)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const char *one = assertion_new_id(arena), *two = assertion_new_id(arena);
    ck_assert_uint_eq(strlen(one), 32);
    ck_assert_str_ne(one, two);
}
END_TEST

SUITE("net/assertion", rs512_is_the_vector, es256_is_two_numbers_of_32_bytes,
      other_kinds_of_key_are_refused, an_id_comes_once);
