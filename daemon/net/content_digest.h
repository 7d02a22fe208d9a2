/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Digest (RFC 9530): the digest of the body's bytes as they are sent. */
#pragma once

#include "daemon/base/digest.h"

/* "sha-256=:BASE64:" */
const char *content_digest(Arena *arena, const uint8_t digest[DIGEST_SIZE]);
