/* SPDX-License-Identifier: Apache-2.0 */
/* COPY in PostgreSQL's binary format. */
#include "daemon/store/copy.h"

#include "daemon/base/clock.h"
#include "daemon/store/store_private.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

/* 11 bytes by which the format is known, flags, the size of what may follow them. */
#define HEADER_SIZE 19
static const char header[HEADER_SIZE] = "PGCOPY\n\377\r\n";

/* Microseconds from 1970 to PostgreSQL's own epoch, 2000; the years 1 and 10000. */
#define EPOCH (INT64_C(946684800) * CLOCK_SECOND)
#define YEAR_1 (INT64_C(-62135596800) * CLOCK_SECOND)
#define YEAR_10000 (INT64_C(253402300800) * CLOCK_SECOND)

DEFINE_CLEANUP(char *, PQfreemem, copied);

/* ---- out ---- */

static int16_t get_short(const char *at)
{
    uint16_t net;
    memcpy(&net, at, sizeof net);
    return (int16_t)ntohs(net);
}

static int32_t get_word(const char *at)
{
    uint32_t net;
    memcpy(&net, at, sizeof net);
    return (int32_t)ntohl(net);
}

static int64_t get_long(const char *at)
{
    uint64_t net;
    memcpy(&net, at, sizeof net);
    return (int64_t)be64toh(net);
}

int64_t copy_number(const CopyRow *row, int column)
{
    return row->values[column] && row->sizes[column] == 8 ? get_long(row->values[column]) : 0;
}

const char *copy_text(const CopyRow *row, int column)
{
    return row->values[column] ? row->values[column] : "";
}

void copy_digest(const CopyRow *row, int column, uint8_t ret[DIGEST_SIZE])
{
    if (row->values[column] && row->sizes[column] == DIGEST_SIZE)
        memcpy(ret, row->values[column], DIGEST_SIZE);
    else
        memset(ret, 0, DIGEST_SIZE);
}

bool copy_time(const CopyRow *row, int column, int64_t *ret)
{
    int64_t at;
    return __builtin_add_overflow(copy_number(row, column), EPOCH, ret) == 0 &&
           (at = *ret) >= YEAR_1 && at < YEAR_10000;
}

/* The values of one row from *at on.  A value's end is where the next one's size was: that has been
 * read, so the NUL may stand there; libpq has one after the last. */
static bool parse_row(char *at, const char *end, CopyRow *ret)
{
    ret->count = get_short(at);
    at += 2;
    if (ret->count < 1 || ret->count > COPY_COLUMNS_MAX)
        return false;
    for (int i = 0; i < ret->count; i++) {
        if (end - at < 4)
            return false;
        int32_t size = get_word(at);
        *at = '\0';
        at += 4;
        if (size > end - at)
            return false;
        ret->values[i] = size < 0 ? NULL : at;
        ret->sizes[i] = size < 0 ? 0 : (size_t)size;
        at += ret->sizes[i];
    }
    return at == end;
}

/* One message: a row, behind the header in the first one; or the end. */
static bool parse(char *at, size_t size, bool first, CopyRow *ret, bool *ret_is_row)
{
    const char *end = at + size;
    if (first) {
        if (size < HEADER_SIZE || memcmp(at, header, HEADER_SIZE) != 0)
            return false;
        at += HEADER_SIZE;
    }
    if (end - at < 2)
        return false;
    *ret_is_row = get_short(at) != -1;
    return !*ret_is_row || parse_row(at, end, ret);
}

/* What still comes is taken, so that the connection can be used again. */
static void give_up(Store *store)
{
    char reason[256], *bytes;
    PGcancel *cancel = PQgetCancel(store->connection);
    if (cancel)
        PQcancel(cancel, reason, sizeof reason);
    PQfreeCancel(cancel);
    while (PQgetCopyData(store->connection, &bytes, 0) > 0)
        PQfreemem(bytes);
    for (PGresult *result; (result = PQgetResult(store->connection));)
        PQclear(result);
}

static bool take_rows(Store *store, const char *what, CopySink sink, void *data, Error *err)
{
    for (bool first = true;; first = false) {
        _cleanup_(copied) char *bytes = NULL;
        CopyRow row;
        bool is_row;
        int size = PQgetCopyData(store->connection, &bytes, 0);
        if (size < 0)
            return true; /* the result says how it ended */
        if (!parse(bytes, (size_t)size, first, &row, &is_row)) {
            give_up(store);
            return error_set(err, ERROR_BUG, "store.copy",
                             "cannot %s: PostgreSQL answered in a way that is not its format",
                             what);
        }
        if (is_row && !sink(data, &row, err)) {
            give_up(store);
            return false;
        }
    }
}

static bool finish(Store *store, const char *what, Error *err)
{
    bool good = true;
    for (PGresult *next; (next = PQgetResult(store->connection));) {
        _cleanup_result_ PGresult *result = next;
        if (good && PQresultStatus(result) != PGRES_COMMAND_OK)
            good = sql_error(store, result, what, err);
    }
    return good;
}

bool copy_snapshot(Store *store, const char *what, Error *err)
{
    return sql_do(store, what, "set transaction isolation level repeatable read", NULL, NULL,
                  err) &&
           sql_do(store, what, "set local enable_sort = off", NULL, NULL, err);
}

bool copy_out(Store *store, const char *what, const char *query, Arena *arena, CopySink sink,
              void *data, Error *err)
{
    if (!sql_wants_transaction(store, err))
        return false;
    const char *statement = arena_format(arena, "copy (%s) to stdout (format binary)", query);
    _cleanup_result_ PGresult *result = PQexec(store->connection, statement);
    if (PQresultStatus(result) != PGRES_COPY_OUT)
        return sql_error(store, result, what, err);
    return take_rows(store, what, sink, data, err) && finish(store, what, err);
}

const char *copy_literal(Store *store, const char *text, Arena *arena)
{
    char *quoted = text ? PQescapeLiteral(store->connection, text, strlen(text)) : NULL;
    /* What is not UTF-8 equals nothing that is stored. */
    const char *copy = arena_text(arena, quoted ? quoted : text ? "''" : "null");
    PQfreemem(quoted);
    return copy;
}

/* ---- in ---- */

static void put_word(CopyIn *in, uint32_t value)
{
    uint32_t net = htonl(value);
    text_add_bytes(&in->bytes, &net, sizeof net);
}

CopyIn copy_in_new(Arena *arena, size_t limit, int columns)
{
    CopyIn in = {.bytes = text_new(arena, limit), .columns = columns};
    text_add_bytes(&in.bytes, header, HEADER_SIZE);
    return in;
}

void copy_in_row(CopyIn *in)
{
    uint16_t net = htons((uint16_t)in->columns);
    text_add_bytes(&in->bytes, &net, sizeof net);
}

void copy_in_bytes(CopyIn *in, const void *bytes, size_t size)
{
    put_word(in, (uint32_t)size);
    text_add_bytes(&in->bytes, bytes, size);
}

void copy_in_number(CopyIn *in, int64_t value)
{
    uint64_t net = htobe64((uint64_t)value);
    copy_in_bytes(in, &net, sizeof net);
}

bool copy_in_run(Store *store, const char *what, const char *target, CopyIn *in, Error *err)
{
    char statement[256];
    if (!sql_wants_transaction(store, err))
        return false;
    text_add_bytes(&in->bytes, "\377\377", 2);
    if (!text_ok(&in->bytes) || in->bytes.size > INT32_MAX)
        return error_set(err, ERROR_BUG, "store.copy", "cannot %s: too many rows at once", what);
    snprintf(statement, sizeof statement, "copy %s from stdin (format binary)", target);
    _cleanup_result_ PGresult *result = PQexec(store->connection, statement);
    if (PQresultStatus(result) != PGRES_COPY_IN)
        return sql_error(store, result, what, err);
    if (PQputCopyData(store->connection, in->bytes.bytes, (int)in->bytes.size) != 1 ||
        PQputCopyEnd(store->connection, NULL) != 1)
        return sql_error(store, NULL, what, err);
    return finish(store, what, err);
}
