/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP client, one TLS policy.
 *
 * The policy cannot be turned down by a caller: https only, TLS 1.2 or newer,
 * chain and host name checked, no redirects, HTTP/1.1, nothing from .netrc and no
 * proxy from the environment.  A caller chooses only whose CAs to trust, which
 * client certificate to show and which proxy to go through.
 *
 * A request is made at most once: every upload has a connection of its own, so
 * that curl's silent "the connection died, try again" can never send twice.
 *
 * http_exchange() gives true when a complete answer came, whatever its status.
 * False is *err (kind LATER, or CONFIG when waiting cannot mend it) and a
 * HttpFailure, whose `left` is the one fact that decides between "try again" and
 * "ask first": did any byte of the request leave this machine?  A failure that
 * says HTTP_NOTHING_LEFT is certain of it; when in doubt it says HTTP_MAY_HAVE_LEFT.
 *
 * One client belongs to one thread.  Everything of an answer lives in the caller's
 * arena. */
#pragma once

#include "daemon/base/arena.h"

#include <stdint.h>

typedef struct HttpClient HttpClient;

typedef struct HttpSettings {
    const char *ca_bundle;          /* PEM file; NULL: the system's */
    const char *client_certificate; /* PEM file, chain included; NULL: none */
    const char *client_key;         /* PEM file, given together with the certificate */
    const char *proxy;              /* "http://host:port"; NULL: none, never the environment's */
    int64_t connect_timeout_ms;     /* name, TCP, TLS; 0: 10 s */
    int64_t stall_timeout_ms;       /* not one byte either way for so long; 0: 60 s */
    int64_t total_timeout_ms;       /* whole exchange; 0: 15 min */
} HttpSettings;

typedef struct HttpHeader {
    const char *name, *value;
} HttpHeader;

/* Takes a piece of the (inflated) body; false ends the exchange with *err as the sink set it. */
typedef bool (*HttpSink)(void *data, const char *bytes, size_t size, Error *err);

typedef struct HttpRequest {
    const char *method; /* "GET" or "POST" */
    const char *url;    /* https://… */
    const HttpHeader *headers;
    size_t header_count;

    /* At most one of the two.  A file is streamed; it must have exactly `file_size` bytes. */
    const void *body;
    size_t body_size;
    const char *file_path;
    int64_t file_size;

    bool accept_gzip;         /* offer gzip and inflate it while it comes */
    size_t response_limit;    /* bytes of body after inflating; must be set */
    unsigned ratio_limit;     /* inflated bytes per received one; 0: 200 */
    int64_t total_timeout_ms; /* 0: as in the settings (long polling needs its own) */
    HttpSink sink;            /* NULL: the body is kept in HttpResponse.  Only 2xx bodies go to the
                               * sink, others are kept up to 64 KiB. */
    void *sink_data;
    bool upload_faults; /* reach SUBMIT_MID_BODY and SUBMIT_BEFORE_ANSWER */
} HttpRequest;

typedef struct HttpResponse {
    int status;
    const HttpHeader *headers; /* names in lower case, at most 64 of them, 16 KiB together */
    size_t header_count;
    char *body; /* NUL after its end */
    size_t body_size;
    int64_t received; /* bytes of body on the wire */
} HttpResponse;

typedef enum HttpLeft { HTTP_NOTHING_LEFT, HTTP_MAY_HAVE_LEFT } HttpLeft;

typedef enum HttpFailureKind {
    HTTP_FAILED_LOCAL,   /* our own file, memory, arguments */
    HTTP_FAILED_RESOLVE, /* name */
    HTTP_FAILED_CONNECT, /* TCP or proxy */
    HTTP_FAILED_TLS,     /* handshake: protocol, cipher, our client certificate */
    HTTP_FAILED_TRUST,   /* chain or name: the other side could not prove who it is */
    HTTP_FAILED_TIMEOUT,
    HTTP_FAILED_SEND,
    HTTP_FAILED_RECEIVE,   /* reset, truncated, not HTTP */
    HTTP_FAILED_TOO_LARGE, /* body over its limit, or gzip over its ratio */
    HTTP_FAILED_ENCODING,  /* gzip is broken or ends early, or another encoding */
    HTTP_FAILED_SINK,      /* the sink said no */
    HTTP_FAILED_STOPPED,   /* the progress hook said no */
} HttpFailureKind;

typedef struct HttpFailure {
    HttpFailureKind kind;
    HttpLeft left;
    int status; /* of an answer that began and did not end well; 0: none */
} HttpFailure;

/* Codes of *err: "http.local", "http.resolve", "http.connect", "http.tls", "http.trust",
 * "http.timeout", "http.send", "http.receive", "http.too_large", "http.encoding", "http.stopped".
 * TRUST and a client certificate that cannot be read are CONFIG, the others LATER. */
const char *http_failure_code(HttpFailureKind kind);

/* CONFIG when a file named in the settings cannot be read.  Strings are copied. */
bool http_client_new(const HttpSettings *settings, HttpClient **ret, Error *err);
void http_client_free(HttpClient *client); /* NULL is fine */

/* `ret` and `ret_failure` may not be NULL. */
bool http_exchange(HttpClient *client, Arena *arena, const HttpRequest *request, HttpResponse *ret,
                   HttpFailure *ret_failure, Error *err);

/* NULL when absent; several fields of one name are joined by ", " (RFC 9110 section 5.3). */
const char *http_header(const HttpResponse *response, const char *name);

/* The heartbeat of every exchange in this process, called at least once a second while one runs:
 * feeds the watchdog, renews leases, and by answering false ends the exchange
 * (HTTP_FAILED_STOPPED).  A role runs one loop, so there is one hook; NULL takes it away. */
typedef bool (*HttpProgress)(void *data, int64_t sent, int64_t received);
void http_on_progress(HttpProgress progress, void *data);

static inline void http_client_freep(HttpClient **client)
{
    http_client_free(*client);
}
#define _cleanup_http_client_ __attribute__((cleanup(http_client_freep)))
