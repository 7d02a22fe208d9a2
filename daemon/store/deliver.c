/* SPDX-License-Identifier: Apache-2.0 */
/* Submissions on their way: claim, intent with its gate, settlement, leases that ran out. */
#include "daemon/base/clock.h"
#include "daemon/base/fault.h"
#include "daemon/store/rows.h"
#include "daemon/store/submission.h"
#include "daemon/store/submission_private.h"

#include <string.h>

#define SWEEP_EVERY (30 * CLOCK_SECOND)

static bool read_claims(const PGresult *result, Arena *arena, SubmissionClaim **ret,
                        size_t *ret_count)
{
    size_t count = (size_t)PQntuples(result);
    SubmissionClaim *claims = arena_array(arena, count + 1, sizeof *claims);
    for (int row = 0; row < (int)count; row++) {
        claims[row].info = submission_read(result, row, arena);
        claims[row].fence = sql_get_number(result, row, SUBMISSION_COLUMN_COUNT);
    }
    *ret = claims;
    *ret_count = count;
    return true;
}

/* The two forms differ in one thing: with a watermark the index scan begins behind what was claimed
 * before, and so behind entries that a long snapshot keeps dead.  Which months are on their way is
 * read from their own partial unique index, never from the ready one.  `for update` waits for
 * nobody. */
#define CLAIM(watermark)                                                                           \
    "with c as (select q.id from submission_queue q where q.state = 'ready'" watermark             \
    " and q.next_at <= (select mhsflow.now()) and ($4::text is null or q.route = $4)"              \
    " and not exists (select from submission_queue o where o.month_id = q.month_id"                \
    " and o.state in ('sending', 'waiting', 'unsure'))"                                            \
    " order by q.deadline, q.id limit $1 for update skip locked),"                                 \
    " u as (update submission_queue q set state = 'sending', intent = false, fence = q.fence + 1," \
    " lease_until = mhsflow.now() + ms($2), lease_by = $3 where q.id = any (array(select id from " \
    "c))"                                                                                          \
    " returning q.*) select " SUBMISSION_COLUMNS ", q.fence from u q cross join lateral"           \
    " (select * from submission w where w.id = q.id limit 1) s order by q.deadline, q.id"

static const char claim_from_start[] = CLAIM("");
static const char claim_from_mark[] = CLAIM(" and (q.deadline, q.id) > (at($5), $6)");

static const char claim_fresh[] = CLAIM(" and q.attempts = 0");

const char *submission_claim_statement(bool from_mark)
{
    return from_mark ? claim_from_mark : claim_from_start;
}

/* `mark` NULL: the statement begins at the start. */
static bool run_claim(Store *store, const char *statement, const SubmissionCursor *mark,
                      const char *route, size_t limit, int64_t lease_ms, Arena *arena,
                      SubmissionClaim **ret, size_t *ret_count, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_number(&sql, (int64_t)limit);
    sql_number(&sql, lease_ms);
    sql_text(&sql, store_holder(store));
    sql_text(&sql, route);
    if (mark) {
        sql_number(&sql, mark->deadline);
        sql_number(&sql, mark->id);
    }
    if (!store_begin(store, &transaction, err) ||
        !sql_run(store, "claim submissions", statement, &sql, &result, err))
        return false;
    read_claims(result, arena, ret, ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        if (!audit_append(store, AUDIT_SUBMISSION_CLAIMED,
                          &(AuditFields){.submission = (*ret)[i].info.id,
                                         .from = "ready",
                                         .to = "sending",
                                         .fence = (*ret)[i].fence},
                          err))
            return false;
    return store_commit(&transaction, err);
}

static bool claim_in_order(Store *store, SubmissionCursor *cursor, const char *route, size_t limit,
                           int64_t lease_ms, Arena *arena, SubmissionClaim **ret, size_t *ret_count,
                           Error *err)
{
    int64_t now = clock_steady();
    bool from_mark = cursor->id && now - cursor->swept_at < SWEEP_EVERY;
    if (!from_mark)
        *cursor = (SubmissionCursor){.swept_at = now};
    if (!run_claim(store, submission_claim_statement(from_mark), from_mark ? cursor : NULL, route,
                   limit, lease_ms, arena, ret, ret_count, err))
        return false;
    if (*ret_count == limit) {
        cursor->deadline = (*ret)[limit - 1].info.deadline;
        cursor->id = (*ret)[limit - 1].info.id;
        return true;
    }
    /* The end: what became due behind the mark is next. */
    cursor->id = 0;
    if (*ret_count || !from_mark)
        return true;
    *cursor = (SubmissionCursor){.swept_at = now};
    return run_claim(store, claim_from_start, NULL, route, limit, lease_ms, arena, ret, ret_count,
                     err);
}

bool submission_claim(Store *store, SubmissionCursor *cursor, const char *route, size_t limit,
                      int64_t lease_ms, Arena *arena, SubmissionClaim **ret, size_t *ret_count,
                      Error *err)
{
    bool fresh_first = cursor->deferred;
    cursor->deferred = false;
    if (fresh_first &&
        !run_claim(store, claim_fresh, NULL, route, limit, lease_ms, arena, ret, ret_count, err))
        return false;
    if (fresh_first && *ret_count)
        return true;
    if (!claim_in_order(store, cursor, route, limit, lease_ms, arena, ret, ret_count, err))
        return false;
    for (size_t i = 0; i < *ret_count; i++)
        cursor->deferred |= (*ret)[i].info.attempts > 0;
    return true;
}

bool submission_claim_questions(Store *store, const char *route, size_t limit, int64_t lease_ms,
                                Arena *arena, SubmissionClaim **ret, size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_number(&sql, (int64_t)limit);
    sql_number(&sql, lease_ms);
    sql_text(&sql, store_holder(store));
    sql_text(&sql, route);
    /* No change of state, so no event; each question is a row of `attempt`. */
    if (!sql_run(
            store, "claim questions",
            "with c as (select q.id from submission_queue q where q.state in ('waiting', 'unsure')"
            " and q.next_at <= (select mhsflow.now()) and ($4::text is null or q.route = $4)"
            " and (q.lease_until is null or q.lease_until < (select mhsflow.now()))"
            " order by q.next_at, q.id limit $1 for update skip locked),"
            " u as (update submission_queue q set fence = q.fence + 1, questions = q.questions + 1,"
            " lease_until = mhsflow.now() + ms($2), lease_by = $3 where q.id = any "
            "(array(select id from c)) returning q.*),"
            " a as (insert into attempt (submission, number, kind, at, holder, fence, "
            "idempotency_key)"
            " select u.id, u.questions, 'asked', mhsflow.now(), $3, u.fence, s.idempotency_key"
            " from u join submission s using (id) order by u.id returning 1)"
            " select " SUBMISSION_COLUMNS ", q.fence from u q join submission s using (id)"
            " order by q.next_at, q.id",
            &sql, &result, err))
        return false;
    return read_claims(result, arena, ret, ret_count);
}

static bool lost_fence(int64_t id, Error *err)
{
    return error_set(err, ERROR_LATER, "submission.fence",
                     "could not go on with submission %lld: its lease ran out", (long long)id);
}

bool submission_renew(Store *store, int64_t id, int64_t fence, int64_t lease_ms, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    sql_number(&sql, fence);
    sql_number(&sql, lease_ms);
    int64_t rows;
    if (!sql_do(store, "renew a lease",
                "update submission_queue set lease_until = mhsflow.now() + ms($3)"
                " where id = $1 and fence = $2 and lease_until > mhsflow.now()",
                &sql, &rows, err))
        return false;
    return rows || lost_fence(id, err);
}

bool submission_store_signature(Store *store, int64_t id, int64_t fence, const uint8_t *signature,
                                size_t size, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    SubmissionLock lock;
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    sql_bytes(&sql, signature, size);
    int64_t rows;
    if (!store_begin(store, &transaction, err) ||
        !submission_lock_fenced(store, id, fence, arena, &lock, err) ||
        !sql_do(store, "keep a signature",
                "update submission set signature = $2 where id = $1 and signature is null", &sql,
                &rows, err))
        return false;
    if (!rows)
        return error_set(err, ERROR_BUG, "submission.signed",
                         "cannot sign submission %lld: it is signed already", (long long)id);
    return audit_append(
               store, AUDIT_SUBMISSION_SIGNED,
               &(AuditFields){.submission = id, .fence = fence, .digest = lock.document_digest},
               err) &&
           store_commit(&transaction, err);
}

/* How many people of the submission may not leave: restricted, or, under consent, without a
 * decision that holds today.  Merged people are looked up under their survivor. */
static bool count_closed(Store *store, int64_t id, const SubmissionLock *lock, Arena *arena,
                         int64_t *ret_people, Error *err)
{
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    sql_bool(&sql, strcmp(lock->legal_basis, "legal_obligation") != 0 &&
                       strcmp(lock->legal_basis, "public_task") != 0);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            store, "look at the gate",
            "with p as materialized (select distinct coalesce(g.lead_feed, r.feed) as feed,"
            " coalesce(g.lead_person, m.final, r.person) as person"
            " from submission s join national_row r on r.provider = s.provider"
            " and r.first_month <= s.period and r.last_month >= s.period and r.gen_from <= "
            "s.generation"
            " and (r.gen_to is null or r.gen_to > s.generation)"
            " left join person_merge m on m.feed = r.feed and m.merged = r.person"
            " left join person_match g on g.feed = r.feed"
            " and g.person = coalesce(m.final, r.person)"
            " where s.id = $1 and not exists (select from left_out l where l.submission = $1"
            " and l.row_id = r.id)),"
            " c as materialized (select feed, person from consent_in_force where purpose = 'mhsds' "
            "and holds),"
            " x as materialized (select feed, person from person_restricted)"
            " select count(*) from p where exists (select from x where x.feed = p.feed and"
            " x.person = p.person) or ($2 and not exists (select from c where c.feed = p.feed"
            " and c.person = p.person))",
            &sql, &result, err))
        return false;
    *ret_people = sql_get_number(result, 0, 0);
    return true;
}

static bool close_gate(Store *store, int64_t id, const SubmissionLock *lock, int64_t people,
                       Error *err)
{
    return submission_move(
               store, id, lock->state, SUBMISSION_SUPERSEDED, AUDIT_SUBMISSION_GATE_CLOSED, 0,
               (AuditFields){.code = lock->purged ? "purged" : "basis", .people = people}, err) &&
           month_request(store, lock->provider, lock->period, "gate", err);
}

static bool write_intent(Store *store, int64_t id, int64_t fence, const SubmissionLock *lock,
                         Arena *arena, Error *err)
{
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    sql_number(&sql, fence);
    sql_text(&sql, store_holder(store));
    return sql_do(
               store, "commit the intent to send",
               "with q as (update submission_queue set intent = true, attempts = attempts + 1"
               " where id = $1 and fence = $2 returning id, attempts)"
               " insert into attempt (submission, number, kind, at, holder, fence, idempotency_key)"
               " select q.id, q.attempts, 'sent', mhsflow.now(), $3, $2, s.idempotency_key"
               " from q join submission s using (id)",
               &sql, NULL, err) &&
           audit_append(store, AUDIT_SUBMISSION_INTENT,
                        &(AuditFields){.submission = id,
                                       .attempt = lock->attempts + 1,
                                       .fence = fence,
                                       .digest = lock->document_digest},
                        err);
}

bool submission_intent(Store *store, int64_t id, int64_t fence, bool *ret_open, int *ret_attempt,
                       Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    SubmissionLock lock;
    int64_t closed = 0;
    if (!store_begin(store, &transaction, err) ||
        !submission_lock_fenced(store, id, fence, arena, &lock, err))
        return false;
    if (lock.state != SUBMISSION_SENDING || lock.intent)
        return error_set(err, ERROR_BUG, "submission.intent",
                         "cannot commit an intent for submission %lld: it is %s", (long long)id,
                         lock.intent ? "committed already" : submission_state_name(lock.state));
    if (!count_closed(store, id, &lock, arena, &closed, err))
        return false;
    bool open = closed == 0 && !lock.purged;
    if (open ? !write_intent(store, id, fence, &lock, arena, err)
             : !close_gate(store, id, &lock, closed, err))
        return false;
    FAULT(SUBMIT_BEFORE_INTENT);
    if (!store_commit(&transaction, err))
        return false;
    FAULT(SUBMIT_AFTER_INTENT);
    *ret_open = open;
    *ret_attempt = lock.attempts + 1;
    return true;
}

/* ---- settlement ---- */

typedef struct Verdict {
    SubmissionState to;
    AuditEvent event;
    bool stays; /* no change of state: no event */
} Verdict;

static Verdict decide(const SubmissionLock *lock, Outcome outcome)
{
    bool asked = lock->state != SUBMISSION_SENDING;
    switch (outcome) {
    case OUTCOME_ACCEPTED:
        return (Verdict){SUBMISSION_ACCEPTED, AUDIT_SUBMISSION_ACCEPTED, false};
    case OUTCOME_REJECTED:
        return (Verdict){SUBMISSION_REJECTED, AUDIT_SUBMISSION_REJECTED, false};
    case OUTCOME_WAITING:
        return (Verdict){SUBMISSION_WAITING, AUDIT_SUBMISSION_WAITING,
                         lock->state == SUBMISSION_WAITING};
    case OUTCOME_NEVER_SEEN:
        /* Of a question only; an adapter that says so of a sending is not believed. */
        if (!asked)
            break;
        return lock->newer ? (Verdict){SUBMISSION_SUPERSEDED, AUDIT_SUBMISSION_SUPERSEDED, false}
                           : (Verdict){SUBMISSION_READY, AUDIT_SUBMISSION_NEVER_SEEN, false};
    case OUTCOME_LATER:
        if (asked)
            return (Verdict){lock->state, AUDIT_SUBMISSION_UNSURE, true};
        return lock->newer ? (Verdict){SUBMISSION_SUPERSEDED, AUDIT_SUBMISSION_SUPERSEDED, false}
                           : (Verdict){SUBMISSION_READY, AUDIT_SUBMISSION_POSTPONED, false};
    case OUTCOME_UNKNOWN:
        if (asked) /* the question got no answer: what was known stays known */
            return (Verdict){lock->state, AUDIT_SUBMISSION_UNSURE, true};
        break;
    }
    return (Verdict){SUBMISSION_UNSURE, AUDIT_SUBMISSION_UNSURE, false};
}

static const char *outcome_name(Outcome outcome)
{
    static const char *const names[] = {"accepted", "waiting", "later",
                                        "rejected", "unknown", "never_seen"};
    return names[outcome];
}

static bool keep_answer(Store *store, int64_t id, const SubmissionLock *lock,
                        const Settlement *settlement, Arena *arena, Error *err)
{
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    sql_number(&sql, lock->attempts);
    sql_text(&sql, store_holder(store));
    sql_text(&sql, outcome_name(settlement->outcome));
    sql_number(&sql, settlement->status);
    sql_text(&sql, settlement->code);
    sql_text(&sql, settlement->reference);
    sql_text(&sql, settlement->reason);
    return sql_do(
        store, "keep an answer",
        "with s as (update submission set last_code = $6, last_reason = $8,"
        " reference = coalesce($7, reference) where id = $1)"
        " insert into receipt (submission, attempt, at, holder, outcome, status, code, reference,"
        " reason) values ($1, $2, mhsflow.now(), $3, $4, $5, $6, $7, $8)",
        &sql, NULL, err);
}

static bool put_off(Store *store, int64_t id, int64_t next_in_ms, Arena *arena, Error *err)
{
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    sql_number(&sql, next_in_ms);
    return sql_do(store, "put a question off",
                  "update submission_queue set lease_until = null, lease_by = null,"
                  " next_at = mhsflow.now() + ms($2) where id = $1",
                  &sql, NULL, err);
}

static bool uncharge(Store *store, int64_t id, Arena *arena, Error *err)
{
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    return sql_do(
        store, "uncharge an attempt",
        "update submission_queue set attempts = attempts - 1 where id = $1 and attempts > 0", &sql,
        NULL, err);
}

/* The receiver's findings, led back to our rows by their place in the document. */
static bool keep_findings(Store *store, int64_t id, const SubmissionLock *lock,
                          const Settlement *settlement, Arena *arena, Error *err)
{
    SqlList table = sql_list(arena, SQL_TEXT), place = sql_list(arena, SQL_NUMBER);
    for (size_t i = 0; i < settlement->finding_count; i++) {
        sql_list_text(&table, settlement->findings[i].table);
        sql_list_number(&place, settlement->findings[i].row);
    }
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    sql_add(&sql, &table);
    sql_add(&sql, &place);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            store, "find the receiver's rows",
            "with d as materialized (select r.table_code, r.row_key, r.feed, r.person, "
            "row_number() over"
            " (partition by r.table_code order by r.table_order, r.row_key, r.digest, r.id) as "
            "place"
            " from submission s join national_row r on r.provider = s.provider"
            " and r.first_month <= s.period and r.last_month >= s.period and r.gen_from <= "
            "s.generation"
            " and (r.gen_to is null or r.gen_to > s.generation) where s.id = $1"
            " and not exists (select from left_out l where l.submission = $1 and l.row_id = r.id))"
            " select d.row_key, d.feed, d.person from unnest($2::text[], $3::bigint[]) with "
            "ordinality"
            " u(t, place, n) left join d on d.table_code = u.t and d.place = u.place order by n",
            &sql, &result, err))
        return false;
    Finding *findings = arena_array(arena, settlement->finding_count + 1, sizeof *findings);
    for (int row = 0; row < PQntuples(result); row++) {
        const ReceiverFinding *said = &settlement->findings[row];
        findings[row] = (Finding){.source = FINDING_RECEIVER,
                                  .rule = said->rule,
                                  .severity = "note",
                                  .provider = lock->provider,
                                  .first_month = lock->period,
                                  .last_month = lock->period,
                                  .feed = sql_get_text(result, row, 1, arena),
                                  .person = sql_get_text(result, row, 2, arena),
                                  .table = said->table,
                                  .element = said->element,
                                  .row_key = sql_get_text(result, row, 0, arena),
                                  .submission = id};
    }
    return finding_add(store, findings, settlement->finding_count, err);
}

bool submission_settle(Store *store, int64_t id, int64_t fence, const Settlement *settlement,
                       SubmissionState *ret_state, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
    SubmissionLock lock;
    if (!store_begin(store, &transaction, err) ||
        !submission_lock_fenced(store, id, fence, arena, &lock, err) ||
        !keep_answer(store, id, &lock, settlement, arena, err))
        return false;
    Verdict verdict = decide(&lock, settlement->outcome);
    AuditFields fields = {.code = settlement->code, .attempt = lock.attempts};
    if (verdict.to == SUBMISSION_ACCEPTED)
        fields.digest = lock.document_digest;
    if (verdict.event == AUDIT_SUBMISSION_NEVER_SEEN ||
        verdict.event == AUDIT_SUBMISSION_SUPERSEDED)
        fields.attempt = 0;
    if (verdict.stays ? !put_off(store, id, settlement->next_in_ms, arena, err)
                      : !submission_move(store, id, lock.state, verdict.to, verdict.event,
                                         settlement->next_in_ms, fields, err))
        return false;
    if (settlement->uncharged && lock.intent && !uncharge(store, id, arena, err))
        return false;
    if (settlement->finding_count && !keep_findings(store, id, &lock, settlement, arena, err))
        return false;
    FAULT(SUBMIT_BEFORE_SETTLE);
    if (!store_commit(&transaction, err))
        return false;
    FAULT(SUBMIT_AFTER_SETTLE);
    *ret_state = verdict.to;
    return true;
}

/* Out of `sending` without anything having left. */
static bool back_to_ready(Store *store, int64_t id, const SubmissionLock *lock, const char *code,
                          int64_t next_in_ms, Error *err)
{
    return lock->newer
               ? submission_move(store, id, lock->state, SUBMISSION_SUPERSEDED,
                                 AUDIT_SUBMISSION_SUPERSEDED, 0, (AuditFields){.code = code}, err)
               : submission_move(store, id, lock->state, SUBMISSION_READY,
                                 AUDIT_SUBMISSION_POSTPONED, next_in_ms,
                                 (AuditFields){.code = code}, err);
}

bool submission_give_back(Store *store, int64_t id, int64_t fence, const char *code,
                          int64_t next_in_ms, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    SubmissionLock lock;
    if (!store_begin(store, &transaction, err) ||
        !submission_lock_fenced(store, id, fence, arena, &lock, err))
        return false;
    if (lock.state != SUBMISSION_SENDING || lock.intent)
        return error_set(err, ERROR_BUG, "submission.intent",
                         "cannot give submission %lld back: its intent is committed",
                         (long long)id);
    return back_to_ready(store, id, &lock, code, next_in_ms, err) &&
           store_commit(&transaction, err);
}

bool submission_sweep(Store *store, int64_t *ret, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    _cleanup_result_ PGresult *result = NULL;
    if (!store_begin(store, &transaction, err) ||
        !sql_run(store, "look for leases that ran out",
                 "select id from submission_queue where state = 'sending' and lease_until < "
                 "(select mhsflow.now())"
                 " order by id limit 100 for update skip locked",
                 NULL, &result, err))
        return false;
    for (int row = 0; row < PQntuples(result); row++) {
        int64_t id = sql_get_number(result, row, 0);
        SubmissionLock lock;
        if (!submission_lock(store, id, arena, &lock, err))
            return false;
        if (!(lock.intent ? submission_move(
                                store, id, lock.state, SUBMISSION_UNSURE, AUDIT_SUBMISSION_UNSURE,
                                0, (AuditFields){.code = "lease", .attempt = lock.attempts}, err)
                          : back_to_ready(store, id, &lock, "lease", 0, err)))
            return false;
    }
    if (!store_commit(&transaction, err))
        return false;
    *ret = PQntuples(result);
    return true;
}
