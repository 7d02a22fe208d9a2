/* SPDX-License-Identifier: Apache-2.0 */
/* A sender that sleeps past its lease: stopped by a signal at any step, awake when another has
 * settled it, and every late write is refused.  MHSFLOW_ROUNDS says how many rounds. */
#include "tests/component/store_case.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOVEMBER (2026 * 12 + 10)
#define ROUNDS 12

/* Where it falls asleep, one after the other. */
typedef enum Asleep { AFTER_CLAIM, AFTER_SIGNATURE, AFTER_INTENT, STEPS } Asleep;

static int failures; /* of the sleeper, its exit code */

static void refused(bool done, const Error *err)
{
    if (done || strcmp(err->code, "submission.fence") != 0)
        failures++;
}

/* Everything that it could still write, with the fence that it had. */
static void write_late(Store *on, const SubmissionClaim *claim)
{
    const Settlement outcomes[] = {{.outcome = OUTCOME_ACCEPTED, .code = "late"},
                                   {.outcome = OUTCOME_REJECTED, .code = "late"},
                                   {.outcome = OUTCOME_LATER, .code = "late"},
                                   {.outcome = OUTCOME_UNKNOWN, .code = "late"}};
    int64_t id = claim->info.id, fence = claim->fence;
    SubmissionState state;
    bool open;
    int attempt;
    for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        Error err = {0};
        refused(submission_settle(on, id, fence, &outcomes[i], &state, &err), &err);
    }
    Error renew = {0}, sign = {0}, intent = {0}, back = {0};
    refused(submission_renew(on, id, fence, 60000, &renew), &renew);
    refused(submission_store_signature(on, id, fence, (const uint8_t *)"late", 4, &sign), &sign);
    refused(submission_intent(on, id, fence, &open, &attempt, &intent), &intent);
    refused(submission_give_back(on, id, fence, "late", 0, &back), &back);
}

/* The other process: claims, goes on to its step, stops itself, and writes when it is woken. */
static void sleeper(Asleep asleep)
{
    _cleanup_store_ Store *own = NULL;
    Error err = {0};
    bool open;
    int attempt;
    if (!store_open(database, "sleeper", &own, &err))
        _exit(100);
    SubmissionClaim claim = claim_one(own);
    if (asleep >= AFTER_SIGNATURE &&
        !submission_store_signature(own, claim.info.id, claim.fence, (const uint8_t *)"s", 1, &err))
        _exit(101);
    if (asleep >= AFTER_INTENT &&
        !submission_intent(own, claim.info.id, claim.fence, &open, &attempt, &err))
        _exit(102);
    raise(SIGSTOP);
    write_late(own, &claim);
    _exit(failures);
}

/* Its lease ends, and another takes what it left: sends it, or asks about it. */
static void take_over(int64_t id, Asleep asleep)
{
    SubmissionClaim *asked, claim;
    size_t count;
    int64_t swept;
    ask_text("update submission_queue set lease_until = mhsflow.now() - interval '1 second'"
             " where state = 'sending'");
    ok(submission_sweep(store, &swept, err));
    ck_assert_int_eq(swept, 1);
    if (asleep == AFTER_INTENT) {
        ok(submission_claim_questions(store, NULL, 1, 60000, arena, &asked, &count, err));
        ck_assert_uint_eq(count, 1);
        claim = asked[0];
    } else {
        claim = claim_one(store);
        ck_assert(intend(store, &claim));
    }
    ck_assert_int_eq(claim.info.id, id);
    ck_assert_int_eq(settle(store, &claim, OUTCOME_ACCEPTED), SUBMISSION_ACCEPTED);
}

static void one_round(int round)
{
    Asleep asleep = (Asleep)(round % STEPS);
    int status;
    int64_t id = build(store, "V1", NOVEMBER - round, NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        sleeper(asleep);
    ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
    ck_assert_msg(WIFSTOPPED(status), "the sleeper ended: %d", status);
    take_over(id, asleep);
    ck_assert_int_eq(kill(pid, SIGCONT), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "round %d: %d late writes were not refused", round, WEXITSTATUS(status));
    SubmissionInfo info;
    ok(submission_get(store, id, arena, &info, err));
    ck_assert_int_eq(info.state, SUBMISSION_ACCEPTED);
}

START_TEST(who_slept_past_the_lease_writes_nothing)
{
    const char *wanted = getenv("MHSFLOW_ROUNDS");
    int rounds = wanted ? (int)strtol(wanted, NULL, 10) : ROUNDS;
    for (int round = 0; round < rounds; round++)
        one_round(round);
    ck_assert_int_eq(ask_number("select count(*) from receipt where code = 'late'"), 0);
    ck_assert_int_eq(ask_number("select count(*) from receipt"), rounds);
    printf("# %d rounds, %d late writes each, all refused\n", rounds, 8);
}
END_TEST

CASE_MAIN("fence", who_slept_past_the_lease_writes_nothing)
