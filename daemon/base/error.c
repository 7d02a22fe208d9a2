/* SPDX-License-Identifier: Apache-2.0 */
/* Failures as values. */
#include "daemon/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One line only: a peer's text with a line feed must not forge a log line. */
static void flatten(char *text)
{
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
}

/* Append what fits; a story that is too long loses its oldest end, never the cause. */
static void join(char *text, size_t size, const char *more)
{
    size_t used = strlen(text), fits = strnlen(more, size - used - 1);
    memcpy(text + used, more, fits);
    text[used + fits] = '\0';
}

static void set_text(Error *err, ErrorKind kind, const char *code, const char *format, va_list args)
    __attribute__((format(printf, 4, 0)));

static void set_text(Error *err, ErrorKind kind, const char *code, const char *format, va_list args)
{
    err->kind = kind;
    err->code = code;
    err->context[0] = '\0';
    vsnprintf(err->cause, sizeof err->cause, format, args);
    flatten(err->cause);
}

bool error_set(Error *err, ErrorKind kind, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_text(err, kind, code, format, args);
    va_end(args);
    return false;
}

bool error_wrap(Error *err, const char *format, ...)
{
    char front[sizeof err->context];
    va_list args;
    va_start(args, format);
    vsnprintf(front, sizeof front, format, args);
    va_end(args);
    if (err->context[0]) {
        join(front, sizeof front, ": ");
        join(front, sizeof front, err->context);
    }
    memcpy(err->context, front, sizeof front);
    flatten(err->context);
    return false;
}

static bool may_pass(int number)
{
    return number == ENOSPC || number == EDQUOT || number == EMFILE || number == ENFILE ||
           number == EINTR || number == EAGAIN || number == ENOMEM || number == EIO ||
           number == EBUSY || number == ETIMEDOUT || number == ECONNREFUSED ||
           number == ECONNRESET || number == EPIPE;
}

bool error_errno(Error *err, int number, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set_text(err, may_pass(number) ? ERROR_LATER : ERROR_CONFIG, code, format, args);
    va_end(args);
    size_t used = strlen(err->cause);
    snprintf(err->cause + used, sizeof err->cause - used, ": %s", strerrordesc_np(number));
    return false;
}

void error_clear(Error *err)
{
    *err = (Error){0};
}

const char *error_text(const Error *err, char *buffer, size_t size)
{
    snprintf(buffer, size, "[%s] %s%s%s", err->code ? err->code : "none", err->context,
             err->context[0] ? ": " : "", err->cause);
    return buffer;
}

const char *error_kind_name(ErrorKind kind)
{
    static const char *const names[] = {"none", "later", "data", "config", "bug"};
    return names[kind];
}
