/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows up to a limit. */
#include "daemon/base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest word that text_nearest() compares; longer ones are never near. */
#define LONGEST_WORD 64

Text text_new(Arena *arena, size_t limit)
{
    return (Text){.arena = arena, .limit = limit};
}

/* Room for `more` bytes and the NUL, or the flag. */
static bool reserve(Text *text, size_t more)
{
    if (text->over || more > text->limit || text->size > text->limit - more) {
        text->over = true;
        return false;
    }
    size_t wanted = text->size + more + 1;
    if (wanted <= text->capacity)
        return true;
    size_t capacity = text->capacity ? text->capacity * 2 : 128;
    while (capacity < wanted)
        capacity *= 2;
    char *bytes = arena_alloc(text->arena, capacity);
    if (text->size)
        memcpy(bytes, text->bytes, text->size);
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void text_add_bytes(Text *text, const void *bytes, size_t size)
{
    if (!reserve(text, size))
        return;
    if (size)
        memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = '\0';
}

void text_add(Text *text, const char *more)
{
    if (more)
        text_add_bytes(text, more, strlen(more));
}

void text_addf(Text *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size >= 0 && reserve(text, (size_t)size)) {
        vsnprintf(text->bytes + text->size, (size_t)size + 1, format, again);
        text->size += (size_t)size;
    }
    va_end(again);
}

void text_clear(Text *text)
{
    text->size = 0;
    text->over = false;
    if (text->bytes)
        text->bytes[0] = '\0';
}

const char *text_get(const Text *text)
{
    return text->bytes ? text->bytes : "";
}

bool text_ok(const Text *text)
{
    return !text->over;
}

void text_add_json(Text *text, const char *value)
{
    text_add_bytes(text, "\"", 1);
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        const unsigned char *plain = c;
        while (*c >= 0x20 && *c != 0x7f && *c != '"' && *c != '\\')
            c++;
        text_add_bytes(text, plain, (size_t)(c - plain));
        if (!*c)
            break;
        if (*c == '"' || *c == '\\')
            text_addf(text, "\\%c", *c);
        else if (*c == '\n')
            text_add(text, "\\n");
        else
            text_addf(text, "\\u%04x", *c);
    }
    text_add_bytes(text, "\"", 1);
}

void text_add_xml(Text *text, const char *value)
{
    for (const char *c = value; *c; c++) {
        size_t plain = strcspn(c, "&<>\r");
        text_add_bytes(text, c, plain);
        c += plain;
        if (!*c)
            return;
        text_add(text, *c == '&' ? "&amp;" : *c == '<' ? "&lt;" : *c == '>' ? "&gt;" : "&#13;");
    }
}

void text_add_csv(Text *text, const char *value)
{
    bool guard = *value && strchr("=+-@\t\r", *value);
    if (!guard && !strpbrk(value, ",\"\r\n") && *value != ' ') {
        text_add(text, value);
        return;
    }
    text_add(text, guard ? "\"'" : "\"");
    for (const char *c = value; *c; c++)
        text_add_bytes(text, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    text_add(text, "\"");
}

bool text_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* How many bytes a well-formed UTF-8 sequence at `c` has (RFC 3629, section 4), or 0. */
static size_t utf8_length(const unsigned char *c, size_t left)
{
    if (*c < 0x80)
        return (*c >= 0x20 || *c == '\t' || *c == '\n' || *c == '\r') && *c != 0x7f ? 1 : 0;
    size_t length = *c >= 0xf0 ? 4 : *c >= 0xe0 ? 3 : 2;
    if (*c < 0xc2 || *c > 0xf4 || left < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    if ((*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] > 0x9f) || (*c == 0xf0 && c[1] < 0x90) ||
        (*c == 0xf4 && c[1] > 0x8f))
        return 0;
    return length;
}

bool text_is_utf8(const char *bytes, size_t size)
{
    const unsigned char *c = (const unsigned char *)bytes;
    for (size_t at = 0; at < size;) {
        size_t length = utf8_length(c + at, size - at);
        if (!length)
            return false;
        at += length;
    }
    return true;
}

bool text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Levenshtein distance, for words that a person types. */
static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST_WORD], n = strlen(b);
    if (n >= LONGEST_WORD || strlen(a) >= LONGEST_WORD)
        return LONGEST_WORD;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t above = row[j], change = diagonal + (a[i - 1] != b[j - 1]);
            size_t step = (above < row[j - 1] ? above : row[j - 1]) + 1;
            row[j] = change < step ? change : step;
            diagonal = above;
        }
    }
    return row[n];
}

const char *text_nearest(const char *word, const char *const *words, size_t count)
{
    const char *best = NULL;
    size_t least = strlen(word) / 2 + 2;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, words[i]);
        if (d < least) {
            least = d;
            best = words[i];
        }
    }
    return best;
}

bool text_to_int64(const char *text, int64_t *ret)
{
    char *end;
    if (!text || !*text || strspn(text, "+-0123456789") != strlen(text))
        return false;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end)
        return false;
    *ret = value;
    return true;
}
