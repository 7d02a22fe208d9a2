/* SPDX-License-Identifier: Apache-2.0 */
/* Statements with typed parameters and typed answers. */
#include "daemon/store/sql.h"

#include "daemon/store/store_private.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

/* PostgreSQL's own numbers for its built-in types; fixed since they exist. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_TEXT = 25,
    OID_BOOL_LIST = 1000,
    OID_BYTEA_LIST = 1001,
    OID_TEXT_LIST = 1009,
    OID_INT8_LIST = 1016,
};

Sql sql_new(Arena *arena)
{
    return (Sql){.arena = arena};
}

static void add(Sql *sql, Oid type, const void *value, size_t size, int format)
{
    if (sql->count == SQL_PARAMS_MAX)
        abort(); /* a statement of ours with more parameters than declared */
    sql->types[sql->count] = type;
    sql->values[sql->count] = value;
    sql->lengths[sql->count] = (int)size;
    sql->formats[sql->count++] = format;
}

void sql_text(Sql *sql, const char *value)
{
    add(sql, OID_TEXT, value, 0, 0);
}

void sql_number(Sql *sql, int64_t value)
{
    add(sql, OID_INT8, arena_format(sql->arena, "%lld", (long long)value), 0, 0);
}

void sql_number_or_null(Sql *sql, int64_t value)
{
    if (value)
        sql_number(sql, value);
    else
        add(sql, OID_INT8, NULL, 0, 0);
}

void sql_bool(Sql *sql, bool value)
{
    add(sql, OID_BOOL, value ? "t" : "f", 0, 0);
}

void sql_bytes(Sql *sql, const void *bytes, size_t size)
{
    add(sql, OID_BYTEA, bytes, size, 1);
}

#define LIST_HEADER 20

SqlList sql_list(Arena *arena, SqlType type)
{
    return (SqlList){.arena = arena, .type = type, .size = LIST_HEADER};
}

static char *room(SqlList *list, size_t more)
{
    if (list->size + more > list->capacity) {
        size_t capacity = list->capacity ? list->capacity : 1024;
        while (capacity < list->size + more)
            capacity *= 2;
        char *bytes = arena_alloc(list->arena, capacity);
        if (list->bytes)
            memcpy(bytes, list->bytes, list->size);
        list->bytes = bytes;
        list->capacity = capacity;
    }
    char *at = list->bytes + list->size;
    list->size += more;
    return at;
}

static void put_word(char *at, uint32_t value)
{
    uint32_t net = htonl(value);
    memcpy(at, &net, sizeof net);
}

void sql_list_bytes(SqlList *list, const void *bytes, size_t size)
{
    list->count++;
    if (!bytes) {
        list->nulls = true;
        put_word(room(list, 4), UINT32_MAX);
        return;
    }
    put_word(room(list, 4), (uint32_t)size);
    char *at = room(list, size);
    memcpy(at, bytes, size);
}

void sql_list_text(SqlList *list, const char *value)
{
    sql_list_bytes(list, value, value ? strlen(value) : 0);
}

void sql_list_number(SqlList *list, int64_t value)
{
    uint64_t net = htobe64((uint64_t)value);
    sql_list_bytes(list, &net, sizeof net);
}

void sql_list_number_or_null(SqlList *list, int64_t value)
{
    if (value)
        sql_list_number(list, value);
    else
        sql_list_bytes(list, NULL, 0);
}

void sql_list_bool(SqlList *list, bool value)
{
    char byte = value;
    sql_list_bytes(list, &byte, 1);
}

void sql_add(Sql *sql, SqlList *list)
{
    static const Oid element[] = {[SQL_TEXT] = OID_TEXT,
                                  [SQL_NUMBER] = OID_INT8,
                                  [SQL_BYTES] = OID_BYTEA,
                                  [SQL_BOOL] = OID_BOOL};
    static const Oid whole[] = {[SQL_TEXT] = OID_TEXT_LIST,
                                [SQL_NUMBER] = OID_INT8_LIST,
                                [SQL_BYTES] = OID_BYTEA_LIST,
                                [SQL_BOOL] = OID_BOOL_LIST};
    room(list, 0);
    if (!list->bytes)
        list->bytes = arena_alloc(list->arena, LIST_HEADER);
    put_word(list->bytes, list->count ? 1 : 0);
    put_word(list->bytes + 4, list->nulls);
    put_word(list->bytes + 8, element[list->type]);
    put_word(list->bytes + 12, (uint32_t)list->count);
    put_word(list->bytes + 16, 1);
    /* An empty array has no dimensions, and so ends after the element's type. */
    add(sql, whole[list->type], list->bytes, list->count ? list->size : 12, 1);
}

/* SQLSTATE to what now; the longest matching beginning wins. */
static const struct {
    const char *state;
    ErrorKind kind;
    const char *code;
} states[] = {
    {"08", ERROR_LATER, "store.connection"},
    {"0A", ERROR_BUG, "store.statement"},
    {"22", ERROR_DATA, "store.value"},
    {"23", ERROR_BUG, "store.constraint"},
    {"25", ERROR_BUG, "store.transaction"},
    {"25006", ERROR_LATER, "store.read_only"},  /* a standby that is about to be promoted */
    {"25P03", ERROR_LATER, "store.connection"}, /* idle in transaction for too long */
    {"28", ERROR_CONFIG, "store.login"},
    {"3D", ERROR_CONFIG, "store.no_database"},
    {"3F", ERROR_CONFIG, "store.no_schema"},
    {"40", ERROR_LATER, "store.conflict"},
    {"42", ERROR_BUG, "store.statement"},
    {"42501", ERROR_CONFIG, "store.right"},
    {"42P01", ERROR_CONFIG, "store.no_schema"},
    {"53", ERROR_LATER, "store.resources"},
    {"54", ERROR_DATA, "store.limit"},
    {"55", ERROR_LATER, "store.lock"},
    {"57", ERROR_LATER, "store.connection"},
    {"57014", ERROR_LATER, "store.timeout"},
    {"58", ERROR_LATER, "store.system"},
    {"XX", ERROR_LATER, "store.internal"},
};

bool sql_error(Store *store, const PGresult *result, const char *what, Error *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    if (!state || (store && PQstatus(store->connection) != CONNECTION_OK))
        return error_set(err, ERROR_LATER, "store.connection",
                         "could not %s: the connection to PostgreSQL is gone", what);
    ErrorKind kind = ERROR_BUG;
    const char *code = "store.statement";
    size_t best = 0;
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        size_t size = strlen(states[i].state);
        if (size > best && strncmp(state, states[i].state, size) == 0) {
            best = size;
            kind = states[i].kind;
            code = states[i].code;
        }
    }
    /* The primary message and DETAIL may quote values; the class, the constraint and the table
     * cannot. */
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    const char *table = PQresultErrorField(result, PG_DIAG_TABLE_NAME);
    const char *message = kind == ERROR_DATA || strncmp(state, "23", 2) == 0
                              ? ""
                              : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    return error_set(err, kind, code, "%s %s: SQLSTATE %s%s%s%s%s%s%s",
                     kind == ERROR_LATER ? "could not" : "cannot", what, state,
                     table ? ", table " : "", table ? table : "", constraint ? ", constraint " : "",
                     constraint ? constraint : "", message && *message ? ": " : "",
                     message ? message : "");
}

bool sql_run(Store *store, const char *what, const char *statement, const Sql *sql, PGresult **ret,
             Error *err)
{
    static const Sql none;
    if (!sql)
        sql = &none;
    _cleanup_result_ PGresult *result =
        PQexecParams(store->connection, statement, sql->count, sql->types, sql->values,
                     sql->lengths, sql->formats, 0);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        return sql_error(store, result, what, err);
    *ret = TAKE_PTR(result);
    return true;
}

bool sql_do(Store *store, const char *what, const char *statement, const Sql *sql,
            int64_t *ret_rows, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, what, statement, sql, &result, err))
        return false;
    if (ret_rows)
        *ret_rows = strtoll(PQcmdTuples(result), NULL, 10);
    return true;
}

bool sql_wants_transaction(Store *store, Error *err)
{
    if (!store->in_transaction)
        return error_set(err, ERROR_BUG, "store.no_transaction",
                         "cannot write: the caller has no transaction open");
    return true;
}

const char *sql_get_text(const PGresult *result, int row, int column, Arena *arena)
{
    if (PQgetisnull(result, row, column))
        return NULL;
    return arena_copy(arena, PQgetvalue(result, row, column),
                      (size_t)PQgetlength(result, row, column));
}

int64_t sql_get_number(const PGresult *result, int row, int column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

bool sql_get_bool(const PGresult *result, int row, int column)
{
    return *PQgetvalue(result, row, column) == 't';
}

static int nibble(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static size_t unhex(const char *text, size_t size, uint8_t *ret)
{
    for (size_t i = 0; i < size / 2; i++)
        ret[i] = (uint8_t)(nibble(text[2 * i]) << 4 | nibble(text[2 * i + 1]));
    return size / 2;
}

/* bytea comes as text: "\x" and two digits a byte. */
const uint8_t *sql_get_bytes(const PGresult *result, int row, int column, Arena *arena,
                             size_t *ret_size)
{
    if (PQgetisnull(result, row, column))
        return NULL;
    size_t size = (size_t)PQgetlength(result, row, column) - 2;
    uint8_t *bytes = arena_alloc(arena, size / 2 + 1);
    *ret_size = unhex(PQgetvalue(result, row, column) + 2, size, bytes);
    return bytes;
}

void sql_get_digest(const PGresult *result, int row, int column, uint8_t ret[DIGEST_SIZE])
{
    memset(ret, 0, DIGEST_SIZE);
    if (PQgetlength(result, row, column) == 2 + 2 * DIGEST_SIZE)
        unhex(PQgetvalue(result, row, column) + 2, (size_t)2 * DIGEST_SIZE, ret);
}
