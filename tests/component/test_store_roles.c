/* SPDX-License-Identifier: Apache-2.0 */
/* The whole way with each role's own rights and no more: what 0003_rights grants is enough. */
#include "tests/component/store_case.h"

#include <string.h>

#define NOVEMBER (2026 * 12 + 10)

static Store *as(const char *role)
{
    Store *opened;
    const char *conninfo = arena_format(arena, "%s options='-c role=mhsflow_%s'", database, role);
    ok(store_open(conninfo, role, &opened, err));
    if (strcmp(role, "operate") != 0 &&
        strcmp(role, "read") != 0) /* those are commands, not processes */
        ok(store_beat(opened, err));
    return opened;
}

static Change special(ChangeOp op, const char *id, int64_t version)
{
    Change change = upsert("person", id, version, NULL);
    change.op = op;
    change.reason = "erasure";
    return change;
}

static void poll_with(Store *poll)
{
    const char *merged[] = {"P0000002"};
    Error down = {0};
    error_set(&down, ERROR_LATER, "feed.connect", "could not connect");
    Store *mine = store;
    store = poll; /* take_person() uses it */
    ok(feed_register(store, "feed-b", "b", err));
    for (int i = 0; i < 5; i++)
        take_person("feed-b", i, "given");
    take("feed-b", upsert("organisation", "O-L1", 1, "{\"id\":\"O-L1\"}"),
         upsert("person", "P0000001", 2, "{\"id\":\"P0000001\",\"x\":\"\\u0000\"}"));
    Change merge = special(CHANGE_MERGE, "P0000001", 8);
    merge.survivor = "P0000001";
    merge.merged = merged;
    merge.merged_count = 1;
    take("feed-b", merge, special(CHANGE_RESTRICT, "P0000003", 9),
         special(CHANGE_PURGE, "P0000004", 9));
    ok(feed_save_failure(store, "feed-b", "down", &down, "wait", (NextPoll){1000, 0}, err));
    _cleanup_transaction_ Transaction transaction = {0};
    ok(store_begin(store, &transaction, err));
    ok(feed_restart(store, "feed-b", "epoch_changed", NULL, err));
    ok(store_commit(&transaction, err));
    store = mine;
}

static void submit_with(Store *submit)
{
    SubmissionClaim *claims;
    size_t count;
    int64_t swept;
    SubmissionState state;
    SubmissionClaim claim = claim_one(submit);
    ok(submission_store_signature(submit, claim.info.id, claim.fence, (const uint8_t *)"s", 1,
                                  err));
    ck_assert(intend(submit, &claim));
    ck_assert_int_eq(settle(submit, &claim, OUTCOME_UNKNOWN), SUBMISSION_UNSURE);
    ok(submission_sweep(submit, &swept, err));
    ok(submission_claim_questions(submit, NULL, 1, 60000, arena, &claims, &count, err));
    ReceiverFinding found = {"MHS00103", "MHS001", "LocalPatientID", 1};
    Settlement rejected = {
        .outcome = OUTCOME_REJECTED, .code = "rejected", .findings = &found, .finding_count = 1};
    ok(submission_settle(submit, claims[0].info.id, claims[0].fence, &rejected, &state, err));
    ok(route_save(submit, "sandbox", "stopped", "signature_invalid", "f", err));
}

START_TEST(each_role_has_enough)
{
    Store *roles[] = {as("poll"), as("map"), as("build"), as("submit"), as("operate"), as("read")};
    bool changed, open;
    poll_with(roles[0]);
    ok(work_settings(roles[1], "v1", &changed, err));
    ck_assert_uint_eq(map_all(roles[1], "V1", NOVEMBER, NOVEMBER), 5);
    int64_t id = build(roles[2], "V1", NOVEMBER, NULL), newer;
    submit_with(roles[3]);
    ok(submission_release(roles[4], id, "a person", "again", err));
    ok(submission_hold(roles[4], id, "a person", "wait", err));
    ok(feed_pause(roles[4], "feed-b", "a person", err));
    ok(feed_resume(roles[4], "feed-b", "a person", err));
    ok(month_request(roles[4], "V1", NOVEMBER, "person", err));
    newer = build(roles[2], "V1", NOVEMBER, NULL);
    /* The gate closes under the submitter's own rights. */
    ask_text(
        "update source_record set restricted = true where type = 'person' and id = 'P0000001'");
    SubmissionClaim claim = claim_one(roles[3]);
    ck_assert_int_eq(claim.info.id, newer);
    open = intend(roles[3], &claim);
    ck_assert(!open);
    AuditVerdict verdict;
    FindingGroup *groups;
    size_t count;
    ok(audit_verify(roles[5], arena, &verdict, err));
    ck_assert_uint_eq(verdict.fault_count, 0);
    ok(finding_groups(roles[5], &(FindingFilter){0}, arena, &groups, &count, err));
    ck_assert_uint_gt(count, 0);
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
        store_close(roles[i]);
}
END_TEST

CASE_MAIN("store: roles", each_role_has_enough)
