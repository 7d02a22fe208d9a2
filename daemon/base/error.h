/* SPDX-License-Identifier: Apache-2.0 */
/* A failure as a value: what kind it is, a stable code, the cause, the context.
 *
 * An Error lives on the caller's stack; setting one never allocates.  Cause and
 * context are kept apart, so that a long story cannot push out its cause.  The
 * kind says what now, and nothing else decides policy on it but the caller:
 *
 *   LATER   may work if tried again (network, database, the other side is busy)
 *   DATA    this input is wrong; a person must correct data or mapping
 *   CONFIG  settings are wrong: refuse to start, keep the old ones on reload
 *   BUG     cannot happen; the process ends and systemd starts it again
 *
 * Messages follow PostgreSQL's grammar: lower case, one line, no full stop,
 * "could not" may work next time, "cannot" never will.  They never hold the
 * content of a record. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef enum ErrorKind {
    ERROR_NONE,
    ERROR_LATER,
    ERROR_DATA,
    ERROR_CONFIG,
    ERROR_BUG,
} ErrorKind;

typedef struct Error {
    ErrorKind kind;
    const char *code; /* static text: "store.connect" */
    char cause[320];
    char context[256];
} Error;

#define PRINTF_LIKE(text, args) __attribute__((format(printf, text, args)))
#define NODISCARD __attribute__((warn_unused_result))

/* Always returns false, so that a function can end in `return error_set(...)`.
 * `code` must be static text. */
bool error_set(Error *err, ErrorKind kind, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Put what was being done in front of the context.  Always returns false. */
bool error_wrap(Error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* The same with errno's meaning appended to the cause.  LATER for what may pass
 * (no space, too many files, interrupted), CONFIG otherwise. */
bool error_errno(Error *err, int number, const char *code, const char *format, ...)
    PRINTF_LIKE(4, 5);

void error_clear(Error *err);

/* "[code] context: cause", in `buffer`, cut to its size.  Returns buffer. */
const char *error_text(const Error *err, char *buffer, size_t size);

/* "later", "data", "config", "bug" or "none". */
const char *error_kind_name(ErrorKind kind);
