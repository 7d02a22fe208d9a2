/* SPDX-License-Identifier: Apache-2.0 */
/* What every submit adapter promises, against receivers that answer, lie, stall and break off. */
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "tests/contract/submit_site.h"
#include "tests/harness/tunnel.h"
#include "tests/unit/suite.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define JSON_HEAD "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
#define GONE UINT64_C(1000000) /* more than any document has: read it all */

typedef struct Row {
    const char *what;
    PeerStep steps[6];
    Verdict submit, inquire; /* what is right to say */
    bool stops;
    int64_t wait_ms;
} Row;

/* A whole exchange that ends in this answer. */
#define ANSWERS(status, body, headers)                                                             \
    {                                                                                              \
        {PEER_ACCEPT}, {PEER_EXPECT, NULL},                                                        \
        {                                                                                          \
            PEER_ANSWER, status, body, headers                                                     \
        }                                                                                          \
    }

static const Row rows[] = {
    /* the contract's words */
    {"accepts", ANSWERS("201", "{\"status\":\"accepted\",\"reference\":\"R-1\"}", NULL),
     VERDICT_ACCEPTED, VERDICT_UNKNOWN},
    {"says accepted", ANSWERS("200", "{\"status\":\"accepted\",\"reference\":\"R-1\"}", NULL),
     VERDICT_UNKNOWN, VERDICT_ACCEPTED},
    {"takes in", ANSWERS("202", "{\"status\":\"waiting\",\"reference\":\"R-1\"}", NULL),
     VERDICT_PENDING, VERDICT_UNKNOWN},
    {"still waits", ANSWERS("200", "{\"status\":\"waiting\",\"reference\":\"R-1\"}", NULL),
     VERDICT_UNKNOWN, VERDICT_PENDING},
    {"says rejected",
     ANSWERS("200", "{\"status\":\"rejected\",\"reference\":\"R-1\",\"findings\":[]}", NULL),
     VERDICT_UNKNOWN, VERDICT_REJECTED},
    {"rejects",
     ANSWERS("422", "{\"status\":\"rejected\",\"reference\":\"R-1\",\"findings\":[]}", NULL),
     VERDICT_REJECTED, VERDICT_LATER},
    {"never saw it", ANSWERS("404", "{\"status\":\"unknown\"}", NULL), VERDICT_LATER,
     VERDICT_NEVER_SEEN, true},
    {"has the key for another", ANSWERS("422", "{\"code\":\"key_reused\"}", NULL), VERDICT_REJECTED,
     VERDICT_LATER},
    {"is at work", ANSWERS("409", "{\"code\":\"in_progress\"}", NULL), VERDICT_PENDING,
     VERDICT_PENDING},
    {"has a newer one", ANSWERS("409", "{\"code\":\"superseded\"}", NULL), VERDICT_REJECTED,
     VERDICT_REJECTED},
    {"refuses the signature", ANSWERS("401", "{\"code\":\"signature_invalid\"}", NULL),
     VERDICT_LATER, VERDICT_LATER, true},
    {"does not know us", ANSWERS("403", "{\"code\":\"sender_unknown\"}", NULL), VERDICT_LATER,
     VERDICT_LATER, true},
    {"refuses the request", ANSWERS("400", "{\"code\":\"malformed\"}", NULL), VERDICT_REJECTED,
     VERDICT_LATER},
    {"finds it too large", ANSWERS("413", "", NULL), VERDICT_REJECTED, VERDICT_LATER},
    {"is busy for seconds", ANSWERS("503", "{}", "Retry-After: 7\r\n"), VERDICT_LATER,
     VERDICT_LATER, false, 7000},
    {"is busy for long", ANSWERS("429", "{}", "Retry-After: 90000\r\n"), VERDICT_LATER,
     VERDICT_LATER, false, 90000000},
    {"is busy till long ago",
     ANSWERS("503", "{}", "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), VERDICT_LATER,
     VERDICT_LATER},
    {"has a fault", ANSWERS("500", "<html>oops</html>", NULL), VERDICT_LATER, VERDICT_LATER},
    {"is too early", ANSWERS("425", "", NULL), VERDICT_LATER, VERDICT_LATER},
    {"gave up on us", ANSWERS("408", "", NULL), VERDICT_LATER, VERDICT_LATER},
    {"stands behind a gateway that lost it", ANSWERS("502", "", NULL), VERDICT_UNKNOWN,
     VERDICT_LATER},
    {"stands behind a gateway that gave up", ANSWERS("504", "", NULL), VERDICT_UNKNOWN,
     VERDICT_LATER},
    {"points elsewhere", ANSWERS("307", "", "Location: https://localhost:9/\r\n"), VERDICT_LATER,
     VERDICT_LATER, true},

    /* lies and nonsense */
    {"accepts without a reference", ANSWERS("201", "{\"status\":\"accepted\"}", NULL),
     VERDICT_UNKNOWN, VERDICT_UNKNOWN},
    {"accepts with a forged reference",
     ANSWERS("201", "{\"status\":\"accepted\",\"reference\":\"R\\n2026 accepted\"}", NULL),
     VERDICT_UNKNOWN, VERDICT_UNKNOWN},
    {"accepts in another word",
     ANSWERS("201", "{\"status\":\"Accepted\",\"reference\":\"R-1\"}", NULL), VERDICT_UNKNOWN,
     VERDICT_UNKNOWN},
    {"accepts with a number", ANSWERS("201", "{\"status\":1,\"reference\":\"R-1\"}", NULL),
     VERDICT_UNKNOWN, VERDICT_UNKNOWN},
    {"says both",
     ANSWERS("201", "{\"status\":\"accepted\",\"status\":\"rejected\",\"reference\":\"R\"}", NULL),
     VERDICT_UNKNOWN, VERDICT_UNKNOWN},
    {"sends a login page", ANSWERS("200", "<html>log in</html>", "Content-Type: text/html\r\n"),
     VERDICT_UNKNOWN, VERDICT_UNKNOWN},
    {"sends a proxy's page", ANSWERS("404", "<html>no such page</html>", NULL), VERDICT_LATER,
     VERDICT_UNKNOWN, true},
    {"says nothing at all", ANSWERS("204", NULL, NULL), VERDICT_UNKNOWN, VERDICT_UNKNOWN},
    {"has a status of its own", ANSWERS("999", "{}", NULL), VERDICT_UNKNOWN, VERDICT_LATER},
    {"packs what nobody asked to be packed",
     ANSWERS("201", "{\"status\":\"accepted\",\"reference\":\"R-1\"}",
             "Content-Encoding: gzip\r\n"),
     VERDICT_UNKNOWN, VERDICT_LATER},
    {"answers twice",
     {{PEER_ACCEPT},
      {PEER_EXPECT, NULL},
      {PEER_ANSWER, "201", "{\"status\":\"accepted\",\"reference\":\"R-1\"}"},
      {PEER_ANSWER, "422", "{\"status\":\"rejected\"}"}},
     VERDICT_ACCEPTED,
     VERDICT_UNKNOWN},
    {"announces less than it sends",
     {{PEER_ACCEPT},
      {PEER_EXPECT, NULL},
      {PEER_SEND,
       JSON_HEAD "Content-Length: 21\r\n\r\n{\"status\":\"accepted\",\"reference\":\"R-1\"}"}},
     VERDICT_UNKNOWN,
     VERDICT_UNKNOWN},
    {"announces more than it sends",
     {{PEER_ACCEPT},
      {PEER_EXPECT, NULL},
      {PEER_SEND,
       JSON_HEAD "Content-Length: 99\r\n\r\n{\"status\":\"accepted\",\"reference\":\"R-1\"}"}},
     VERDICT_UNKNOWN,
     VERDICT_LATER},
    {"does not say where it ends",
     {{PEER_ACCEPT},
      {PEER_EXPECT, NULL},
      {PEER_SEND, JSON_HEAD "\r\n{\"status\":\"accepted\",\"reference\":\"R-1\"}"}},
     VERDICT_UNKNOWN,
     VERDICT_LATER},

    /* broken off: bytes have left */
    {"resets in the middle",
     {{PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_RESET}},
     VERDICT_UNKNOWN,
     VERDICT_LATER},
    {"resets after the body",
     {{PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_READ_SOME, .number = GONE}, {PEER_RESET}},
     VERDICT_UNKNOWN,
     VERDICT_LATER},
    {"closes after the body",
     {{PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_READ_SOME, .number = GONE}, {PEER_CLOSE}},
     VERDICT_UNKNOWN,
     VERDICT_LATER},
    {"half-closes after the body",
     {{PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_READ_SOME, .number = GONE}, {PEER_HALF_CLOSE}},
     VERDICT_UNKNOWN,
     VERDICT_LATER},
    {"stalls after the body",
     {{PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_READ_SOME, .number = GONE}, {PEER_STALL}},
     VERDICT_UNKNOWN,
     VERDICT_LATER},
    {"truncates its answer",
     {{PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_SEND, "HTTP/1.1 201 Crea"}, {PEER_CLOSE}},
     VERDICT_UNKNOWN,
     VERDICT_LATER},

    /* broken off before: nothing has left */
    {"stalls before TLS", {{PEER_ACCEPT_RAW}, {PEER_STALL}}, VERDICT_LATER, VERDICT_LATER},
    {"breaks off the handshake",
     {{PEER_ACCEPT_RAW},
      {PEER_SEND, "\x16\x03\x03\x00\x7a\x02\x01\x02", .number = 8},
      {PEER_CLOSE}},
     VERDICT_LATER,
     VERDICT_LATER},
    {"answers the handshake in plain HTTP",
     {{PEER_ACCEPT_RAW}, {PEER_SEND, JSON_HEAD "Content-Length: 2\r\n\r\n{}"}, {PEER_CLOSE}},
     VERDICT_LATER,
     VERDICT_LATER},
    {"answers the handshake with an alert",
     {{PEER_ACCEPT_RAW}, {PEER_SEND, "\x15\x03\x03\x00\x02\x02\x28", .number = 7}, {PEER_CLOSE}},
     VERDICT_LATER,
     VERDICT_LATER},
    {"resets before TLS", {{PEER_ACCEPT_RAW}, {PEER_RESET}}, VERDICT_LATER, VERDICT_LATER},
};

/* Whatever was said of a row: a code, a reason, our own words only. */
static void check_words(const char *what, const SubmitAnswer *answer)
{
    ck_assert_msg(answer->code && *answer->code && answer->reason && *answer->reason,
                  "%s: no code or reason", what);
    for (const char *c = answer->code; *c; c++)
        ck_assert_msg(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_',
                      "%s: code \"%s\"", what, answer->code);
    ck_assert_msg(!strstr(answer->reason, SUBMIT_MARKER) && !strchr(answer->reason, '\n'), "%s",
                  what);
    ck_assert_msg(!answer->reference || !strpbrk(answer->reference, "\r\n "), "%s", what);
    ck_assert_msg(answer->verdict < VERDICT_COUNT, "%s", what);
}

static size_t count_steps(const Row *row)
{
    size_t count = COUNT_OF(row->steps);
    /* the first step is never all zero: ACCEPT has nothing after it that is */
    while (count > 1 && row->steps[count - 1].act == PEER_ACCEPT)
        count--;
    return count;
}

static void ask(const SubmitAdapter *adapter, const Row *row, bool question)
{
    Peer *peer = peer_start(PEER_TLS_GOOD, row->steps, count_steps(row));
    SubmitSite *site = submit_site_new(adapter, peer);
    Verdict wanted = question ? row->inquire : row->submit;
    bool answered =
        question
            ? adapter->inquire(site->self, site->work, &site->submission, &site->answer, &site->err)
            : adapter->submit(site->self, site->work, &site->submission, &site->answer, &site->err);
    ck_assert_msg(answered, "%s: %s", row->what, site->err.cause);
    ck_assert_msg(site->answer.verdict == wanted, "%s, %s %s: verdict %d, not %d (%s)",
                  adapter->name, question ? "asked," : "sent,", row->what, site->answer.verdict,
                  wanted, site->answer.code);
    check_words(row->what, &site->answer);
    if (!question) {
        ck_assert_msg(site->answer.stop_route == row->stops, "%s", row->what);
        ck_assert_msg(site->answer.wait_ms == row->wait_ms, "%s: %lld", row->what,
                      (long long)site->answer.wait_ms);
    }
    ck_assert_msg(peer_connections(peer) == 1, "%s: asked more than once", row->what);
    submit_site_free(site);
    peer_stop(peer);
}

START_TEST(each_receiver_gets_the_right_verdict)
{
    size_t count;
    const SubmitAdapter *const *adapters = submit_adapters(&count);
    ck_assert_uint_gt(count, 0);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; submit_speech(adapters[i]) == SUBMIT_SPEAKS_MSR && k < COUNT_OF(rows);
             k++)
            ask(adapters[i], &rows[k], false);
}
END_TEST

START_TEST(each_question_gets_the_right_verdict)
{
    size_t count;
    const SubmitAdapter *const *adapters = submit_adapters(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; submit_speech(adapters[i]) == SUBMIT_SPEAKS_MSR && k < COUNT_OF(rows);
             k++)
            ask(adapters[i], &rows[k], true);
}
END_TEST

START_TEST(nothing_leaves_where_trust_fails)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT},
        {PEER_EXPECT, NULL},
        {PEER_ANSWER, "201", "{\"status\":\"accepted\",\"reference\":\"R-1\"}"},
        {PEER_GOTO, .number = 0}};
    size_t count;
    const SubmitAdapter *const *adapters = submit_adapters(&count);
    for (size_t i = 0; i < count; i++) {
        if (submit_speech(adapters[i]) == SUBMIT_SPEAKS_TO_NOBODY)
            continue;
        for (PeerTls tls = 0; tls < PEER_TLS_COUNT; tls++) {
            if (peer_tls_trusted(tls))
                continue;
            Peer *peer = peer_start(tls, script, COUNT_OF(script));
            SubmitSite *site = submit_site_new(adapters[i], peer);
            const char *name = peer_tls_name(tls);
            ck_assert_msg(adapters[i]->submit(site->self, site->work, &site->submission,
                                              &site->answer, &site->err),
                          "%s", name);
            ck_assert_msg(site->answer.verdict == VERDICT_LATER, "%s: %s", name, site->answer.code);
            ck_assert_msg(!peer_saw(peer, SUBMIT_MARKER) && !peer_saw(peer, SUBMIT_KEY), "%s",
                          name);
            check_words(name, &site->answer);
            submit_site_free(site);
            peer_stop(peer);
        }
    }
}
END_TEST

/* The document goes to whom we trust and to nobody that they name. */
START_TEST(redirects_lead_nowhere)
{
    static const PeerStep target[] = {
        {PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_ANSWER, "201", "{}"}, {PEER_GOTO, .number = 0}};
    static const char *const statuses[] = {"301", "302", "303", "307", "308"};
    size_t count;
    const SubmitAdapter *const *adapters = submit_adapters(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; submit_speech(adapters[i]) == SUBMIT_SPEAKS_MSR && k < 10; k++) {
            Peer *other = peer_start(k % 2 ? PEER_TLS_PLAIN : PEER_TLS_GOOD, target, 4);
            char where[160];
            snprintf(where, sizeof where, "Location: http%s://localhost:%d/msr/v1/submissions\r\n",
                     k % 2 ? "" : "s", peer_port(other));
            PeerStep script[] = {
                {PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_ANSWER, statuses[k / 2], "", where}};
            Peer *peer = peer_start(PEER_TLS_GOOD, script, 3);
            SubmitSite *site = submit_site_new(adapters[i], peer);
            ck_assert(adapters[i]->submit(site->self, site->work, &site->submission, &site->answer,
                                          &site->err));
            ck_assert_int_eq(site->answer.verdict, VERDICT_LATER);
            ck_assert(site->answer.stop_route);
            ck_assert_uint_eq(peer_connections(other), 0);
            submit_site_free(site);
            peer_stop(peer);
            peer_stop(other);
        }
}
END_TEST

/* Through a proxy that joins: the document arrives, and the proxy saw none of it.  Through one that
 * refuses: nothing arrives. */
START_TEST(a_proxy_is_gone_through_and_learns_nothing)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT},
        {PEER_EXPECT, NULL},
        {PEER_ANSWER, "201", "{\"status\":\"accepted\",\"reference\":\"R-1\"}"},
        {PEER_GOTO, .number = 0}};
    static const char *const refusals[] = {NULL, "407 Proxy Authentication Required",
                                           "403 Forbidden", "502 Bad Gateway"};
    size_t count;
    const SubmitAdapter *const *adapters = submit_adapters(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; submit_speech(adapters[i]) != SUBMIT_SPEAKS_TO_NOBODY && k < 4; k++) {
            Peer *peer = peer_start(PEER_TLS_GOOD, script, COUNT_OF(script));
            Tunnel *tunnel = tunnel_start(refusals[k]);
            SubmitSite *site = submit_site_with(adapters[i], peer, tunnel_setting(tunnel));
            bool msr = submit_speech(adapters[i]) == SUBMIT_SPEAKS_MSR;
            ck_assert(adapters[i]->submit(site->self, site->work, &site->submission, &site->answer,
                                          &site->err));
            if (msr || k > 0)
                ck_assert_msg(site->answer.verdict == (k ? VERDICT_LATER : VERDICT_ACCEPTED),
                              "%s: %s", adapters[i]->name, site->answer.code);
            ck_assert_uint_ge(tunnel_connections(tunnel), 1);
            ck_assert(peer_saw(peer, SUBMIT_MARKER) == (msr && k == 0));
            ck_assert((peer_connections(peer) > 0) == (k == 0));
            ck_assert(!tunnel_saw(tunnel, SUBMIT_MARKER) && !tunnel_saw(tunnel, SUBMIT_KEY));
            check_words("proxy", &site->answer);
            submit_site_free(site);
            tunnel_stop(tunnel);
            peer_stop(peer);
        }
}
END_TEST

START_TEST(findings_are_taken_by_shape)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT},
        {PEER_EXPECT, NULL},
        {PEER_ANSWER, "422",
         "{\"status\":\"rejected\",\"reference\":\"R-9\",\"findings\":["
         "{\"rule\":\"MHS00103\",\"table\":\"MHS001\",\"row\":3,\"element\":\"LocalPatientID\"},"
         "{\"rule\":\"MHS10108\"},"
         "{\"rule\":\"born 1990-01-01, " SUBMIT_MARKER "\",\"table\":\"MHS001\"},"
         "{\"rule\":\"MHS1\",\"table\":\"two words\",\"row\":-1,\"element\":7},"
         "\"text\",null,[]]}"},
    };
    size_t count;
    const SubmitAdapter *const *adapters = submit_adapters(&count);
    for (size_t i = 0; i < count; i++) {
        if (submit_speech(adapters[i]) != SUBMIT_SPEAKS_MSR)
            continue;
        Peer *peer = peer_start(PEER_TLS_GOOD, script, COUNT_OF(script));
        SubmitSite *site = submit_site_new(adapters[i], peer);
        ck_assert(adapters[i]->submit(site->self, site->work, &site->submission, &site->answer,
                                      &site->err));
        ck_assert_int_eq(site->answer.verdict, VERDICT_REJECTED);
        ck_assert_str_eq(site->answer.reference, "R-9");
        ck_assert_uint_eq(site->answer.finding_count, 3);
        ck_assert_str_eq(site->answer.findings[0].rule, "MHS00103");
        ck_assert_str_eq(site->answer.findings[0].element, "LocalPatientID");
        ck_assert_int_eq(site->answer.findings[0].row, 3);
        ck_assert_ptr_null(site->answer.findings[1].table);
        ck_assert_ptr_null(site->answer.findings[2].table);
        ck_assert_int_eq(site->answer.findings[2].row, 0);
        submit_site_free(site);
        peer_stop(peer);
    }
}
END_TEST

START_TEST(probes_carry_nothing)
{
    static const PeerStep alive[] = {
        {PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_ANSWER, "200", "{\"status\":\"ok\"}"}};
    static const PeerStep busy[] = {{PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_ANSWER, "503", "{}"}};
    static const PeerStep away[] = {{PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_RESET}};
    const PeerStep *const scripts[] = {alive, busy, away};
    size_t count;
    const SubmitAdapter *const *adapters = submit_adapters(&count);
    for (size_t i = 0; i < count; i++) {
        if (submit_speech(adapters[i]) == SUBMIT_SPEAKS_TO_NOBODY)
            continue;
        for (size_t k = 0; k < 3; k++) {
            Peer *peer = peer_start(PEER_TLS_GOOD, scripts[k], 3);
            SubmitSite *site = submit_site_new(adapters[i], peer);
            ck_assert(adapters[i]->probe(site->self, site->work, &site->answer, &site->err));
            ck_assert_int_eq(site->answer.verdict, k == 0 ? VERDICT_ACCEPTED : VERDICT_LATER);
            check_words("probe", &site->answer);
            ck_assert(!peer_saw(peer, SUBMIT_MARKER) && !peer_saw(peer, SUBMIT_KEY));
            submit_site_free(site);
            peer_stop(peer);
        }
    }
}
END_TEST

START_TEST(our_own_failure_is_no_answer)
{
    static const PeerStep script[] = {{PEER_ACCEPT}, {PEER_EXPECT, NULL}};
    size_t count;
    const SubmitAdapter *const *adapters = submit_adapters(&count);
    for (size_t i = 0; i < count; i++) {
        if (submit_speech(adapters[i]) != SUBMIT_SPEAKS_MSR)
            continue;
        Peer *peer = peer_start(PEER_TLS_GOOD, script, COUNT_OF(script));
        SubmitSite *site = submit_site_new(adapters[i], peer);
        site->signer_away = true;
        ck_assert(!adapters[i]->submit(site->self, site->work, &site->submission, &site->answer,
                                       &site->err));
        ck_assert_str_eq(site->err.code, "sign.away");
        ck_assert(!adapters[i]->inquire(site->self, site->work, &site->submission, &site->answer,
                                        &site->err));
        site->signer_away = false;
        site->submission.document_size++; /* not the file that was built */
        ck_assert(!adapters[i]->submit(site->self, site->work, &site->submission, &site->answer,
                                       &site->err));
        ck_assert_int_eq(site->err.kind, ERROR_LATER);
        ck_assert_uint_eq(peer_received(peer), 0);
        submit_site_free(site);
        peer_stop(peer);
        adapters[i]->close(NULL);
    }
}
END_TEST

SUITE("contract/submits", each_receiver_gets_the_right_verdict,
      each_question_gets_the_right_verdict, nothing_leaves_where_trust_fails,
      redirects_lead_nowhere, a_proxy_is_gone_through_and_learns_nothing,
      findings_are_taken_by_shape, probes_carry_nothing, our_own_failure_is_no_answer);
