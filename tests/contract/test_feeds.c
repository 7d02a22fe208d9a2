/* SPDX-License-Identifier: Apache-2.0 */
/* What every feed adapter promises, held against each in the registry: a place that only moves
 * forward, pages whole or not at all, and clear words when the other side misbehaves. */
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "tests/contract/feed_site.h"
#include "tests/harness/tunnel.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ALL_OF_IT "P1.1 P2.1 P3.1 R1.1 R2.1 1.1 2.1 3.1 4.1 P4.1 R1.2 -4.2 5.1 1.3 "

/* A protocol of its own has a suite of its own: tests/component/test_since.c. */
static bool speaks_mef(const FeedAdapter *adapter)
{
    return strcmp(adapter->name, "mef") == 0;
}

/* What lies in a folder has its tests in tests/unit/adapters. */
static size_t adapter_count(void)
{
    size_t count, servers = 0;
    const FeedAdapter *const *all = feed_adapters(&count);
    for (size_t i = 0; i < count; i++)
        servers += speaks_mef(all[i]);
    return servers;
}

static const FeedAdapter *adapter_at(int index)
{
    size_t count;
    const FeedAdapter *const *all = feed_adapters(&count);
    for (size_t i = 0; i < count; i++)
        if (speaks_mef(all[i]) && index-- == 0)
            return all[i];
    return NULL;
}

/* An error says what and what kind, and nothing of a record. */
static void is_clear(const FeedSite *site, const char *what)
{
    char text[700];
    ck_assert_msg(site->err.kind == ERROR_LATER || site->err.kind == ERROR_CONFIG ||
                      site->err.kind == ERROR_DATA,
                  "%s: kind %d", what, site->err.kind);
    ck_assert_msg(site->err.code && site->err.cause[0], "%s: no code or cause", what);
    error_text(&site->err, text, sizeof text);
    ck_assert_msg(!strstr(text, FEED_PEER_MARKER) && !strstr(text, "token-one"), "%s: %s", what,
                  text);
}

START_TEST(an_adapter_says_what_it_is)
{
    const FeedAdapter *adapter = adapter_at(_i);
    ck_assert(adapter->name && adapter->summary && adapter->options);
    ck_assert_ptr_eq(feed_adapter(adapter->name), adapter);
    ck_assert_ptr_eq(adapter_options("feed", adapter->name), adapter->options);
    for (const OptionDecl *option = adapter->options; option->name; option++)
        ck_assert_msg(option->help && strlen(option->help) > 10, "%s.%s has no help", adapter->name,
                      option->name);
    adapter->close(NULL);
}
END_TEST

START_TEST(everything_comes_once_and_the_place_only_moves_forward)
{
    FeedPeer feed = {.token = "token-one"};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    FeedSite *site = feed_site_new(adapter_at(_i), peer, NULL);
    ck_assert(feed_site_open(site));
    int64_t seq = 0;
    do {
        ck_assert_msg(feed_site_fetch(site), "%s", site->err.cause);
        ck_assert_int_ge(site->cursor.seq, seq);
        ck_assert_msg(!site->cursor.complete || !site->page.more, "complete while more waits");
        ck_assert_msg(llabs(site->page.clock_skew_ms) < 5000, "skew of our own machine");
        seq = site->cursor.seq;
    } while (site->page.more);
    ck_assert_str_eq(site->seen, ALL_OF_IT);
    ck_assert(site->cursor.complete);
    ck_assert_int_eq(site->cursor.seq, 114);
    /* at the head there is nothing new, and nothing moves */
    const char *before = arena_text(site->settings, site->cursor.cursor);
    int asked = feed.requests;
    ck_assert(feed_site_drain(site));
    ck_assert_uint_eq(site->page.count, 0);
    ck_assert_str_eq(site->cursor.cursor, before);
    ck_assert(site->cursor.complete);
    ck_assert_int_eq(feed.requests, asked + 1);
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

/* A process dies after each page in turn; the next one goes on from what was kept. */
START_TEST(a_new_process_goes_on_where_the_last_one_stopped)
{
    FeedPeer feed = {.token = "token-one"};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    FeedSite *site = feed_site_new(adapter_at(_i), peer, NULL);
    do {
        ck_assert(feed_site_open(site));
        ck_assert_msg(feed_site_fetch(site), "%s", site->err.cause);
    } while (site->page.more);
    ck_assert_str_eq(site->seen, ALL_OF_IT);
    ck_assert(site->cursor.complete);
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

START_TEST(a_proxy_is_gone_through_and_learns_nothing)
{
    FeedPeer feed = {.token = "token-one"};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    Tunnel *tunnel = tunnel_start(NULL),
           *closed = tunnel_start("407 Proxy Authentication Required");
    FeedSite *site = feed_site_new(adapter_at(_i), peer, tunnel_setting(closed));
    ck_assert(feed_site_open(site));
    ck_assert(!feed_site_fetch(site));
    is_clear(site, "a proxy that refuses");
    ck_assert_int_eq(feed.requests, 0);
    feed_site_free(site);
    site = feed_site_new(adapter_at(_i), peer, tunnel_setting(tunnel));
    ck_assert(feed_site_open(site));
    ck_assert_msg(feed_site_drain(site), "%s", site->err.cause);
    ck_assert_str_eq(site->seen, ALL_OF_IT);
    ck_assert_uint_ge(tunnel_connections(tunnel), 1);
    ck_assert(!tunnel_saw(tunnel, "token-one"));
    feed_site_free(site);
    tunnel_stop(tunnel);
    tunnel_stop(closed);
    peer_stop(peer);
}
END_TEST

START_TEST(what_is_new_later_comes_later)
{
    FeedPeer feed = {.token = "token-one", .changes = 1};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    FeedSite *site = feed_site_new(adapter_at(_i), peer, NULL);
    ck_assert(feed_site_open(site) && feed_site_drain(site));
    ck_assert(site->cursor.complete);
    site->seen[0] = '\0';
    feed.changes = 2;
    ck_assert(feed_site_drain(site));
    ck_assert_str_eq(site->seen, "R1.2 ");
    ck_assert(site->cursor.complete);
    feed.changes = 0;
    ck_assert(feed_site_drain(site));
    ck_assert_str_eq(site->seen, "R1.2 -4.2 5.1 1.3 ");
    ck_assert(site->cursor.complete);
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

static const struct {
    const char *what;
    FeedFault fault;
    const char *status, *code, *headers;
    ErrorKind kind; /* ERROR_NONE: it is taken all the same */
    const char *error;
    int64_t wait_ms;
} faults[] = {
    {"no trailer", FEED_FAULT_NO_TRAILER, NULL, NULL, NULL, ERROR_LATER, "feed.trailer", 0},
    {"wrong count", FEED_FAULT_COUNT, NULL, NULL, NULL, ERROR_LATER, "feed.count", 0},
    {"markup", FEED_FAULT_HTML, NULL, NULL, NULL, ERROR_LATER, "feed.html", 0},
    {"short body", FEED_FAULT_SHORT, NULL, NULL, NULL, ERROR_LATER, "http.receive", 0},
    {"long body", FEED_FAULT_LONG, NULL, NULL, NULL, ERROR_NONE, NULL, 0},
    {"two answers", FEED_FAULT_TWICE, NULL, NULL, NULL, ERROR_NONE, NULL, 0},
    {"empty body", FEED_FAULT_EMPTY, NULL, NULL, NULL, ERROR_LATER, "feed.trailer", 0},
    {"no answer", FEED_FAULT_CLOSE, NULL, NULL, NULL, ERROR_LATER, "http.receive", 0},
    {"not HTTP", FEED_FAULT_GARBAGE, NULL, NULL, NULL, ERROR_LATER, "http.receive", 0},
    {"broken gzip", FEED_FAULT_GZIP_BROKEN, NULL, NULL, NULL, ERROR_LATER, "http.encoding", 0},
    {"gzip cut short", FEED_FAULT_GZIP_CUT, NULL, NULL, NULL, ERROR_LATER, NULL, 0},
    {"gzip bomb", FEED_FAULT_GZIP_BOMB, NULL, NULL, NULL, ERROR_LATER, "http.too_large", 0},
    {"cursor loop", FEED_FAULT_LOOP, NULL, NULL, NULL, ERROR_LATER, "feed.cursor_loop", 0},
    {"endless pages", FEED_FAULT_ENDLESS, NULL, NULL, NULL, ERROR_LATER, "feed.empty_pages", 0},
    {"bad lines", FEED_FAULT_BAD_LINES, NULL, NULL, NULL, ERROR_NONE, NULL, 0},
    {"bad record", FEED_FAULT_BAD_RECORD, NULL, NULL, NULL, ERROR_NONE, NULL, 0},
    {"429", FEED_FAULT_STATUS, "429 Too Many Requests", "rate_limited", "Retry-After: 7\r\n",
     ERROR_LATER, "feed.rate_limited", 7000},
    {"503", FEED_FAULT_STATUS, "503 Service Unavailable", "maintenance", NULL, ERROR_LATER,
     "feed.maintenance", 0},
    {"500", FEED_FAULT_STATUS, "500 Internal Server Error", "internal", NULL, ERROR_LATER,
     "feed.internal", 0},
    {"400", FEED_FAULT_STATUS, "400 Bad Request", "bad_cursor", NULL, ERROR_CONFIG,
     "feed.bad_cursor", 0},
    {"401", FEED_FAULT_STATUS, "401 Unauthorized", "token_invalid", NULL, ERROR_CONFIG,
     "feed.token_invalid", 0},
    {"403", FEED_FAULT_STATUS, "403 Forbidden", "scope_missing", NULL, ERROR_CONFIG,
     "feed.scope_missing", 0},
    {"404", FEED_FAULT_STATUS, "404 Not Found", NULL, NULL, ERROR_CONFIG, "feed.not_found", 0},
    {"426", FEED_FAULT_STATUS, "426 Upgrade Required", "schema_unsupported", NULL, ERROR_CONFIG,
     "feed.schema", 0},
    {"redirect", FEED_FAULT_STATUS, "302 Found", NULL, "Location: https://elsewhere.example/\r\n",
     ERROR_CONFIG, "feed.redirect", 0},
    {"204", FEED_FAULT_STATUS, "204 No Content", NULL, NULL, ERROR_LATER, "feed.status", 0},
};

/* In the middle of the change log the other side does it twice (so that 401 fails for good); then
 * it behaves again, and nothing is missing. */
START_TEST(misbehaviour_is_named_and_loses_nothing)
{
    const char *what = faults[_i].what;
    for (size_t index = 0; index < adapter_count(); index++) {
        FeedPeer feed = {.token = "token-one",
                         .fault = faults[_i].fault,
                         .fault_path = "/changes",
                         .fault_times = faults[_i].fault == FEED_FAULT_ENDLESS ? 60 : 2,
                         .status = faults[_i].status,
                         .code = faults[_i].code,
                         .headers = faults[_i].headers};
        Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
        FeedSite *site = feed_site_new(adapter_at((int)index), peer, NULL);
        ck_assert(feed_site_open(site));
        bool went = feed_site_drain(site);
        if (faults[_i].kind == ERROR_NONE) {
            ck_assert_msg(went, "%s: %s", what, site->err.cause);
        } else {
            ck_assert_msg(!went, "%s was taken", what);
            is_clear(site, what);
            ck_assert_msg(site->err.kind == faults[_i].kind, "%s: kind %d, %s", what,
                          site->err.kind, site->err.cause);
            if (faults[_i].error)
                ck_assert_msg(strcmp(site->err.code, faults[_i].error) == 0, "%s: %s", what,
                              site->err.code);
            ck_assert_int_eq(site->wait.wait_ms, faults[_i].wait_ms);
            ck_assert_str_eq(site->cursor.phase, "changes");
            feed.fault = FEED_FAULT_NONE;
            ck_assert_msg(feed_site_drain(site), "%s: %s", what, site->err.cause);
        }
        ck_assert_msg(strcmp(site->seen, ALL_OF_IT) == 0, "%s: %s", what, site->seen);
        ck_assert(site->cursor.complete);
        feed_site_free(site);
        peer_stop(peer);
    }
}
END_TEST

START_TEST(a_bad_record_is_named_and_the_rest_goes_on)
{
    FeedPeer feed = {.token = "token-one",
                     .fault = FEED_FAULT_BAD_RECORD,
                     .fault_path = "/changes",
                     .fault_times = 1};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    FeedSite *site = feed_site_new(adapter_at(_i), peer, NULL);
    size_t refused = 0;
    ck_assert(feed_site_open(site));
    do {
        ck_assert(feed_site_fetch(site));
        refused += site->page.refused_count;
        for (size_t i = 0; i < site->page.refused_count; i++)
            ck_assert_str_eq(site->page.refused[i].code, "change.id");
    } while (site->page.more);
    ck_assert_uint_eq(refused, 1);
    ck_assert_str_eq(site->seen, ALL_OF_IT);
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

START_TEST(a_feed_that_was_restored_is_read_anew)
{
    FeedPeer feed = {.token = "token-one"};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    FeedSite *site = feed_site_new(adapter_at(_i), peer, NULL);
    ck_assert(feed_site_open(site) && feed_site_drain(site));
    site->seen[0] = '\0';
    feed.epoch = 7;
    bool restarted = false;
    do {
        ck_assert_msg(feed_site_fetch(site), "%s", site->err.cause);
        restarted = restarted || site->page.restart;
        ck_assert_msg(!site->page.restart || !site->page.count, "a restart brings no records");
    } while (site->page.more);
    ck_assert(restarted);
    ck_assert_str_eq(site->seen, ALL_OF_IT);
    ck_assert(site->cursor.complete);
    /* and one that asks for it for ever is not followed for ever */
    feed.fault = FEED_FAULT_STATUS;
    feed.fault_path = "/snapshot";
    feed.fault_times = 1000;
    feed.status = "410 Gone";
    feed.code = "cursor_expired";
    site->cursor = (FeedCursor){0};
    ck_assert(!feed_site_drain(site));
    is_clear(site, "restart loop");
    ck_assert_str_eq(site->err.code, "feed.restart_loop");
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

START_TEST(a_new_credential_is_read_without_a_restart)
{
    FeedPeer feed = {.token = "token-one"};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    FeedSite *site = feed_site_new(adapter_at(_i), peer, NULL);
    ck_assert(feed_site_open(site) && feed_site_drain(site));
    feed.token = "token-two";
    ck_assert(!feed_site_drain(site));
    ck_assert_int_eq(site->err.kind, ERROR_CONFIG);
    is_clear(site, "old token");
    FILE *file = fopen(site->token_path, "w");
    fputs("token-two\n", file);
    fclose(file);
    ck_assert_msg(feed_site_drain(site), "%s", site->err.cause);
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

/* Four lines that are no records stand between good ones: each is named, none is taken. */
START_TEST(bad_lines_are_named_each)
{
    static const char *const codes[] = {"change.id", "line.json", "line.json", "line.shape"};
    FeedPeer feed = {.token = "token-one",
                     .fault = FEED_FAULT_BAD_LINES,
                     .fault_path = "/changes",
                     .fault_times = 1};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    FeedSite *site = feed_site_new(adapter_at(_i), peer, NULL);
    size_t refused = 0;
    ck_assert(feed_site_open(site));
    do {
        ck_assert_msg(feed_site_fetch(site), "%s", site->err.cause);
        for (size_t i = 0; i < site->page.refused_count; i++)
            ck_assert_str_eq(site->page.refused[i].code, codes[refused++]);
    } while (site->page.more);
    ck_assert_uint_eq(refused, COUNT_OF(codes));
    ck_assert_str_eq(site->seen, ALL_OF_IT);
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

/* Mutual TLS: with our certificate everything comes, and no token is needed; without it nothing. */
START_TEST(a_client_certificate_is_shown_where_it_is_asked_for)
{
    FeedPeer feed = {.token = "token-one"};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_CLIENT_NEEDED);
    FeedSite *site = feed_site_new(adapter_at(_i), peer, NULL);
    ck_assert(feed_site_open(site) && !feed_site_drain(site));
    is_clear(site, "no client certificate");
    ck_assert_int_eq(feed.requests, 0);
    char more[512];
    snprintf(more, sizeof more, "client_certificate: %s\nclient_key: %s\n",
             peer_client_certificate(peer), peer_client_key(peer));
    feed_site_free(site);
    site = feed_site_new(adapter_at(_i), peer, more);
    ck_assert_msg(feed_site_open(site) && feed_site_drain(site), "%s", site->err.cause);
    ck_assert_str_eq(site->seen, ALL_OF_IT);
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

/* A silent peer costs the timeout, not more; a reset is no page. */
START_TEST(silence_and_resets_end)
{
    static const PeerStep stalls[] = {
        {.act = PEER_ACCEPT}, {.act = PEER_EXPECT}, {.act = PEER_STALL}};
    static const PeerStep half[] = {
        {.act = PEER_ACCEPT},
        {.act = PEER_EXPECT},
        {.act = PEER_SEND, .a = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Le"},
        {.act = PEER_STALL}};
    static const PeerStep resets[] = {
        {.act = PEER_ACCEPT}, {.act = PEER_EXPECT}, {.act = PEER_RESET}};
    static const PeerStep mute[] = {{.act = PEER_ACCEPT_RAW}, {.act = PEER_STALL}};
    static const struct {
        const PeerStep *steps;
        size_t count;
    } scripts[] = {{stalls, COUNT_OF(stalls)},
                   {half, COUNT_OF(half)},
                   {resets, COUNT_OF(resets)},
                   {mute, COUNT_OF(mute)}};
    for (size_t i = 0; i < COUNT_OF(scripts) - (getenv("MHSFLOW_LONG") ? 0 : 1); i++) {
        Peer *peer = peer_start(PEER_TLS_GOOD, scripts[i].steps, scripts[i].count);
        FeedSite *site = feed_site_new(adapter_at(_i), peer, NULL);
        ck_assert(feed_site_open(site));
        ck_assert(!feed_site_fetch(site));
        is_clear(site, "silence");
        ck_assert_int_eq(site->err.kind, ERROR_LATER);
        ck_assert_ptr_null(site->cursor.epoch);
        feed_site_free(site);
        peer_stop(peer);
    }
}
END_TEST

/* Whoever cannot prove who it is gets no token and is not believed. */
START_TEST(a_peer_without_proof_gets_nothing)
{
    static const PeerTls wrong[] = {PEER_TLS_WRONG_NAME, PEER_TLS_EXPIRED,  PEER_TLS_SELF_SIGNED,
                                    PEER_TLS_OTHER_CA,   PEER_TLS_1_1_ONLY, PEER_TLS_CHAIN_MISSING,
                                    PEER_TLS_PLAIN};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        FeedPeer feed = {.token = "token-one"};
        Peer *peer = feed_peer_start(&feed, wrong[i]);
        FeedSite *site = feed_site_new(adapter_at(_i), peer, NULL);
        ck_assert(feed_site_open(site));
        ck_assert_msg(!feed_site_fetch(site), "%s was believed", peer_tls_name(wrong[i]));
        is_clear(site, peer_tls_name(wrong[i]));
        ck_assert_msg(!peer_saw(peer, "token-one"), "%s got the token", peer_tls_name(wrong[i]));
        feed_site_free(site);
        peer_stop(peer);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("contract/feeds");
    TCase *tcase = tcase_create("every feed adapter");
    int adapters = (int)adapter_count();
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, an_adapter_says_what_it_is, 0, adapters);
    tcase_add_loop_test(tcase, everything_comes_once_and_the_place_only_moves_forward, 0, adapters);
    tcase_add_loop_test(tcase, a_new_process_goes_on_where_the_last_one_stopped, 0, adapters);
    tcase_add_loop_test(tcase, a_proxy_is_gone_through_and_learns_nothing, 0, adapters);
    tcase_add_loop_test(tcase, what_is_new_later_comes_later, 0, adapters);
    tcase_add_loop_test(tcase, misbehaviour_is_named_and_loses_nothing, 0, (int)COUNT_OF(faults));
    tcase_add_loop_test(tcase, a_bad_record_is_named_and_the_rest_goes_on, 0, adapters);
    tcase_add_loop_test(tcase, bad_lines_are_named_each, 0, adapters);
    tcase_add_loop_test(tcase, a_client_certificate_is_shown_where_it_is_asked_for, 0, adapters);
    tcase_add_loop_test(tcase, a_feed_that_was_restored_is_read_anew, 0, adapters);
    tcase_add_loop_test(tcase, a_new_credential_is_read_without_a_restart, 0, adapters);
    tcase_add_loop_test(tcase, silence_and_resets_end, 0, adapters);
    tcase_add_loop_test(tcase, a_peer_without_proof_gets_nothing, 0, adapters);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
