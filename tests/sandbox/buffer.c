/* SPDX-License-Identifier: Apache-2.0 */
/* Grows byte buffers and moves them from and to files. */
#include "tests/sandbox/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void *memory_or_die(void *memory)
{
    if (memory == NULL) {
        static const char message[] = "mhsflow-sandbox: out of memory\n";
        (void)!write(STDERR_FILENO, message, sizeof message - 1);
        abort();
    }
    return memory;
}

void buffer_free(Buffer *buffer)
{
    free(buffer->data);
    *buffer = (Buffer){0};
}

void buffer_clear(Buffer *buffer)
{
    buffer->length = 0;
    if (buffer->data != NULL)
        buffer->data[0] = '\0';
}

void buffer_reserve(Buffer *buffer, size_t more)
{
    size_t needed = buffer->length + more + 1;
    if (needed <= buffer->capacity)
        return;
    size_t capacity = buffer->capacity == 0 ? 256 : buffer->capacity;
    while (capacity < needed)
        capacity *= 2;
    buffer->data = memory_or_die(realloc(buffer->data, capacity));
    buffer->capacity = capacity;
}

void buffer_add(Buffer *buffer, const char *bytes, size_t length)
{
    buffer_reserve(buffer, length);
    if (length > 0)
        memcpy(buffer->data + buffer->length, bytes, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void buffer_text(Buffer *buffer, const char *text)
{
    buffer_add(buffer, text, strlen(text));
}

void buffer_char(Buffer *buffer, char c)
{
    buffer_add(buffer, &c, 1);
}

void buffer_number(Buffer *buffer, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--at] = '-';
    buffer_add(buffer, digits + at, sizeof digits - at);
}

void buffer_format(Buffer *buffer, const char *format, ...)
{
    va_list first;
    va_list second;
    va_start(first, format);
    va_copy(second, first);
    int length = vsnprintf(NULL, 0, format, first);
    va_end(first);
    if (length > 0) {
        buffer_reserve(buffer, (size_t)length);
        (void)vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, second);
        buffer->length += (size_t)length;
    }
    va_end(second);
}

bool buffer_read_file(Buffer *buffer, const char *path, size_t limit)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t start = buffer->length;
    for (;;) {
        buffer_reserve(buffer, 65536);
        ssize_t got = read(fd, buffer->data + buffer->length, 65536);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            int saved = errno;
            (void)close(fd);
            buffer->data[buffer->length] = '\0';
            errno = saved;
            return got == 0;
        }
        buffer->length += (size_t)got;
        if (buffer->length - start > limit) {
            (void)close(fd);
            errno = EFBIG;
            return false;
        }
    }
}

static bool write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t done = write(fd, bytes, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        bytes += done;
        length -= (size_t)done;
    }
    return true;
}

bool buffer_write_file(const char *path, unsigned mode, const void *bytes, size_t length)
{
    BUFFER_AUTO part = {0};
    buffer_format(&part, "%s.part", path);
    int fd = open(part.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return false;
    bool written = write_all(fd, bytes, length) && fsync(fd) == 0;
    if (close(fd) != 0 || !written || rename(part.data, path) != 0) {
        int saved = errno;
        (void)unlink(part.data);
        errno = saved;
        return false;
    }
    return true;
}
