/* SPDX-License-Identifier: Apache-2.0 */
/* A message in chunks: broken off, taken up at the next chunk, never begun twice. */
#include "adapters/submit/submits.h"
#include "daemon/base/cleanup.h"
#include "tests/contract/submit_site.h"
#include "tests/unit/suite.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define MEGABYTE ((int64_t)1 << 20)
#define ID "ABC123"
#define SAYS(how, status, body)                                                                    \
    {PEER_ACCEPT}, {PEER_EXPECT, how},                                                             \
    {                                                                                              \
        PEER_ANSWER, status, body                                                                  \
    }
#define NO_MESSAGE                                                                                 \
    "{\"detail\":[{\"event\":\"RECEIVE\",\"code\":\"20\",\"msg\":\"Message does not exist\"}]}"
#define OUTBOX "/messageexchange/X26ABC1/outbox"
#define HANDSHAKE SAYS("POST /messageexchange/X26ABC1 ", "200", "")
#define UNKNOWN_ID SAYS("GET " OUTBOX "/tracking/" SUBMIT_KEY, "404", NO_MESSAGE)
#define UPLOADING                                                                                  \
    SAYS("GET " OUTBOX "/tracking?messageID=" ID, "200",                                           \
         "{\"message_id\":\"" ID "\",\"status\":\"uploading\",\"status_success\":true}")
#define FIRST_TAKEN SAYS("POST " OUTBOX " ", "202", "{\"message_id\":\"" ID "\"}")

static SubmitSite *site_of(Peer *peer, int64_t size)
{
    SubmitSite *site = submit_site_new(&submit_mesh, peer);
    ck_assert(truncate(site->document_path, size) == 0);
    site->submission.document_size = size;
    return site;
}

static Verdict submit(SubmitSite *site)
{
    ck_assert_msg(
        site->adapter->submit(site->self, site->work, &site->submission, &site->answer, &site->err),
        "%s", site->err.cause);
    ck_assert(site->answer.code && site->answer.reason);
    return site->answer.verdict;
}

static Verdict inquire(SubmitSite *site)
{
    ck_assert_msg(site->adapter->inquire(site->self, site->work, &site->submission, &site->answer,
                                         &site->err),
                  "%s", site->err.cause);
    return site->answer.verdict;
}

START_TEST(a_broken_upload_goes_on_at_its_next_chunk)
{
    static const PeerStep script[] = {
        HANDSHAKE,
        UNKNOWN_ID,
        FIRST_TAKEN,
        SAYS("POST " OUTBOX "/" ID "/2 ", "202", "null"),
        {PEER_ACCEPT},
        {PEER_EXPECT, "POST " OUTBOX "/" ID "/3 "},
        {PEER_RESET},
        UPLOADING,
        SAYS("POST " OUTBOX "/" ID "/3 ", "202", "null"),
        SAYS("POST " OUTBOX "/" ID "/4 ", "202", "{\"message_id\":\"" ID "\"}"),
    };
    Peer *peer = peer_start(PEER_TLS_GOOD, script, COUNT_OF(script));
    SubmitSite *site = site_of(peer, 17 * MEGABYTE);
    ck_assert_int_eq(submit(site), VERDICT_LATER);
    ck_assert_int_eq(submit(site), VERDICT_PENDING);
    ck_assert_str_eq(site->answer.reference, ID);
    ck_assert_msg(!peer_problem(peer), "%s", peer_problem(peer));
    char *range = peer_request_header(peer, 2, "mex-chunk-range");
    char *local = peer_request_header(peer, 2, "mex-localid");
    ck_assert_str_eq(range, "1:4");
    ck_assert_str_eq(local, SUBMIT_KEY);
    free(range);
    free(local);
    submit_site_free(site);
    peer_stop(peer);
}
END_TEST

START_TEST(the_last_chunk_without_an_answer_is_unknown)
{
    static const PeerStep script[] = {
        HANDSHAKE,
        UNKNOWN_ID,
        FIRST_TAKEN,
        {PEER_ACCEPT},
        {PEER_EXPECT, "POST " OUTBOX "/" ID "/2 "},
        {PEER_READ_SOME, .number = 1},
        {PEER_RESET},
    };
    Peer *peer = peer_start(PEER_TLS_GOOD, script, COUNT_OF(script));
    SubmitSite *site = site_of(peer, 6 * MEGABYTE);
    ck_assert_int_eq(submit(site), VERDICT_UNKNOWN);
    submit_site_free(site);
    peer_stop(peer);
}
END_TEST

START_TEST(the_first_chunk_without_an_answer_is_unknown)
{
    static const PeerStep script[] = {HANDSHAKE,
                                      UNKNOWN_ID,
                                      {PEER_ACCEPT},
                                      {PEER_EXPECT, "POST " OUTBOX " "},
                                      {PEER_READ_SOME, .number = 1},
                                      {PEER_RESET}};
    Peer *peer = peer_start(PEER_TLS_GOOD, script, COUNT_OF(script));
    SubmitSite *site = site_of(peer, 6 * MEGABYTE);
    ck_assert_int_eq(submit(site), VERDICT_UNKNOWN);
    submit_site_free(site);
    peer_stop(peer);
}
END_TEST

START_TEST(what_is_there_already_is_not_sent_again)
{
    static const PeerStep script[] = {HANDSHAKE, SAYS("GET " OUTBOX "/tracking/" SUBMIT_KEY, "200",
                                                      "{\"messageId\":\"" ID
                                                      "\",\"status\":\"Acknowledged\"}")};
    Peer *peer = peer_start(PEER_TLS_GOOD, script, COUNT_OF(script));
    SubmitSite *site = site_of(peer, 6 * MEGABYTE);
    ck_assert_int_eq(submit(site), VERDICT_PENDING);
    ck_assert_uint_eq(peer_request_count(peer), 2);
    ck_assert(!peer_saw(peer, SUBMIT_MARKER));
    submit_site_free(site);
    peer_stop(peer);
}
END_TEST

START_TEST(a_question_that_cannot_be_answered_sends_nothing)
{
    /* The last step of each would take a message, if one came. */
    static const PeerStep page[] = {HANDSHAKE, SAYS("GET ", "404", "<html>proxy</html>"),
                                    FIRST_TAKEN};
    static const PeerStep twice[] = {
        HANDSHAKE, SAYS("GET ", "300", "{\"detail\":[{\"code\":\"\",\"msg\":\"Multiple\"}]}"),
        FIRST_TAKEN};
    static const PeerStep busy[] = {HANDSHAKE, SAYS("GET ", "503", "<soap/>"), FIRST_TAKEN};
    const PeerStep *const scripts[] = {page, twice, busy};
    for (size_t i = 0; i < COUNT_OF(scripts); i++) {
        Peer *peer = peer_start(PEER_TLS_GOOD, scripts[i], COUNT_OF(page));
        SubmitSite *site = site_of(peer, MEGABYTE);
        ck_assert_int_eq(submit(site), VERDICT_LATER);
        ck_assert_uint_eq(peer_request_count(peer), 2);
        submit_site_free(site);
        peer_stop(peer);
    }
}
END_TEST

#define EMPTY_INBOX "{\"messages\":[],\"links\":{\"self\":\"/x\"}}"

START_TEST(tracking_says_what_became_of_it)
{
    static const struct {
        const char *status, *body;
        Verdict verdict;
    } rows[] = {
        {"200", "{\"messageId\":\"" ID "\",\"status\":\"Accepted\"}", VERDICT_PENDING},
        {"200", "{\"messageId\":\"" ID "\",\"status\":\"Acknowledged\"}", VERDICT_PENDING},
        {"200", "{\"messageId\":\"" ID "\",\"status\":\"Undeliverable\",\"statusSuccess\":true}",
         VERDICT_REJECTED},
        {"200", "{\"messageId\":\"" ID "\",\"status\":\"Error\"}", VERDICT_REJECTED},
        {"200", "{\"messageId\":\"" ID "\",\"status\":\"Uploading\"}", VERDICT_NEVER_SEEN},
        {"200", "{\"messageId\":\"" ID "\",\"status\":\"Other\"}", VERDICT_LATER},
        {"200", "<html>log in</html>", VERDICT_LATER},
        {"404", NO_MESSAGE, VERDICT_NEVER_SEEN},
        {"404", "<html>no such page</html>", VERDICT_LATER},
        {"300", "{}", VERDICT_LATER},
        {"403", "{\"detail\":[{\"code\":\"\",\"msg\":\"Invalid Authentication Token\"}]}",
         VERDICT_LATER},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const PeerStep script[] = {{PEER_ACCEPT},
                                   {PEER_EXPECT, "GET /messageexchange/X26ABC1/inbox "},
                                   {PEER_ANSWER, "200", EMPTY_INBOX},
                                   {PEER_EXPECT, "GET " OUTBOX "/tracking/"},
                                   {PEER_ANSWER, rows[i].status, rows[i].body}};
        Peer *peer = peer_start(PEER_TLS_GOOD, script, COUNT_OF(script));
        SubmitSite *site = site_of(peer, MEGABYTE);
        Verdict said = inquire(site);
        ck_assert_msg(said == rows[i].verdict, "%s: %d", rows[i].body, said);
        submit_site_free(site);
        peer_stop(peer);
    }
}
END_TEST

START_TEST(a_report_is_kept_before_it_is_acknowledged)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT},
        {PEER_EXPECT, "GET /messageexchange/X26ABC1/inbox "},
        {PEER_ANSWER, "200", "{\"messages\":[\"R1\"],\"links\":{}}"},
        {PEER_EXPECT, "GET /messageexchange/X26ABC1/inbox/R1 "},
        {PEER_ANSWER, "200", "",
         "mex-messagetype: REPORT\r\nmex-localid: " SUBMIT_KEY
         "\r\nmex-statuscode: 14\r\nmex-chunk-range: 1:0\r\nmex-total-chunks: 0\r\n"},
        {PEER_ACCEPT},
        {PEER_EXPECT, "PUT /messageexchange/X26ABC1/inbox/R1/status/acknowledged "},
        {PEER_RESET}, /* the acknowledgement is lost: the answer is not */
    };
    Peer *peer = peer_start(PEER_TLS_GOOD, script, COUNT_OF(script));
    SubmitSite *site = site_of(peer, MEGABYTE);
    ck_assert_int_eq(inquire(site), VERDICT_REJECTED);
    ck_assert_str_eq(site->answer.code, "undelivered");
    submit_site_free(site);
    peer_stop(peer);
}
END_TEST

SUITE("contract/mesh", a_broken_upload_goes_on_at_its_next_chunk,
      the_last_chunk_without_an_answer_is_unknown, the_first_chunk_without_an_answer_is_unknown,
      what_is_there_already_is_not_sent_again, a_question_that_cannot_be_answered_sends_nothing,
      tracking_says_what_became_of_it, a_report_is_kept_before_it_is_acknowledged);
