/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of the signer's socket. */
#include "daemon/sign/protocol.h"

#include <endian.h>
#include <string.h>

const char *sign_kind_name(SignKind kind)
{
    static const char *const names[] = {
        [SIGN_KEY] = "key", [SIGN_DOCUMENT] = "document", [SIGN_REQUEST] = "request"};
    return names[kind];
}

uint32_t sign_get_u32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return be32toh(value);
}

void sign_put_u32(uint8_t *bytes, uint32_t value)
{
    value = htobe32(value);
    memcpy(bytes, &value, sizeof value);
}

int64_t sign_get_i64(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return (int64_t)be64toh(value);
}

void sign_put_i64(uint8_t *bytes, int64_t value)
{
    uint64_t turned = htobe64((uint64_t)value);
    memcpy(bytes, &turned, sizeof turned);
}

const uint8_t *sign_ask_write(const SignAsk *ask, Arena *arena, size_t *ret_size)
{
    uint8_t *frame = arena_alloc(arena, SIGN_FRAME_HEAD + SIGN_FRAME_LIMIT);
    uint8_t *end = frame + SIGN_FRAME_HEAD;
    *end++ = SIGN_PROTOCOL_VERSION;
    *end++ = (uint8_t)ask->kind;
    if (ask->kind != SIGN_KEY) {
        sign_put_i64(end, ask->submission);
        end += 8;
    }
    if (ask->kind == SIGN_DOCUMENT) {
        memcpy(end, ask->digest, DIGEST_SIZE);
        end += DIGEST_SIZE;
    }
    if (ask->kind == SIGN_REQUEST) {
        memcpy(end, ask->key_id, SIGN_KEY_ID_SIZE);
        memcpy(end + SIGN_KEY_ID_SIZE, ask->base, ask->base_size);
        end += SIGN_KEY_ID_SIZE + ask->base_size;
    }
    *ret_size = (size_t)(end - frame);
    sign_put_u32(frame, (uint32_t)(*ret_size - SIGN_FRAME_HEAD));
    return frame;
}

static bool read_request(const uint8_t *bytes, size_t size, SignAsk *ret)
{
    if (size < 8 + SIGN_KEY_ID_SIZE + 1 || size > 8 + SIGN_KEY_ID_SIZE + SIGN_BASE_LIMIT)
        return false;
    ret->submission = sign_get_i64(bytes);
    memcpy(ret->key_id, bytes + 8, SIGN_KEY_ID_SIZE);
    ret->base = (const char *)bytes + 8 + SIGN_KEY_ID_SIZE;
    ret->base_size = size - 8 - SIGN_KEY_ID_SIZE;
    return true;
}

bool sign_ask_read(const uint8_t *bytes, size_t size, SignAsk *ret)
{
    if (size < 2 || bytes[0] != SIGN_PROTOCOL_VERSION)
        return false;
    *ret = (SignAsk){.kind = bytes[1]};
    bytes += 2;
    size -= 2;
    switch (ret->kind) {
    case SIGN_KEY:
        return size == 0;
    case SIGN_DOCUMENT:
        if (size != 8 + DIGEST_SIZE)
            return false;
        ret->submission = sign_get_i64(bytes);
        memcpy(ret->digest, bytes + 8, DIGEST_SIZE);
        return true;
    case SIGN_REQUEST:
        return read_request(bytes, size, ret);
    }
    return false;
}

const uint8_t *sign_answer_write(SignStatus status, const void *payload, size_t size, Arena *arena,
                                 size_t *ret_size)
{
    uint8_t *frame = arena_alloc(arena, SIGN_FRAME_HEAD + 1 + size);
    sign_put_u32(frame, (uint32_t)(1 + size));
    frame[SIGN_FRAME_HEAD] = (uint8_t)status;
    if (size)
        memcpy(frame + SIGN_FRAME_HEAD + 1, payload, size);
    *ret_size = SIGN_FRAME_HEAD + 1 + size;
    return frame;
}
