/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 on the way, and the two texts of a digest. */
#pragma once

#include "daemon/base/arena.h"

#include <stdint.h>

#define DIGEST_SIZE 32
#define DIGEST_HEX_SIZE 65

typedef struct Digest Digest;
Digest *digest_new(void);
void digest_add(Digest *digest, const void *bytes, size_t size);
void digest_finish(Digest *digest, uint8_t ret[DIGEST_SIZE]); /* and starts anew */
void digest_free(Digest *digest);
static inline void digest_freep(Digest **digest)
{
    digest_free(*digest);
}
#define _cleanup_digest_ __attribute__((cleanup(digest_freep)))

void digest_bytes(const void *bytes, size_t size, uint8_t ret[DIGEST_SIZE]);
/* HMAC-SHA-256 under a text as the key. */
void digest_keyed(const char *key, const void *bytes, size_t size, uint8_t ret[DIGEST_SIZE]);
const char *digest_hex(const uint8_t digest[DIGEST_SIZE], char buffer[DIGEST_HEX_SIZE]);
bool digest_from_hex(const char *hex, uint8_t ret[DIGEST_SIZE]);

char *base64_encode(Arena *arena, const void *bytes, size_t size);
bool base64_decode(Arena *arena, const char *text, size_t size, uint8_t **ret, size_t *ret_size);
