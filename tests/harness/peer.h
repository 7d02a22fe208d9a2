/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted TLS and HTTP peer: does exactly what its script says, right or wrong.
 *
 *   static const PeerStep script[] = {
 *       {PEER_ACCEPT}, {PEER_EXPECT, "GET /export/v1/manifest"}, {PEER_ANSWER, "200", "{}"},
 *       {PEER_ACCEPT}, {PEER_EXPECT, "GET /export/v1/changes"}, {PEER_RESET},
 *   };
 *   Peer *peer = peer_start(PEER_TLS_GOOD, script, COUNT_OF(script));
 *   ... peer_url(peer, "/export/v1"), peer_ca_path(peer) ...
 *   peer_stop(peer);
 *
 * It runs in a thread of the test.  The port is bound and listening when
 * peer_start() returns.  Certificates are made at start, in a folder of its own
 * that peer_stop() removes.  What goes wrong in the peer itself ends the test
 * program; what the client does otherwise than expected is kept in peer_problem(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct Peer Peer;

typedef enum PeerTls {
#define PEER_TLS(name, trusted, text) PEER_TLS_##name,
#include "tests/harness/peer_tls.def"
#undef PEER_TLS
    PEER_TLS_COUNT,
} PeerTls;
const char *peer_tls_name(PeerTls tls);
bool peer_tls_trusted(PeerTls tls); /* may something be sent there? */

typedef enum PeerAct {
    PEER_ACCEPT, /* next connection, TLS handshake included; a failed handshake goes on to the next
                    ACCEPT */
    PEER_ACCEPT_RAW, /* TCP only; then only STALL, RESET, SEND, CLOSE make sense */
    PEER_EXPECT, /* read a request head; a: how it must begin ("POST /x"), NULL: anything.  The body
                  * is read too unless the next step is READ_SOME, RESET, STALL, HALF_CLOSE or CLOSE
                  */
    PEER_READ_SOME, /* number: so many bytes of the body */
    PEER_ANSWER,    /* a: status ("200"), b: body, c: more header lines ("ETag: \"1\"\r\n") or NULL;
                     * Content-Length is added; connection stays open */
    PEER_ANSWER_BYTES, /* the same with `number` bytes of body at b */
    PEER_SEND,         /* a: bytes as they are, `number` of them (0: strlen) */
    PEER_STALL,        /* until the client goes away or peer_stop() */
    PEER_RESET,        /* RST now */
    PEER_HALF_CLOSE,   /* FIN without TLS close_notify, reading goes on until the client goes */
    PEER_CLOSE,        /* close_notify, FIN */
    PEER_CALL,         /* call: answers the last request */
    PEER_GOTO,         /* number: go on at this step; for peers that never end */
} PeerAct;

typedef struct PeerRequest {
    const char *head; /* request line and header lines, CRLF between, NUL at the end */
    const char *body;
    size_t body_size;
} PeerRequest;

/* Return what to send, in malloc memory; `*ret_size` bytes.  NULL: close. */
typedef char *(*PeerCall)(void *data, const PeerRequest *request, size_t *ret_size);

typedef struct PeerStep {
    PeerAct act;
    const char *a, *b, *c;
    size_t number;
    PeerCall call;
    void *data;
} PeerStep;

/* `steps` must outlive the peer.  After the last step the peer closes and accepts no more. */
Peer *peer_start(PeerTls tls, const PeerStep *steps, size_t count);
void peer_stop(Peer *peer); /* NULL is fine */

int peer_port(const Peer *peer);
const char *peer_url(Peer *peer,
                     const char *path);     /* https://localhost:PORT + path; lives with the peer */
const char *peer_ca_path(const Peer *peer); /* PEM of the test CA */
const char *peer_client_certificate(const Peer *peer); /* PEM a client may show to CLIENT_NEEDED */
const char *peer_client_key(const Peer *peer);

/* Wait until `count` requests are complete (head and body); false after 10 s. */
bool peer_wait_requests(Peer *peer, size_t count);
size_t peer_request_count(Peer *peer);
const PeerRequest *peer_request(Peer *peer, size_t index);
/* Value of a header of that request in malloc memory, NULL when absent. */
char *peer_request_header(Peer *peer, size_t index, const char *name);

size_t peer_connections(Peer *peer);           /* TCP connections taken */
bool peer_saw(Peer *peer, const char *marker); /* did these bytes arrive, inside TLS or outside? */
size_t peer_received(Peer *peer);              /* bytes of HTTP that arrived */
const char *peer_problem(Peer *peer); /* first thing that was not as expected; NULL: none */
/* A ready answer: "HTTP/1.1 STATUS …" with Content-Length, in malloc memory, for PeerCall. */
char *peer_make_answer(const char *status, const char *more_headers, const char *body,
                       size_t body_size, size_t *ret_size);
