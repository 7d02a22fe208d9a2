/* SPDX-License-Identifier: Apache-2.0 */
/* One feed adapter, opened against a scripted peer with settings as a person would write them. */
#pragma once

#include "adapters/adapter.h"
#include "tests/harness/feed_peer.h"

typedef struct FeedSite {
    const FeedAdapter *adapter;
    Arena *settings, *work;
    const Section *section;
    void *self;
    FeedCursor cursor;
    FeedPage page;
    FeedWait wait;
    Error err;
    char token_path[64];
    char seen[256]; /* "P1.1 P2.1 …": type-less id and version of what came, in order, deletions
                       with - */
} FeedSite;

/* NULL for an adapter that does not read from a server. */
FeedSite *feed_site_new(const FeedAdapter *adapter, Peer *peer, const char *more_settings);
void feed_site_free(FeedSite *site);
bool feed_site_open(FeedSite *site);

/* One page: on true the cursor has moved. */
bool feed_site_fetch(FeedSite *site);
/* Pages until no more waits; false at the first failure, or after 100 pages. */
bool feed_site_drain(FeedSite *site);
