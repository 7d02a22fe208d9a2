/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL dies: nothing acknowledged is lost, nothing is half there, chains hold, listeners
 * wake. */
#include "tests/component/store_case.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PAGE 20

/* A page of persons with its cursor, as one transaction; true when the commit was acknowledged. */
static bool take_page_of(Store *on, int number, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    Change changes[PAGE];
    char ids[PAGE][16], records[PAGE][64];
    SourceCounts counts;
    int64_t seq = (int64_t)number * PAGE;
    for (int i = 0; i < PAGE; i++) {
        snprintf(ids[i], sizeof ids[i], "P%07lld", (long long)seq + i);
        snprintf(records[i], sizeof records[i], "{\"id\":\"%s\"}", ids[i]);
        changes[i] = upsert("person", ids[i], 1, records[i]);
        changes[i].seq = seq + i;
    }
    FeedCursor cursor = {.epoch = "e", .phase = "changes", .cursor = "c", .seq = seq + PAGE - 1};
    return store_begin(on, &transaction, err) &&
           source_apply(on, "feed-b", changes, PAGE, &counts, err) &&
           feed_save_page(on, "feed-b", &cursor, &counts, (NextPoll){1000, 0}, err) &&
           store_commit(&transaction, err);
}

static void reconnect(void)
{
    Error problem = {0};
    for (int i = 0; i < 200 && !store_ensure(store, &problem); i++)
        ck_assert_int_eq(problem.kind, ERROR_LATER);
    ok(store_ensure(store, err));
}

START_TEST(a_dead_server_is_later_and_is_found_again)
{
    Error problem = {0};
    int64_t now;
    pg_kill(cluster);
    ck_assert(!store_now(store, &now, &problem));
    ck_assert_int_eq(problem.kind, ERROR_LATER);
    ck_assert_str_eq(problem.code, "store.connection");
    ck_assert(!store_ensure(store, &problem));
    ck_assert_int_eq(problem.kind, ERROR_LATER);
    pg_restart(cluster);
    reconnect();
    ok(store_now(store, &now, err));
}
END_TEST

/* Several hosts: the first does not answer, the next is where one may write. */
START_TEST(a_failover_address_finds_the_one_that_lives)
{
    _cleanup_store_ Store *other = NULL;
    const char *host = strstr(database, "host=");
    int64_t now;
    ck_assert_ptr_nonnull(host);
    const char *several =
        arena_format(arena, "%.*shost=/tmp/mhsflow-nobody-here,%s target_session_attrs=read-write",
                     (int)(host - database), database, host + strlen("host="));
    ok(store_open(several, "test", &other, err));
    ok(store_now(other, &now, err));
    pg_kill(cluster);
    Error problem = {0};
    ck_assert(!store_now(other, &now, &problem));
    ck_assert_str_eq(problem.code, "store.connection");
    pg_restart(cluster);
    for (int i = 0; i < 600 && !store_ensure(other, &problem); i++)
        poll(NULL, 0, 100);
    ok(store_now(other, &now, err));
}
END_TEST

START_TEST(records_and_cursor_go_together)
{
    Error problem = {0};
    ok(feed_register(store, "feed-b", "b", err));
    ok(take_page_of(store, 0, err));
    Transaction transaction = {0};
    SourceCounts counts;
    Change change = upsert("person", "PX", 1, "{\"id\":\"PX\"}");
    ok(store_begin(store, &transaction, err));
    ok(source_apply(store, "feed-b", &change, 1, &counts, err));
    pg_kill(cluster);
    ck_assert(!store_commit(&transaction, &problem));
    ck_assert_int_eq(problem.kind, ERROR_LATER);
    pg_restart(cluster);
    reconnect();
    ck_assert_int_eq(ask_number("select count(*) from source_record where id = 'PX'"), 0);
    ck_assert_int_eq(ask_number("select seq from feed_state"), PAGE - 1);
    ok(take_page_of(store, 1, err));
    AuditVerdict verdict;
    ok(audit_verify(store, arena, &verdict, err));
    ck_assert_uint_eq(verdict.fault_count, 0);
}
END_TEST

/* ---- killed at any moment, while pages come ---- */

typedef struct Poller {
    Store *store;
    int acknowledged; /* pages */
    int ended;
    char why[700];
} Poller;

static void *poll_beside(void *argument)
{
    Poller *poller = argument;
    Error err = {0};
    while (take_page_of(poller->store, poller->acknowledged, &err))
        __atomic_add_fetch(&poller->acknowledged, 1, __ATOMIC_SEQ_CST);
    error_text(&err, poller->why, sizeof poller->why);
    __atomic_store_n(&poller->ended, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

START_TEST(nothing_acknowledged_is_lost)
{
    Poller poller = {.store = store};
    ok(feed_register(store, "feed-b", "b", err));
    for (int round = 0; round < 4; round++) {
        pthread_t thread;
        int before = poller.acknowledged;
        poller.ended = 0;
        pthread_create(&thread, NULL, poll_beside, &poller);
        while (__atomic_load_n(&poller.acknowledged, __ATOMIC_SEQ_CST) < before + 3 + round) {
            ck_assert_msg(!__atomic_load_n(&poller.ended, __ATOMIC_SEQ_CST), "%s", poller.why);
            poll(NULL, 0, 1); /* until some pages are in; then, wherever it stands */
        }
        pg_kill(cluster);
        pthread_join(thread, NULL);
        pg_restart(cluster);
        reconnect();
        int64_t records = ask_number("select count(*) from source_record");
        /* The last page may be in although nobody was told; never half of it, never less than was
         * said. */
        ck_assert_int_ge(records, (int64_t)poller.acknowledged * PAGE);
        ck_assert_int_le(records, ((int64_t)poller.acknowledged + 1) * PAGE);
        ck_assert_int_eq(records % PAGE, 0);
        ck_assert_int_eq(ask_number("select seq from feed_state"), records - 1);
        poller.acknowledged = (int)(records / PAGE);
    }
    AuditVerdict verdict;
    ok(audit_verify(store, arena, &verdict, err));
    ck_assert_uint_eq(verdict.fault_count, 0);
    ck_assert_int_eq(ask_number("select count(*) from audit_event where event = 'feed_advanced'"),
                     poller.acknowledged);
}
END_TEST

START_TEST(a_listener_hears_again_after_an_outage)
{
    Store *other;
    bool woken = false;
    ok(store_listen(store, CHANNEL_WORK, err));
    ok(store_drain(store, &woken, err));
    ck_assert(!woken);
    pg_kill(cluster);
    pg_restart(cluster);
    /* The server's last words may come before its end. */
    struct pollfd end = {.fd = store_fd(store), .events = POLLIN};
    Error lost = {0};
    while (store_drain(store, &woken, &lost))
        ck_assert_int_eq(poll(&end, 1, 10000), 1);
    ck_assert_str_eq(lost.code, "store.connection");
    reconnect();
    ok(store_drain(store, &woken, err)); /* what was called meanwhile was not heard */
    ck_assert(woken);
    ok(store_open(database, "poll", &other, err));
    ok(store_notify(other, CHANNEL_WORK, err));
    struct pollfd wait = {.fd = store_fd(store), .events = POLLIN};
    ck_assert_int_eq(poll(&wait, 1, 10000), 1);
    ok(store_drain(store, &woken, err));
    ck_assert(woken);
    store_close(other);
}
END_TEST

START_TEST(one_notification_per_transaction_at_its_commit)
{
    Store *other;
    bool woken;
    ok(store_open(database, "map", &other, err));
    ok(store_listen(other, CHANNEL_WORK, err));
    take_person("feed-b", 1, "given");
    struct pollfd wait = {.fd = store_fd(other), .events = POLLIN};
    ck_assert_int_eq(poll(&wait, 1, 10000), 1);
    ok(store_drain(other, &woken, err));
    ck_assert(woken);
    ok(store_drain(other, &woken, err));
    ck_assert(!woken);
    store_close(other);
}
END_TEST

START_TEST(who_is_there_is_told)
{
    Presence *all;
    size_t count;
    ok(store_beat(store, err));
    ok(store_beat(store, err));
    ok(store_presences(store, arena, &all, &count, err));
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(all[0].role, "test");
    ck_assert(all[0].alive);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_dead_server_is_later_and_is_found_again,
                                  a_failover_address_finds_the_one_that_lives,
                                  records_and_cursor_go_together,
                                  nothing_acknowledged_is_lost,
                                  a_listener_hears_again_after_an_outage,
                                  one_notification_per_transaction_at_its_commit,
                                  who_is_there_is_told};
    setenv("CK_FORK", "no", 1); /* the server belongs to this process, also after a restart */
    return case_run("store: outage", tests, sizeof tests / sizeof *tests);
}
