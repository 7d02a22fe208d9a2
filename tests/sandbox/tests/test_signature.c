/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sandbox/signature.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/tests/rfc9421_vectors.h"
#include "tests/sandbox/tests/suite.h"

typedef struct Field {
    const char *name, *value;
} Field;

static const Field request_fields[] = {
    {"date", "Tue, 20 Apr 2021 02:07:55 GMT"},
    {"content-type", "application/json"},
    {"content-digest", "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNy"
                       "ealdVLvRwEmTHWXvJwew==:"},
    {"content-length", "18"},
    {NULL, NULL},
};
static const Field response_fields[] = {
    {"content-type", "application/json"},
    {"content-digest", "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXy"
                       "myU0rjJuahq4l5aGgfLQ==:"},
    {"content-length", "23"},
    {NULL, NULL},
};

static bool look_up(const void *user, const char *name, Buffer *out)
{
    for (const Field *field = user; field->name != NULL; field++) {
        if (strcmp(field->name, name) == 0) {
            buffer_text(out, field->value);
            return true;
        }
    }
    return false;
}

static Message message_of(bool response)
{
    if (response)
        return (Message){.status = 200, .field = look_up, .user = response_fields};
    return (Message){.method = "POST",
                     .authority = "Example.com:443",
                     .path = "/foo",
                     .query = "param=Value&Pet=dog",
                     .field = look_up,
                     .user = request_fields};
}

static EVP_PKEY *key_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ck_assert_ptr_nonnull(key);
    return key;
}

static void assert_sha256(const Buffer *bytes, const char *hex)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    BUFFER_AUTO text = {0};
    (void)SHA256((const unsigned char *)bytes->data, bytes->length, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        buffer_format(&text, "%02x", digest[i]);
    ck_assert_str_eq(text.data, hex);
}

static void check_vector(const Vector *vector)
{
    EVP_PKEY *key = key_of(vector->key);
    EVP_PKEY *other =
        key_of(vector->key == test_key_ed25519 ? test_key_ecc_p256 : test_key_ed25519);
    BUFFER_AUTO base = {0};
    BUFFER_AUTO signature = {0};
    static InnerList input;
    Message message = message_of(vector->response);
    input = (InnerList){0};
    ck_assert(structured_inner_list(vector->input, vector->label, &input));
    ck_assert(structured_bytes_member(vector->signature, vector->label, &signature));
    ck_assert(signature_base(&message, &input, &base));
    assert_sha256(&base, vector->base_sha256);
    ck_assert(signature_verify(key, &input, &base, &signature));
    ck_assert(!signature_verify(other, &input, &base, &signature));
    buffer_char(&base, '\n');
    ck_assert(!signature_verify(key, &input, &base, &signature));
    base.data[--base.length] = '\0';
    signature.data[signature.length / 2] ^= 1;
    ck_assert(!signature_verify(key, &input, &base, &signature));
    structured_free_list(&input);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

START_TEST(every_published_vector_verifies_and_no_changed_one_does)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        check_vector(&vectors[i]);
}
END_TEST

START_TEST(what_cannot_be_a_component_is_refused)
{
    static const char *const bad[] = {
        "sig=(\"date\" \"date\");created=1",
        "sig=(\"Date\");created=1",
        "sig=(\"absent\");created=1",
        "sig=(\"@unknown\");created=1",
        "sig=(\"@status\");created=1",
        "sig=(date);created=1",
        "sig=(\"@query-param\";name=\"none\");created=1",
    };
    Message message = message_of(false);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        BUFFER_AUTO base = {0};
        static InnerList input;
        input = (InnerList){0};
        ck_assert(structured_inner_list(bad[i], "sig", &input));
        ck_assert_msg(!signature_base(&message, &input, &base), "%s", bad[i]);
        structured_free_list(&input);
    }
}
END_TEST

START_TEST(what_is_not_a_dictionary_is_refused)
{
    static const char *const bad[] = {
        "",
        "sig",
        "sig=",
        "sig=(",
        "sig=(\"a\"",
        "sig=(\"a\"\"b\")",
        "sig=(\"a\\x\")",
        "SIG=(\"a\")",
        "sig=(\"a\"),",
        "sig=(\"a\") x",
        "sig=(\"a\");=1",
        "sig=(\"a\");created=12345678901234567",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        static InnerList input;
        input = (InnerList){0};
        ck_assert_msg(!structured_inner_list(bad[i], "sig", &input), "%s", bad[i]);
    }
    BUFFER_AUTO bytes = {0};
    ck_assert(!structured_bytes(":AAA:", &bytes));
    ck_assert(!structured_bytes("AAAA", &bytes));
    ck_assert(structured_bytes(":AAAA:", &bytes));
    ck_assert_uint_eq(bytes.length, 3);
}
END_TEST

SUITE("sandbox/signature", every_published_vector_verifies_and_no_changed_one_does,
      what_cannot_be_a_component_is_refused, what_is_not_a_dictionary_is_refused);
