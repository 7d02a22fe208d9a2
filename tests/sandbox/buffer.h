/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer: the sandbox builds every line, page and answer in one of these.
 *
 * Memory running out ends the program: the sandbox is a test tool and keeps nothing that a restart
 * would lose. */
#ifndef SANDBOX_BUFFER_H
#define SANDBOX_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Buffer {
    char *data; /* NUL-terminated whenever anything was added */
    size_t length;
    size_t capacity;
} Buffer;

void *memory_or_die(void *memory);

void buffer_free(Buffer *buffer);
void buffer_clear(Buffer *buffer);
void buffer_reserve(Buffer *buffer, size_t more);
void buffer_add(Buffer *buffer, const char *bytes, size_t length);
void buffer_text(Buffer *buffer, const char *text);
void buffer_char(Buffer *buffer, char c);
void buffer_number(Buffer *buffer, int64_t value);
void buffer_format(Buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Reads a whole file of at most `limit` bytes, appended to `buffer`; false (with errno) when that
 * fails. */
bool buffer_read_file(Buffer *buffer, const char *path, size_t limit);
/* Writes beside `path`, syncs, renames: readers see the old file or the whole new one. */
bool buffer_write_file(const char *path, unsigned mode, const void *bytes, size_t length);

#define BUFFER_AUTO __attribute__((cleanup(buffer_free))) Buffer

#endif
