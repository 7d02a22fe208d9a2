/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries against a real queue, a real signer and a receiver that remembers. */
#include "tests/component/deliver_bench.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/fault.h"
#include "daemon/base/text.h"
#include "daemon/sign/client.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static void audit_is_whole(void)
{
    AuditVerdict verdict;
    ok(audit_verify(store, arena, &verdict, err));
    for (size_t i = 0; i < verdict.fault_count; i++)
        fprintf(stderr, "audit: %s %lld %s\n", verdict.faults[i].writer,
                (long long)verdict.faults[i].seq, verdict.faults[i].what);
    ck_assert_uint_eq(verdict.fault_count, 0);
}

START_TEST(a_document_arrives_once)
{
    Bench *bench = bench_new();
    int64_t id = bench_queue(bench, "V9X01", 1);
    ck_assert(bench_deliver(bench));
    ck_assert_int_eq(bench->last.end, DELIVER_SETTLED);
    ck_assert_int_eq(bench->last.state, SUBMISSION_ACCEPTED);
    ck_assert_int_eq(bench->last.attempt, 1);
    ck_assert_str_eq(bench_state(id), "accepted");
    ck_assert(!bench_deliver(bench) && !bench_ask(bench));
    ck_assert_uint_eq(bench->receiver.count, 1);
    ck_assert_int_eq(bench->receiver.uploads, 1);
    SubmissionInfo info;
    ok(submission_get(store, id, arena, &info, err));
    ck_assert_str_eq(info.reference, "R-1");
    ck_assert_uint_gt(info.signature_size, 200);
    ck_assert_str_eq(bench->receiver.keys[0], arena_format(arena, "\"%s\"", info.idempotency_key));
    audit_is_whole();
    bench_free(bench);
}
END_TEST

START_TEST(later_goes_again_with_the_same_bytes_and_signature)
{
    Bench *bench = bench_new();
    int64_t id = bench_queue(bench, "V9X01", 1);
    bench->receiver.mood = RECEIVER_BUSY;
    bench->receiver.for_uploads = 2;
    ck_assert(bench_deliver(bench));
    ck_assert_int_eq(bench->last.state, SUBMISSION_READY);
    ck_assert_int_ge(bench->last.wait_ms, 7000); /* Retry-After, never earlier */
    ck_assert_int_lt(bench->last.wait_ms, 8000);
    ck_assert(!bench_deliver(bench)); /* not due */
    bench_make_due();
    ck_assert(bench_deliver(bench));
    char *first = peer_request_header(bench->peer, 0, "Document-Signature");
    char *second = peer_request_header(bench->peer, 1, "Document-Signature");
    char *one = peer_request_header(bench->peer, 0, "Signature-Input");
    char *two = peer_request_header(bench->peer, 1, "Signature-Input");
    ck_assert_str_eq(first, second);
    ck_assert_str_ne(one, two); /* each request is signed for itself */
    free(first);
    free(second);
    free(one);
    free(two);
    bench_settle_all(bench, 5);
    ck_assert_str_eq(bench_state(id), "accepted");
    ck_assert_int_eq(bench->receiver.uploads, 3);
    ck_assert_int_eq(bench->receiver.doubled, 0);
    audit_is_whole();
    bench_free(bench);
}
END_TEST

START_TEST(an_answer_that_was_lost_is_asked_for)
{
    Bench *bench = bench_new();
    int64_t id = bench_queue(bench, "V9X01", 1);
    bench->receiver.mood = RECEIVER_LOSES;
    bench->receiver.for_uploads = 1;
    ck_assert(bench_deliver(bench));
    ck_assert_int_eq(bench->last.state, SUBMISSION_UNSURE);
    ck_assert_int_ge(bench->last.wait_ms, DELIVER_QUESTION_MS);
    ck_assert(!bench_deliver(bench)); /* nothing goes out again on a guess */
    ck_assert(!bench_ask(bench));
    bench_make_due();
    ck_assert(!bench_deliver(bench));
    ck_assert(bench_ask(bench));
    ck_assert_int_eq(bench->last.state, SUBMISSION_ACCEPTED);
    ck_assert_str_eq(bench_state(id), "accepted");
    ck_assert_int_eq(bench->receiver.uploads, 1);
    audit_is_whole();
    bench_free(bench);
}
END_TEST

START_TEST(what_was_never_seen_goes_again)
{
    Bench *bench = bench_new();
    int64_t id = bench_queue(bench, "V9X01", 1);
    bench->receiver.mood = RECEIVER_FORGETS;
    bench->receiver.for_uploads = 1;
    ck_assert(bench_deliver(bench));
    ck_assert_int_eq(bench->last.state, SUBMISSION_UNSURE);
    bench_make_due();
    ck_assert(bench_ask(bench));
    ck_assert_int_eq(bench->last.state, SUBMISSION_READY);
    bench_settle_all(bench, 3);
    ck_assert_str_eq(bench_state(id), "accepted");
    ck_assert_uint_eq(bench->receiver.count, 1);
    ck_assert_int_eq(bench->receiver.uploads, 2);
    bench_free(bench);
}
END_TEST

START_TEST(taken_in_is_asked_about_and_refused_stays)
{
    Bench *bench = bench_new();
    int64_t waits = bench_queue(bench, "V9X01", 1), refused = bench_queue(bench, "V9X02", 2);
    bench->receiver.mood = RECEIVER_WAITS;
    bench->receiver.for_uploads = 1;
    ck_assert(bench_deliver(bench));
    ck_assert_int_eq(bench->last.state, SUBMISSION_WAITING);
    bench->receiver.mood = RECEIVER_REFUSES;
    bench->receiver.for_uploads = 1;
    ck_assert(bench_deliver(bench));
    ck_assert_int_eq(bench->last.state, SUBMISSION_REJECTED);
    bench_settle_all(bench, 3);
    ck_assert_str_eq(bench_state(waits), "accepted");
    ck_assert_str_eq(bench_state(refused), "rejected");
    ck_assert_int_eq(ask_number("select count(*) from finding where rule = 'MHS00103'"), 1);
    ck_assert_int_eq(bench->receiver.uploads, 2);
    audit_is_whole();
    bench_free(bench);
}
END_TEST

START_TEST(a_withdrawal_stops_it_at_the_last_moment)
{
    Bench *bench = bench_new();
    int64_t id = bench_queue(bench, "V9X01", 1);
    take("feed-b", upsert("consent", "K9999999", 1,
                          "{\"id\":\"K9999999\",\"person\":\"P0000001\",\"purpose\":\"mhsds\","
                          "\"status\":\"withdrawn\",\"valid_from\":\"2026-05-01\"}"));
    ck_assert(bench_deliver(bench));
    ck_assert_int_eq(bench->last.end, DELIVER_GATE_CLOSED);
    ck_assert_str_eq(bench_state(id), "superseded");
    ck_assert_uint_eq(peer_received(bench->peer), 0);
    audit_is_whole();
    bench_free(bench);
}
END_TEST

START_TEST(without_the_signer_nothing_goes)
{
    Bench *bench = bench_new();
    int64_t id = bench_queue(bench, "V9X01", 1);
    bench_stop_signer(bench);
    ck_assert(bench_deliver(bench));
    ck_assert_int_eq(bench->last.end, DELIVER_GIVEN_BACK);
    ck_assert_str_eq(bench->last.failure.code, "sign.away");
    ck_assert_str_eq(bench_state(id), "ready");
    ck_assert_int_eq(ask_number("select attempts from submission_queue"), 0);
    bench_start_signer(bench);
    bench_settle_all(bench, 2);
    ck_assert_str_eq(bench_state(id), "accepted");
    audit_is_whole();
    bench_free(bench);
}
END_TEST

START_TEST(another_document_never_goes_in_its_place)
{
    Bench *bench = bench_new();
    int64_t id = bench_queue(bench, "V9X01", 1);
    const Dataset *dataset;
    ok(dataset_open(arena_format(arena, "%s/mappings/mhsds-6.0", getenv("MHSFLOW_SOURCE_ROOT")),
                    arena, &dataset, err));
    bench->tools.dataset = dataset;
    FILE *file = fopen(arena_format(arena, "%s/V9X01-1.xml", bench->spool), "r+e");
    fputs("<MHSDX", file);
    fclose(file);
    ck_assert(bench_deliver(bench));
    ck_assert_int_eq(bench->last.end, DELIVER_GIVEN_BACK); /* it cannot be made again either */
    ck_assert_str_eq(bench_state(id), "ready");
    ck_assert_uint_eq(peer_received(bench->peer), 0);
    bench_free(bench);
}
END_TEST

START_TEST(a_refused_signature_stops_the_route_not_the_document)
{
    Bench *bench = bench_new();
    int64_t id = bench_queue(bench, "V9X01", 1);
    bench->receiver.mood = RECEIVER_DISTRUSTS;
    bench->receiver.for_uploads = 1;
    ck_assert(bench_deliver(bench));
    ck_assert(bench->last.route_stopped && bench->route.stopped);
    ck_assert_str_eq(bench->route.code, "signature_invalid");
    ck_assert_str_eq(bench_state(id), "ready");
    ck_assert_int_eq(ask_number("select attempts from submission_queue"), 0);
    bench_free(bench);
}
END_TEST

START_TEST(a_dead_receiver_opens_the_breaker_and_costs_no_attempts)
{
    Bench *bench = bench_new();
    bench_queue(bench, "V9X01", 1);
    void *alive = bench->route.self, *dead;
    YamlNode *map;
    const Section *section;
    static const char text[] = "url: https://127.0.0.1:9/msr/v1\n";
    ok(yaml_parse("settings", text, strlen(text), arena, &map, err));
    ok(section_read(map, &bench->route.adapter->options, 1, arena, &section, err));
    ok(bench->route.adapter->open("sandbox", section, &bench->requests.requests, &dead, err));
    bench->route.self = dead;
    for (int i = 1; i <= BREAKER_LIMIT + 3; i++) {
        bench_make_due();
        ck_assert(bench_deliver(bench));
        ck_assert_int_eq(bench->last.state, SUBMISSION_READY);
        ck_assert(bench->last.breaker_changed == (i == BREAKER_LIMIT));
        ck_assert(bench->route.breaker.open == (i >= BREAKER_LIMIT));
    }
    ck_assert_int_eq(ask_number("select attempts from submission_queue"), 0);
    bench->route.adapter->close(dead);
    bench->route.self = alive;
    bench_settle_all(bench, 2);
    ck_assert(!bench->route.breaker.open);
    ck_assert_uint_eq(bench->receiver.count, 1);
    bench_free(bench);
}
END_TEST

START_TEST(a_late_answer_is_refused_by_the_fence)
{
    Bench *bench = bench_new();
    int64_t id = bench_queue(bench, "V9X01", 1);
    SubmissionClaim *claims;
    size_t count;
    SubmissionCursor cursor = {0};
    bench->receiver.and_then = "update mhsflow.submission_queue set fence = fence + 1";
    ok(submission_claim(store, &cursor, "sandbox", 1, DELIVER_LEASE_MS, arena, &claims, &count,
                        err));
    fails("submission.fence",
          deliver(&bench->tools, &bench->route, &claims[0], arena, &bench->last, err));
    bench->receiver.and_then = NULL;
    ck_assert_str_eq(bench_state(id), "sending"); /* what the other one holds is untouched */
    bench_let_leases_end();
    ck_assert_str_eq(bench_state(id), "unsure");
    bench_settle_all(bench, 2);
    ck_assert_str_eq(bench_state(id), "accepted");
    ck_assert_int_eq(bench->receiver.uploads, 1);
    audit_is_whole();
    bench_free(bench);
}
END_TEST

/* ---- killed at every step ---- */

static void deliver_until_killed(Bench *bench, const char *fault)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        Error err = {0};
        setenv("MHSFLOW_FAULT", fault, 1);
        DeliverRoute route = {.name = "sandbox", .adapter = bench->route.adapter};
        if (!store_open(database, "submit", &bench->tools.store, &err) ||
            !route.adapter->open("sandbox", bench->section, &bench->requests.requests, &route.self,
                                 &err))
            _exit(9);
        bench->route = route;
        bench_deliver(bench);
        _exit(7);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: status %x", fault,
                  status);
}

static void survives(FaultPoint point, const char *state, int uploads)
{
    Bench *bench = bench_new();
    const char *name = fault_name(point);
    int64_t id = bench_queue(bench, "V9X01", 1);
    deliver_until_killed(bench, name);
    bench_let_leases_end();
    ck_assert_msg(strcmp(bench_state(id), state) == 0, "%s: %s", name, bench_state(id));
    bench_settle_all(bench, 5);
    ck_assert_msg(strcmp(bench_state(id), "accepted") == 0, "%s: %s", name, bench_state(id));
    ck_assert_msg(bench->receiver.count == 1 && bench->receiver.doubled == 0, "%s", name);
    ck_assert_msg(bench->receiver.uploads == uploads, "%s: %d uploads", name,
                  bench->receiver.uploads);
    audit_is_whole();
    bench_free(bench);
}

START_TEST(a_kill_at_any_step_loses_and_doubles_nothing)
{
    survives(FAULT_SUBMIT_AFTER_CLAIM, "ready", 1);
    survives(FAULT_SUBMIT_AFTER_SIGN, "ready", 1);
    survives(FAULT_SUBMIT_BEFORE_INTENT, "ready", 1);
    survives(FAULT_SUBMIT_AFTER_INTENT, "unsure", 1);
    survives(FAULT_SUBMIT_MID_BODY, "unsure", 1);      /* half a document is no upload */
    survives(FAULT_SUBMIT_BEFORE_ANSWER, "unsure", 1); /* accepted there, and asked for */
    survives(FAULT_SUBMIT_AFTER_ANSWER, "unsure", 1);
    survives(FAULT_SUBMIT_BEFORE_SETTLE, "unsure", 1);
    survives(FAULT_SUBMIT_AFTER_SETTLE, "accepted", 1);
}
END_TEST

/* The signer is a process of its own here, killed at the named point. */
static pid_t fork_signer(Bench *bench, const char *fault)
{
    bench_stop_signer(bench);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child > 0) {
        SignerState state;
        Error away = {0};
        int64_t end = clock_steady() + 10 * CLOCK_SECOND;
        while (!sign_client_key(bench->socket, &state, &away))
            ck_assert_int_lt(clock_steady(), end);
        return child;
    }
    Error err = {0};
    SignerSettings settings = {.socket_path = bench->socket, .rate = 1000};
    setenv("MHSFLOW_FAULT", fault, 1);
    if (!signed_log_open(bench->log, &bench->signed_log, &err) ||
        !signer_open(&settings, bench->key, bench->signed_log, &bench->signer, &err))
        _exit(9);
    for (;;) {
        struct pollfd wanted = {signer_fd(bench->signer), POLLIN, 0};
        poll(&wanted, 1, -1);
        if (!signer_step(bench->signer, &err))
            _exit(8);
    }
}

static bool count_documents(void *data, const SignedEntry *entry, Error *err)
{
    (void)err;
    *(int *)data += entry->kind == SIGN_DOCUMENT;
    return true;
}

static void survives_signer(const char *fault, DeliverEnd end, int documents)
{
    Bench *bench = bench_new();
    int64_t id = bench_queue(bench, "V9X01", 1), damaged;
    int listed = 0, status;
    pid_t child = fork_signer(bench, fault);
    ck_assert(bench_deliver(bench));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: status %x", fault,
                  status);
    ck_assert_msg(bench->last.end == end, "%s: %d", fault, bench->last.end);
    ck_assert_str_eq(bench_state(id), "ready");
    ck_assert_uint_eq(peer_received(bench->peer), 0);
    bench_start_signer(bench);
    bench_settle_all(bench, 3);
    ck_assert_str_eq(bench_state(id), "accepted");
    ck_assert_int_eq(bench->receiver.uploads, 1);
    ok(signed_log_read(bench->log, count_documents, &listed, &damaged, err));
    ck_assert_msg(listed == documents && damaged == 0, "%s: %d listed", fault, listed);
    audit_is_whole();
    bench_free(bench);
}

START_TEST(a_signer_killed_at_any_step_costs_a_line_at_most)
{
    survives_signer("sign.before_sign", DELIVER_GIVEN_BACK, 1);
    survives_signer("sign.after_log", DELIVER_GIVEN_BACK, 2);
    /* its second signature is the request's: the intent is committed, nothing has left */
    survives_signer("sign.before_sign:2", DELIVER_SETTLED, 1);
    survives_signer("sign.after_log:2", DELIVER_SETTLED, 1);
}
END_TEST

START_TEST(a_connection_lost_while_bytes_move_does_not_lose_the_answer)
{
    Bench *bench = bench_new();
    int64_t id = bench_queue(bench, "V9X01", 1);
    bench->receiver.and_then = "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                               "where pid <> pg_backend_pid()"
                               " and datname = current_database()";
    ck_assert(bench_deliver(bench));
    ck_assert_int_eq(bench->last.state, SUBMISSION_ACCEPTED);
    ck_assert_str_eq(bench_state(id), "accepted");
    audit_is_whole();
    bench_free(bench);
}
END_TEST

typedef struct Beats {
    const char *statement;
    int count;
} Beats;

/* The heartbeat of a transfer: the first one lets somebody else take the lease. */
static bool beat(void *data, int64_t moved)
{
    Beats *beats = data;
    (void)moved;
    if (beats->count++ == 0)
        ask_text(beats->statement);
    return true;
}

START_TEST(a_heartbeat_that_finds_the_lease_gone_changes_nothing)
{
    Bench *bench = bench_new();
    int64_t id = bench_queue(bench, "V9X01", 1);
    Beats beats = {"update submission_queue set fence = fence + 1", 0};
    bench->tools.progress = beat;
    bench->tools.progress_data = &beats;
    SubmissionClaim *claims;
    size_t count;
    SubmissionCursor cursor = {0};
    ok(submission_claim(store, &cursor, "sandbox", 1, DELIVER_LEASE_MS, arena, &claims, &count,
                        err));
    fails("submission.fence",
          deliver(&bench->tools, &bench->route, &claims[0], arena, &bench->last, err));
    ck_assert_int_gt(beats.count, 0);
    bench->tools.progress = NULL;
    bench_let_leases_end();
    bench_settle_all(bench, 3);
    ck_assert_str_eq(bench_state(id), "accepted");
    ck_assert_uint_eq(bench->receiver.count, 1);
    ck_assert_int_eq(bench->receiver.uploads, 1);
    audit_is_whole();
    bench_free(bench);
}
END_TEST

CASE_MAIN("deliver", a_document_arrives_once, later_goes_again_with_the_same_bytes_and_signature,
          an_answer_that_was_lost_is_asked_for, what_was_never_seen_goes_again,
          taken_in_is_asked_about_and_refused_stays, a_withdrawal_stops_it_at_the_last_moment,
          without_the_signer_nothing_goes, another_document_never_goes_in_its_place,
          a_refused_signature_stops_the_route_not_the_document,
          a_dead_receiver_opens_the_breaker_and_costs_no_attempts,
          a_late_answer_is_refused_by_the_fence, a_kill_at_any_step_loses_and_doubles_nothing,
          a_signer_killed_at_any_step_costs_a_line_at_most,
          a_connection_lost_while_bytes_move_does_not_lose_the_answer,
          a_heartbeat_that_finds_the_lease_gone_changes_nothing)
