/* SPDX-License-Identifier: Apache-2.0 */
/* The Authorization header of MESH. */
#include "adapters/submit/mesh_token.h"

#include "daemon/base/clock.h"
#include "daemon/base/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

const char *mesh_token_text(const MeshToken *token, Arena *arena)
{
    uint8_t hash[DIGEST_SIZE];
    char hex[DIGEST_HEX_SIZE];
    const char *signed_text = arena_format(arena, "%s:%s:%s:%s:%s", token->mailbox, token->nonce,
                                           token->count, token->password, token->timestamp);
    digest_keyed(token->key, signed_text, strlen(signed_text), hash);
    return arena_format(arena, "NHSMESH %s:%s:%s:%s:%s", token->mailbox, token->nonce, token->count,
                        token->timestamp, digest_hex(hash, hex));
}

/* RFC 9562 version 4. */
static const char *guid(Arena *arena)
{
    uint8_t b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        abort();
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    return arena_format(
        arena, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
        b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

const char *mesh_token_now(const char *mailbox, const char *password, const char *key, Arena *arena)
{
    char now[CLOCK_TEXT_SIZE];
    clock_format(clock_wall(), now); /* 2026-11-23T02:20:00.123Z */
    MeshToken token = {
        mailbox,
        password,
        key,
        guid(arena),
        "0",
        arena_format(arena, "%.4s%.2s%.2s%.2s%.2s", now, now + 5, now + 8, now + 11, now + 14)};
    return mesh_token_text(&token, arena);
}
