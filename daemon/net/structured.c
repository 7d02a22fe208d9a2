/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8941 items. */
#include "daemon/net/structured.h"

#include "daemon/base/digest.h"

bool structured_add_string(Text *out, const char *value)
{
    for (const char *c = value; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
            return false;
    text_add(out, "\"");
    for (const char *c = value; *c; c++) {
        if (*c == '"' || *c == '\\')
            text_add(out, "\\");
        text_add_bytes(out, c, 1);
    }
    text_add(out, "\"");
    return true;
}

const char *structured_bytes(Arena *arena, const void *bytes, size_t size)
{
    return arena_format(arena, ":%s:", base64_encode(arena, bytes, size));
}
