/* SPDX-License-Identifier: Apache-2.0 */
/* The client against peers that do not behave: what failed, and what had left by then. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/net/http.h"
#include "daemon/net/http_failure.h"
#include "tests/harness/peer.h"
#include "tests/unit/suite.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MARKER "payload-that-must-not-leave"

static char document[32];

static void make_document(void)
{
    Error err = {0};
    snprintf(document, sizeof document, "/tmp/http-hostile-XXXXXX");
    int fd = mkstemp(document);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert(file_write(document, MARKER, strlen(MARKER), 0600, &err));
}

typedef struct Outcome {
    bool answered;
    int status;
    HttpFailure failure;
    Error err;
} Outcome;

static Outcome post(const HttpSettings *settings, const char *url)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    _cleanup_http_client_ HttpClient *client = NULL;
    Outcome outcome = {0};
    HttpResponse response = {0};
    HttpHeader header = {"Authorization", MARKER};
    HttpRequest request = {.method = "POST",
                           .url = url,
                           .headers = &header,
                           .header_count = 1,
                           .file_path = document,
                           .file_size = (int64_t)strlen(MARKER),
                           .response_limit = 65536};
    ck_assert(http_client_new(settings, &client, &outcome.err));
    outcome.answered =
        http_exchange(client, arena, &request, &response, &outcome.failure, &outcome.err);
    outcome.status = response.status;
    return outcome;
}

static Outcome post_to(Peer *peer)
{
    HttpSettings settings = {.ca_bundle = peer_ca_path(peer),
                             .connect_timeout_ms = 1500,
                             .stall_timeout_ms = 1000,
                             .total_timeout_ms = 2500};
    return post(&settings, peer_url(peer, "/up"));
}

START_TEST(nothing_leaves_without_trust)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_ANSWER, "201", "{}"}, {PEER_GOTO, .number = 0}};
    int checked = 0;
    make_document();
    for (PeerTls tls = 0; tls < PEER_TLS_COUNT; tls++) {
        if (peer_tls_trusted(tls))
            continue;
        Peer *peer = peer_start(tls, script, COUNT_OF(script));
        Outcome outcome = post_to(peer);
        const char *name = peer_tls_name(tls);
        ck_assert_msg(!outcome.answered, "%s", name);
        ck_assert_msg(outcome.failure.left == HTTP_NOTHING_LEFT, "%s", name);
        ck_assert_msg(!peer_saw(peer, MARKER), "%s", name);
        HttpFailureKind kind = outcome.failure.kind;
        /* a peer that waits for plain HTTP never answers the handshake */
        bool silent = tls == PEER_TLS_PLAIN && kind == HTTP_FAILED_TIMEOUT;
        ck_assert_msg(kind == HTTP_FAILED_TLS || kind == HTTP_FAILED_TRUST || silent, "%s: %s %s",
                      name, outcome.err.code, outcome.err.cause);
        peer_stop(peer);
        checked++;
    }
    ck_assert_int_eq(checked, 32);
    unlink(document);
}
END_TEST

START_TEST(good_peers_are_trusted)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_ANSWER, "201", "{}"}};
    make_document();
    Peer *peer = peer_start(PEER_TLS_12_ONLY, script, COUNT_OF(script));
    ck_assert(post_to(peer).answered);
    ck_assert(peer_saw(peer, MARKER)); /* the test above can see */
    peer_stop(peer);

    peer = peer_start(PEER_TLS_CLIENT_NEEDED, script, COUNT_OF(script));
    HttpSettings settings = {.ca_bundle = peer_ca_path(peer),
                             .client_certificate = peer_client_certificate(peer),
                             .client_key = peer_client_key(peer)};
    ck_assert(post(&settings, peer_url(peer, "/up")).answered);
    peer_stop(peer);
    unlink(document);
}
END_TEST

START_TEST(other_addresses_and_environments_do_not_count)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_ANSWER, "201", "{}"}, {PEER_GOTO, .number = 0}};
    make_document();
    /* the system's CAs do not count beside our bundle, nor the bundle beside the system's */
    Peer *peer = peer_start(PEER_TLS_GOOD, script, COUNT_OF(script));
    Outcome outcome = post(&(HttpSettings){0}, peer_url(peer, "/up"));
    ck_assert(!outcome.answered && outcome.failure.kind == HTTP_FAILED_TRUST);
    ck_assert_int_eq(outcome.err.kind, ERROR_CONFIG);
    /* http, and other schemes */
    char plain[64];
    snprintf(plain, sizeof plain, "http://localhost:%d/up", peer_port(peer));
    HttpSettings settings = {.ca_bundle = peer_ca_path(peer)};
    outcome = post(&settings, plain);
    ck_assert(!outcome.answered && outcome.failure.kind == HTTP_FAILED_LOCAL);
    ck_assert(!post(&settings, "file:///etc/hostname").answered);
    ck_assert(!post(&settings, "ftp://localhost/x").answered);
    snprintf(plain, sizeof plain, "https://user:word@localhost:%d/up", peer_port(peer));
    ck_assert(!post(&settings, plain).answered);
    /* a proxy in the environment */
    setenv("https_proxy", "http://127.0.0.1:9", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
    outcome = post(&settings, peer_url(peer, "/up"));
    ck_assert_msg(outcome.answered, "%s", outcome.err.cause);
    peer_stop(peer);
    unlink(document);
}
END_TEST

START_TEST(a_redirect_is_an_answer_and_nothing_more)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT},
        {PEER_EXPECT, NULL},
        {PEER_ANSWER, "307", "", "Location: https://localhost:9/elsewhere\r\n"},
    };
    make_document();
    Peer *peer = peer_start(PEER_TLS_GOOD, script, COUNT_OF(script));
    Outcome outcome = post_to(peer);
    ck_assert(outcome.answered);
    ck_assert_int_eq(outcome.status, 307);
    ck_assert_uint_eq(peer_request_count(peer), 1);
    peer_stop(peer);
    unlink(document);
}
END_TEST

typedef struct Hostile {
    const char *what;
    PeerStep script[8];
    size_t count;
    HttpFailureKind kind;
    HttpLeft left;
} Hostile;

static const Hostile hostile[] = {
    {"stalls before TLS",
     {{PEER_ACCEPT_RAW}, {PEER_STALL}},
     2,
     HTTP_FAILED_TIMEOUT,
     HTTP_NOTHING_LEFT},
    {"resets before TLS", {{PEER_ACCEPT_RAW}, {PEER_RESET}}, 2, HTTP_FAILED_TLS, HTTP_NOTHING_LEFT},
    {"speaks something else",
     {{PEER_ACCEPT_RAW}, {PEER_SEND, "220 smtp\r\n"}, {PEER_STALL}},
     3,
     HTTP_FAILED_TLS,
     HTTP_NOTHING_LEFT},
    {"resets after the head",
     {{PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_RESET}},
     3,
     HTTP_FAILED_RECEIVE,
     HTTP_MAY_HAVE_LEFT},
    {"stalls after the body",
     {{PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_READ_SOME, .number = 1000}, {PEER_STALL}},
     4,
     HTTP_FAILED_TIMEOUT,
     HTTP_MAY_HAVE_LEFT},
    {"resets after the body",
     {{PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_READ_SOME, .number = 1000}, {PEER_RESET}},
     4,
     HTTP_FAILED_RECEIVE,
     HTTP_MAY_HAVE_LEFT},
    {"half-closes after the body",
     {{PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_READ_SOME, .number = 1000}, {PEER_HALF_CLOSE}},
     4,
     HTTP_FAILED_RECEIVE,
     HTTP_MAY_HAVE_LEFT},
    {"closes without an answer",
     {{PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_READ_SOME, .number = 1000}, {PEER_CLOSE}},
     4,
     HTTP_FAILED_RECEIVE,
     HTTP_MAY_HAVE_LEFT},
    {"truncates its answer",
     {{PEER_ACCEPT},
      {PEER_EXPECT, NULL},
      {PEER_READ_SOME, .number = 1000},
      {PEER_SEND, "HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"status\":"},
      {PEER_CLOSE}},
     5,
     HTTP_FAILED_RECEIVE,
     HTTP_MAY_HAVE_LEFT},
    {"ends without saying so",
     {{PEER_ACCEPT},
      {PEER_EXPECT, NULL},
      {PEER_READ_SOME, .number = 1000},
      {PEER_SEND, "HTTP/1.1 201 Created\r\n\r\n{}"},
      {PEER_HALF_CLOSE}},
     5,
     HTTP_FAILED_RECEIVE,
     HTTP_MAY_HAVE_LEFT},
    {"answers in an older tongue",
     {{PEER_ACCEPT},
      {PEER_EXPECT, NULL},
      {PEER_READ_SOME, .number = 1000},
      {PEER_SEND, "hello there\n"},
      {PEER_CLOSE}},
     5,
     HTTP_FAILED_RECEIVE,
     HTTP_MAY_HAVE_LEFT},
};

START_TEST(each_failure_says_what_may_have_left)
{
    make_document();
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        const Hostile *row = &hostile[i];
        Peer *peer = peer_start(PEER_TLS_GOOD, row->script, row->count);
        Outcome outcome = post_to(peer);
        ck_assert_msg(!outcome.answered, "%s", row->what);
        ck_assert_msg(outcome.failure.left == row->left, "%s: left %d", row->what,
                      outcome.failure.left);
        /* A reset right after accept may come before the connection counts as made. */
        bool early =
            row->script[1].act == PEER_RESET && outcome.failure.kind == HTTP_FAILED_CONNECT;
        ck_assert_msg(early || outcome.failure.kind == row->kind, "%s: %s: %s", row->what,
                      outcome.err.code, outcome.err.cause);
        ck_assert_msg(peer_connections(peer) <= 1, "%s: it was tried again", row->what);
        ck_assert_msg(row->left == HTTP_MAY_HAVE_LEFT || !peer_saw(peer, MARKER), "%s", row->what);
        peer_stop(peer);
    }
    unlink(document);
}
END_TEST

START_TEST(nobody_there_is_certain)
{
    make_document();
    Peer *peer = peer_start(PEER_TLS_GOOD, (PeerStep[]){{PEER_CLOSE}}, 1);
    char url[64];
    snprintf(url, sizeof url, "https://localhost:%d/up", peer_port(peer));
    peer_stop(peer);
    Outcome outcome = post(&(HttpSettings){0}, url);
    ck_assert(!outcome.answered && outcome.failure.kind == HTTP_FAILED_CONNECT);
    ck_assert_int_eq(outcome.failure.left, HTTP_NOTHING_LEFT);
    ck_assert_int_eq(outcome.err.kind, ERROR_LATER);
    outcome = post(&(HttpSettings){0}, "https://no-such-host.invalid/up");
    ck_assert(!outcome.answered && outcome.failure.kind == HTTP_FAILED_RESOLVE);
    ck_assert_int_eq(outcome.failure.left, HTTP_NOTHING_LEFT);
    unlink(document);
}
END_TEST

START_TEST(settings_that_cannot_be_kept_are_refused)
{
    HttpClient *client;
    Error err = {0};
    ck_assert(!http_client_new(&(HttpSettings){.ca_bundle = "/nonexistent"}, &client, &err));
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
    ck_assert(!http_client_new(&(HttpSettings){.client_key = "/dev/null"}, &client, &err));
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
    http_client_free(NULL);
}
END_TEST

START_TEST(header_lines_cannot_be_smuggled)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    _cleanup_http_client_ HttpClient *client = NULL;
    Error err = {0};
    HttpResponse response;
    HttpFailure failure;
    HttpHeader header = {"X-A", "1\r\nX-B: 2"};
    HttpRequest request = {.method = "GET",
                           .url = "https://localhost:9/",
                           .headers = &header,
                           .header_count = 1,
                           .response_limit = 10};
    ck_assert(http_client_new(&(HttpSettings){0}, &client, &err));
    ck_assert(!http_exchange(client, arena, &request, &response, &failure, &err));
    ck_assert_int_eq(err.kind, ERROR_BUG);
}
END_TEST

START_TEST(every_row_of_the_failure_table_is_reachable_once)
{
    for (size_t i = 0; i < http_failure_row_count; i++) {
        const HttpFailureRow *row = &http_failure_rows[i];
        ck_assert_int_eq(http_failure_of(row->result).kind, row->kind);
        ck_assert_int_eq(http_failure_of(row->result).error, row->error);
        ck_assert_int_eq(strncmp(http_failure_code(row->kind), "http.", 5), 0);
    }
    ck_assert_int_eq(http_failure_of(CURLE_TFTP_PERM).kind, HTTP_FAILED_RECEIVE);
}
END_TEST

SUITE("net/http_hostile", nothing_leaves_without_trust, good_peers_are_trusted,
      other_addresses_and_environments_do_not_count, a_redirect_is_an_answer_and_nothing_more,
      each_failure_says_what_may_have_left, nobody_there_is_certain,
      settings_that_cannot_be_kept_are_refused, header_lines_cannot_be_smuggled,
      every_row_of_the_failure_table_is_reachable_once);
