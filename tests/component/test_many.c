/* SPDX-License-Identifier: Apache-2.0 */
/* Many deliveries to a receiver that misbehaves: nothing lost, nothing twice, nothing left unsure.
 *
 * MHSFLOW_DELIVERIES says how many (25 when not set; 10,000 by hand). */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/roles/submit_route.h"
#include "tests/component/deliver_bench.h"

#include <stdio.h>
#include <string.h>

#define HOUR (3600 * CLOCK_SECOND)
#define INSTANCES 10 /* of the submit role, on as many machines */

static int deliveries(void)
{
    const char *text = getenv("MHSFLOW_DELIVERIES");
    int64_t count;
    return text && text_to_int64(text, &count) && count > 0 ? (int)count : 25;
}

static void queue(Bench *bench, int count)
{
    for (int i = 1; i <= count; i++)
        bench_queue(bench, arena_format(arena, "P%05d", i), i);
}

static void all_accepted_once(const Bench *bench, int count)
{
    const Receiver *receiver = &bench->receiver;
    ck_assert_int_eq(ask_number("select count(*) from submission_queue where state = 'accepted'"),
                     count);
    ck_assert_int_eq(ask_number("select count(*) from submission_queue"), count);
    ck_assert_uint_eq(receiver->count, (size_t)count);
    ck_assert_int_eq(receiver->doubled, 0);
}

START_TEST(answers_lost_after_acceptance_are_asked_for)
{
    Bench *bench = bench_new();
    int count = deliveries();
    queue(bench, count);
    bench->receiver.percent = count < 1000 ? 20 : 5; /* so that some are among a few */
    bench->receiver.luck = RECEIVER_LOSES;
    bench->receiver.seed = 7;
    bench_settle_all(bench, 10);
    all_accepted_once(bench, count);
    ck_assert_int_eq(bench->receiver.uploads, count); /* none was sent again */
    ck_assert_int_eq(bench->receiver.questions, bench->receiver.unlucky);
    ck_assert_int_gt(bench->receiver.unlucky, 0);
    fprintf(stderr, "# %d uploads, %d answers lost after acceptance: 0 doubled, 0 unsure\n", count,
            bench->receiver.unlucky);
    bench_free(bench);
}
END_TEST

/* ---- cut at each step ---- */

#define GONE ((size_t)1000000) /* more than any document has: read it all */

typedef struct Cut {
    const char *what;
    ReceiverMood mood; /* of the first whole upload; FAIR: the steps cut before it */
    PeerStep steps[4];
    size_t count;
} Cut;

static const Cut cuts[] = {
    {"closes before TLS", .steps = {{PEER_ACCEPT_RAW}, {PEER_CLOSE}}, .count = 2},
    {"resets before TLS", .steps = {{PEER_ACCEPT_RAW}, {PEER_RESET}}, .count = 2},
    {"breaks off the handshake",
     .steps = {{PEER_ACCEPT_RAW},
               {PEER_SEND, "\x16\x03\x03\x00\x7a\x02", .number = 6},
               {PEER_CLOSE}},
     .count = 3},
    {"resets after the handshake", .steps = {{PEER_ACCEPT}, {PEER_RESET}}, .count = 2},
    {"closes after the handshake", .steps = {{PEER_ACCEPT}, {PEER_CLOSE}}, .count = 2},
    {"resets after the head", .steps = {{PEER_ACCEPT}, {PEER_EXPECT}, {PEER_RESET}}, .count = 3},
    {"resets in the body",
     .steps = {{PEER_ACCEPT}, {PEER_EXPECT}, {PEER_READ_SOME, .number = 9}, {PEER_RESET}},
     .count = 4},
    {"half-closes in the body",
     .steps = {{PEER_ACCEPT}, {PEER_EXPECT}, {PEER_READ_SOME, .number = 9}, {PEER_HALF_CLOSE}},
     .count = 4},
    {"resets after the body",
     .steps = {{PEER_ACCEPT}, {PEER_EXPECT}, {PEER_READ_SOME, .number = GONE}, {PEER_RESET}},
     .count = 4},
    {"closes in the status line",
     .steps = {{PEER_ACCEPT}, {PEER_EXPECT}, {PEER_SEND, "HTTP/1.1 20"}, {PEER_CLOSE}}, .count = 4},
    {"closes in the header lines",
     .steps = {{PEER_ACCEPT},
               {PEER_EXPECT},
               {PEER_SEND, "HTTP/1.1 201 Created\r\nContent-Le"},
               {PEER_CLOSE}},
     .count = 4},
    {"takes it in and says nothing", RECEIVER_FORGETS},
    {"accepts and says nothing", RECEIVER_LOSES},
    {"accepts and cuts its answer", RECEIVER_CUTS},
};

START_TEST(a_cut_at_any_step_is_made_good)
{
    const Cut *cut = &cuts[_i];
    Bench *bench = bench_new_after(cut->steps, cut->count);
    bench->receiver.mood = cut->mood;
    bench->receiver.for_uploads = cut->mood != RECEIVER_FAIR;
    queue(bench, 1);
    ck_assert(bench_deliver(bench));
    SubmissionState state = bench->last.state;
    ck_assert_msg(state == SUBMISSION_READY || state == SUBMISSION_UNSURE, "%s", cut->what);
    bench_settle_all(bench, 3);
    all_accepted_once(bench, 1);
    /* what may have arrived is not sent again before the receiver said that it did not */
    ck_assert_msg(state == SUBMISSION_READY || bench->receiver.questions >= 1, "%s", cut->what);
    bench_free(bench);
}
END_TEST

/* ---- a day without the receiver ---- */

static void *open_dead(Bench *bench)
{
    static const char text[] = "url: https://127.0.0.1:9/msr/v1\n";
    const Section *section;
    YamlNode *map;
    void *dead;
    ok(yaml_parse("settings", text, strlen(text), arena, &map, err));
    ok(section_read(map, &bench->route.adapter->options, 1, arena, &section, err));
    ok(bench->route.adapter->open("sandbox", section, &bench->requests.requests, &dead, err));
    return dead;
}

/* Deliveries to nobody until this instance's breaker opens. */
static void lose_receiver(Bench *bench)
{
    bench->route.breaker = (Breaker){0};
    while (!bench->route.breaker.open) {
        bench_make_due();
        ck_assert(bench_deliver(bench));
        ck_assert_int_eq(bench->last.state, SUBMISSION_READY);
    }
}

/* Probes until `end`, on a clock that jumps to each probe's time; when the first one behind it
 * comes. */
static int64_t probe_until(Bench *bench, int64_t end, int *ret_probes)
{
    Breaker *breaker = &bench->route.breaker;
    int64_t now = 0;
    for (*ret_probes = 0;; ++*ret_probes) {
        now += breaker->probe_at - clock_steady();
        ck_assert(!breaker_may_probe(breaker, clock_steady()));
        if (now >= end)
            return now;
        breaker->probe_at = clock_steady();
        ck_assert(breaker_may_probe(breaker, clock_steady()));
        ck_assert(!submit_route_probe(&bench->route, arena));
    }
}

START_TEST(a_day_without_the_receiver_costs_probes_and_nothing_else)
{
    Bench *bench = bench_new();
    int count = deliveries(), most = 0, all = 0, crowd[60] = {0}, fullest = 0;
    void *alive = bench->route.self;
    queue(bench, count);
    bench->route.self = open_dead(bench);
    for (int i = 0; i < INSTANCES; i++) {
        int probes;
        lose_receiver(bench);
        int64_t back = probe_until(bench, 24 * HOUR, &probes) - 24 * HOUR;
        int minute = (int)(back / (60 * CLOCK_SECOND));
        ck_assert_int_lt(minute, 60); /* found again within the hour */
        fullest = ++crowd[minute] > fullest ? crowd[minute] : fullest;
        most = probes > most ? probes : most;
        all += probes;
    }
    ck_assert_int_le(most, 200);
    ck_assert_int_le(fullest, INSTANCES / 2); /* they do not come back as one */
    ck_assert_int_eq(ask_number("select sum(attempts) from submission_queue"), 0);
    bench->route.adapter->close(bench->route.self);
    bench->route.self = alive;
    ck_assert(submit_route_probe(&bench->route, arena));
    bench_settle_all(bench, 2);
    all_accepted_once(bench, count);
    ck_assert_int_eq(bench->receiver.uploads, count);
    ck_assert_int_eq(ask_number("select max(attempts) from submission_queue"), 1);
    fprintf(stderr,
            "# %d queued, 24 h away, %d instances: %d probes on average, %d at most, at most %d"
            " instances back in one minute, no attempt charged, %d delivered\n",
            count, INSTANCES, all / INSTANCES, most, fullest, bench->receiver.uploads);
    bench_free(bench);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {answers_lost_after_acceptance_are_asked_for,
                                  a_day_without_the_receiver_costs_probes_and_nothing_else};
    case_timeout = 60 + deliveries() / 2;
    return case_run_loop("many deliveries", tests, sizeof tests / sizeof *tests,
                         a_cut_at_any_step_is_made_good, sizeof cuts / sizeof *cuts);
}
