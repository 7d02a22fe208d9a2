/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted ahead for pages. */
#include "daemon/store/tally.h"

#include "daemon/base/text.h"
#include "daemon/store/store_private.h"

/* The counted tables' changes so far: PostgreSQL keeps these numbers, so that asking is cheap. */
#define BASIS                                                                                      \
    "(select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint from "                    \
    "pg_stat_all_tables where relid = 'mhsflow.finding'::regclass)"

#define SUBMISSIONS_AT_ONCE 20

/* At most every 30 s while findings come in; at least once a day, for the day's own count. */
static bool findings_due(Store *store, bool *ret_due, int64_t *ret_basis, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "see whether findings were counted",
                 "select b.basis, t.name is null or ((t.basis <> b.basis or"
                 " (t.at at time zone 'Europe/London')::date <> mhsflow.today())"
                 " and t.at < mhsflow.now() - interval '30 s')"
                 " from (select " BASIS " as basis) b left join tally t on t.name = 'findings'",
                 NULL, &result, err))
        return false;
    *ret_basis = sql_get_number(result, 0, 0);
    *ret_due = sql_get_bool(result, 0, 1);
    return true;
}

static bool submission_due(Store *store, int64_t *ret, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "see which submissions were counted",
                 "select coalesce((select id from submission s where not purged and not exists"
                 " (select from submission_tally t where t.submission = s.id)"
                 " order by id desc limit 1), 0)",
                 NULL, &result, err))
        return false;
    *ret = sql_get_number(result, 0, 0);
    return true;
}

bool tally_start(Store *store, bool *ret_running, Error *err)
{
    char statement[160];
    bool due;
    int64_t basis, submission = 0;
    if (!findings_due(store, &due, &basis, err) ||
        (!due && !submission_due(store, &submission, err)))
        return false;
    *ret_running = due || submission;
    if (!*ret_running)
        return true;
    snprintf(statement, sizeof statement,
             "set local statement_timeout = 0; select mhsflow.tally_%s(%lld)",
             due ? "findings" : "submissions", (long long)(due ? basis : SUBMISSIONS_AT_ONCE));
    if (!PQsendQuery(store->connection, statement))
        return sql_error(store, NULL, "count ahead", err);
    return true;
}

bool tally_finished(Store *store, bool *ret_done, Error *err)
{
    bool good = true;
    *ret_done = false;
    if (!PQconsumeInput(store->connection)) {
        *ret_done = true;
        return sql_error(store, NULL, "count ahead", err);
    }
    while (!PQisBusy(store->connection)) {
        _cleanup_result_ PGresult *result = PQgetResult(store->connection);
        if (!result) {
            *ret_done = true;
            return good;
        }
        ExecStatusType status = PQresultStatus(result);
        if (good && status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
            good = sql_error(store, result, "count ahead", err);
    }
    return good;
}

static FindingSource source_of(const char *word)
{
    for (int source = 0; source < FINDING_SOURCE_COUNT; source++)
        if (text_equal(word, finding_source_name((FindingSource)source)))
            return (FindingSource)source;
    return FINDING_CHECK;
}

static FindingTally read_tally(const PGresult *result, int row, Arena *arena)
{
    return (FindingTally){.group = {.source = source_of(PQgetvalue(result, row, 0)),
                                    .rule = sql_get_text(result, row, 1, arena),
                                    .table = sql_get_text(result, row, 2, arena),
                                    .severity = sql_get_text(result, row, 4, arena),
                                    .element = sql_get_text(result, row, 5, arena),
                                    .message = sql_get_text(result, row, 6, arena),
                                    .remedy = sql_get_text(result, row, 7, arena),
                                    .findings = sql_get_number(result, row, 8),
                                    .people = sql_get_number(result, row, 9),
                                    .records = sql_get_number(result, row, 10),
                                    .left_out = sql_get_number(result, row, 11)},
                          .org = sql_get_text(result, row, 3, arena)};
}

bool tally_findings(Store *store, const char *cause, const char *org, Arena *arena,
                    FindingTally **ret, size_t *ret_count, int64_t *ret_at, Error *err)
{
    _cleanup_result_ PGresult *result = NULL, *at = NULL;
    Sql sql = sql_new(arena);
    sql_text(&sql, cause);
    sql_text(&sql, org);
    if (!sql_run(store, "read counts",
                 "select source, rule, table_code, org, severity, element, message, remedy,"
                 " findings, people, records, left_out from finding_tally"
                 " where ($1::text is null or rule = $1) and case when $2::text is not null then"
                 " org = $2 when $1::text is not null then org is not null else org is null end"
                 " order by left_out > 0 desc, people desc, findings desc, rule, table_code, org",
                 &sql, &result, err) ||
        !sql_run(store, "read counts",
                 "select coalesce((select us(at) from tally where name = 'findings'), 0)", NULL,
                 &at, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    FindingTally *all = arena_array(arena, count + 1, sizeof *all);
    for (int row = 0; row < (int)count; row++)
        all[row] = read_tally(result, row, arena);
    *ret = all;
    *ret_count = count;
    *ret_at = sql_get_number(at, 0, 0);
    return true;
}

bool tally_orgs(Store *store, Arena *arena, OrgTally **ret, size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "read counts",
                 "select org, sum(findings), sum(left_out), count(*) from finding_tally"
                 " where org is not null group by org order by sum(left_out) desc,"
                 " sum(findings) desc, org",
                 NULL, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    OrgTally *all = arena_array(arena, count + 1, sizeof *all);
    for (int row = 0; row < (int)count; row++)
        all[row] = (OrgTally){.org = sql_get_text(result, row, 0, arena),
                              .findings = sql_get_number(result, row, 1),
                              .left_out = sql_get_number(result, row, 2),
                              .causes = sql_get_number(result, row, 3)};
    *ret = all;
    *ret_count = count;
    return true;
}

bool tally_days(Store *store, Day from, Arena *arena, DayTally **ret, size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_number(&sql, from);
    if (!sql_run(store, "read counts",
                 "select day - date '1970-01-01', findings, left_out from finding_day"
                 " where day >= date '1970-01-01' + $1::integer order by day",
                 &sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    DayTally *all = arena_array(arena, count + 1, sizeof *all);
    for (int row = 0; row < (int)count; row++)
        all[row] = (DayTally){.day = (Day)sql_get_number(result, row, 0),
                              .findings = sql_get_number(result, row, 1),
                              .left_out = sql_get_number(result, row, 2)};
    *ret = all;
    *ret_count = count;
    return true;
}

bool tally_codes(Store *store, size_t limit, Arena *arena, CodeTally **ret, size_t *ret_count,
                 Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_number(&sql, (int64_t)limit);
    if (!sql_run(store, "read counts",
                 "select feed, record_type, field, code, records from code_tally"
                 " order by records desc, feed, record_type, field, code limit $1",
                 &sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    CodeTally *all = arena_array(arena, count + 1, sizeof *all);
    for (int row = 0; row < (int)count; row++)
        all[row] = (CodeTally){.feed = sql_get_text(result, row, 0, arena),
                               .record_type = sql_get_text(result, row, 1, arena),
                               .field = sql_get_text(result, row, 2, arena),
                               .code = sql_get_text(result, row, 3, arena),
                               .records = sql_get_number(result, row, 4)};
    *ret = all;
    *ret_count = count;
    return true;
}

bool tally_tables(Store *store, int64_t submission, int64_t before, Arena *arena, TableTally **ret,
                  size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_number(&sql, submission);
    sql_number(&sql, before);
    if (!sql_run(store, "read counts",
                 "select table_code, coalesce(sum(rows) filter (where submission = $1), 0),"
                 " coalesce(sum(rows) filter (where submission = $2), 0) from submission_tally"
                 " where submission in ($1, $2) and table_code <> '' group by table_code order by "
                 "min(table_order)",
                 &sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    TableTally *all = arena_array(arena, count + 1, sizeof *all);
    for (int row = 0; row < (int)count; row++)
        all[row] = (TableTally){.table = sql_get_text(result, row, 0, arena),
                                .rows = sql_get_number(result, row, 1),
                                .before = sql_get_number(result, row, 2)};
    *ret = all;
    *ret_count = count;
    return true;
}
