/* SPDX-License-Identifier: Apache-2.0 */
/* The two items of RFC 8941 that we write: strings and byte sequences. */
#pragma once

#include "daemon/base/text.h"

#include <stdint.h>

/* `"` … `"` with `\` and `"` escaped.  False, and nothing added, when a byte is outside printable
 * ASCII. */
bool structured_add_string(Text *out, const char *value);

/* `:BASE64:` */
const char *structured_bytes(Arena *arena, const void *bytes, size_t size);
