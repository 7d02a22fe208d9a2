/* SPDX-License-Identifier: Apache-2.0 */
/* One delivery, from claimed to settled; and the question about one whose outcome is unknown.
 *
 * deliver() takes the steps in the only order that keeps the promises: the
 * document lies in the spool with the bytes that were queued; it is signed, once
 * in its life; the intent is committed, with the gate asked a last time; then the
 * first byte leaves; then the outcome is stored.  No transaction is open while
 * bytes are on their way.  A crash at any line is answered in README.md.
 *
 * The lease is renewed while a transfer runs.  When it is lost the transfer stops:
 * whoever has it now will ask the receiver first. */
#pragma once

#include "adapters/adapter.h"
#include "daemon/dataset/dataset.h"
#include "daemon/net/message_signature.h"
#include "daemon/pipeline/retry.h"
#include "daemon/sign/client.h"
#include "daemon/store/submission.h"

#define DELIVER_LEASE_MS INT64_C(60000)
#define DELIVER_RENEW_MS INT64_C(15000)
#define DELIVER_QUESTION_MS INT64_C(2000) /* the receiver gets so long before it is asked */

/* Signs an adapter's requests through the signer's socket. */
typedef struct DeliverSigner {
    RequestSigner requests;
    const char *socket_path;
    int64_t submission; /* for whose sake, in the signer's list */
    SignerState seen;   /* the key that it last named; an empty id: none yet */
} DeliverSigner;

/* `socket_path` must outlive it, and it must not move: adapters keep its address. */
void deliver_signer_open(DeliverSigner *signer, const char *socket_path);

typedef struct DeliverRoute {
    const char *name;
    const SubmitAdapter *adapter;
    void *self;
    Breaker breaker;
    bool stopped;     /* nothing goes until a person looked */
    const char *code; /* why it is stopped or down */
} DeliverRoute;

typedef struct DeliverTools {
    Store *store;
    const Dataset *dataset;
    const char *spool; /* folder */
    DeliverSigner *signer;
    /* Called now and then while a transfer runs; false ends it.  May be NULL. */
    bool (*progress)(void *data, int64_t moved);
    void *progress_data;
} DeliverTools;

typedef enum DeliverEnd {
    DELIVER_SETTLED,     /* an answer, or its lack, was stored: `state` is where it stands now */
    DELIVER_GATE_CLOSED, /* somebody's basis no longer holds; its month is built again */
    DELIVER_GIVEN_BACK,  /* not ready to go (spool, signer): `failure` says why; nothing left */
} DeliverEnd;

typedef struct Delivered {
    DeliverEnd end;
    SubmissionState state;
    int attempt; /* 0: of a question */
    SubmitAnswer answer;
    Error failure;   /* GIVEN_BACK, and of an answer that our own fault stands for */
    int64_t wait_ms; /* until the next try or question */
    bool breaker_changed, route_stopped; /* by this delivery: say it, and keep it */
} Delivered;

/* False only when the store failed: the lease runs out and the sweep takes over. */
bool deliver(const DeliverTools *tools, DeliverRoute *route, const SubmissionClaim *claim,
             Arena *arena, Delivered *ret, Error *err);

/* Ask about a submission that is unsure or waiting. */
bool reconcile(const DeliverTools *tools, DeliverRoute *route, const SubmissionClaim *claim,
               Arena *arena, Delivered *ret, Error *err);

/* What is stored of an answer; pure.  `asked`: it answers a question.  `left_ms`: to the deadline.
 */
Settlement deliver_settlement(const SubmitAnswer *answer, const SubmissionInfo *info, bool asked,
                              int64_t left_ms, uint64_t random, Arena *arena);
