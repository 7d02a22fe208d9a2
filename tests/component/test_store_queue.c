/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of submissions: one on its way, fences, the gate, unknown outcomes, one event per
 * change. */
#include "tests/component/store_case.h"

#include <string.h>

#define NOVEMBER (2026 * 12 + 10)

static SubmissionState state_of(int64_t id)
{
    SubmissionInfo info;
    ok(submission_get(store, id, arena, &info, err));
    return info.state;
}

static size_t claim_many(Store *on, SubmissionClaim **ret)
{
    size_t count;
    SubmissionCursor cursor = {0};
    ok(submission_claim(on, &cursor, NULL, 10, 60000, arena, ret, &count, err));
    return count;
}

static size_t ask_many(SubmissionClaim **ret)
{
    size_t count;
    ok(submission_claim_questions(store, NULL, 10, 60000, arena, ret, &count, err));
    return count;
}

static void expire(int64_t id)
{
    ask_text(arena_format(
        arena,
        "update submission_queue set lease_until = mhsflow.now() - interval '1 second' "
        "where id = %lld",
        (long long)id));
}

/* Promise 6: every change of state, as a trigger of the test saw it, has its one event; and no
 * event speaks of a change that was not. */
static void watch_states(void)
{
    ask_text("create table seen (id bigint, was text, is_now text);"
             "create function see() returns trigger language plpgsql as $$ begin"
             " insert into mhsflow.seen values (new.id, case tg_op when 'UPDATE' then old.state "
             "end, new.state);"
             " return null; end $$;"
             "create trigger see after insert or update of state on submission_queue for each row "
             "execute function see();");
}

static void check_states(void)
{
    ck_assert_int_eq(
        ask_number("with s as (select id, was, is_now, count(*) as n from seen where was is "
                   "distinct from is_now"
                   " group by 1, 2, 3), e as (select submission as id, fields ->> 'from' as was,"
                   " fields ->> 'to' as is_now, count(*) as n from audit_event where fields ->> "
                   "'to' is not null"
                   " and submission is not null group by 1, 2, 3)"
                   " select count(*) from s full join e on e.id = s.id and e.was is not distinct "
                   "from s.was"
                   " and e.is_now = s.is_now where s.n is distinct from e.n"),
        0);
    ck_assert_int_gt(ask_number("select count(*) from seen"), 0);
    AuditVerdict verdict;
    ok(audit_verify(store, arena, &verdict, err));
    ck_assert_uint_eq(verdict.fault_count, 0);
}

static void people(int count)
{
    for (int i = 0; i < count; i++)
        take_person("feed-b", i, "given");
    map_all(store, "V1", NOVEMBER - 1, NOVEMBER);
}

START_TEST(a_newer_revision_takes_the_place_of_unsent_ones)
{
    watch_states();
    people(1);
    int64_t first = build(store, "V1", NOVEMBER, NULL),
            second = build(store, "V1", NOVEMBER, "shrunk"),
            third = build(store, "V1", NOVEMBER, NULL);
    ck_assert_int_eq(state_of(first), SUBMISSION_SUPERSEDED);
    ck_assert_int_eq(state_of(second), SUBMISSION_SUPERSEDED);
    ck_assert_int_eq(state_of(third), SUBMISSION_READY);
    SubmissionInfo info;
    ok(submission_get(store, third, arena, &info, err));
    ck_assert_int_eq(info.revision, 3);
    check_states();
}
END_TEST

START_TEST(one_revision_of_a_month_is_on_its_way)
{
    SubmissionClaim *none;
    watch_states();
    people(1);
    int64_t first = build(store, "V1", NOVEMBER, NULL);
    SubmissionClaim claim = claim_one(store);
    ck_assert(intend(store, &claim));
    int64_t second = build(store, "V1", NOVEMBER, NULL),
            other = build(store, "V1", NOVEMBER - 1, NULL);
    SubmissionClaim *claims;
    ck_assert_uint_eq(claim_many(store, &claims), 1);
    ck_assert_int_eq(claims[0].info.id, other);
    /* Unsure, then waiting: still on its way; accepted: the newer may go. */
    ck_assert_int_eq(settle(store, &claim, OUTCOME_UNKNOWN), SUBMISSION_UNSURE);
    ck_assert_uint_eq(claim_many(store, &none), 0);
    ck_assert_str_eq(
        pg_ask_state(database, arena_format(arena,
                                            "update mhsflow.submission_queue set state = 'sending'"
                                            " where id = %lld",
                                            (long long)second)),
        "23505");
    ck_assert_uint_eq(ask_many(&claims), 1);
    ck_assert_int_eq(settle(store, &claims[0], OUTCOME_WAITING), SUBMISSION_WAITING);
    ck_assert_uint_eq(claim_many(store, &none), 0);
    ck_assert_uint_eq(ask_many(&claims), 1);
    ck_assert_int_eq(settle(store, &claims[0], OUTCOME_ACCEPTED), SUBMISSION_ACCEPTED);
    ck_assert_uint_eq(claim_many(store, &claims), 1);
    ck_assert_int_eq(claims[0].info.id, second);
    ck_assert_int_eq(state_of(first), SUBMISSION_ACCEPTED);
    check_states();
}
END_TEST

START_TEST(never_seen_goes_again_unless_a_newer_one_exists)
{
    SubmissionClaim *claims;
    watch_states();
    people(1);
    int64_t first = build(store, "V1", NOVEMBER, NULL);
    SubmissionClaim claim = claim_one(store);
    ck_assert(intend(store, &claim));
    settle(store, &claim, OUTCOME_UNKNOWN);
    ck_assert_uint_eq(ask_many(&claims), 1);
    ck_assert_int_eq(settle(store, &claims[0], OUTCOME_NEVER_SEEN), SUBMISSION_READY);
    claim = claim_one(store);
    ck_assert_int_eq(claim.info.id, first);
    ck_assert(intend(store, &claim));
    settle(store, &claim, OUTCOME_UNKNOWN);
    int64_t second = build(store, "V1", NOVEMBER, NULL);
    ck_assert_uint_eq(ask_many(&claims), 1);
    ck_assert_int_eq(settle(store, &claims[0], OUTCOME_NEVER_SEEN), SUBMISSION_SUPERSEDED);
    ck_assert_int_eq(state_of(second), SUBMISSION_READY);
    check_states();
}
END_TEST

START_TEST(a_sender_is_not_believed_to_have_never_been_seen)
{
    people(1);
    build(store, "V1", NOVEMBER, NULL);
    SubmissionClaim claim = claim_one(store);
    ck_assert(intend(store, &claim));
    ck_assert_int_eq(settle(store, &claim, OUTCOME_NEVER_SEEN), SUBMISSION_UNSURE);
}
END_TEST

START_TEST(a_question_without_an_answer_changes_nothing)
{
    SubmissionClaim *claims;
    watch_states();
    people(1);
    int64_t id = build(store, "V1", NOVEMBER, NULL);
    SubmissionClaim claim = claim_one(store);
    ck_assert(intend(store, &claim));
    settle(store, &claim, OUTCOME_UNKNOWN);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(ask_many(&claims), 1);
        ck_assert_int_eq(settle(store, &claims[0], i ? OUTCOME_LATER : OUTCOME_UNKNOWN),
                         SUBMISSION_UNSURE);
    }
    SubmissionInfo info;
    ok(submission_get(store, id, arena, &info, err));
    ck_assert_int_eq(info.questions, 3);
    ck_assert_int_eq(info.attempts, 1);
    check_states();
}
END_TEST

START_TEST(a_lease_that_ran_out)
{
    int64_t swept;
    watch_states();
    people(1);
    int64_t id = build(store, "V1", NOVEMBER, NULL);
    /* Before the intent: nothing can have left. */
    SubmissionClaim claim = claim_one(store);
    expire(id);
    fails("submission.fence", submission_renew(store, id, claim.fence, 1000, err));
    ok(submission_sweep(store, &swept, err));
    ck_assert_int_eq(swept, 1);
    ck_assert_int_eq(state_of(id), SUBMISSION_READY);
    /* After it: asked about first. */
    SubmissionClaim again = claim_one(store);
    ck_assert_int_gt(again.fence, claim.fence);
    ok(submission_renew(store, id, again.fence, 60000, err));
    ck_assert(intend(store, &again));
    expire(id);
    ok(submission_sweep(store, &swept, err));
    ck_assert_int_eq(state_of(id), SUBMISSION_UNSURE);
    check_states();
}
END_TEST

START_TEST(who_lost_the_lease_changes_nothing)
{
    SubmissionState state;
    bool open;
    int attempt;
    int64_t swept;
    people(1);
    int64_t id = build(store, "V1", NOVEMBER, NULL);
    SubmissionClaim late = claim_one(store);
    expire(id);
    ok(submission_sweep(store, &swept, err));
    SubmissionClaim claim = claim_one(store);
    Settlement rejected = {.outcome = OUTCOME_REJECTED, .code = "x"};
    fails("submission.fence", submission_settle(store, id, late.fence, &rejected, &state, err));
    fails("submission.fence", submission_intent(store, id, late.fence, &open, &attempt, err));
    fails("submission.fence",
          submission_store_signature(store, id, late.fence, (const uint8_t *)"s", 1, err));
    fails("submission.fence", submission_give_back(store, id, late.fence, "x", 0, err));
    fails("submission.fence", submission_renew(store, id, late.fence, 1000, err));
    ck_assert(intend(store, &claim));
    ck_assert_int_eq(settle(store, &claim, OUTCOME_ACCEPTED), SUBMISSION_ACCEPTED);
    fails("submission.fence", submission_settle(store, id, claim.fence, &rejected, &state, err));
    ck_assert_int_eq(ask_number("select count(*) from receipt"), 1);
}
END_TEST

START_TEST(later_waits_and_may_go_uncharged)
{
    SubmissionState state;
    SubmissionClaim *none;
    SubmissionInfo info;
    watch_states();
    people(1);
    int64_t id = build(store, "V1", NOVEMBER, NULL), next, now;
    SubmissionClaim claim = claim_one(store);
    ck_assert(intend(store, &claim));
    Settlement later = {
        .outcome = OUTCOME_LATER, .next_in_ms = 3600000, .uncharged = true, .code = "connect"};
    ok(submission_settle(store, id, claim.fence, &later, &state, err));
    ck_assert_int_eq(state, SUBMISSION_READY);
    ok(submission_get(store, id, arena, &info, err));
    ck_assert_int_eq(info.attempts, 0);
    ck_assert_uint_eq(claim_many(store, &none), 0);
    ok(submission_next(store, &next, err));
    ok(store_now(store, &now, err));
    ck_assert_int_gt(next, now + INT64_C(3500) * 1000000);
    ok(submission_retry(store, id, "a person", err));
    claim = claim_one(store);
    ok(submission_give_back(store, id, claim.fence, "spool", 0, err));
    ck_assert_int_eq(state_of(id), SUBMISSION_READY);
    check_states();
}
END_TEST

/* ---- the gate ---- */

static void withdraw(const char *person, const char *consent)
{
    take("feed-b",
         upsert("consent", consent, 2,
                arena_format(arena,
                             "{\"id\":\"%s\",\"person\":\"%s\",\"purpose\":\"mhsds\",\"status\":"
                             "\"withdrawn\",\"valid_from\":\"2026-06-01\"}",
                             consent, person)));
}

START_TEST(a_withdrawal_closes_the_gate)
{
    watch_states();
    people(3);
    int64_t id = build(store, "V1", NOVEMBER, NULL);
    SubmissionClaim claim = claim_one(store);
    withdraw("P0000001", "K0000001");
    ck_assert(!intend(store, &claim));
    ck_assert_int_eq(state_of(id), SUBMISSION_SUPERSEDED);
    ck_assert_int_eq(ask_number("select count(*) from attempt"), 0);
    ProviderMonth *months;
    size_t count;
    ok(months_dirty(store, "V1", arena, &months, &count, err));
    ck_assert_uint_eq(count, 2); /* October was never built */
    ck_assert_int_eq(months[1].month, NOVEMBER);
    ck_assert_str_eq(months[1].reason, "gate");
    /* Mapped and built again without the person, it goes. */
    map_all(store, "V1", NOVEMBER, NOVEMBER);
    build(store, "V1", NOVEMBER, NULL);
    claim = claim_one(store);
    ck_assert(intend(store, &claim));
    check_states();
}
END_TEST

START_TEST(a_restriction_closes_the_gate_whatever_the_basis)
{
    people(2);
    int64_t id = build(store, "V1", NOVEMBER, NULL);
    ask_text("update submission set legal_basis = 'legal_obligation'");
    withdraw("P0000001", "K0000001");
    SubmissionClaim claim = claim_one(store);
    Change restrict_person = upsert("person", "P0000000", 9, NULL);
    restrict_person.op = CHANGE_RESTRICT;
    take("feed-b", restrict_person);
    ck_assert(!intend(store, &claim));
    ck_assert_int_eq(state_of(id), SUBMISSION_SUPERSEDED);
}
END_TEST

START_TEST(another_basis_does_not_ask_for_consent)
{
    people(2);
    build(store, "V1", NOVEMBER, NULL);
    ask_text("update submission set legal_basis = 'public_task'");
    withdraw("P0000001", "K0000001");
    SubmissionClaim claim = claim_one(store);
    ck_assert(intend(store, &claim));
}
END_TEST

START_TEST(a_merge_into_a_refusal_closes_the_gate)
{
    const char *merged[] = {"P0000001"};
    people(2);
    take_person("feed-b", 7, "refused");
    build(store, "V1", NOVEMBER, NULL);
    SubmissionClaim claim = claim_one(store);
    Change merge = upsert("person", "P0000007", 9, NULL);
    merge.op = CHANGE_MERGE;
    merge.survivor = "P0000007";
    merge.merged = merged;
    merge.merged_count = 1;
    take("feed-b", merge);
    ck_assert(!intend(store, &claim));
}
END_TEST

START_TEST(who_was_left_out_does_not_close_the_gate)
{
    people(2);
    int64_t id = build(store, "V1", NOVEMBER, NULL);
    ask_text(arena_format(
        arena, "insert into left_out select %lld, id from national_row where person = 'P0000001'",
        (long long)id));
    withdraw("P0000001", "K0000001");
    SubmissionClaim claim = claim_one(store);
    ck_assert(intend(store, &claim));
}
END_TEST

/* ---- people ---- */

START_TEST(what_a_person_may_do)
{
    watch_states();
    people(1);
    int64_t id = build(store, "V1", NOVEMBER, "approval");
    fails("submission.state", submission_hold(store, id, "a person", "why", err));
    fails("submission.unknown", submission_hold(store, 999, "a person", "why", err));
    ok(submission_release(store, id, "a person", NULL, err));
    ok(submission_hold(store, id, "b person", "look first", err));
    SubmissionInfo info;
    ok(submission_get(store, id, arena, &info, err));
    ck_assert_str_eq(info.held_reason, "person");
    ck_assert_str_eq(info.held_by, "b person");
    ck_assert_str_eq(info.released_by, "a person");
    ck_assert_str_eq(info.person_reason, "look first");
    ok(submission_release(store, id, "a person", NULL, err));
    SubmissionClaim claim = claim_one(store);
    fails("submission.state", submission_cancel(store, id, "a person", NULL, err));
    ck_assert(intend(store, &claim));
    ck_assert_int_eq(settle(store, &claim, OUTCOME_REJECTED), SUBMISSION_REJECTED);
    ok(submission_retry(store, id, "a person", err));
    ck_assert_int_eq(state_of(id), SUBMISSION_READY);
    ok(submission_cancel(store, id, "a person", "no", err));
    ck_assert_int_eq(state_of(id), SUBMISSION_CANCELLED);
    ck_assert_int_eq(
        ask_number("select count(*) from audit_event where fields::text like '%look%'"), 0);
    check_states();
}
END_TEST

START_TEST(a_refused_one_is_not_released_over_a_newer)
{
    people(1);
    int64_t id = build(store, "V1", NOVEMBER, NULL);
    SubmissionClaim claim = claim_one(store);
    ck_assert(intend(store, &claim));
    int64_t newer = build(store, "V1", NOVEMBER, NULL);
    ck_assert_int_eq(settle(store, &claim, OUTCOME_REJECTED), SUBMISSION_REJECTED);
    fails("submission.newer", submission_release(store, id, "a person", NULL, err));
    ck_assert_int_eq(state_of(newer), SUBMISSION_READY);
}
END_TEST

START_TEST(what_the_receiver_found_leads_to_our_rows)
{
    SubmissionState state;
    people(3);
    int64_t id = build(store, "V1", NOVEMBER, NULL);
    SubmissionClaim claim = claim_one(store);
    ck_assert(intend(store, &claim));
    ReceiverFinding said[] = {{"MHS00103", "MHS001", "LocalPatientID", 2},
                              {"MHSREJ001", NULL, NULL, 0}};
    Settlement rejected = {.outcome = OUTCOME_REJECTED,
                           .status = 422,
                           .code = "rejected",
                           .reference = "R-1",
                           .findings = said,
                           .finding_count = 2};
    ok(submission_settle(store, id, claim.fence, &rejected, &state, err));
    ck_assert_str_eq(
        ask_text("select person from finding where rule = 'MHS00103' and source = 'receiver'"),
        "P0000001");
    ck_assert_int_eq(ask_number("select count(*) from finding where source = 'receiver'"), 2);
    SubmissionInfo info;
    ok(submission_get(store, id, arena, &info, err));
    ck_assert_str_eq(info.reference, "R-1");
}
END_TEST

START_TEST(claims_come_by_deadline_and_routes_apart)
{
    SubmissionClaim *claims;
    size_t count;
    people(1);
    build(store, "V1", NOVEMBER, NULL);
    int64_t earlier = build(store, "V1", NOVEMBER - 1, NULL);
    SubmissionCursor cursor = {0};
    ok(submission_claim(store, &cursor, "another", 10, 60000, arena, &claims, &count, err));
    ck_assert_uint_eq(count, 0);
    ok(submission_claim(store, &cursor, "sandbox", 1, 60000, arena, &claims, &count, err));
    ck_assert_int_eq(claims[0].info.id, earlier);
    ok(submission_claim(store, &cursor, "sandbox", 1, 60000, arena, &claims, &count, err));
    ck_assert_uint_eq(count, 1);
    /* Given back behind the mark: found as soon as the way ahead is empty. */
    ok(submission_give_back(store, earlier, claims[0].fence, "x", 0, err));
}
END_TEST

/* Thirty months of a bad backlog, all due again and all more urgent; then one that is new. */
START_TEST(a_bad_backlog_does_not_starve_what_is_new)
{
    SubmissionClaim *claims;
    SubmissionCursor cursor = {0};
    SubmissionState state;
    Settlement later = {.outcome = OUTCOME_LATER, .code = "x", .next_in_ms = 3600000};
    size_t count;
    int place = 0;
    people(1);
    for (int i = 0; i < 30; i++)
        build(store, "V1", NOVEMBER - 31 + i, NULL);
    for (int i = 0; i < 30; i++) {
        SubmissionClaim claim = claim_one(store);
        ck_assert(intend(store, &claim));
        ok(submission_settle(store, claim.info.id, claim.fence, &later, &state, err));
    }
    ask_text("update submission_queue set next_at = mhsflow.now()");
    int64_t fresh = build(store, "V1", NOVEMBER, NULL);
    for (int i = 1; i <= 10 && !place; i++) {
        ok(submission_claim(store, &cursor, NULL, 1, 60000, arena, &claims, &count, err));
        ck_assert_uint_eq(count, 1);
        place = claims[0].info.id == fresh ? i : 0;
    }
    ck_assert_int_eq(place, 2);
    /* With nothing new left, the backlog goes on in its order. */
    for (int i = 0; i < 5; i++) {
        ok(submission_claim(store, &cursor, NULL, 1, 60000, arena, &claims, &count, err));
        ck_assert_uint_eq(count, 1);
        ck_assert_int_eq(claims[0].info.period, NOVEMBER - 30 + i);
    }
}
END_TEST

START_TEST(the_claiming_mark_never_loses_one)
{
    SubmissionClaim *claims;
    size_t count;
    people(1);
    int64_t ids[4];
    for (int i = 0; i < 4; i++)
        ids[i] = build(store, "V1", NOVEMBER - 3 + i, NULL);
    SubmissionCursor cursor = {0};
    ok(submission_claim(store, &cursor, NULL, 2, 60000, arena, &claims, &count, err));
    ck_assert_uint_eq(count, 2);
    ok(submission_give_back(store, ids[0], claims[0].fence, "x", 0, err));
    ok(submission_claim(store, &cursor, NULL, 2, 60000, arena, &claims, &count, err));
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(claims[0].info.id, ids[2]);
    ok(submission_claim(store, &cursor, NULL, 2, 60000, arena, &claims, &count, err));
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(claims[0].info.id, ids[0]);
}
END_TEST

START_TEST(a_routes_state_is_audited_when_it_changes)
{
    ok(route_save(store, "r", "ok", NULL, NULL, err));
    ok(route_save(store, "r", "stopped", "signature_invalid", "f1", err));
    ok(route_save(store, "r", "stopped", "signature_invalid", "f1", err));
    RouteState *routes;
    size_t count;
    ok(route_list(store, arena, &routes, &count, err));
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(routes[0].code, "signature_invalid");
    ck_assert_int_eq(ask_number("select count(*) from audit_event where event = 'route_changed'"),
                     1);
}
END_TEST

CASE_MAIN("store: queue", a_newer_revision_takes_the_place_of_unsent_ones,
          one_revision_of_a_month_is_on_its_way, never_seen_goes_again_unless_a_newer_one_exists,
          a_sender_is_not_believed_to_have_never_been_seen,
          a_question_without_an_answer_changes_nothing, a_lease_that_ran_out,
          who_lost_the_lease_changes_nothing, later_waits_and_may_go_uncharged,
          a_withdrawal_closes_the_gate, a_restriction_closes_the_gate_whatever_the_basis,
          another_basis_does_not_ask_for_consent, a_merge_into_a_refusal_closes_the_gate,
          who_was_left_out_does_not_close_the_gate, what_a_person_may_do,
          a_refused_one_is_not_released_over_a_newer, what_the_receiver_found_leads_to_our_rows,
          claims_come_by_deadline_and_routes_apart, a_bad_backlog_does_not_starve_what_is_new,
          the_claiming_mark_never_loses_one, a_routes_state_is_audited_when_it_changes)
