/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a scripted peer, for the file that tests talk to and the one that plays the script.
 */
#pragma once

#include "tests/harness/peer.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "peer: %s failed at line %d: %s\n", #condition, __LINE__,              \
                    strerrordesc_np(errno));                                                       \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

typedef struct Bytes {
    char *bytes;
    size_t size, capacity, total; /* total: also what was no longer kept */
} Bytes;

typedef struct Kept {
    PeerRequest request;
    Bytes body;
    char *head;
    bool complete;
} Kept;

struct Peer {
    PeerTls tls;
    const PeerStep *steps;
    size_t step_count;
    SSL_CTX *context;
    int listener, port;
    pthread_t thread;
    char folder[32];
    char ca_path[64], client_path[64], key_path[64];
    char **urls;
    size_t url_count;

    /* the thread's */
    SSL *ssl;
    size_t body_left; /* of the request being read */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    int connection; /* -1: none */
    bool stopping;
    Kept **kept; /* one allocation each: pointers handed out stay good */
    size_t kept_count, connections;
    Bytes http, raw; /* inside TLS; on the wire */
    char problem[256];
};

/* The thread: plays the steps until they end or the peer is stopping. */
void *peer_play(void *peer);

void *peer_grown(void *memory, size_t size);
char *peer_find_header(const char *head, const char *name); /* malloc memory; NULL when absent */
