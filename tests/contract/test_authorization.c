/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to say who we are, against servers that ask: for a feed and for a route alike. */
#include "daemon/base/clock.h"
#include "daemon/base/json.h"
#include "daemon/base/text.h"
#include "tests/contract/feed_site.h"
#include "tests/contract/submit_site.h"
#include "tests/harness/peer_certificate.h"
#include "tests/unit/suite.h"

#include <openssl/ecdsa.h>
#include <openssl/pem.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* base64 of "client:secret-one" */
#define BASIC_ONE "Authorization: Basic Y2xpZW50OnNlY3JldC1vbmU="

static char secret_path[] = "/tmp/feed-secret-XXXXXX";

static FeedSite *site_with_secret(Peer *peer, const char *secret)
{
    char settings[256];
    FILE *file = fopen(secret_path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "%s\n", secret);
    fclose(file);
    snprintf(settings, sizeof settings,
             "client_id: client\nclient_secret: %s\nscope: export.read\n", secret_path);
    return feed_site_new(feed_adapter("mef"), peer, settings);
}

START_TEST(a_token_is_fetched_and_kept)
{
    FeedPeer feed = {.token = "fetched-token", .secret = BASIC_ONE, .token_life = 3600};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    FeedSite *site = site_with_secret(peer, "secret-one");
    ck_assert(feed_site_open(site));
    ck_assert_msg(feed_site_drain(site), "%s %s", site->err.code, site->err.cause);
    ck_assert(site->cursor.complete);
    ck_assert_int_eq(feed.tokens, 1);
    feed.token = "another-token"; /* the old one is revoked: fetched again, once */
    feed.changes = 0;
    ck_assert_msg(feed_site_drain(site), "%s %s", site->err.code, site->err.cause);
    ck_assert_int_eq(feed.tokens, 2);
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

START_TEST(a_token_is_renewed_before_it_ends)
{
    FeedPeer feed = {.token = "fetched-token", .secret = BASIC_ONE, .token_life = 30};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    FeedSite *site = site_with_secret(peer, "secret-one");
    ck_assert(feed_site_open(site) && feed_site_fetch(site) && feed_site_fetch(site));
    ck_assert_int_ge(feed.tokens, 3);
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

START_TEST(refusals_are_told_from_faults)
{
    FeedPeer feed = {.token = "fetched-token", .secret = BASIC_ONE, .token_life = 3600};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    FeedSite *site = site_with_secret(peer, "secret-two");
    ck_assert(feed_site_open(site));
    ck_assert(!feed_site_fetch(site));
    ck_assert_str_eq(site->err.code, "auth.credentials");
    ck_assert_int_eq(site->err.kind, ERROR_CONFIG);
    ck_assert_ptr_null(strstr(site->err.cause, "secret-two"));
    feed.status = "503 Service Unavailable";
    ck_assert(!feed_site_fetch(site));
    ck_assert_str_eq(site->err.code, "auth.token_server");
    ck_assert_int_eq(site->err.kind, ERROR_LATER);
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

START_TEST(half_a_way_is_refused_at_the_start)
{
    FeedPeer feed = {0};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    FeedSite *site =
        feed_site_new(feed_adapter("mef"), peer, "client_secret: x\nscope: client_id\n");
    ck_assert(!feed_site_open(site));
    ck_assert_str_eq(site->err.code, "auth.settings");
    ck_assert_int_eq(site->err.kind, ERROR_CONFIG);
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

/* ---- a signed statement (private_key_jwt) ---- */

static char key_path[] = "/tmp/feed-key-XXXXXX";
static const char *wanted_algorithm;
static char last_id[64];
static const char *token_address; /* of the peer that is asked */

/* The text behind base64url, in memory that the test's end frees. */
static uint8_t *plain(Arena *arena, const char *text, size_t size, size_t *ret_size)
{
    Text padded = text_new(arena, 16384);
    uint8_t *bytes;
    for (size_t i = 0; i < size; i++) {
        char c = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
        text_add_bytes(&padded, &c, 1);
    }
    while (padded.size % 4)
        text_add(&padded, "=");
    ck_assert(base64_decode(arena, text_get(&padded), padded.size, &bytes, ret_size));
    bytes[*ret_size] = '\0';
    return bytes;
}

static bool verifies(const char *input, size_t size, uint8_t *signature, size_t signature_size)
{
    FILE *file = fopen(key_path, "re");
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool rsa = strcmp(wanted_algorithm, "RS512") == 0;
    unsigned char *der = NULL;
    fclose(file);
    if (!rsa) {
        ck_assert_uint_eq(signature_size, 64);
        ECDSA_SIG *parts = ECDSA_SIG_new();
        ECDSA_SIG_set0(parts, BN_bin2bn(signature, 32, NULL), BN_bin2bn(signature + 32, 32, NULL));
        signature_size = (size_t)i2d_ECDSA_SIG(parts, &der);
        signature = der;
        ECDSA_SIG_free(parts);
    }
    bool fine = EVP_DigestVerifyInit(context, NULL, rsa ? EVP_sha512() : EVP_sha256(), NULL, key) &&
                EVP_DigestVerify(context, signature, signature_size, (const unsigned char *)input,
                                 size) == 1;
    OPENSSL_free(der);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return fine;
}

static bool claims_hold(const char *bytes, size_t size)
{
    _cleanup_json_ json_t *claims = NULL;
    Error err = {0};
    int64_t ends = 0, now = clock_wall() / CLOCK_SECOND;
    bool fine = json_parse(bytes, size, &claims, &err) &&
                text_equal(json_get_text(claims, "iss"), "client") &&
                text_equal(json_get_text(claims, "sub"), "client") &&
                text_equal(json_get_text(claims, "aud"), token_address) &&
                json_get_int(claims, "exp", &ends) && ends > now && ends <= now + 300;
    const char *id = json_get_text(claims, "jti");
    fine = fine && id && strlen(id) >= 32 && strcmp(id, last_id) != 0; /* counts once */
    snprintf(last_id, sizeof last_id, "%s", id ? id : "");
    return fine;
}

/* What a token server looks at, in its order. */
static bool knows_us(const PeerRequest *request)
{
    static const char type[] = "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A"
                               "client-assertion-type%3Ajwt-bearer&client_assertion=";
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const char *found = strstr(request->body, type);
    if (!found || strstr(request->head, "Authorization:") ||
        !strstr(request->head, "Content-Type: application/x-www-form-urlencoded\r\n"))
        return false;
    const char *header = found + strlen(type), *first = strchr(header, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    if (!second)
        return false;
    size_t size;
    const char *head = (char *)plain(arena, header, (size_t)(first - header), &size);
    if (strcmp(head, arena_format(arena, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"key-1\"}",
                                  wanted_algorithm)) != 0)
        return false;
    const char *claims = (char *)plain(arena, first + 1, (size_t)(second - first - 1), &size);
    if (!claims_hold(claims, size))
        return false;
    uint8_t *signature = plain(arena, second + 1, strcspn(second + 1, "&"), &size);
    return verifies(header, (size_t)(second - header), signature, size);
}

static const char *key_settings(const char *kind)
{
    static char settings[256];
    char certificate[] = "/tmp/feed-certificate-XXXXXX";
    int fd = mkstemp(certificate);
    ck_assert(fd >= 0);
    close(fd);
    peer_make_certificate(certificate, key_path, kind, -1, 1);
    unlink(certificate);
    wanted_algorithm = strcmp(kind, "rsa2048") == 0 ? "RS512" : "ES256";
    snprintf(settings, sizeof settings,
             "client_id: client\nclient_assertion_key: %s\nclient_key_id: key-1\n", key_path);
    return settings;
}

START_TEST(a_feed_takes_a_signed_statement)
{
    static const char *const kinds[] = {"rsa2048", "p256"};
    for (int i = 0; i < 2; i++) {
        FeedPeer feed = {.token = "fetched-token", .knows = knows_us, .token_life = 3600};
        Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
        token_address = peer_url(peer, "/token");
        FeedSite *site = feed_site_new(feed_adapter("mef"), peer, key_settings(kinds[i]));
        ck_assert(feed_site_open(site));
        ck_assert_msg(feed_site_drain(site), "%s: %s %s", kinds[i], site->err.code,
                      site->err.cause);
        ck_assert_int_eq(feed.tokens, 1);
        feed.token = "another-token"; /* another statement, with an id of its own */
        ck_assert(feed_site_drain(site));
        ck_assert_int_eq(feed.tokens, 2);
        feed_site_free(site);
        peer_stop(peer);
    }
}
END_TEST

START_TEST(a_key_that_does_not_fit_is_named)
{
    FeedPeer feed = {.token = "fetched-token", .knows = knows_us, .token_life = 3600};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    token_address = peer_url(peer, "/token");
    FeedSite *site = feed_site_new(feed_adapter("mef"), peer, key_settings("p384"));
    ck_assert(feed_site_open(site) && !feed_site_fetch(site));
    ck_assert_str_eq(site->err.code, "auth.key");
    ck_assert_int_eq(site->err.kind, ERROR_CONFIG);
    unlink(key_path);
    ck_assert(!feed_site_fetch(site));
    ck_assert_int_eq(site->err.kind, ERROR_CONFIG);
    /* mended without a restart */
    key_settings("p256");
    ck_assert_msg(feed_site_drain(site), "%s %s", site->err.code, site->err.cause);
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

START_TEST(a_busy_token_server_says_how_long)
{
    FeedPeer feed = {.token = "fetched-token",
                     .knows = knows_us,
                     .status = "429 Too Many Requests",
                     .headers = "Retry-After: 9\r\n"};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    token_address = peer_url(peer, "/token");
    FeedSite *site = feed_site_new(feed_adapter("mef"), peer, key_settings("p256"));
    ck_assert(feed_site_open(site) && !feed_site_fetch(site));
    ck_assert_str_eq(site->err.code, "auth.token_server");
    ck_assert_int_eq(site->err.kind, ERROR_LATER);
    ck_assert_int_eq(site->wait.wait_ms, 9000);
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

/* ---- a route ---- */

typedef struct Receiver {
    const char *token;
    const char *token_status; /* NULL: gives one */
    int tokens, uploads, questions, refused;
} Receiver;

static char *answer(const char *status, const char *body, size_t *ret_size)
{
    return peer_make_answer(status, "Connection: close\r\nRetry-After: 9\r\n", body, strlen(body),
                            ret_size);
}

static char *receive(void *data, const PeerRequest *request, size_t *ret_size)
{
    Receiver *receiver = data;
    char wanted[128], body[256];
    if (strncmp(request->head, "POST /token ", 12) == 0) {
        if (receiver->token_status)
            return answer(receiver->token_status, "{}", ret_size);
        if (!knows_us(request))
            return answer("401 Unauthorized", "{}", ret_size);
        receiver->tokens++;
        /* a number written as a text, as the NHS platform does */
        snprintf(body, sizeof body,
                 "{\"access_token\":\"%s\",\"expires_in\":\"599\",\"token_type\":\"Bearer\"}",
                 receiver->token);
        return answer("200 OK", body, ret_size);
    }
    snprintf(wanted, sizeof wanted, "Authorization: Bearer %s\r\n", receiver->token);
    if (!strstr(request->head, wanted)) {
        receiver->refused++;
        return answer("401 Unauthorized", "", ret_size);
    }
    bool upload = strncmp(request->head, "POST ", 5) == 0;
    *(upload ? &receiver->uploads : &receiver->questions) += 1;
    return answer(upload ? "201 Created" : "200 OK",
                  "{\"status\":\"accepted\",\"reference\":\"R-1\"}", ret_size);
}

static Peer *start_receiver(Receiver *receiver)
{
    static PeerStep steps[5];
    steps[0] = (PeerStep){.act = PEER_ACCEPT};
    steps[1] = (PeerStep){.act = PEER_EXPECT};
    steps[2] = (PeerStep){.act = PEER_CALL, .call = receive, .data = receiver};
    steps[3] = (PeerStep){.act = PEER_CLOSE};
    steps[4] = (PeerStep){.act = PEER_GOTO, .number = 0};
    return peer_start(PEER_TLS_GOOD, steps, 5);
}

static SubmitSite *route_site(Peer *peer)
{
    char settings[512];
    token_address = peer_url(peer, "/token");
    snprintf(settings, sizeof settings, "token_url: %s\n%s", token_address, key_settings("p256"));
    return submit_site_with(submit_adapter("https"), peer, settings);
}

static void submits(SubmitSite *site)
{
    ck_assert_msg(
        site->adapter->submit(site->self, site->work, &site->submission, &site->answer, &site->err),
        "%s %s", site->err.code, site->err.cause);
}

START_TEST(a_route_fetches_a_token_once_and_again_when_refused)
{
    Receiver receiver = {.token = "route-token"};
    Peer *peer = start_receiver(&receiver);
    SubmitSite *site = route_site(peer);
    submits(site);
    ck_assert_int_eq(site->answer.verdict, VERDICT_ACCEPTED);
    ck_assert(site->adapter->inquire(site->self, site->work, &site->submission, &site->answer,
                                     &site->err));
    ck_assert_int_eq(site->answer.verdict, VERDICT_ACCEPTED);
    ck_assert_int_eq(receiver.tokens, 1);
    receiver.token = "next-token"; /* the old one is revoked */
    submits(site);
    ck_assert_int_eq(site->answer.verdict, VERDICT_ACCEPTED);
    ck_assert_int_eq(receiver.tokens, 2);
    ck_assert_int_eq(receiver.refused, 1);
    ck_assert_int_eq(receiver.uploads, 2);
    ck_assert_int_eq(receiver.questions, 1);
    submit_site_free(site);
    peer_stop(peer);
}
END_TEST

START_TEST(without_a_token_nothing_of_a_document_leaves)
{
    static const struct {
        const char *status, *code;
        bool stop;
        int64_t wait_ms;
    } cases[] = {{"401 Unauthorized", "token_refused", true, 9000},
                 {"503 Service Unavailable", "token_unavailable", false, 9000}};
    for (size_t i = 0; i < 2; i++) {
        Receiver receiver = {.token = "route-token", .token_status = cases[i].status};
        Peer *peer = start_receiver(&receiver);
        SubmitSite *site = route_site(peer);
        submits(site);
        ck_assert_int_eq(site->answer.verdict, VERDICT_LATER);
        ck_assert_str_eq(site->answer.code, cases[i].code);
        ck_assert_int_eq(site->answer.stop_route, cases[i].stop);
        ck_assert_int_eq(site->answer.wait_ms, cases[i].wait_ms);
        ck_assert(!peer_saw(peer, SUBMIT_MARKER));
        ck_assert_int_eq(receiver.uploads + receiver.refused, 0);
        submit_site_free(site);
        peer_stop(peer);
    }
}
END_TEST

START_TEST(two_ways_at_once_are_refused)
{
    static const char *const wrong[] = {
        "client_id: client\nclient_secret: x\nclient_assertion_key: y\nclient_key_id: z\n",
        "client_id: client\nclient_assertion_key: y\n",
        "client_id: client\nclient_secret: x\nclient_key_id: z\n",
        "client_id: client\n",
        "client_id: client\nclient_secret: x\ntoken: y\n",
    };
    FeedPeer feed = {0};
    Peer *peer = feed_peer_start(&feed, PEER_TLS_GOOD);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        FeedSite *site = feed_site_new(feed_adapter("mef"), peer, wrong[i]);
        ck_assert_msg(!feed_site_open(site), "%s", wrong[i]);
        ck_assert_str_eq(site->err.code, "auth.settings");
        feed_site_free(site);
    }
    peer_stop(peer);
}
END_TEST

static __attribute__((constructor)) void make_secrets(void)
{
    char *const paths[] = {secret_path, key_path};
    for (int i = 0; i < 2; i++) {
        int fd = mkstemp(paths[i]);
        if (fd >= 0)
            close(fd);
    }
}

SUITE("contract/authorization", a_token_is_fetched_and_kept, a_token_is_renewed_before_it_ends,
      refusals_are_told_from_faults, half_a_way_is_refused_at_the_start,
      a_feed_takes_a_signed_statement, a_key_that_does_not_fit_is_named,
      a_busy_token_server_says_how_long, a_route_fetches_a_token_once_and_again_when_refused,
      without_a_token_nothing_of_a_document_leaves, two_ways_at_once_are_refused);
