/* SPDX-License-Identifier: Apache-2.0 */
/* Is it UTF-8, and if not, is it Windows-1252? */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* By RFC 3629: no overlong form, no surrogate, nothing past U+10FFFF. */
bool drop_is_utf8(const char *bytes, size_t size);

typedef enum DropRecoding {
    DROP_RECODED,
    DROP_RECODING_BAD,    /* one of the five bytes that Windows-1252 does not have */
    DROP_RECODING_FAILED, /* could not write; see errno */
} DropRecoding;

/* Writes `bytes`, read as Windows-1252, to `fd` as UTF-8. */
DropRecoding drop_recode_windows_1252(const char *bytes, size_t size, int fd);
