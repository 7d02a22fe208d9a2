/* SPDX-License-Identifier: Apache-2.0 */
/* The roles submit and sign as processes of their own: they deliver, survive, stop and start again.
 */
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/roles/role.h"
#include "daemon/roles/submit_route.h"
#include "tests/component/deliver_bench.h"
#include "tests/harness/peer_certificate.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define DEADLINE ((60 + deliveries()) * CLOCK_SECOND)

static int deliveries(void)
{
    const char *text = getenv("MHSFLOW_DELIVERIES");
    return text ? (int)strtol(text, NULL, 10) : 30;
}

typedef struct Site {
    Bench *bench;
    const char *settings, *journal;
    pid_t sign, submit;
} Site;

static void write_settings(Site *site)
{
    const Bench *bench = site->bench;
    const char *text = arena_format(
        arena,
        "state: %s\ndatabase: \"%s\"\ndataset: %s/mappings/mhsds-6.0\n"
        "routes:\n  - {name: sandbox, adapter: https, url: \"%s\", ca: %s, stall_timeout: 2s}\n"
        "providers:\n  - {code: V9X01, route: sandbox}\n"
        "signing: {certificate: %s/c.pem, key: %s/k.pem, socket: %s, log: %s, rate: 10000}\n",
        bench->folder, database, getenv("MHSFLOW_SOURCE_ROOT"), peer_url(bench->peer, "/msr/v1"),
        peer_ca_path(bench->peer), bench->folder, bench->folder, bench->socket, bench->log);
    ok(file_write(site->settings, text, strlen(text), 0600, err));
}

static Site site_new(void)
{
    Site site = {.bench = bench_new()};
    bench_stop_signer(site.bench);
    site.settings = arena_format(arena, "%s/mhsflow.yaml", site.bench->folder);
    site.journal = arena_format(arena, "%s/journal", site.bench->folder);
    write_settings(&site);
    ok(store_listen(store, CHANNEL_SUBMIT, err));
    return site;
}

static pid_t start(const Site *site, const Role *role, const char *fault)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child)
        return child;
    int journal = open(site->journal, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(journal, 2);
    unsetenv("JOURNAL_STREAM");
    if (fault)
        setenv("MHSFLOW_FAULT", fault, 1);
    _exit(role_main(role, site->settings));
}

static void stop(pid_t role)
{
    int status;
    kill(role, SIGTERM);
    ck_assert_int_eq(waitpid(role, &status, 0), role);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
}

/* Until the statement says `wanted`: woken by the queue's own hints, looked at five times a second.
 */
static void until(const char *statement, const char *wanted)
{
    int64_t deadline = clock_steady() + DEADLINE;
    for (;;) {
        bool woken;
        const char *got = ask_text(statement);
        if (strcmp(got, wanted) == 0)
            return;
        ck_assert_msg(clock_steady() < deadline, "%s: %s, not %s", statement, got, wanted);
        struct pollfd wait = {.fd = store_fd(store), .events = POLLIN};
        poll(&wait, 1, 200);
        ok(store_drain(store, &woken, err));
    }
}

static size_t told(const Site *site, const char *word)
{
    char *text;
    size_t size, count = 0;
    ok(file_read(site->journal, 1 << 20, arena, &text, &size, err));
    ck_assert_msg(!strstr(text, "<MHSDS>") && !strstr(text, "P0000001"), "%s", text);
    for (const char *at = text; (at = strstr(at, word)); at++)
        count++;
    return count;
}

#define STATES "select string_agg(distinct state, ',' order by state) from submission_queue"

START_TEST(two_processes_deliver_what_is_queued)
{
    Site site = site_new();
    bench_queue(site.bench, "V9X01", 1);
    site.sign = start(&site, &role_sign, NULL);
    site.submit = start(&site, &role_submit, NULL);
    until(STATES, "accepted");
    bench_queue(site.bench, "V9X02", 2); /* while it waits: the hint wakes it */
    until(STATES, "accepted");
    ck_assert_int_eq(site.bench->receiver.uploads, 2);
    stop(site.submit);
    stop(site.sign);
    ck_assert_uint_eq(told(&site, " submission_accepted"), 2);
    ck_assert_int_ne(access(site.bench->socket, F_OK), 0);
    bench_free(site.bench);
}
END_TEST

START_TEST(the_signer_may_come_later)
{
    Site site = site_new();
    bench_queue(site.bench, "V9X01", 1);
    site.submit = start(&site, &role_submit, NULL);
    until("select (count(*) > 0)::text from audit_event where event = 'submission_postponed'",
          "true");
    site.sign = start(&site, &role_sign, NULL);
    bench_make_due();
    until(STATES, "accepted");
    stop(site.submit);
    stop(site.sign);
    ck_assert_uint_le(told(&site, " awaiting"), 1);
    ck_assert_uint_eq(told(&site, " submission_delayed"), 1);
    bench_free(site.bench);
}
END_TEST

START_TEST(a_killed_role_is_followed_by_one_that_asks)
{
    Site site = site_new();
    int status;
    bench_queue(site.bench, "V9X01", 1);
    site.sign = start(&site, &role_sign, NULL);
    site.submit = start(&site, &role_submit, "submit.before_answer");
    ck_assert_int_eq(waitpid(site.submit, &status, 0), site.submit);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ask_text("update submission_queue set lease_until = mhsflow.now() - interval '1 s'");
    site.submit = start(&site, &role_submit, NULL);
    until(STATES, "accepted");
    ck_assert_int_eq(site.bench->receiver.uploads, 1);
    ck_assert_int_ge(site.bench->receiver.questions, 1);
    stop(site.submit);
    stop(site.sign);
    bench_free(site.bench);
}
END_TEST

START_TEST(a_stopped_route_waits_for_a_person)
{
    Site site = site_new();
    Receiver *receiver = &site.bench->receiver;
    receiver->mood = RECEIVER_DISTRUSTS;
    receiver->for_uploads = 1;
    bench_queue(site.bench, "V9X01", 1);
    site.sign = start(&site, &role_sign, NULL);
    site.submit = start(&site, &role_submit, NULL);
    until("select state from route_state", "stopped");
    /* not by waiting, not by a restart */
    bench_make_due();
    stop(site.submit);
    site.submit = start(&site, &role_submit, NULL);
    until("select (count(*) > 1)::text from presence where role = 'submit'", "true");
    ck_assert_int_eq(receiver->uploads, 1);
    ck_assert_str_eq(ask_text(STATES), "ready");
    /* by a reload */
    kill(site.submit, SIGHUP);
    until(STATES, "accepted");
    until("select state from route_state", "ok");
    ck_assert_uint_eq(told(&site, " route_stopped"), 1);
    stop(site.submit);
    stop(site.sign);
    bench_free(site.bench);
}
END_TEST

/* `mhsflow queue retry` does the same as a reload, for the route of that submission. */
START_TEST(a_retry_reopens_a_stopped_route)
{
    Site site = site_new();
    Receiver *receiver = &site.bench->receiver;
    receiver->mood = RECEIVER_DISTRUSTS;
    receiver->for_uploads = 1;
    int64_t id = bench_queue(site.bench, "V9X01", 1);
    site.sign = start(&site, &role_sign, NULL);
    site.submit = start(&site, &role_submit, NULL);
    until("select state from route_state", "stopped");
    ck_assert_str_eq(ask_text("select attempts from submission_queue"), "0");
    ok(submission_retry(store, id, "a.person", err));
    until(STATES, "accepted");
    until("select string_agg(fields->>'from' || '>' || (fields->>'to') || ' ' ||"
          " coalesce(fields->>'actor', '-'), ', ' order by number) from audit_event"
          " where event = 'route_changed'",
          "ok>stopped -, stopped>ok a.person");
    ck_assert_uint_eq(told(&site, " route_stopped"), 1);
    ck_assert_uint_eq(told(&site, " route_back"), 1);
    stop(site.submit);
    stop(site.sign);
    bench_free(site.bench);
}
END_TEST

#define MINUTES (60 * CLOCK_SECOND)

/* Asked again between 45 and 75 minutes after `from`. */
static void asked_in_an_hour(const SubmitRoute *route, int64_t from)
{
    ck_assert_int_ge(route->knock_at, from + 45 * MINUTES);
    ck_assert_int_le(route->knock_at, clock_steady() + 75 * MINUTES);
}

static bool hour_passes(SubmitRoute *route)
{
    ck_assert(!submit_route_knock(route, arena)); /* not before its time */
    route->knock_at = 0;
    return submit_route_knock(route, arena);
}

static SubmitRoute open_route(const Site *site)
{
    const Config *config;
    SubmitRoute route;
    ok(config_load(site->settings, adapter_options, arena, &config, err));
    submit_route_open(&route, &config->routes[0], config, &site->bench->requests.requests, false,
                      arena);
    return route;
}

START_TEST(a_stopped_route_is_asked_about_once_an_hour)
{
    Site site = site_new();
    Receiver *receiver = &site.bench->receiver;
    int64_t began = clock_steady();
    bench_start_signer(site.bench);
    SubmitRoute route = open_route(&site);
    receiver->mood = RECEIVER_DISTRUSTS;
    receiver->for_uploads = 1;
    route.route.stopped = true;
    submit_route_stopped(&route);
    asked_in_an_hour(&route, began);
    ck_assert(!hour_passes(&route));
    ck_assert(route.route.stopped);
    asked_in_an_hour(&route, began);
    ck_assert_int_eq(receiver->questions, 1);
    receiver->mood = RECEIVER_FAIR;
    ck_assert(hour_passes(&route));
    ck_assert(!route.route.stopped);
    ck_assert_int_eq(receiver->questions, 2);
    ck_assert_int_eq(receiver->uploads, 0);
    submit_route_close(&route);
    bench_free(site.bench);
}
END_TEST

START_TEST(a_route_that_cannot_be_opened_is_tried_once_an_hour)
{
    Site site = site_new();
    const char *ca = peer_ca_path(site.bench->peer), *aside = arena_format(arena, "%s.aside", ca);
    bench_start_signer(site.bench);
    ck_assert_int_eq(rename(ca, aside), 0);
    SubmitRoute route = open_route(&site);
    ck_assert(route.route.stopped);
    ck_assert(!hour_passes(&route));
    ck_assert_int_eq(rename(aside, ca), 0);
    ck_assert(hour_passes(&route));
    ck_assert(!route.route.stopped);
    submit_route_close(&route);
    bench_free(site.bench);
}
END_TEST

static void put_key(const Site *site, int days)
{
    peer_make_certificate(arena_format(arena, "%s/c.pem", site->bench->folder),
                          arena_format(arena, "%s/k.pem", site->bench->folder), "p256", -1, days);
}

#define KEYS "select count(*) from audit_event where event = 'signing_key_changed'"

/* What was signed keeps its signature on every attempt; what comes after gets the new key's. */
START_TEST(a_signing_key_is_replaced_without_a_pause)
{
    Site site = site_new();
    Receiver *receiver = &site.bench->receiver;
    receiver->mood = RECEIVER_BUSY;
    receiver->for_uploads = 1;
    put_key(&site, 20);
    bench_queue(site.bench, "V9X01", 1);
    site.sign = start(&site, &role_sign, NULL);
    site.submit = start(&site, &role_submit, NULL);
    until("select state || attempts::text from submission_queue", "ready1");
    until(KEYS, "1");
    const char *old_key = ask_text("select key_id from signing_key");
    const char *signature = ask_text("select md5(signature) from submission");
    put_key(&site, 3000);
    kill(site.sign, SIGHUP);
    bench_make_due();
    until(STATES, "accepted");
    ck_assert_str_eq(ask_text("select md5(signature) from submission"), signature);
    bench_queue(site.bench, "V9X02", 2);
    until(STATES, "accepted");
    until(KEYS, "2");
    ck_assert_str_ne(ask_text("select key_id from signing_key"), old_key);
    ck_assert_str_eq(ask_text("select fields->>'from' from audit_event where event ="
                              " 'signing_key_changed' order by number desc limit 1"),
                     old_key);
    ck_assert_int_eq(receiver->doubled, 0);
    ck_assert_int_eq(receiver->uploads, 3);
    stop(site.submit);
    stop(site.sign);
    ck_assert_uint_eq(told(&site, " signer_rekeyed"), 1);
    ck_assert_uint_eq(told(&site, " signer_expires"), 1); /* of the first one */
    bench_free(site.bench);
}
END_TEST

/* Seconds until everything that is queued is accepted. */
static double drain(ReceiverMood luck, char letter, int count)
{
    Site site = site_new();
    site.bench->receiver.percent = luck == RECEIVER_FAIR ? 0 : count < 1000 ? 20 : 5;
    site.bench->receiver.luck = luck;
    for (int i = 1; i <= count; i++)
        bench_queue(site.bench, arena_format(arena, "%c%05d", letter, i), i);
    site.sign = start(&site, &role_sign, NULL);
    int64_t began = clock_steady();
    site.submit = start(&site, &role_submit, NULL);
    until("select count(*) from submission_queue where state <> 'accepted'", "0");
    double seconds = (double)(clock_steady() - began) / CLOCK_SECOND;
    ck_assert_uint_eq(site.bench->receiver.count, (size_t)count);
    ck_assert_int_eq(site.bench->receiver.doubled, 0);
    ck_assert_int_eq(site.bench->receiver.uploads, count + site.bench->receiver.unlucky);
    stop(site.submit);
    stop(site.sign);
    bench_free(site.bench);
    return seconds;
}

/* MHSFLOW_DELIVERIES says how many; the figure means something with some thousands. */
START_TEST(one_503_in_twenty_uploads_holds_up_nothing_else)
{
    int count = deliveries();
    double clean = drain(RECEIVER_FAIR, 'P', count),
           overloaded = drain(RECEIVER_OVERLOADED, 'Q', count);
    fprintf(stderr, "# %d uploads: %.1f s; with some answered by 503 %.1f s: %.0f %% of the rate\n",
            count, clean, overloaded, 100 * clean / overloaded);
}
END_TEST

/* As stop(); the most memory it ever had, in KiB. */
static long stop_and_weigh(pid_t role)
{
    struct rusage used;
    int status;
    kill(role, SIGTERM);
    ck_assert_int_eq(wait4(role, &status, 0, &used), role);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
    return used.ru_maxrss;
}

#ifdef __SANITIZE_ADDRESS__
#define MEMORY_LIMIT (1024L * 1024) /* the sanitizer's own */
#else
#define MEMORY_LIMIT (64L * 1024)
#endif

/* MHSFLOW_DOCUMENT_MIB says how large. */
START_TEST(a_large_document_is_signed_and_sent_in_little_memory)
{
    const char *text = getenv("MHSFLOW_DOCUMENT_MIB");
    Site site = site_new();
    site.bench->padding = text ? (int)strtol(text, NULL, 10) : 64;
    bench_queue(site.bench, "V9X01", 1);
    site.sign = start(&site, &role_sign, NULL);
    site.submit = start(&site, &role_submit, NULL);
    until(STATES, "accepted");
    ck_assert_int_eq(site.bench->receiver.uploads, 1);
    long submit = stop_and_weigh(site.submit), sign = stop_and_weigh(site.sign);
    fprintf(stderr,
            "# %d MiB sent: at most %ld MiB in submit, %ld MiB in sign (with what each has of the "
            "test itself)\n",
            site.bench->padding, submit / 1024, sign / 1024);
    ck_assert_int_lt(submit, MEMORY_LIMIT);
    ck_assert_int_lt(sign, MEMORY_LIMIT);
    bench_free(site.bench);
}
END_TEST

/* An hour back, a day and ten years ahead, and what is only drift. */
static bool run_under_a_moving_clock(RoleContext *context, Error *error)
{
    static const int64_t steps[] = {-3600, 86400, 3650 * 86400LL, 30, -30, 0};
    (void)error;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int64_t began = clock_steady();
        role_wait(context, 20, -1);
        ck_assert_int_lt(clock_steady() - began, 60 * CLOCK_SECOND); /* waits do not follow it */
        clock_move(steps[i] * CLOCK_SECOND);
    }
    return true;
}

START_TEST(a_clock_that_is_set_is_said_once_and_moves_no_wait)
{
    static const Role role = {.name = "poll", .summary = "moves", .run = run_under_a_moving_clock};
    Site site = site_new();
    int status;
    pid_t child = start(&site, &role, NULL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
    ck_assert_uint_eq(told(&site, " clock_jumped"), 3);
    ck_assert_uint_eq(told(&site, "WAIT=-3600 s"), 1);
    bench_free(site.bench);
}
END_TEST

START_TEST(a_route_that_cannot_be_opened_does_not_end_the_role)
{
    Site site = site_new();
    unlink(peer_ca_path(site.bench->peer));
    bench_queue(site.bench, "V9X01", 1);
    site.sign = start(&site, &role_sign, NULL);
    site.submit = start(&site, &role_submit, NULL);
    until("select state from route_state", "stopped");
    ck_assert_int_eq(waitpid(site.submit, NULL, WNOHANG), 0);
    ck_assert_str_eq(ask_text(STATES), "ready");
    stop(site.submit);
    stop(site.sign);
    bench_free(site.bench);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {two_processes_deliver_what_is_queued,
                                  the_signer_may_come_later,
                                  a_killed_role_is_followed_by_one_that_asks,
                                  a_stopped_route_waits_for_a_person,
                                  a_retry_reopens_a_stopped_route,
                                  a_stopped_route_is_asked_about_once_an_hour,
                                  a_route_that_cannot_be_opened_is_tried_once_an_hour,
                                  a_signing_key_is_replaced_without_a_pause,
                                  one_503_in_twenty_uploads_holds_up_nothing_else,
                                  a_large_document_is_signed_and_sent_in_little_memory,
                                  a_clock_that_is_set_is_said_once_and_moves_no_wait,
                                  a_route_that_cannot_be_opened_does_not_end_the_role};
    case_timeout = 60 + deliveries();
    return case_run("submit and sign", tests, sizeof tests / sizeof *tests);
}
