/* SPDX-License-Identifier: Apache-2.0 */
/* MEF/1's two ways to say who we are, against a peer that asks. */
#include "tests/contract/feed_site.h"
#include "tests/unit/suite.h"

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
    ck_assert_str_eq(site->err.code, "feed.credentials");
    ck_assert_int_eq(site->err.kind, ERROR_CONFIG);
    ck_assert_ptr_null(strstr(site->err.cause, "secret-two"));
    feed.status = "503 Service Unavailable";
    ck_assert(!feed_site_fetch(site));
    ck_assert_str_eq(site->err.code, "feed.token_server");
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
    ck_assert_str_eq(site->err.code, "feed.auth");
    ck_assert_int_eq(site->err.kind, ERROR_CONFIG);
    feed_site_free(site);
    peer_stop(peer);
}
END_TEST

static __attribute__((constructor)) void make_secret(void)
{
    int fd = mkstemp(secret_path);
    if (fd >= 0)
        close(fd);
}

SUITE("contract/mef_auth", a_token_is_fetched_and_kept, a_token_is_renewed_before_it_ends,
      refusals_are_told_from_faults, half_a_way_is_refused_at_the_start);
