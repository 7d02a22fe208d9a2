/* SPDX-License-Identifier: Apache-2.0 */
/* The receiving half of one exchange: header lines and body, bounded and inflated as they come. */
#pragma once

#include "daemon/base/text.h"
#include "daemon/net/http.h"

#include <zlib.h>

#define HTTP_HEADER_COUNT_LIMIT 64
#define HTTP_HEADER_BYTES_LIMIT ((size_t)16 << 10)
#define HTTP_REFUSAL_BODY_LIMIT ((size_t)64 << 10)
#define HTTP_RATIO_LIMIT 200

typedef struct HttpReceiver {
    const HttpRequest *request;
    Arena *arena;
    Error *err;
    HttpHeader headers[HTTP_HEADER_COUNT_LIMIT];
    size_t header_count, header_bytes;
    int status;
    Text body;
    int64_t received, inflated;
    z_stream stream;
    bool inflating, stream_ended;
    bool started; /* the first piece of the body has been looked at */
    bool cut;     /* a refusal longer than anyone needs: the rest is not read, the answer counts */
    bool failed;
    HttpFailureKind failure;
} HttpReceiver;

void http_receiver_open(HttpReceiver *receiver, const HttpRequest *request, Arena *arena,
                        Error *err);
/* One header line as curl hands it over, status lines too; false ends the exchange. */
bool http_receiver_header(HttpReceiver *receiver, const char *line, size_t size);
/* A piece of the body; false ends the exchange, with `cut` or `failed` saying why. */
bool http_receiver_body(HttpReceiver *receiver, const char *bytes, size_t size);
/* The end of the body came as announced: is it also the end of what was packed? */
bool http_receiver_finish(HttpReceiver *receiver, HttpResponse *ret);
void http_receiver_close(HttpReceiver *receiver);
