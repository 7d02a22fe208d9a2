/* SPDX-License-Identifier: Apache-2.0 */
/* What a person says that the receiver said. */
#include "daemon/store/receipt.h"

#include "daemon/store/submission_private.h"

typedef struct Step {
    SubmissionState to;
    AuditEvent event;
    bool stays;
} Step;

static bool refuse(int64_t id, SubmissionState state, Error *err)
{
    return error_set(err, ERROR_DATA, "submission.state",
                     "cannot take a receipt for submission %lld: it is %s", (long long)id,
                     submission_state_name(state));
}

static bool decide(int64_t id, const SubmissionLock *lock, Outcome outcome, Step *ret, Error *err)
{
    SubmissionState from = lock->state;
    bool open = from == SUBMISSION_WAITING || from == SUBMISSION_UNSURE;
    bool final = from == SUBMISSION_ACCEPTED || from == SUBMISSION_REJECTED;
    *ret = (Step){from, AUDIT_SUBMISSION_RECEIPT, true};
    if (!open && !final)
        return refuse(id, from, err);
    if (outcome == OUTCOME_WAITING && from == SUBMISSION_UNSURE)
        *ret = (Step){SUBMISSION_WAITING, AUDIT_SUBMISSION_WAITING, false};
    if (outcome == OUTCOME_WAITING)
        return true;
    if (outcome == OUTCOME_NEVER_SEEN) {
        *ret = lock->newer ? (Step){SUBMISSION_SUPERSEDED, AUDIT_SUBMISSION_SUPERSEDED, false}
                           : (Step){SUBMISSION_READY, AUDIT_SUBMISSION_NEVER_SEEN, false};
        return open || refuse(id, from, err);
    }
    SubmissionState to = outcome == OUTCOME_ACCEPTED ? SUBMISSION_ACCEPTED : SUBMISSION_REJECTED;
    if (final)
        return from == to || refuse(id, from, err);
    *ret = (Step){
        to, outcome == OUTCOME_ACCEPTED ? AUDIT_SUBMISSION_ACCEPTED : AUDIT_SUBMISSION_REJECTED,
        false};
    return true;
}

static bool keep_words(Store *store, int64_t id, const SubmissionLock *lock,
                       const PersonReceipt *receipt, Arena *arena, Error *err)
{
    static const char *const names[] = {[OUTCOME_ACCEPTED] = "accepted",
                                        [OUTCOME_WAITING] = "waiting",
                                        [OUTCOME_REJECTED] = "rejected",
                                        [OUTCOME_NEVER_SEEN] = "never_seen"};
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    sql_number(&sql, lock->attempts);
    sql_text(&sql, store_holder(store));
    sql_text(&sql, names[receipt->outcome]);
    sql_text(&sql, receipt->code);
    sql_text(&sql, receipt->reference);
    sql_text(&sql, receipt->reason);
    return sql_do(
        store, "keep a receipt",
        "with s as (update submission set last_code = $5, last_reason = $7,"
        " reference = coalesce($6, reference) where id = $1)"
        " insert into receipt (submission, attempt, at, holder, outcome, status, code, reference,"
        " reason) values ($1, $2, mhsflow.now(), $3, $4, 0, $5, $6, $7)",
        &sql, NULL, err);
}

/* The portal's reports are always about the whole file: the newest say all that is known. */
static bool replace_findings(Store *store, int64_t id, const PersonReceipt *receipt, Arena *arena,
                             Error *err)
{
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    return sql_do(store, "clear the receiver's findings",
                  "delete from finding where submission = $1 and source = 'receiver'", &sql, NULL,
                  err) &&
           finding_add(store, receipt->findings, receipt->finding_count, err);
}

static bool move(Store *store, int64_t id, const SubmissionLock *lock, const Step *step,
                 const PersonReceipt *receipt, Error *err)
{
    AuditFields fields = {.code = receipt->code, .actor = receipt->actor};
    if (step->stays) {
        fields.submission = id;
        return audit_append(store, step->event, &fields, err);
    }
    if (receipt->outcome != OUTCOME_NEVER_SEEN)
        fields.attempt = lock->attempts;
    if (step->to == SUBMISSION_ACCEPTED)
        fields.digest = lock->document_digest;
    /* One that is still waiting is asked about at the pace of its adapter. */
    return submission_move(store, id, lock->state, step->to, step->event, 0, fields, err);
}

bool submission_receipt(Store *store, int64_t id, const PersonReceipt *receipt,
                        SubmissionState *ret_state, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    SubmissionLock lock;
    Step step;
    if (!store_begin(store, &transaction, err) || !submission_lock(store, id, arena, &lock, err) ||
        !decide(id, &lock, receipt->outcome, &step, err) ||
        !keep_words(store, id, &lock, receipt, arena, err) ||
        (receipt->has_findings && !replace_findings(store, id, receipt, arena, err)) ||
        !move(store, id, &lock, &step, receipt, err) || !store_commit(&transaction, err))
        return false;
    *ret_state = step.to;
    return true;
}
