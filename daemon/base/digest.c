/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and its texts. */
#include "daemon/base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct Digest {
    EVP_MD_CTX *context;
};

static _Noreturn void no_sha256(void)
{
    abort(); /* OpenSSL without SHA-256 or without memory: nothing we do can be right */
}

/* Found once: named anew each time, OpenSSL 3 searches its providers longer than it hashes. */
static const EVP_MD *sha256(void)
{
    static _Atomic(EVP_MD *) known;
    EVP_MD *found = atomic_load(&known), *none = NULL;
    if (found)
        return found;
    found = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!found)
        no_sha256();
    if (atomic_compare_exchange_strong(&known, &none, found))
        return found;
    EVP_MD_free(found);
    return none;
}

static void start(Digest *digest)
{
    if (!digest->context || EVP_DigestInit_ex(digest->context, sha256(), NULL) != 1)
        no_sha256();
}

Digest *digest_new(void)
{
    Digest *digest = calloc(1, sizeof *digest);
    if (!digest)
        no_sha256();
    digest->context = EVP_MD_CTX_new();
    start(digest);
    return digest;
}

void digest_add(Digest *digest, const void *bytes, size_t size)
{
    if (EVP_DigestUpdate(digest->context, bytes, size) != 1)
        no_sha256();
}

void digest_finish(Digest *digest, uint8_t ret[DIGEST_SIZE])
{
    if (EVP_DigestFinal_ex(digest->context, ret, NULL) != 1)
        no_sha256();
    start(digest);
}

void digest_free(Digest *digest)
{
    if (!digest)
        return;
    EVP_MD_CTX_free(digest->context);
    free(digest);
}

void digest_bytes(const void *bytes, size_t size, uint8_t ret[DIGEST_SIZE])
{
    if (EVP_Digest(bytes, size, ret, NULL, sha256(), NULL) != 1)
        no_sha256();
}

void digest_keyed(const char *key, const void *bytes, size_t size, uint8_t ret[DIGEST_SIZE])
{
    unsigned written = DIGEST_SIZE;
    if (!HMAC(EVP_sha256(), key, (int)strlen(key), bytes, size, ret, &written))
        abort();
}

const char *digest_hex(const uint8_t digest[DIGEST_SIZE], char buffer[DIGEST_HEX_SIZE])
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        buffer[2 * i] = hex[digest[i] >> 4];
        buffer[2 * i + 1] = hex[digest[i] & 15];
    }
    buffer[2 * DIGEST_SIZE] = '\0';
    return buffer;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool digest_from_hex(const char *hex, uint8_t ret[DIGEST_SIZE])
{
    uint8_t bytes[DIGEST_SIZE];
    if (!hex || strnlen(hex, DIGEST_HEX_SIZE) != 2 * DIGEST_SIZE)
        return false;
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(ret, bytes, sizeof bytes);
    return true;
}

char *base64_encode(Arena *arena, const void *bytes, size_t size)
{
    char *text = arena_alloc(arena, (size + 2) / 3 * 4 + 1);
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
    return text;
}

bool base64_decode(Arena *arena, const char *text, size_t size, uint8_t **ret, size_t *ret_size)
{
    if (size % 4 || size > 1 << 30)
        return false;
    uint8_t *bytes = arena_alloc(arena, size / 4 * 3 + 1);
    size_t padding = size && text[size - 1] == '=' ? 1 + (text[size - 2] == '=') : 0;
    if (size && EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)size) < 0)
        return false;
    *ret = bytes;
    *ret_size = size / 4 * 3 - padding;
    return true;
}
