/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a CSV file by RFC 4180: UTF-8 (a byte order mark is skipped), header first, CRLF or LF.
 *
 * A row is valid until the next csv_next(); copy what must stay.  Refused with
 * line and column: NUL, bad UTF-8, an open quote at the end, a quote inside a
 * plain field, more fields than the header, a field over 64 KiB, a doubled
 * header name.  Missing trailing fields are an error too: a cut row is no row. */
#pragma once

#include "daemon/base/arena.h"

typedef struct CsvReader CsvReader;

typedef struct CsvRow {
    int line;      /* where the row begins, from 1 */
    size_t number; /* data rows from 1; the header is 0 */
    size_t count;
    const char **fields; /* "" for blank */
} CsvRow;

bool csv_open(const char *path, CsvReader **ret, Error *err);
bool csv_open_bytes(const char *name, const char *bytes, size_t size, CsvReader **ret, Error *err);
void csv_close(CsvReader *reader);

/* The same with another byte between fields. */
bool csv_open_delimited(const char *path, char delimiter, CsvReader **ret, Error *err);

/* A column known by another name from now on; `name` must outlive the reader. */
void csv_rename(CsvReader *reader, size_t column, const char *name);

const CsvRow *csv_header(const CsvReader *reader);
int csv_column(const CsvReader *reader, const char *name); /* -1 when absent */

/* False with *err on bad input; true with *ret_row NULL at the end. */
bool csv_next(CsvReader *reader, const CsvRow **ret_row, Error *err);

/* Every column named in `names` must be there, in any order: ERROR_DATA "csv.column" names the
 * first that is missing.  ret_columns gets their places. */
bool csv_require(const CsvReader *reader, const char *const *names, size_t count, int *ret_columns,
                 Error *err);

static inline void csv_closep(CsvReader **reader)
{
    csv_close(*reader);
}
#define _cleanup_csv_ __attribute__((cleanup(csv_closep)))
