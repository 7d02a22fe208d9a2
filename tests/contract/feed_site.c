/* SPDX-License-Identifier: Apache-2.0 */
/* One feed adapter, opened against a scripted peer. */
#include "tests/contract/feed_site.h"

#include "daemon/base/text.h"
#include "daemon/config/config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_token(FeedSite *site, const char *token)
{
    snprintf(site->token_path, sizeof site->token_path, "/tmp/feed-token-XXXXXX");
    int fd = mkstemp(site->token_path);
    ck_assert(fd >= 0 && write(fd, token, strlen(token)) == (ssize_t)strlen(token));
    close(fd);
}

/* What a person would write for this adapter.  A new adapter adds its case here. */
static const char *settings_of(FeedSite *site, Peer *peer, const char *more)
{
    bool own_way = more && strstr(more, "client_id");
    if (strcmp(site->adapter->name, "mef") == 0 && own_way)
        return arena_format(site->settings, "url: %s\ntoken_url: %s\nca: %s\n%s",
                            peer_url(peer, "/export/v1"), peer_url(peer, "/token"),
                            peer_ca_path(peer), more);
    if (strcmp(site->adapter->name, "mef") == 0)
        return arena_format(site->settings, "url: %s\ntoken: %s\nca: %s\ntimeout: 1s\n%s",
                            peer_url(peer, "/export/v1"), site->token_path, peer_ca_path(peer),
                            more ? more : "");
    return NULL;
}

FeedSite *feed_site_new(const FeedAdapter *adapter, Peer *peer, const char *more_settings)
{
    FeedSite *site = calloc(1, sizeof *site);
    YamlNode *map;
    site->adapter = adapter;
    site->settings = arena_new(1 << 20);
    site->work = arena_new(48 << 20);
    write_token(site, "token-one");
    const OptionDecl *const tables[] = {feed_options, adapter->options};
    const char *text = settings_of(site, peer, more_settings);
    ck_assert_msg(text, "no settings are known for feed adapter %s", adapter->name);
    text = arena_format(site->settings, "name: here\nadapter: %s\n%s", adapter->name, text);
    ck_assert(yaml_parse("settings", text, strlen(text), site->settings, &map, &site->err));
    ck_assert_msg(section_read(map, tables, 2, site->settings, &site->section, &site->err), "%s",
                  site->err.cause);
    return site;
}

void feed_site_free(FeedSite *site)
{
    site->adapter->close(site->self);
    unlink(site->token_path);
    arena_free(site->settings);
    arena_free(site->work);
    free(site);
}

bool feed_site_open(FeedSite *site)
{
    error_clear(&site->err);
    site->adapter->close(site->self);
    site->self = NULL;
    return site->adapter->open("here", site->section, &site->self, &site->err);
}

static void note_seen(FeedSite *site)
{
    for (size_t i = 0; i < site->page.count; i++) {
        const Change *change = &site->page.changes[i];
        size_t used = strlen(site->seen);
        snprintf(site->seen + used, sizeof site->seen - used, "%s%s.%lld ",
                 change->op == CHANGE_DELETE ? "-" : "",
                 text_starts(change->id, FEED_PEER_MARKER) ? change->id + strlen(FEED_PEER_MARKER)
                                                           : change->id,
                 (long long)change->version);
    }
}

/* The cursor must outlive the page: it is what a database would keep. */
static void keep_cursor(FeedSite *site)
{
    const FeedCursor *next = &site->page.next;
    site->cursor = *next;
    site->cursor.epoch = arena_text(site->settings, next->epoch);
    site->cursor.phase = arena_text(site->settings, next->phase);
    site->cursor.cursor = arena_text(site->settings, next->cursor);
    site->cursor.etag = arena_text(site->settings, next->etag);
}

bool feed_site_fetch(FeedSite *site)
{
    error_clear(&site->err);
    arena_reset(site->work);
    site->page = (FeedPage){0};
    if (!site->adapter->fetch(site->self, site->work, &site->cursor, &site->page, &site->wait,
                              &site->err))
        return false;
    note_seen(site);
    keep_cursor(site);
    return true;
}

bool feed_site_drain(FeedSite *site)
{
    for (int pages = 0; pages < 100; pages++) {
        if (!feed_site_fetch(site))
            return false;
        if (!site->page.more)
            return true;
    }
    return error_set(&site->err, ERROR_BUG, "test.endless", "a hundred pages and no end");
}
