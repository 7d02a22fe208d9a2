/* SPDX-License-Identifier: Apache-2.0 */
/* Submissions: making one, and every move that a person asks for. */
#include "daemon/store/submission.h"

#include "daemon/store/finding_private.h"
#include "daemon/store/rows.h"
#include "daemon/store/submission_private.h"

#include <string.h>

bool submission_lock(Store *store, int64_t id, Arena *arena, SubmissionLock *ret, Error *err)
{
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            store, "lock a submission",
            "select q.state, q.intent, coalesce(q.lease_until > mhsflow.now(), false), q.fence,"
            " q.month_id, q.attempts, exists (select from submission_queue n where n.month_id = "
            "q.month_id"
            " and n.id > q.id and n.state <> 'cancelled'), s.purged, s.provider, s.legal_basis, "
            "s.period,"
            " s.generation, s.document_digest from submission_queue q join submission s using (id)"
            " where q.id = $1 for update of q",
            &sql, &result, err))
        return false;
    if (PQntuples(result) == 0)
        return error_set(err, ERROR_DATA, "submission.unknown", "cannot find submission %lld",
                         (long long)id);
    SubmissionState state = SUBMISSION_READY;
    while (strcmp(PQgetvalue(result, 0, 0), submission_state_name(state)) != 0)
        state++;
    *ret = (SubmissionLock){.state = state,
                            .intent = sql_get_bool(result, 0, 1),
                            .leased = sql_get_bool(result, 0, 2),
                            .fence = sql_get_number(result, 0, 3),
                            .month_id = sql_get_number(result, 0, 4),
                            .attempts = (int)sql_get_number(result, 0, 5),
                            .newer = sql_get_bool(result, 0, 6),
                            .purged = sql_get_bool(result, 0, 7),
                            .provider = sql_get_text(result, 0, 8, arena),
                            .legal_basis = sql_get_text(result, 0, 9, arena),
                            .period = (Month)sql_get_number(result, 0, 10),
                            .generation = sql_get_number(result, 0, 11)};
    sql_get_digest(result, 0, 12, ret->document_digest);
    return true;
}

bool submission_lock_fenced(Store *store, int64_t id, int64_t fence, Arena *arena,
                            SubmissionLock *ret, Error *err)
{
    if (!submission_lock(store, id, arena, ret, err))
        return false;
    if (ret->fence != fence || !ret->leased)
        return error_set(err, ERROR_LATER, "submission.fence",
                         "could not go on with submission %lld: its lease ran out", (long long)id);
    return true;
}

bool submission_move(Store *store, int64_t id, SubmissionState from, SubmissionState to,
                     AuditEvent event, int64_t next_in_ms, AuditFields fields, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    sql_text(&sql, submission_state_name(to));
    sql_number(&sql, next_in_ms);
    fields.submission = id;
    fields.from = submission_state_name(from);
    fields.to = submission_state_name(to);
    return sql_do(store, "move a submission",
                  "update submission_queue set state = $2, lease_until = null, lease_by = null,"
                  " intent = intent and $2 in ('sending', 'waiting', 'unsure'),"
                  " next_at = mhsflow.now() + ms($3) where id = $1",
                  &sql, NULL, err) &&
           audit_append(store, event, &fields, err) && store_notify(store, CHANNEL_SUBMIT, err);
}

/* ---- building ---- */

static void make_key(const SubmissionNew *new, int64_t revision, char ret[DIGEST_HEX_SIZE])
{
    char month[CIVIL_TEXT_SIZE], digest[DIGEST_HEX_SIZE], text[512];
    int size = snprintf(text, sizeof text, "%s\n%s\n%s\n%lld\n%s\n", new->data_set, new->provider,
                        civil_format_month(new->period, month), (long long)revision,
                        digest_hex(new->document_digest, digest));
    uint8_t key[DIGEST_SIZE];
    digest_bytes(text, (size_t)size, key);
    digest_hex(key, ret);
}

static bool lock_month(Store *store, const char *data_set, const char *provider, Month period,
                       Arena *arena, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, data_set);
    sql_text(&sql, provider);
    sql_number(&sql, period);
    _cleanup_result_ PGresult *locked = NULL;
    return sql_run(store, "lock a month",
                   "select pg_advisory_xact_lock(hashtextextended('mhsflow.month.' || $1 || '.' || "
                   "$2 || '.' || $3::bigint, 0))",
                   &sql, &locked, err);
}

bool submission_lock_month(Store *store, const char *data_set, const char *provider, Month period,
                           int64_t *ret_newest, int64_t *ret_built, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, data_set);
    sql_text(&sql, provider);
    sql_number(&sql, period);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_wants_transaction(store, err) ||
        !lock_month(store, data_set, provider, period, arena, err) ||
        !sql_run(store, "look for the newest revision",
                 "select coalesce((select max(id) from submission where data_set = $1 and"
                 " provider = $2 and period = $3), 0), coalesce((select built_generation from"
                 " provider_month where provider = $2 and month = $3), 0)",
                 &sql, &result, err))
        return false;
    *ret_newest = sql_get_number(result, 0, 0);
    *ret_built = sql_get_number(result, 0, 1);
    return true;
}

/* A receiver may have seen revisions that a restored backup does not know: an epoch has its own. */
#define EPOCH_REVISIONS "1000 * (select coalesce(max(number), 0) from restoration)"

/* The next revision, under a lock on the month; refused when a purge came after its rows were
 * frozen. */
static bool next_revision(Store *store, const SubmissionNew *new, Arena *arena,
                          int64_t *ret_revision, int64_t *ret_month_id, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, new->data_set);
    sql_text(&sql, new->provider);
    sql_number(&sql, new->period);
    sql_number(&sql, new->generation);
    _cleanup_result_ PGresult *result = NULL;
    if (!lock_month(store, new->data_set, new->provider, new->period, arena, err) ||
        !sql_run(store, "look for the last revision",
                 "select greatest(coalesce(max(revision), 0), " EPOCH_REVISIONS
                 ") + 1, coalesce(min(id), 0), exists (select from "
                 "provider"
                 " where code = $2 and purged_generation >= $4)"
                 " from submission where data_set = $1 and provider = $2 and period = $3",
                 &sql, &result, err))
        return false;
    if (sql_get_bool(result, 0, 2))
        return error_set(err, ERROR_LATER, "submission.purged_meanwhile",
                         "could not keep a submission: a purge came while it was built");
    *ret_revision = sql_get_number(result, 0, 0);
    *ret_month_id = sql_get_number(result, 0, 1);
    return true;
}

static bool supersede_unsent(Store *store, int64_t month_id, Arena *arena, Error *err)
{
    Sql sql = sql_new(arena);
    sql_number(&sql, month_id);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "look for unsent revisions",
                 "select id, state from submission_queue where month_id = $1"
                 " and state in ('ready', 'held', 'rejected') order by id for update",
                 &sql, &result, err))
        return false;
    for (int row = 0; row < PQntuples(result); row++) {
        const char *state = PQgetvalue(result, row, 1);
        SubmissionState from = strcmp(state, "ready") == 0  ? SUBMISSION_READY
                               : strcmp(state, "held") == 0 ? SUBMISSION_HELD
                                                            : SUBMISSION_REJECTED;
        if (!submission_move(store, sql_get_number(result, row, 0), from, SUBMISSION_SUPERSEDED,
                             AUDIT_SUBMISSION_SUPERSEDED, 0,
                             (AuditFields){.code = "newer_revision"}, err))
            return false;
    }
    return true;
}

static bool insert_wide(Store *store, const SubmissionNew *new, int64_t revision, Arena *arena,
                        int64_t *ret_id, Error *err)
{
    char key[DIGEST_HEX_SIZE];
    make_key(new, revision, key);
    Sql sql = sql_new(arena);
    sql_text(&sql, new->data_set);
    sql_text(&sql, new->provider);
    sql_number(&sql, new->period);
    sql_number(&sql, revision);
    sql_number(&sql, new->generation);
    sql_text(&sql, new->route);
    sql_text(&sql, new->legal_basis);
    sql_number(&sql, new->deadline);
    sql_text(&sql, new->document_created);
    sql_bytes(&sql, new->document_digest, DIGEST_SIZE);
    sql_bytes(&sql, new->content_digest, DIGEST_SIZE);
    sql_number(&sql, new->document_size);
    sql_number(&sql, new->counts.rows);
    sql_number(&sql, new->counts.people);
    sql_number(&sql, new->counts.referrals);
    sql_number(&sql, new->counts.contacts);
    sql_number(&sql, (int64_t) new->left_out_count);
    sql_text(&sql, new->pack_version);
    sql_text(&sql, new->format_version);
    sql_text(&sql, new->mapping_version);
    sql_text(&sql, new->program_version);
    sql_text(&sql, new->spool_name);
    sql_text(&sql, key);
    sql_text(&sql, new->held_reason);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            store, "keep a submission",
            "insert into submission (data_set, provider, period, revision, generation, route,"
            " legal_basis, deadline, created_at, document_created, document_digest, content_digest,"
            " document_size, rows, people, referrals, contacts, left_out, pack_version, "
            "format_version,"
            " mapping_version, program_version, spool_name, idempotency_key, held_reason)"
            " values ($1, $2, $3, $4, $5, $6, $7, at($8), mhsflow.now(), $9, $10, $11, $12, $13, "
            "$14,"
            " $15, $16, $17, $18, $19, $20, $21, $22, $23, $24) returning id",
            &sql, &result, err))
        return false;
    *ret_id = sql_get_number(result, 0, 0);
    return true;
}

static bool insert_queue(Store *store, const SubmissionNew *new, int64_t id, int64_t month_id,
                         Arena *arena, Error *err)
{
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    sql_number(&sql, month_id ? month_id : id);
    sql_text(&sql, new->held_reason ? "held" : "ready");
    sql_text(&sql, new->route);
    sql_number(&sql, new->deadline);
    return sql_do(store, "queue a submission",
                  "insert into submission_queue (id, month_id, state, route, deadline, next_at)"
                  " values ($1, $2, $3, $4, at($5), mhsflow.now())",
                  &sql, NULL, err);
}

static bool insert_rows(Store *store, const SubmissionNew *new, int64_t id, Arena *arena,
                        Error *err)
{
    SqlList table = sql_list(arena, SQL_TEXT), order = sql_list(arena, SQL_NUMBER),
            key = sql_list(arena, SQL_TEXT), fragment = sql_list(arena, SQL_TEXT),
            left_out = sql_list(arena, SQL_NUMBER);
    for (size_t i = 0; i < new->row_count; i++) {
        sql_list_text(&table, new->rows[i].table);
        sql_list_number(&order, new->rows[i].table_order);
        sql_list_text(&key, new->rows[i].row_key);
        sql_list_bytes(&fragment, new->rows[i].fragment, new->rows[i].fragment_size);
    }
    for (size_t i = 0; i < new->left_out_count; i++)
        if (new->left_out[i].row)
            sql_list_number(&left_out, new->left_out[i].row);
    Sql rows = sql_new(arena), out = sql_new(arena);
    sql_number(&rows, id);
    sql_add(&rows, &table);
    sql_add(&rows, &order);
    sql_add(&rows, &key);
    sql_add(&rows, &fragment);
    sql_number(&out, id);
    sql_add(&out, &left_out);
    return sql_do(store, "keep a submission's own rows",
                  "insert into submission_row (submission, position, table_code, table_order, "
                  "row_key, fragment)"
                  " select $1, place, t, o, k, f from unnest($2::text[], $3::bigint[], $4::text[], "
                  "$5::text[])"
                  " with ordinality u(t, o, k, f, place)",
                  &rows, NULL, err) &&
           (!new->left_out_count ||
            sql_do(store, "keep what was left out",
                   "insert into left_out (submission, row_id) select distinct $1::bigint, "
                   "unnest($2::bigint[])",
                   &out, NULL, err));
}

static bool insert_findings(Store *store, const SubmissionNew *new, int64_t id, Arena *arena,
                            Error *err)
{
    size_t count = new->left_out_count + new->finding_count;
    Finding *findings = arena_array(arena, count + 1, sizeof *findings);
    for (size_t i = 0; i < new->left_out_count; i++)
        findings[i] = new->left_out[i].finding;
    for (size_t i = 0; i < new->finding_count; i++)
        findings[new->left_out_count + i] = new->findings[i];
    for (size_t i = 0; i < count; i++) {
        findings[i].submission = id;
        findings[i].source = FINDING_BUILD;
    }
    return finding_add(store, findings, count, err);
}

bool submission_insert(Store *store, const SubmissionNew *new, int64_t *ret_id, int *ret_revision,
                       Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)256 << 20);
    int64_t revision = 0, month_id = 0, id = 0;
    if (!sql_wants_transaction(store, err) ||
        !next_revision(store, new, arena, &revision, &month_id, err) ||
        (month_id && !supersede_unsent(store, month_id, arena, err)) ||
        !insert_wide(store, new, revision, arena, &id, err) ||
        !insert_queue(store, new, id, month_id, arena, err) ||
        !insert_rows(store, new, id, arena, err) || !insert_findings(store, new, id, arena, err) ||
        !audit_append(store, AUDIT_SUBMISSION_BUILT,
                      &(AuditFields){.submission = id,
                                     .data_set = new->data_set,
                                     .provider = new->provider,
                                     .period = new->period,
                                     .revision = revision,
                                     .generation = new->generation,
                                     .digest = new->document_digest,
                                     .rows = new->counts.rows,
                                     .people = new->counts.people,
                                     .to = new->held_reason ? "held" : "ready",
                                     .code = new->held_reason},
                      err) ||
        !store_notify(store, CHANNEL_SUBMIT, err))
        return false;
    *ret_id = id;
    *ret_revision = (int)revision;
    return true;
}

/* ---- people ---- */

typedef struct Wish {
    AuditEvent event;
    SubmissionState to;
    const char *column; /* where the name is kept */
    SubmissionState from[4];
    size_t from_count;
} Wish;

static bool grant(Store *store, int64_t id, const Wish *wish, const char *actor, const char *reason,
                  Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    SubmissionLock lock;
    if (!store_begin(store, &transaction, err) || !submission_lock(store, id, arena, &lock, err))
        return false;
    bool allowed = false;
    for (size_t i = 0; i < wish->from_count; i++)
        allowed = allowed || wish->from[i] == lock.state;
    if (!allowed)
        return error_set(err, ERROR_DATA, "submission.state",
                         "cannot do that with a submission that is %s",
                         submission_state_name(lock.state));
    if (wish->to == SUBMISSION_READY && lock.newer)
        return error_set(err, ERROR_DATA, "submission.newer",
                         "cannot release submission %lld: a newer revision exists", (long long)id);
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    sql_text(&sql, actor);
    sql_text(&sql, reason);
    const char *statement = arena_format(
        arena,
        "update submission set %s = $2, person_reason = coalesce($3::text, person_reason)%s"
        " where id = $1",
        wish->column, wish->to == SUBMISSION_HELD ? ", held_reason = 'person'" : "");
    return sql_do(store, "keep a name", statement, &sql, NULL, err) &&
           submission_move(store, id, lock.state, wish->to, wish->event, 0,
                           (AuditFields){.actor = actor}, err) &&
           store_commit(&transaction, err);
}

bool submission_hold(Store *store, int64_t id, const char *actor, const char *reason, Error *err)
{
    static const Wish wish = {
        AUDIT_SUBMISSION_HELD, SUBMISSION_HELD, "held_by", {SUBMISSION_READY}, 1};
    return grant(store, id, &wish, actor, reason, err);
}

bool submission_release(Store *store, int64_t id, const char *actor, const char *reason, Error *err)
{
    static const Wish wish = {AUDIT_SUBMISSION_RELEASED,
                              SUBMISSION_READY,
                              "released_by",
                              {SUBMISSION_HELD, SUBMISSION_REJECTED},
                              2};
    return grant(store, id, &wish, actor, reason, err);
}

bool submission_cancel(Store *store, int64_t id, const char *actor, const char *reason, Error *err)
{
    static const Wish wish = {AUDIT_SUBMISSION_CANCELLED,
                              SUBMISSION_CANCELLED,
                              "cancelled_by",
                              {SUBMISSION_READY, SUBMISSION_HELD, SUBMISSION_REJECTED},
                              3};
    return grant(store, id, &wish, actor, reason, err);
}

/* Who says "now" has looked: its route is tried again too, stopped or not answering. */
static bool reopen_route(Store *store, int64_t id, const char *actor, Arena *arena, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    if (!sql_run(store, "reopen a route",
                 "with b as (select r.route, r.state from route_state r join submission_queue q"
                 " on q.route = r.route where q.id = $1 and r.state <> 'ok' for update of r)"
                 " update route_state r set state = 'ok', code = null, since = mhsflow.now()"
                 " from b where r.route = b.route returning r.route, b.state",
                 &sql, &result, err))
        return false;
    return !PQntuples(result) ||
           audit_append(store, AUDIT_ROUTE_CHANGED,
                        &(AuditFields){.route = sql_get_text(result, 0, 0, arena),
                                       .from = sql_get_text(result, 0, 1, arena),
                                       .to = "ok",
                                       .code = "asked",
                                       .actor = actor},
                        err);
}

static bool hurry(Store *store, int64_t id, const char *actor, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    int64_t rows;
    if (!store_begin(store, &transaction, err) ||
        !sql_do(store, "make a submission due",
                "update submission_queue set next_at = mhsflow.now()"
                " where id = $1 and state in ('ready', 'waiting', 'unsure')",
                &sql, &rows, err))
        return false;
    if (!rows)
        return error_set(
            err, ERROR_DATA, "submission.state",
            "cannot retry submission %lld: it is not waiting for its turn or for an answer",
            (long long)id);
    return audit_append(store, AUDIT_SUBMISSION_HURRIED,
                        &(AuditFields){.submission = id, .actor = actor}, err) &&
           reopen_route(store, id, actor, arena, err) && store_notify(store, CHANNEL_SUBMIT, err) &&
           store_commit(&transaction, err);
}

bool submission_retry(Store *store, int64_t id, const char *actor, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    SubmissionInfo info;
    if (!submission_get(store, id, arena, &info, err))
        return false;
    return info.state == SUBMISSION_REJECTED ? submission_release(store, id, actor, NULL, err)
                                             : hurry(store, id, actor, err);
}
