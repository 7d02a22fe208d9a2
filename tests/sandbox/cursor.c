/* SPDX-License-Identifier: Apache-2.0 */
/* Packs cursors into base64url with a keyed check value. */
#include "tests/sandbox/cursor.h"

#include <string.h>

#include "tests/sandbox/random.h"

enum { WORDS = 6, BYTES = WORDS * 4, TEXT_LENGTH = BYTES * 4 / 3 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static uint32_t check_value(const uint32_t words[WORDS], uint64_t binding)
{
    uint64_t hash = binding;
    for (int i = 0; i + 1 < WORDS; i++)
        hash = random_mix(hash ^ words[i]);
    return (uint32_t)(hash >> 32);
}

void cursor_write(const Cursor *cursor, uint64_t binding, Buffer *out)
{
    uint32_t words[WORDS] = {(uint32_t)cursor->kind, cursor->epoch, cursor->types,
                             cursor->position,       cursor->as_of, 0};
    words[WORDS - 1] = check_value(words, binding);
    unsigned char bytes[BYTES];
    for (int i = 0; i < BYTES; i++)
        bytes[i] = (unsigned char)(words[i / 4] >> (8 * (i % 4)));
    for (int i = 0; i < BYTES; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            buffer_char(out, alphabet[three >> shift & 63]);
    }
}

bool cursor_read(const char *text, uint64_t binding, Cursor *ret_cursor)
{
    if (strlen(text) != TEXT_LENGTH)
        return false;
    uint32_t words[WORDS] = {0};
    for (int i = 0; i < TEXT_LENGTH; i += 4) {
        uint32_t three = 0;
        for (int k = 0; k < 4; k++) {
            const char *at = strchr(alphabet, text[i + k]);
            if (at == NULL)
                return false;
            three = three << 6 | (uint32_t)(at - alphabet);
        }
        for (int k = 0; k < 3; k++) {
            int byte = i / 4 * 3 + k;
            words[byte / 4] |= (three >> (16 - 8 * k) & 0xff) << (8 * (byte % 4));
        }
    }
    if (words[WORDS - 1] != check_value(words, binding))
        return false;
    *ret_cursor = (Cursor){.kind = (CursorKind)words[0],
                           .epoch = words[1],
                           .types = words[2],
                           .position = words[3],
                           .as_of = words[4]};
    return true;
}
