/* SPDX-License-Identifier: Apache-2.0 */
/* What a person says that the receiver said: which states it moves, with which event, by whose
 * rights. */
#include "daemon/store/receipt.h"
#include "tests/component/store_case.h"

#include <string.h>

#define NOVEMBER (2026 * 12 + 10)

static SubmissionState state;

static int64_t handed_over(Outcome outcome)
{
    take_person("feed-a", 1, "given");
    map_all(store, "V1", NOVEMBER, NOVEMBER);
    int64_t id = build(store, "V1", NOVEMBER, NULL);
    SubmissionClaim claim = claim_one(store);
    ck_assert(intend(store, &claim));
    settle(store, &claim, outcome);
    return id;
}

static bool tell(Store *by, int64_t id, Outcome outcome, const char *reference, Error *err)
{
    PersonReceipt receipt = {
        .actor = "Data Manager", .reference = reference, .outcome = outcome, .code = "by_hand"};
    return submission_receipt(by, id, &receipt, &state, err);
}

static int64_t named(const char *event)
{
    return ask_number(arena_format(arena,
                                   "select count(*) from audit_event where event = '%s'"
                                   " and fields::json->>'actor' = 'Data Manager'",
                                   event));
}

static void audit_is_whole(void)
{
    AuditVerdict verdict;
    ok(audit_verify(store, arena, &verdict, err));
    ck_assert_uint_eq(verdict.fault_count, 0);
}

START_TEST(a_person_settles_what_waits)
{
    int64_t id = handed_over(OUTCOME_WAITING);
    ok(tell(store, id, OUTCOME_WAITING, "R-1", err));
    ck_assert_int_eq(state, SUBMISSION_WAITING);
    ck_assert_int_eq(named("submission_receipt"), 1);
    ok(tell(store, id, OUTCOME_ACCEPTED, NULL, err));
    ck_assert_int_eq(state, SUBMISSION_ACCEPTED);
    ck_assert_int_eq(named("submission_accepted"), 1);
    SubmissionInfo info;
    ok(submission_get(store, id, arena, &info, err));
    ck_assert_str_eq(info.reference, "R-1");
    ck_assert_int_eq(ask_number("select count(*) from receipt where code = 'by_hand'"), 2);
    fails("submission.state", tell(store, id, OUTCOME_REJECTED, "R-1", err));
    fails("submission.state", tell(store, id, OUTCOME_NEVER_SEEN, NULL, err));
    ok(tell(store, id, OUTCOME_ACCEPTED, "R-2", err));
    ck_assert_int_eq(named("submission_accepted"), 1);
    audit_is_whole();
}
END_TEST

START_TEST(nothing_is_settled_that_never_left)
{
    take_person("feed-a", 1, "given");
    map_all(store, "V1", NOVEMBER, NOVEMBER);
    int64_t id = build(store, "V1", NOVEMBER, NULL);
    fails("submission.state", tell(store, id, OUTCOME_ACCEPTED, "R-1", err));
    claim_one(store);
    fails("submission.state", tell(store, id, OUTCOME_ACCEPTED, "R-1", err));
    fails("submission.unknown", tell(store, 999, OUTCOME_ACCEPTED, "R-1", err));
    ck_assert_int_eq(ask_number("select count(*) from receipt where code = 'by_hand'"), 0);
}
END_TEST

START_TEST(not_uploaded_gives_way_to_a_newer_revision)
{
    int64_t id = handed_over(OUTCOME_UNKNOWN);
    ok(tell(store, id, OUTCOME_NEVER_SEEN, NULL, err));
    ck_assert_int_eq(state, SUBMISSION_READY);
    ck_assert_int_eq(named("submission_never_seen"), 1);
    SubmissionClaim claim = claim_one(store);
    ck_assert(intend(store, &claim));
    settle(store, &claim, OUTCOME_WAITING);
    build(store, "V1", NOVEMBER, NULL);
    ok(tell(store, id, OUTCOME_NEVER_SEEN, NULL, err));
    ck_assert_int_eq(state, SUBMISSION_SUPERSEDED);
    audit_is_whole();
}
END_TEST

START_TEST(an_operator_may_and_the_newest_findings_stand)
{
    int64_t id = handed_over(OUTCOME_WAITING);
    Store *operate;
    ok(store_open(arena_format(arena, "%s options='-c role=mhsflow_operate'", database), "operate",
                  &operate, err));
    Finding found[] = {{.source = FINDING_RECEIVER,
                        .rule = "MHS1",
                        .severity = "warning",
                        .provider = "V1",
                        .submission = id},
                       {.source = FINDING_RECEIVER,
                        .rule = "MHS2",
                        .severity = "warning",
                        .provider = "V1",
                        .submission = id}};
    PersonReceipt receipt = {.actor = "Data Manager",
                             .reference = "R-1",
                             .outcome = OUTCOME_REJECTED,
                             .code = "reports",
                             .findings = found,
                             .finding_count = 2,
                             .has_findings = true};
    ok(submission_receipt(operate, id, &receipt, &state, err));
    ck_assert_int_eq(state, SUBMISSION_REJECTED);
    receipt.finding_count = 1;
    ok(submission_receipt(operate, id, &receipt, &state, err));
    ck_assert_int_eq(ask_number("select count(*) from finding where source = 'receiver'"), 1);
    store_close(operate);
    audit_is_whole();
}
END_TEST

START_TEST(a_question_in_flight_changes_nothing_afterwards)
{
    int64_t id = handed_over(OUTCOME_UNKNOWN);
    SubmissionClaim *claims;
    size_t count;
    ask_number("with x as (update submission_queue set next_at = mhsflow.now() returning 1)"
               " select count(*) from x");
    ok(submission_claim_questions(store, NULL, 1, 60000, arena, &claims, &count, err));
    ck_assert_uint_eq(count, 1);
    ok(tell(store, id, OUTCOME_ACCEPTED, "R-1", err));
    Settlement late = {.outcome = OUTCOME_NEVER_SEEN, .code = "never_seen"};
    fails("submission.fence", submission_settle(store, id, claims[0].fence, &late, &state, err));
    SubmissionInfo info;
    ok(submission_get(store, id, arena, &info, err));
    ck_assert_int_eq(info.state, SUBMISSION_ACCEPTED);
}
END_TEST

CASE_MAIN("store/receipt", a_person_settles_what_waits, nothing_is_settled_that_never_left,
          not_uploaded_gives_way_to_a_newer_revision, an_operator_may_and_the_newest_findings_stand,
          a_question_in_flight_changes_nothing_afterwards)
