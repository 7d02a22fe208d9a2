/* SPDX-License-Identifier: Apache-2.0 */
/* Statements with typed parameters and typed answers: the store's own shorthand for libpq.
 *
 * Only store/ includes this.  Lists go to PostgreSQL as binary arrays (one
 * statement for a whole batch, nothing to escape) and answers come back as text. */
#pragma once

#include "daemon/base/civil.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/digest.h"
#include "daemon/store/store.h"

#include <libpq-fe.h>

#define SQL_PARAMS_MAX 32

typedef struct Sql {
    Arena *arena; /* what parameters are kept in */
    int count;
    Oid types[SQL_PARAMS_MAX];
    const char *values[SQL_PARAMS_MAX];
    int lengths[SQL_PARAMS_MAX], formats[SQL_PARAMS_MAX];
} Sql;

Sql sql_new(Arena *arena);
void sql_text(Sql *sql, const char *value); /* NULL is null */
void sql_number(Sql *sql, int64_t value);
void sql_number_or_null(Sql *sql, int64_t value); /* 0 is null */
void sql_bool(Sql *sql, bool value);
void sql_bytes(Sql *sql, const void *bytes, size_t size); /* NULL is null */

typedef enum SqlType { SQL_TEXT, SQL_NUMBER, SQL_BYTES, SQL_BOOL } SqlType;

/* A list parameter under construction. */
typedef struct SqlList {
    Arena *arena;
    SqlType type;
    char *bytes;
    size_t size, capacity, count;
    bool nulls;
} SqlList;

SqlList sql_list(Arena *arena, SqlType type);
void sql_list_text(SqlList *list, const char *value); /* NULL is null */
void sql_list_bytes(SqlList *list, const void *bytes, size_t size);
void sql_list_number(SqlList *list, int64_t value);
void sql_list_number_or_null(SqlList *list, int64_t value);
void sql_list_bool(SqlList *list, bool value);
void sql_add(Sql *sql, SqlList *list); /* the list is finished by this */

/* Run one statement.  `what` completes "could not …" in the error's text. */
bool sql_run(Store *store, const char *what, const char *statement, const Sql *sql, PGresult **ret,
             Error *err);
bool sql_do(Store *store, const char *what, const char *statement, const Sql *sql,
            int64_t *ret_rows, Error *err); /* ret_rows may be NULL */
bool sql_wants_transaction(Store *store, Error *err);

/* Answers: by row and column. */
const char *sql_get_text(const PGresult *result, int row, int column,
                         Arena *arena);                              /* NULL for null */
int64_t sql_get_number(const PGresult *result, int row, int column); /* 0 for null */
bool sql_get_bool(const PGresult *result, int row, int column);
const uint8_t *sql_get_bytes(const PGresult *result, int row, int column, Arena *arena,
                             size_t *ret_size);
void sql_get_digest(const PGresult *result, int row, int column, uint8_t ret[DIGEST_SIZE]);

/* What libpq said, as our error. */
bool sql_error(Store *store, const PGresult *result, const char *what, Error *err);

static inline void sql_clearp(PGresult **result)
{
    PQclear(*result);
}
#define _cleanup_result_ __attribute__((cleanup(sql_clearp)))
