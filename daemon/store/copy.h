/* SPDX-License-Identifier: Apache-2.0 */
/* COPY in PostgreSQL's binary format, both ways: for what is read or written by the hundred
 * thousand.
 *
 * Only store/ includes this.  Reading, the server makes the next rows while the
 * sink looks at one: nothing waits for a round trip. */
#pragma once

#include "daemon/base/text.h"
#include "daemon/store/sql.h"

#define COPY_COLUMNS_MAX 16

/* A row on its way: its values are there until the sink returns. */
typedef struct CopyRow {
    int count;
    char *values[COPY_COLUMNS_MAX]; /* NULL is null; ended by a NUL that is not theirs */
    size_t sizes[COPY_COLUMNS_MAX];
} CopyRow;

int64_t copy_number(const CopyRow *row, int column);   /* bigint; 0 for null */
const char *copy_text(const CopyRow *row, int column); /* "" for null */
/* Zeros for what is not a digest. */
void copy_digest(const CopyRow *row, int column, uint8_t ret[DIGEST_SIZE]);
/* timestamptz as microseconds since 1970; false outside the years 1 to 9999. */
bool copy_time(const CopyRow *row, int column, int64_t *ret);

/* At the start of a transaction: all that it reads is of one moment, and comes in the order of its
 * key without being sorted, which would go to disk first. */
bool copy_snapshot(Store *store, const char *what, Error *err);

typedef bool (*CopySink)(void *data, const CopyRow *row, Error *err);
/* In a transaction.  `query`: a whole select; COPY takes no parameters, see copy_literal().  The
 * sink asks nothing of the same store. */
bool copy_out(Store *store, const char *what, const char *query, Arena *arena, CopySink sink,
              void *data, Error *err);
/* A text as a constant of SQL; "null" for NULL. */
const char *copy_literal(Store *store, const char *text, Arena *arena);

/* Rows to go in, under construction. */
typedef struct CopyIn {
    Text bytes;
    int columns;
} CopyIn;

CopyIn copy_in_new(Arena *arena, size_t limit, int columns);
void copy_in_row(CopyIn *in); /* before the values of each row */
void copy_in_number(CopyIn *in, int64_t value);
void copy_in_bytes(CopyIn *in, const void *bytes, size_t size);
/* In a transaction.  `target`: "table (column, …)". */
bool copy_in_run(Store *store, const char *what, const char *target, CopyIn *in, Error *err);
