/* SPDX-License-Identifier: Apache-2.0 */
/* Is it UTF-8, and if not, is it Windows-1252? */
#include "adapters/feed/drop_encoding.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

/* Bytes 80 to 9F (https://encoding.spec.whatwg.org/index-windows-1252.txt); 0: not in use. */
static const uint16_t upper[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178,
};

/* How many bytes the character at `at` takes; 0: none of UTF-8. */
static size_t character(const unsigned char *at, size_t left)
{
    unsigned char first = at[0];
    size_t size = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first > 0xF4 || size > left)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    if ((first == 0xE0 && at[1] < 0xA0) || (first == 0xED && at[1] > 0x9F) ||
        (first == 0xF0 && at[1] < 0x90) || (first == 0xF4 && at[1] > 0x8F))
        return 0;
    return size;
}

bool drop_is_utf8(const char *bytes, size_t size)
{
    const unsigned char *at = (const unsigned char *)bytes;
    for (size_t place = 0; place < size;) {
        size_t step = character(at + place, size - place);
        if (!step)
            return false;
        place += step;
    }
    return true;
}

static size_t put(char *out, unsigned code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    out[0] = (char)(0xE0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3F));
    out[2] = (char)(0x80 | (code & 0x3F));
    return 3;
}

static bool flush(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t done = write(fd, bytes, size);
        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0) {
            bytes += done;
            size -= (size_t)done;
        }
    }
    return true;
}

DropRecoding drop_recode_windows_1252(const char *bytes, size_t size, int fd)
{
    char out[16384];
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned code = (unsigned char)bytes[i];
        if (code >= 0x80 && code <= 0x9F && !(code = upper[code - 0x80]))
            return DROP_RECODING_BAD;
        used += put(out + used, code);
        if (used > sizeof out - 4) {
            if (!flush(fd, out, used))
                return DROP_RECODING_FAILED;
            used = 0;
        }
    }
    return flush(fd, out, used) ? DROP_RECODED : DROP_RECODING_FAILED;
}
