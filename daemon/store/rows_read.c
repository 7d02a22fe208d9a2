/* SPDX-License-Identifier: Apache-2.0 */
/* Streams the rows of a generation or of a submission, and finds rows for a trace. */
#include "daemon/store/rows.h"

#include "daemon/store/store_private.h"
#include "daemon/store/submission.h"

#include <string.h>

/* A row as it lies in the result: valid as long as the result is. */
static RowOut view_row(const PGresult *result, int row, uint8_t digest[DIGEST_SIZE])
{
    RowOut out = {
        .id = sql_get_number(result, row, 0),
        .table = PQgetvalue(result, row, 1),
        .row_key = PQgetvalue(result, row, 2),
        .table_order = (int)sql_get_number(result, row, 3),
        .feed = PQgetisnull(result, row, 4) ? NULL : PQgetvalue(result, row, 4),
        .person = PQgetisnull(result, row, 5) ? NULL : PQgetvalue(result, row, 5),
        .person_key = PQgetisnull(result, row, 6) ? NULL : PQgetvalue(result, row, 6),
        .fragment = PQgetvalue(result, row, 7),
        .fragment_size = (size_t)PQgetlength(result, row, 7),
        .digest = digest,
        .first_month = (Month)sql_get_number(result, row, 9),
        .last_month = (Month)sql_get_number(result, row, 10),
    };
    sql_get_digest(result, row, 8, digest);
    return out;
}

static bool stream(Store *store, const char *declare, const Sql *sql, RowOutSink sink,
                   void *context, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    if (!store_begin(store, &transaction, err) ||
        !sql_do(store, "read rows", declare, sql, NULL, err))
        return false;
    for (;;) {
        _cleanup_result_ PGresult *result = NULL;
        if (!sql_run(store, "read rows", "fetch 2000 from national_rows", NULL, &result, err))
            return false;
        if (PQntuples(result) == 0)
            return store_commit(&transaction, err);
        for (int row = 0; row < PQntuples(result); row++) {
            uint8_t digest[DIGEST_SIZE];
            RowOut out = view_row(result, row, digest);
            if (!sink(context, &out, err))
                return false;
        }
    }
}

#define HOLDS(provider, month, generation)                                                         \
    "r.provider = " provider " and r.first_month <= " month " and r.last_month >= " month          \
    " and r.gen_from <= " generation " and (r.gen_to is null or r.gen_to > " generation ")"
#define ROW_COLUMNS                                                                                \
    "r.id, r.table_code, r.row_key, r.table_order, r.feed, r.person, r.person_key, r.fragment, "   \
    "r.digest, "                                                                                   \
    "r.first_month, r.last_month"

bool rows_stream(Store *store, const char *provider, Month month, int64_t generation,
                 RowOutSink sink, void *context, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, provider);
    sql_number(&sql, month);
    sql_number(&sql, generation);
    return stream(store,
                  "declare national_rows no scroll cursor for select " ROW_COLUMNS
                  " from national_row r where " HOLDS(
                      "$1", "$2", "$3") " order by r.table_order, r.row_key, r.digest, r.id",
                  &sql, sink, context, err);
}

bool rows_closed_people(Store *store, const char *provider, Month month, int64_t generation,
                        int person_table, bool consent, Arena *arena, const char ***ret,
                        size_t *ret_count, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, provider);
    sql_number(&sql, month);
    sql_number(&sql, generation);
    sql_number(&sql, person_table);
    sql_bool(&sql, consent);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            store, "look at the gate",
            "with p as materialized (select r.person_key, coalesce(g.lead_feed, r.feed) as feed,"
            " coalesce(g.lead_person, m.final, r.person) as person from national_row r"
            " left join person_merge m on m.feed = r.feed and m.merged = r.person"
            " left join person_match g on g.feed = r.feed and g.person = coalesce(m.final, "
            "r.person)"
            " where r.table_order = $4 and " HOLDS(
                "$1", "$2", "$3") "),"
                                  " c as materialized (select feed, person from consent_in_force "
                                  "where purpose = 'mhsds' "
                                  "and holds),"
                                  " x as materialized (select feed, person from "
                                  "person_restricted)"
                                  " select distinct person_key from p where exists (select from x "
                                  "where x.feed = p.feed"
                                  " and x.person = p.person) or ($5 and not exists (select from c "
                                  "where c.feed = p.feed"
                                  " and c.person = p.person)) order by person_key",
            &sql, &result, err))
        return false;
    *ret_count = (size_t)PQntuples(result);
    *ret = arena_array(arena, *ret_count + 1, sizeof **ret);
    for (int row = 0; row < PQntuples(result); row++)
        (*ret)[row] = sql_get_text(result, row, 0, arena);
    return true;
}

bool submission_rows(Store *store, int64_t id, RowOutSink sink, void *context, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    SubmissionInfo info;
    if (!submission_get(store, id, arena, &info, err))
        return false;
    if (info.purged)
        return error_set(err, ERROR_DATA, "submission.purged",
                         "cannot read the rows of submission %lld: a purge deleted some of them",
                         (long long)id);
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    return stream(
        store,
        "declare national_rows no scroll cursor for select * from (select " ROW_COLUMNS
        " from submission s join national_row r on " HOLDS(
            "s.provider", "s.period", "s.generation") " where s.id = $1 and not exists (select "
                                                      "from left_out l where l.submission = $1"
                                                      " and l.row_id = r.id)"
                                                      " union all select 0, table_code, row_key, "
                                                      "table_order, null, null, null, fragment,"
                                                      " int8send(position), null, null from "
                                                      "submission_row where submission = $1) r"
                                                      " order by table_order, row_key, digest, id",
        &sql, sink, context, err);
}

#define TRACE_COLUMNS                                                                              \
    "select r.id, r.provider, r.table_code, r.row_key, r.feed, r.person, r.fragment, r.lineage, "  \
    "m.mapping_version, r.first_month, r.last_month, r.gen_from, coalesce(r.gen_to, 0) "           \
    "from national_row r join row_maker m on m.id = r.maker where "

static bool read_traces(Store *store, const char *statement, const Sql *sql, Arena *arena,
                        RowTrace **ret, size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "trace rows", statement, sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    RowTrace *traces = arena_array(arena, count + 1, sizeof *traces);
    for (int row = 0; row < (int)count; row++)
        traces[row] = (RowTrace){.id = sql_get_number(result, row, 0),
                                 .provider = sql_get_text(result, row, 1, arena),
                                 .table = sql_get_text(result, row, 2, arena),
                                 .row_key = sql_get_text(result, row, 3, arena),
                                 .feed = sql_get_text(result, row, 4, arena),
                                 .person = sql_get_text(result, row, 5, arena),
                                 .fragment = sql_get_text(result, row, 6, arena),
                                 .lineage = sql_get_text(result, row, 7, arena),
                                 .mapping_version = sql_get_text(result, row, 8, arena),
                                 .first_month = (Month)sql_get_number(result, row, 9),
                                 .last_month = (Month)sql_get_number(result, row, 10),
                                 .gen_from = sql_get_number(result, row, 11),
                                 .gen_to = sql_get_number(result, row, 12)};
    *ret = traces;
    *ret_count = count;
    return true;
}

bool rows_of_person(Store *store, const char *feed, const char *person, bool past, Arena *arena,
                    RowTrace **ret, size_t *ret_count, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    sql_text(&sql, person);
    sql_bool(&sql, past);
    return read_traces(store,
                       TRACE_COLUMNS
                       "r.feed = $1 and r.person = $2 and (r.gen_to is null or $3)"
                       " order by r.last_month desc, r.table_order, r.row_key, r.id desc",
                       &sql, arena, ret, ret_count, err);
}

bool rows_by_key(Store *store, const char *provider, const char *table, const char *row_key,
                 bool past, Arena *arena, RowTrace **ret, size_t *ret_count, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, provider);
    sql_text(&sql, table);
    sql_text(&sql, row_key);
    sql_bool(&sql, past);
    return read_traces(store,
                       TRACE_COLUMNS "($1::text is null or r.provider = $1) and r.table_code = $2"
                                     " and r.row_key = $3 and (r.gen_to is null or $4)"
                                     " order by r.last_month desc, r.id desc",
                       &sql, arena, ret, ret_count, err);
}
