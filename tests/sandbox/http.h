/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP server on 127.0.0.1: reads a request whole, asks a handler, answers; misbehaves as told.
 *
 * One thread per connection, so a handler may block. */
#ifndef SANDBOX_HTTP_H
#define SANDBOX_HTTP_H

#include "tests/sandbox/buffer.h"
#include "tests/sandbox/fault.h"

typedef struct HttpRequest {
    void *connection;
    const char *method;
    const char *path;     /* as sent, without the query */
    const char *relative; /* the path behind the server's base; "" when it is not below the base */
    const Buffer *body;
    FaultAction fault; /* for the handler: lie_accept, pending, refuse, slow; else FAULT_NONE */
    uint32_t fault_seconds;
} HttpRequest;

enum { HTTP_HEADERS = 8 };

typedef struct HttpAnswer {
    unsigned status;
    const char *content_type;
    Buffer body;
    bool compress; /* gzip when the client takes it */
    size_t header_count;
    const char *header_names[HTTP_HEADERS];
    Buffer header_values[HTTP_HEADERS];
} HttpAnswer;

typedef void HttpHandler(void *user, const HttpRequest *request, HttpAnswer *answer);

typedef struct HttpServer {
    const char *target; /* "feed", "receiver" or "control": faults and the request log know it so */
    const char *base;   /* e.g. "/export/v1" */
    size_t body_limit;
    HttpHandler *handler;
    void *user;
    uint16_t port; /* in: wanted, 0 = any; out: bound */
    void *daemon;
} HttpServer;

/* `certificate` and `key` are PEM texts; both NULL = no TLS. False: *ret_why says why. */
bool http_start(HttpServer *server, const char *certificate, const char *key, const char **ret_why);
void http_stop(HttpServer *server);

/* NULL when absent. The first of several lines. */
const char *http_header(const HttpRequest *request, const char *name);
/* All lines of a field, trimmed and joined by ", "; false when absent. */
bool http_field(const HttpRequest *request, const char *name, Buffer *out);
const char *http_query(const HttpRequest *request, const char *name);

void http_add_header(HttpAnswer *answer, const char *name, const char *value);
/* application/problem+json (RFC 9457). */
void http_problem(HttpAnswer *answer, unsigned status, const char *code, const char *title,
                  const char *detail);

#endif
