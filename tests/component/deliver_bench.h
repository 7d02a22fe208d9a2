/* SPDX-License-Identifier: Apache-2.0 */
/* A delivery's surroundings: a queue, a spool, a living signer, and a receiver that remembers. */
#pragma once

#include "daemon/pipeline/deliver.h"
#include "daemon/sign/server.h"
#include "tests/component/store_case.h"
#include "tests/harness/peer.h"

#include <pthread.h>

#define BENCH_KEYS 20000
#define BENCH_OCTOBER (2026 * 12 + 9)

/* What the receiver does with the next uploads; then it behaves. */
typedef enum ReceiverMood {
    RECEIVER_FAIR,
    RECEIVER_BUSY,       /* 503, Retry-After: 7 */
    RECEIVER_LOSES,      /* accepts, and the answer is lost */
    RECEIVER_FORGETS,    /* reads it, and neither accepts nor answers */
    RECEIVER_WAITS,      /* 202; accepted when asked */
    RECEIVER_REFUSES,    /* 422 with a finding */
    RECEIVER_DISTRUSTS,  /* 401 */
    RECEIVER_CUTS,       /* accepts, and half of the answer arrives */
    RECEIVER_OVERLOADED, /* 503, and no word for how long */
} ReceiverMood;

typedef struct Receiver {
    pthread_mutex_t lock;
    ReceiverMood mood;
    int for_uploads; /* so many more uploads meet that mood */
    int percent;     /* of all other uploads meet `luck`, drawn from `seed` */
    ReceiverMood luck;
    unsigned seed;
    int unlucky; /* so many did */
    char *keys[BENCH_KEYS], *digests[BENCH_KEYS], *signatures[BENCH_KEYS];
    bool pending[BENCH_KEYS];
    size_t count;                    /* accepted or waiting */
    int uploads, questions, doubled; /* doubled: another document under a known key */
    const char *and_then;            /* SQL to run while it has the upload */
    const char *database;
} Receiver;

typedef struct Bench {
    char folder[64];
    const char *spool, *socket, *log;
    Peer *peer;
    Receiver receiver;
    SignerKey *key;
    SignedLog *signed_log;
    Signer *signer;
    int signer_stop[2];
    pthread_t signer_thread;
    const Section *section;
    DeliverSigner requests;
    DeliverTools tools;
    DeliverRoute route;
    Delivered last;
    int padding; /* MiB of blanks in each document that is queued */
} Bench;

Bench *bench_new(void);
/* Its receiver does these steps first, of which none may be a call. */
Bench *bench_new_after(const PeerStep *first, size_t count);
void bench_free(Bench *bench);
void bench_stop_signer(Bench *bench);
void bench_start_signer(Bench *bench);

/* A person with consent and a ready submission of one document, in the spool. */
int64_t bench_queue(Bench *bench, const char *provider, int person);

/* Claim what is due and deliver it; false when nothing is.  The outcome is in bench->last. */
bool bench_deliver(Bench *bench);
bool bench_ask(Bench *bench);
void bench_make_due(void);       /* everything may be tried or asked now */
void bench_let_leases_end(void); /* and sweeps */

/* Deliver and ask until nothing is open, at most `rounds` times. */
void bench_settle_all(Bench *bench, int rounds);
const char *bench_state(int64_t id);
