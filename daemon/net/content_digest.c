/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Digest. */
#include "daemon/net/content_digest.h"

#include "daemon/net/structured.h"

const char *content_digest(Arena *arena, const uint8_t digest[DIGEST_SIZE])
{
    return arena_format(arena, "sha-256=%s", structured_bytes(arena, digest, DIGEST_SIZE));
}
