/* SPDX-License-Identifier: Apache-2.0 */
/* A small MEF/1 feed for the scripted peer: a few made-up records, and one thing wrong on request.
 *
 * It shares no code with the adapter.  The whole truth is three snapshots and a
 * change log, two records a page, so that every boundary is met. */
#pragma once

#include "tests/harness/peer.h"

typedef enum FeedFault {
    FEED_FAULT_NONE,
    FEED_FAULT_NO_TRAILER,
    FEED_FAULT_COUNT,       /* the trailer counts one more */
    FEED_FAULT_HTML,        /* a proxy's page with status 200 */
    FEED_FAULT_SHORT,       /* the body is shorter than its length says */
    FEED_FAULT_LONG,        /* the body is longer: bytes after the answer */
    FEED_FAULT_TWICE,       /* the same answer two times */
    FEED_FAULT_EMPTY,       /* 200 without a body */
    FEED_FAULT_CLOSE,       /* no answer at all */
    FEED_FAULT_GARBAGE,     /* not HTTP */
    FEED_FAULT_GZIP_BROKEN, /* says gzip, is not */
    FEED_FAULT_GZIP_CUT,    /* ends in the middle of the gzip stream */
    FEED_FAULT_GZIP_BOMB,   /* 200 MB in a few kB */
    FEED_FAULT_LOOP,        /* more is promised, and the cursor is the one asked with */
    FEED_FAULT_ENDLESS,     /* empty pages, each with another cursor and a promise of more */
    FEED_FAULT_BAD_LINES,   /* wrong types, nesting without end, broken UTF-8; the page is whole */
    FEED_FAULT_BAD_RECORD,  /* one line is no change; the page is whole */
    FEED_FAULT_STATUS,      /* `status` and `code` */
} FeedFault;

typedef struct FeedPeer {
    FeedFault fault;
    const char *fault_path;              /* "/changes": requests that begin so */
    int fault_times;                     /* how many of them; counts down */
    const char *status, *code, *headers; /* FEED_FAULT_STATUS: "429 Too Many Requests",
                                            "rate_limited", "Retry-After: 7\r\n" */
    const char *token;                   /* asked for when set */
    bool (*knows)(const PeerRequest *);  /* POST /token asks it, when set, whether to give one */
    const char *secret; /* POST /token gives `token` to whoever shows client:`secret` */
    int token_life;     /* seconds, as said there */
    int tokens;         /* given */
    int epoch;          /* 0 at first; another one refuses old cursors with 409 */
    int forgotten;      /* so many of the last persons are not in the snapshot */
    int changes;        /* how much of the change log can be seen; 0: all */
    int requests;
    PeerStep steps[5]; /* feed_peer_start()'s own */
} FeedPeer;

#define FEED_PEER_RECORDS 10        /* live at the end */
#define FEED_PEER_CHANGES 5         /* in the log, after the snapshots */
#define FEED_PEER_MARKER "C-SECRET" /* begins each contact's id: must never show in an error */

/* Serves until stopped.  `feed` must outlive the peer; change it only between fetches. */
Peer *feed_peer_start(FeedPeer *feed, PeerTls tls);
/* The same answers as a PeerCall with `feed` as data, for scripts of one's own. */
char *feed_peer_call(void *data, const PeerRequest *request, size_t *ret_size);
