/* SPDX-License-Identifier: Apache-2.0 */
/* The poll role as a process of its own, against PostgreSQL and feeds that misbehave: no feed holds
 * up another, a stop is quick and leaves nothing half done, and the journal holds nothing of a
 * record. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "daemon/roles/role.h"
#include "daemon/store/source.h"
#include "tests/harness/feed_peer.h"
#include "tests/harness/pg.h"
#include "tests/unit/suite.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_US (60 * CLOCK_SECOND)

static PgCluster *cluster;

typedef struct Site {
    char folder[64], settings[96], journal[96];
    const char *database;
    Store *store; /* listens for work: a page that was stored says so */
    Arena *arena;
    Text feeds;
    pid_t role;
} Site;

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static const char *beside(Site *site, const char *name)
{
    return arena_format(site->arena, "%s/%s", site->folder, name);
}

static Site *site_new(void)
{
    Error err = {0};
    Site *site = calloc(1, sizeof *site);
    snprintf(site->folder, sizeof site->folder, "/tmp/mhsflow-poll-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(site->folder));
    snprintf(site->settings, sizeof site->settings, "%s/mhsflow.yaml", site->folder);
    snprintf(site->journal, sizeof site->journal, "%s/journal", site->folder);
    site->arena = arena_new(4 << 20);
    site->feeds = text_new(site->arena, 1 << 16);
    site->database = pg_database(cluster);
    write_file(beside(site, "token"), "token-one\n");
    ck_assert(store_open(site->database, "poll", &site->store, &err));
    ck_assert(store_listen(site->store, CHANNEL_WORK, &err));
    return site;
}

static void add_feed(Site *site, const char *name, Peer *peer, const char *interval)
{
    text_addf(&site->feeds,
              "  - name: %s\n    adapter: mef\n    id_prefix: %.1s\n    url: %s\n    ca: %s\n    "
              "token: %s\n    timeout: 2s\n"
              "    poll_interval: %s\n",
              name, name, peer_url(peer, "/export/v1"), peer_ca_path(peer), beside(site, "token"),
              interval);
}

static void write_settings(Site *site)
{
    write_file(site->settings,
               arena_format(
                   site->arena,
                   "state: %s\ndatabase: \"%s\"\nfeeds:\n%sroutes: [{name: r, adapter: https, url: "
                   "\"https://127.0.0.1:1/msr/v1\"}]\nproviders: [{code: V9X01, route: r}]\n"
                   "signing: {certificate: %s/none, key: %s/none}\n",
                   site->folder, site->database, text_get(&site->feeds), site->folder,
                   site->folder));
}

static void start(Site *site)
{
    write_settings(site);
    site->role = fork();
    ck_assert_int_ge(site->role, 0);
    if (site->role)
        return;
    int journal = open(site->journal, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(journal, 2);
    unsetenv("JOURNAL_STREAM");
    _exit(role_main(&role_poll, site->settings));
}

static const char *ask(Site *site, const char *feed, const char *what)
{
    return pg_ask(site->database,
                  arena_format(site->arena, "select %s from mhsflow.feed_state where feed = '%s'",
                               what, feed));
}

/* Until `what` of the feed is `wanted`; woken by the role's own hints, looked at twice a second. */
static void until(Site *site, const char *feed, const char *what, const char *wanted)
{
    int64_t deadline = clock_steady() + DEADLINE_US;
    for (;;) {
        Error err = {0};
        bool woken;
        const char *got = ask(site, feed, what);
        if (strcmp(got, wanted) == 0)
            return;
        ck_assert_msg(clock_steady() < deadline, "%s of %s: %s, not %s", what, feed, got, wanted);
        ck_assert_msg(waitpid(site->role, NULL, WNOHANG) == 0, "the role ended");
        struct pollfd wait = {.fd = store_fd(site->store), .events = POLLIN};
        poll(&wait, 1, 500);
        store_drain(site->store, &woken, &err);
    }
}

/* Asks it to stop; how long it took, in milliseconds. */
static int64_t stop(Site *site)
{
    int status;
    int64_t before = clock_steady();
    kill(site->role, SIGTERM);
    ck_assert_int_eq(waitpid(site->role, &status, 0), site->role);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
    return (clock_steady() - before) / 1000;
}

static const char *journal_of(Site *site)
{
    char *text;
    size_t size;
    Error err = {0};
    ck_assert(file_read(site->journal, 1 << 20, site->arena, &text, &size, &err));
    ck_assert_msg(!strstr(text, FEED_PEER_MARKER) && !strstr(text, "token-one") &&
                      !strstr(text, "P1"),
                  "%s", text);
    return text;
}

static size_t times(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, word)); at++)
        count++;
    return count;
}

static void site_free(Site *site)
{
    unlink(site->settings);
    unlink(site->journal);
    unlink(beside(site, "token"));
    rmdir(site->folder);
    store_close(site->store);
    arena_free(site->arena);
    free(site);
}

static const PeerStep stalls[] = {
    {.act = PEER_ACCEPT}, {.act = PEER_EXPECT}, {.act = PEER_STALL}, {.act = PEER_GOTO}};

START_TEST(no_feed_holds_up_another)
{
    FeedPeer one = {.token = "token-one"}, two = {.token = "token-one"};
    Peer *good = feed_peer_start(&one, PEER_TLS_GOOD),
         *silent = peer_start(PEER_TLS_GOOD, stalls, COUNT_OF(stalls)),
         *stranger = feed_peer_start(&two, PEER_TLS_SELF_SIGNED);
    Site *site = site_new();
    add_feed(site, "a-silent", silent, "1s");
    add_feed(site, "b-stranger", stranger, "1s");
    add_feed(site, "c-good", good, "1s");
    start(site);
    until(site, "c-good", "complete", "t");
    until(site, "a-silent", "state", "late");
    until(site, "b-stranger", "state", "stopped");
    ck_assert_str_eq(ask(site, "a-silent", "epoch is null and pages = 0"), "t");
    stop(site);
    const char *journal = journal_of(site);
    ck_assert_uint_eq(times(journal, "feed_caught_up"), 1);
    ck_assert_uint_eq(times(journal, "feed_stopped"), 1);
    ck_assert_uint_eq(times(journal, "feed_late"), 1);
    site_free(site);
    peer_stop(good);
    peer_stop(silent);
    peer_stop(stranger);
}
END_TEST

START_TEST(a_stop_in_the_middle_of_a_page_is_quick_and_no_failure)
{
    Peer *silent = peer_start(PEER_TLS_GOOD, stalls, COUNT_OF(stalls));
    Site *site = site_new();
    add_feed(site, "silent", silent, "1s");
    start(site);
    int64_t deadline = clock_steady() + DEADLINE_US;
    while (!peer_saw(silent, "GET /export/v1/manifest") && clock_steady() < deadline)
        poll(NULL, 0, 20);
    int64_t took = stop(site);
    ck_assert_msg(took < 1900, "%lld ms", (long long)took);
    ck_assert_str_eq(ask(site, "silent", "state || failures"), "new0");
    ck_assert_uint_eq(times(journal_of(site), "role_stopped"), 1);
    site_free(site);
    peer_stop(silent);
}
END_TEST

START_TEST(a_person_need_not_wait_for_the_interval)
{
    Error err = {0};
    FeedPeer feed = {.token = "token-one", .changes = 2};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    Site *site = site_new();
    add_feed(site, "daily", peer, "24h");
    start(site);
    until(site, "daily", "complete", "t");
    feed.changes = 0;
    ck_assert_msg(feed_poll_now(site->store, "daily", &err), "%s", err.cause);
    until(site, "daily", "seq", "114");
    /* paused: not even then */
    ck_assert(feed_pause(site->store, "daily", "tester", &err));
    int asked = feed.requests;
    ck_assert(feed_resume(site->store, "daily", "tester", &err));
    ck_assert(feed_poll_now(site->store, "daily", &err));
    int64_t deadline = clock_steady() + DEADLINE_US;
    while (feed.requests == asked && clock_steady() < deadline)
        poll(NULL, 0, 20);
    ck_assert_int_gt(feed.requests, asked);
    stop(site);
    journal_of(site);
    site_free(site);
    peer_stop(peer);
}
END_TEST

/* How often a feed was asked since; polled at once, however long it would rest. */
static void ask_again(Site *site, const char *feed, const FeedPeer *peer, int times)
{
    Error err = {0};
    for (int wanted = peer->requests + times; peer->requests < wanted;) {
        int before = peer->requests;
        int64_t deadline = clock_steady() + DEADLINE_US;
        ck_assert_msg(feed_poll_now(site->store, feed, &err), "%s", err.cause);
        while (peer->requests == before && clock_steady() < deadline)
            poll(NULL, 0, 20);
        ck_assert_int_gt(peer->requests, before);
    }
}

static void fail_with(FeedPeer *feed, const char *status, int times)
{
    feed->fault_path = "/";
    feed->fault_times = times;
    feed->status = status;
    feed->fault = FEED_FAULT_STATUS;
}

#define SILENT_SINCE                                                                               \
    "update mhsflow.feed_state set last_news = mhsflow.now() - interval '8 d' where feed = "       \
    "'e-silent' returning 1"

/* Five feeds in trouble, each asked many times: one line each in the journal, and a word about what
 * to do where a person can do something. */
START_TEST(each_trouble_is_said_once)
{
    FeedPeer feeds[5];
    Peer *peers[5];
    static const char *const names[] = {"a-stops", "b-late", "c-shrinks", "d-back", "e-silent"};
    Site *site = site_new();
    for (int i = 0; i < 5; i++) {
        feeds[i] = (FeedPeer){.token = "token-one"};
        peers[i] = feed_peer_start(&feeds[i], PEER_TLS_GOOD);
        add_feed(site, names[i], peers[i], "24h");
    }
    start(site);
    for (int i = 0; i < 5; i++)
        until(site, names[i], "complete", "t");
    fail_with(&feeds[0], "403 Forbidden", 1000);
    fail_with(&feeds[1], "503 Service Unavailable", 1000);
    feeds[2].epoch = 4;
    feeds[2].forgotten = 1;
    feeds[3].changes = 1; /* the same epoch, an older copy */
    fail_with(&feeds[3], "503 Service Unavailable", 1);
    pg_ask(site->database, SILENT_SINCE);
    for (int i = 0; i < 5; i++)
        ask_again(site, names[i], &feeds[i], 8);
    until(site, "a-stops", "state || (remedy is not null)", "stoppedtrue");
    until(site, "b-late", "state || (remedy is not null)", "downtrue");
    until(site, "c-shrinks", "missing || ' ' || complete", "1 true");
    until(site, "d-back", "round || ' ' || complete || ' ' || seq", "2 true 110");
    until(site, "e-silent", "silent", "t");
    feeds[4].epoch = 4; /* and speaks again */
    ask_again(site, "e-silent", &feeds[4], 4);
    until(site, "e-silent", "silent || ' ' || round || ' ' || complete", "false 2 true");
    stop(site);
    const char *journal = journal_of(site);
    ck_assert_uint_eq(times(journal, "feed_stopped"), 1);
    ck_assert_uint_eq(times(journal, "feed_down"), 1);
    ck_assert_uint_eq(times(journal, "feed_late"), 2);   /* b before it was down, and d */
    ck_assert_uint_eq(times(journal, "feed_shrunk"), 2); /* c and d */
    ck_assert_uint_eq(times(journal, "feed_silent"), 1);
    ck_assert_uint_eq(times(journal, "feed_restarted"), 3); /* c, d, e */
    ck_assert_uint_eq(times(journal, "feed.backwards"), 1); /* why it was read anew */
    for (int i = 0; i < 5; i++)
        peer_stop(peers[i]);
    site_free(site);
}
END_TEST

START_TEST(new_settings_are_taken_without_a_restart)
{
    FeedPeer one = {.token = "token-one"}, two = {.token = "token-one"};
    Peer *first = feed_peer_start(&one, PEER_TLS_GOOD),
         *second = feed_peer_start(&two, PEER_TLS_GOOD);
    Site *site = site_new();
    add_feed(site, "first", first, "1s");
    start(site);
    until(site, "first", "complete", "t");
    add_feed(site, "second", second, "1s");
    write_settings(site);
    kill(site->role, SIGHUP);
    until(site, "second", "complete", "t");
    stop(site);
    ck_assert_uint_eq(times(journal_of(site), "settings_reloaded"), 1);
    site_free(site);
    peer_stop(first);
    peer_stop(second);
}
END_TEST

START_TEST(a_database_that_is_away_is_waited_for)
{
    FeedPeer feed = {.token = "token-one", .changes = 1};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    Site *site = site_new();
    add_feed(site, "feed", peer, "1s");
    start(site);
    /* A database copied from a template has sequences whose next values no log knows until a
     * checkpoint; one made by migrations, as in use, has none of that. */
    pg_ask(site->database, "checkpoint");
    until(site, "feed", "complete", "t");
    pg_kill(cluster);
    feed.changes = 0;
    int64_t deadline = clock_steady() + DEADLINE_US;
    while (!times(journal_of(site), "database_lost") && clock_steady() < deadline)
        poll(NULL, 0, 50);
    pg_restart(cluster);
    Error err = {0};
    while (!store_ensure(site->store, &err) && clock_steady() < deadline)
        error_clear(&err);
    until(site, "feed", "seq", "114");
    /* a connection may have outlived its server long enough to store the page: then only this tells
     */
    while (!times(journal_of(site), "database_back") && clock_steady() < deadline)
        poll(NULL, 0, 50);
    stop(site);
    const char *journal = journal_of(site);
    ck_assert_uint_eq(times(journal, "database_lost"), 1);
    ck_assert_uint_eq(times(journal, "database_back"), 1);
    ck_assert_uint_eq(times(journal, "role_failed"), 0);
    ck_assert_uint_eq(times(journal, "FATAL"), 0);
    site_free(site);
    peer_stop(peer);
}
END_TEST

int main(void)
{
    cluster = pg_start();
    Suite *suite = suite_create("component/poll");
    TCase *tcase = tcase_create("poll");
    tcase_set_timeout(tcase, 180);
    tcase_add_test(tcase, no_feed_holds_up_another);
    tcase_add_test(tcase, a_stop_in_the_middle_of_a_page_is_quick_and_no_failure);
    tcase_add_test(tcase, a_person_need_not_wait_for_the_interval);
    tcase_add_test(tcase, each_trouble_is_said_once);
    tcase_add_test(tcase, new_settings_are_taken_without_a_restart);
    tcase_add_test(tcase,
                   a_database_that_is_away_is_waited_for); /* last: it takes the server along */
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    pg_stop(cluster);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
