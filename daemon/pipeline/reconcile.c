/* SPDX-License-Identifier: Apache-2.0 */
/* Outcome unknown, or answered later: ask the receiver, and store what it says. */
#include "daemon/pipeline/deliver_step.h"

#include "daemon/base/clock.h"
#include "daemon/base/fault.h"

bool reconcile(const DeliverTools *tools, DeliverRoute *route, const SubmissionClaim *claim,
               Arena *arena, Delivered *ret, Error *err)
{
    *ret = (Delivered){.state = claim->info.state};
    Submission document = deliver_document(claim, NULL, arena);
    if (deliver_ask(tools, route, claim, &document, true, arena, &ret->answer, &ret->failure)) {
        FAULT(SUBMIT_AFTER_ANSWER);
        deliver_note_route(route, &ret->answer, ret);
    } else {
        ret->answer = (SubmitAnswer){
            .verdict = VERDICT_LATER,
            .ours = true,
            .code = ret->failure.code,
            .reason = "the question could not be asked",
        };
    }
    return deliver_settle(tools, claim, true, arena, ret, err) ||
           error_wrap(err, "settle the question about submission %lld", (long long)claim->info.id);
}

static Outcome outcome_of(const SubmitAnswer *answer, const SubmissionInfo *info, bool asked)
{
    switch (answer->verdict) {
    case VERDICT_ACCEPTED:
        return OUTCOME_ACCEPTED;
    case VERDICT_PENDING:
        return OUTCOME_WAITING;
    case VERDICT_REJECTED:
        return OUTCOME_REJECTED;
    case VERDICT_LATER:
        return OUTCOME_LATER;
    case VERDICT_NEVER_SEEN:
        /* Of something just sent it would make no sense: then nothing is known. */
        return asked ? OUTCOME_NEVER_SEEN : OUTCOME_UNKNOWN;
    case VERDICT_UNKNOWN:
    case VERDICT_COUNT:
        break;
    }
    /* Unsure before and no wiser now: the question counts as not asked. */
    return asked && info->state == SUBMISSION_UNSURE ? OUTCOME_LATER : OUTCOME_UNKNOWN;
}

static int64_t next_wait(Outcome outcome, const SubmitAnswer *answer, const SubmissionInfo *info,
                         bool asked, int64_t left_ms, uint64_t random)
{
    int tries = (asked ? info->questions : info->attempts) + 1;
    if (outcome == OUTCOME_NEVER_SEEN)
        return RETRY_FLOOR_MS;
    if (!asked && (outcome == OUTCOME_UNKNOWN || outcome == OUTCOME_WAITING))
        /* A receiver that is still at work on it should be done before it says "never seen". */
        return DELIVER_QUESTION_MS + retry_wait_ms(1, answer->wait_ms, left_ms, random);
    return retry_wait_ms(tries, answer->wait_ms, left_ms, random);
}

static ReceiverFinding *copy_findings(const SubmitAnswer *answer, Arena *arena)
{
    ReceiverFinding *findings = arena_array(arena, answer->finding_count + 1, sizeof *findings);
    for (size_t i = 0; i < answer->finding_count; i++) {
        const SubmitFinding *from = &answer->findings[i];
        findings[i] = (ReceiverFinding){
            .rule = from->rule, .table = from->table, .element = from->element, .row = from->row};
    }
    return findings;
}

Settlement deliver_settlement(const SubmitAnswer *answer, const SubmissionInfo *info, bool asked,
                              int64_t left_ms, uint64_t random, Arena *arena)
{
    Outcome outcome = outcome_of(answer, info, asked);
    return (Settlement){
        .outcome = outcome,
        .next_in_ms = next_wait(outcome, answer, info, asked, left_ms, random),
        /* Nobody was reached, or nobody let us in: not this submission's fault. */
        .uncharged = outcome == OUTCOME_LATER && !answer->ours &&
                     (answer->stop_route || answer->status == 0),
        .status = answer->status,
        .code = answer->code,
        .reference = answer->reference,
        .reason = answer->reason,
        .findings = copy_findings(answer, arena),
        .finding_count = answer->finding_count,
    };
}
