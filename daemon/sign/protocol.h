/* SPDX-License-Identifier: Apache-2.0 */
/* What goes over the signer's socket: length-prefixed frames with bounds.
 *
 *   request: u32 size of what follows · u8 version (1) · u8 kind · payload
 *   answer:  u32 size of what follows · u8 status · payload
 *
 * Numbers are big endian.  Payloads:
 *
 *   KEY       –                                       → 16 bytes key id, i64 end of validity
 * (seconds since 1970) DOCUMENT  i64 submission, 32 bytes SHA-256        → CMS SignedData, DER,
 * detached REQUEST   i64 submission, 16 bytes key id, base   → signature as RFC 9421 section 3.3
 * wants it
 *
 * An answer other than OK carries a short text for the caller's error. */
#pragma once

#include "daemon/base/digest.h"

#include <stdint.h>

#define SIGN_PROTOCOL_VERSION 1
#define SIGN_KEY_ID_SIZE 16
#define SIGN_BASE_LIMIT ((size_t)16 << 10)
#define SIGN_FRAME_LIMIT (SIGN_BASE_LIMIT + 64)
#define SIGN_ANSWER_LIMIT ((size_t)32 << 10)
#define SIGN_FRAME_HEAD 4

typedef enum SignKind { SIGN_KEY = 1, SIGN_DOCUMENT = 2, SIGN_REQUEST = 3 } SignKind;
const char *sign_kind_name(SignKind kind); /* "key", "document", "request" */

typedef enum SignStatus {
    SIGN_OK,
    SIGN_MALFORMED,
    SIGN_RATE,        /* too many in the last minute */
    SIGN_KEY_CHANGED, /* the key id asked for is not the one in force */
    SIGN_FAILED,
    SIGN_STATUS_COUNT,
} SignStatus;

typedef struct SignAsk {
    SignKind kind;
    int64_t submission;                /* its number in the queue, for the signer's list */
    uint8_t digest[DIGEST_SIZE];       /* DOCUMENT */
    char key_id[SIGN_KEY_ID_SIZE + 1]; /* REQUEST */
    const char *base;                  /* REQUEST; points into the frame */
    size_t base_size;
} SignAsk;

/* A whole frame, the four bytes of its size included. */
const uint8_t *sign_ask_write(const SignAsk *ask, Arena *arena, size_t *ret_size);
/* `bytes` is a frame without its first four bytes.  False when it is not one of the above. */
bool sign_ask_read(const uint8_t *bytes, size_t size, SignAsk *ret);

const uint8_t *sign_answer_write(SignStatus status, const void *payload, size_t size, Arena *arena,
                                 size_t *ret_size);

uint32_t sign_get_u32(const uint8_t *bytes);
void sign_put_u32(uint8_t *bytes, uint32_t value);
int64_t sign_get_i64(const uint8_t *bytes);
void sign_put_i64(uint8_t *bytes, int64_t value);
