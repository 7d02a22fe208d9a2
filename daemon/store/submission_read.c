/* SPDX-License-Identifier: Apache-2.0 */
/* Submissions as they stand: one, many, the last ones, and the biography of one. */
#include "daemon/store/submission_private.h"

#include <string.h>

const char *submission_state_name(SubmissionState state)
{
    static const char *const names[] = {
#define STATE(name, text, meaning) text,
#include "daemon/store/states.def"
#undef STATE
    };
    return names[state];
}

static SubmissionState state_of(const char *name)
{
    for (int state = 0; state < SUBMISSION_STATE_COUNT; state++)
        if (strcmp(name, submission_state_name((SubmissionState)state)) == 0)
            return (SubmissionState)state;
    abort(); /* the schema's check allows no other word */
}

SubmissionInfo submission_read(const PGresult *result, int row, Arena *arena)
{
    SubmissionInfo info = {
        .id = sql_get_number(result, row, 0),
        .data_set = sql_get_text(result, row, 1, arena),
        .provider = sql_get_text(result, row, 2, arena),
        .period = (Month)sql_get_number(result, row, 3),
        .revision = (int)sql_get_number(result, row, 4),
        .state = state_of(PQgetvalue(result, row, 5)),
        .generation = sql_get_number(result, row, 6),
        .held_reason = sql_get_text(result, row, 7, arena),
        .held_by = sql_get_text(result, row, 8, arena),
        .released_by = sql_get_text(result, row, 9, arena),
        .cancelled_by = sql_get_text(result, row, 10, arena),
        .person_reason = sql_get_text(result, row, 11, arena),
        .route = sql_get_text(result, row, 12, arena),
        .legal_basis = sql_get_text(result, row, 13, arena),
        .deadline = sql_get_number(result, row, 14),
        .created_at = sql_get_number(result, row, 15),
        .next_at = sql_get_number(result, row, 16),
        .document_created = sql_get_text(result, row, 17, arena),
        .document_size = sql_get_number(result, row, 20),
        .counts = {.rows = sql_get_number(result, row, 21),
                   .people = sql_get_number(result, row, 22),
                   .referrals = sql_get_number(result, row, 23),
                   .contacts = sql_get_number(result, row, 24)},
        .pack_version = sql_get_text(result, row, 25, arena),
        .format_version = sql_get_text(result, row, 26, arena),
        .mapping_version = sql_get_text(result, row, 27, arena),
        .program_version = sql_get_text(result, row, 28, arena),
        .spool_name = sql_get_text(result, row, 29, arena),
        .reference = sql_get_text(result, row, 32, arena),
        .attempts = (int)sql_get_number(result, row, 33),
        .questions = (int)sql_get_number(result, row, 34),
        .purged = sql_get_bool(result, row, 35),
        .lease_until = sql_get_number(result, row, 36),
        .lease_by = sql_get_text(result, row, 37, arena),
        .last_code = sql_get_text(result, row, 38, arena),
        .last_reason = sql_get_text(result, row, 39, arena),
        .left_out = sql_get_number(result, row, 40),
    };
    sql_get_digest(result, row, 18, info.document_digest);
    sql_get_digest(result, row, 19, info.content_digest);
    snprintf(info.idempotency_key, sizeof info.idempotency_key, "%s", PQgetvalue(result, row, 30));
    info.signature = sql_get_bytes(result, row, 31, arena, &info.signature_size);
    return info;
}

static bool read_many(Store *store, const char *statement, const Sql *sql, Arena *arena,
                      SubmissionInfo **ret, size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "read submissions", statement, sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    SubmissionInfo *all = arena_array(arena, count + 1, sizeof *all);
    for (int row = 0; row < (int)count; row++)
        all[row] = submission_read(result, row, arena);
    *ret = all;
    *ret_count = count;
    return true;
}

bool submission_get(Store *store, int64_t id, Arena *arena, SubmissionInfo *ret, Error *err)
{
    SubmissionInfo *all;
    size_t count;
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    if (!read_many(store,
                   "select " SUBMISSION_COLUMNS
                   " from submission s join submission_queue q using (id) where s.id = $1",
                   &sql, arena, &all, &count, err))
        return false;
    if (!count)
        return error_set(err, ERROR_DATA, "submission.unknown", "cannot find submission %lld",
                         (long long)id);
    *ret = all[0];
    return true;
}

bool submission_list(Store *store, const SubmissionFilter *filter, Arena *arena,
                     SubmissionInfo **ret, size_t *ret_count, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, filter->data_set);
    sql_text(&sql, filter->provider);
    sql_text(&sql, filter->state);
    sql_number_or_null(&sql, filter->period);
    sql_bool(&sql, filter->open_only);
    return read_many(
        store,
        "select " SUBMISSION_COLUMNS " from submission s join submission_queue q using (id)"
        " where ($1::text is null or s.data_set = $1) and ($2::text is null or s.provider = $2)"
        " and ($3::text is null or q.state = $3) and ($4::bigint is null or s.period = $4)"
        " and not ($5 and q.state in ('accepted', 'superseded', 'cancelled'))"
        " order by s.period desc, s.provider, s.revision",
        &sql, arena, ret, ret_count, err);
}

bool submission_part(Store *store, const SubmissionPart *part, Arena *arena, SubmissionInfo **ret,
                     size_t *ret_count, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, part->provider);
    sql_text(&sql, part->state);
    sql_number_or_null(&sql, part->period);
    sql_number_or_null(&sql, part->from);
    sql_bool(&sql, part->newest);
    sql_bool(&sql, part->attention);
    sql_number(&sql, (int64_t)part->skip);
    sql_number(&sql, (int64_t)part->limit);
    return read_many(
        store,
        "select " SUBMISSION_COLUMNS_LIGHT " from submission s join submission_queue q using (id)"
        " where ($1::text is null or s.provider = $1) and ($2::text is null or q.state = $2)"
        " and ($3::bigint is null or s.period = $3) and ($4::bigint is null or s.period >= $4)"
        " and (not $5 or not exists (select from submission n where n.data_set = s.data_set"
        " and n.provider = s.provider and n.period = s.period and n.revision > s.revision))"
        " and (not $6 or q.state in ('held', 'rejected'))"
        " order by s.period desc, s.provider, s.revision desc offset $7 limit $8",
        &sql, arena, ret, ret_count, err);
}

bool submission_last(Store *store, const char *data_set, const char *provider, Month period,
                     Arena *arena, SubmissionInfo *ret_accepted, SubmissionInfo *ret_newest,
                     Error *err)
{
    SubmissionInfo *all;
    size_t count;
    Sql sql = sql_new(arena);
    sql_text(&sql, data_set);
    sql_text(&sql, provider);
    sql_number(&sql, period);
    if (!read_many(
            store,
            "select " SUBMISSION_COLUMNS " from submission s join submission_queue q using (id)"
            " where s.data_set = $1 and s.provider = $2 and s.period = $3 order by s.revision desc",
            &sql, arena, &all, &count, err))
        return false;
    *ret_accepted = *ret_newest = (SubmissionInfo){0};
    if (count)
        *ret_newest = all[0];
    for (size_t i = 0; i < count; i++)
        if (all[i].state == SUBMISSION_ACCEPTED) {
            *ret_accepted = all[i];
            break;
        }
    return true;
}

bool submission_leaves_out(Store *store, int64_t id, int64_t row, bool *ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    sql_number(&sql, row);
    if (!sql_run(store, "see what was left out",
                 "select from left_out where submission = $1 and row_id = $2", &sql, &result, err))
        return false;
    *ret = PQntuples(result) > 0;
    return true;
}

bool submission_overdue(Store *store, int64_t *ret_since, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            store, "look for what is overdue",
            "select coalesce(us(min(next_at)), 0) from submission_queue q where state = 'ready'"
            " and next_at < mhsflow.now() and not exists (select from submission_queue o"
            " where o.month_id = q.month_id and o.state in ('sending', 'waiting', 'unsure'))"
            " and not exists (select from route_state r where r.route = q.route"
            " and r.state <> 'ok')",
            NULL, &result, err))
        return false;
    *ret_since = sql_get_number(result, 0, 0);
    return true;
}

bool submission_next(Store *store, int64_t *ret_at, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            store, "look for the next due time",
            "select us(min(at)) from ("
            " select min(next_at) as at from submission_queue where state = 'ready'"
            " union all select min(greatest(next_at, coalesce(lease_until, next_at)))"
            " from submission_queue where state in ('waiting', 'unsure')"
            " union all select min(lease_until) from submission_queue where state = 'sending') t",
            NULL, &result, err))
        return false;
    *ret_at = sql_get_number(result, 0, 0);
    return true;
}

bool submission_events(Store *store, int64_t id, Arena *arena, SubmissionEvent **ret,
                       size_t *ret_count, Error *err)
{
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            store, "read a submission's biography",
            "select us(at), 'audit', event, fields ->> 'from', fields ->> 'to', fields ->> 'actor',"
            " fields ->> 'code', null, null, writer, coalesce((fields ->> 'attempt')::bigint, 0), "
            "0,"
            " number from audit_event where submission = $1"
            " union all select us(at), 'attempt', kind, null, null, null, null, null, null, holder,"
            " number, 0, id from attempt where submission = $1"
            " union all select us(at), 'answer', outcome, null, null, null, code, reference, "
            "reason,"
            " holder, attempt, status, id from receipt where submission = $1 order by 1, 2, 13",
            &sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    SubmissionEvent *events = arena_array(arena, count + 1, sizeof *events);
    for (int row = 0; row < (int)count; row++)
        events[row] = (SubmissionEvent){.at = sql_get_number(result, row, 0),
                                        .kind = sql_get_text(result, row, 1, arena),
                                        .event = sql_get_text(result, row, 2, arena),
                                        .from = sql_get_text(result, row, 3, arena),
                                        .to = sql_get_text(result, row, 4, arena),
                                        .actor = sql_get_text(result, row, 5, arena),
                                        .code = sql_get_text(result, row, 6, arena),
                                        .reference = sql_get_text(result, row, 7, arena),
                                        .reason = sql_get_text(result, row, 8, arena),
                                        .holder = sql_get_text(result, row, 9, arena),
                                        .attempt = (int)sql_get_number(result, row, 10),
                                        .status = (int)sql_get_number(result, row, 11)};
    *ret = events;
    *ret_count = count;
    return true;
}

bool submission_recall(Store *store, Arena *arena, RecallMonth **ret, size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    /* From who withdrew to their rows: they are few, the rows are many. */
    if (!sql_run(store, "look for what is beyond recall",
                 "with l as materialized (select distinct on (s.data_set, s.provider, s.period) s.*"
                 " from submission s join submission_queue q using (id) where q.state = 'accepted'"
                 " order by s.data_set, s.provider, s.period, s.revision desc),"
                 " w as materialized (select feed, person from consent_in_force"
                 " where purpose = 'mhsds' and not holds),"
                 " p as materialized (select w.feed, w.person, w.person as member from w union"
                 " select w.feed, w.person, m.merged from w join person_merge m"
                 " on m.feed = w.feed and m.final = w.person),"
                 " n as (select l.id, count(distinct (p.feed, p.person)) as people from p"
                 " join national_row r on r.feed = p.feed and r.person = p.member"
                 " join l on l.provider = r.provider and l.period between r.first_month and "
                 "r.last_month"
                 " and r.gen_from <= l.generation and (r.gen_to is null or r.gen_to > "
                 "l.generation)"
                 " where l.legal_basis = 'consent' and not exists (select from left_out o"
                 " where o.submission = l.id and o.row_id = r.id) group by l.id)"
                 " select l.provider, l.period, l.id, l.revision, n.people, l.purged"
                 " from l left join n using (id) where l.purged or n.people > 0"
                 " order by l.period desc, l.provider",
                 NULL, &result, err))
        return false;
    *ret_count = (size_t)PQntuples(result);
    *ret = arena_array(arena, *ret_count + 1, sizeof **ret);
    for (int row = 0; row < PQntuples(result); row++)
        (*ret)[row] = (RecallMonth){.provider = sql_get_text(result, row, 0, arena),
                                    .period = (Month)sql_get_number(result, row, 1),
                                    .submission = sql_get_number(result, row, 2),
                                    .revision = (int)sql_get_number(result, row, 3),
                                    .withdrawn = sql_get_number(result, row, 4),
                                    .purged = sql_get_bool(result, row, 5)};
    return true;
}
