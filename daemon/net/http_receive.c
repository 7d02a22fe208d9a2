/* SPDX-License-Identifier: Apache-2.0 */
/* The receiving half of one exchange. */
#include "daemon/net/http_receive.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void http_receiver_open(HttpReceiver *receiver, const HttpRequest *request, Arena *arena,
                        Error *err)
{
    *receiver = (HttpReceiver){.request = request, .arena = arena, .err = err};
}

void http_receiver_close(HttpReceiver *receiver)
{
    if (receiver->inflating)
        inflateEnd(&receiver->stream);
    receiver->inflating = false;
}

static bool fail(HttpReceiver *receiver, HttpFailureKind kind, const char *what)
{
    receiver->failed = true;
    receiver->failure = kind;
    return error_set(receiver->err, ERROR_LATER, http_failure_code(kind), "%s", what);
}

static bool is_success(const HttpReceiver *receiver)
{
    return receiver->status >= 200 && receiver->status < 300;
}

static const char *find_header(const HttpHeader *headers, size_t count, const char *name,
                               Arena *arena)
{
    const char *found = NULL;
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(headers[i].name, name) == 0)
            found =
                found ? arena_format(arena, "%s, %s", found, headers[i].value) : headers[i].value;
    return found;
}

const char *http_header(const HttpResponse *response, const char *name)
{
    /* Fields of one name are joined when the answer is finished: here the first is the only one. */
    for (size_t i = 0; i < response->header_count; i++)
        if (strcasecmp(response->headers[i].name, name) == 0)
            return response->headers[i].value;
    return NULL;
}

static int status_of(const char *line, size_t size)
{
    const char *space = memchr(line, ' ', size);
    if (!space || line + size - space < 4 || !isdigit((unsigned char)space[1]) ||
        !isdigit((unsigned char)space[2]) || !isdigit((unsigned char)space[3]))
        return 0;
    return (space[1] - '0') * 100 + (space[2] - '0') * 10 + (space[3] - '0');
}

bool http_receiver_header(HttpReceiver *receiver, const char *line, size_t size)
{
    while (size && (line[size - 1] == '\r' || line[size - 1] == '\n' || line[size - 1] == ' ' ||
                    line[size - 1] == '\t'))
        size--;
    if (size == 0)
        return true;
    if (size > 5 && memcmp(line, "HTTP/", 5) == 0 && !memchr(line, ':', 9 < size ? 9 : size)) {
        /* A final answer after an interim one (100, 103) begins anew. */
        receiver->status = status_of(line, size);
        receiver->header_count = receiver->header_bytes = 0;
        return true;
    }
    receiver->header_bytes += size;
    if (receiver->header_count == HTTP_HEADER_COUNT_LIMIT ||
        receiver->header_bytes > HTTP_HEADER_BYTES_LIMIT)
        return fail(receiver, HTTP_FAILED_TOO_LARGE, "the answer has too many header lines");
    const char *colon = memchr(line, ':', size);
    if (!colon || colon == line)
        return true; /* curl has judged the syntax; a line without a name means nothing to us */
    const char *value = colon + 1;
    while (value < line + size && (*value == ' ' || *value == '\t'))
        value++;
    char *name = arena_copy(receiver->arena, line, (size_t)(colon - line));
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    receiver->headers[receiver->header_count++] = (HttpHeader){
        .name = name,
        .value = arena_copy(receiver->arena, value, (size_t)(line + size - value)),
    };
    return true;
}

/* What a refusal says is kept up to a limit and no further; a success must fit. */
static size_t body_limit(const HttpReceiver *receiver)
{
    size_t limit = receiver->request->response_limit;
    if (!is_success(receiver) && limit > HTTP_REFUSAL_BODY_LIMIT)
        return HTTP_REFUSAL_BODY_LIMIT;
    return limit;
}

static bool start_body(HttpReceiver *receiver)
{
    receiver->started = true;
    receiver->body = text_new(receiver->arena, body_limit(receiver));
    const char *encoding =
        find_header(receiver->headers, receiver->header_count, "content-encoding", receiver->arena);
    if (!encoding || !*encoding || strcasecmp(encoding, "identity") == 0)
        return true;
    if (!receiver->request->accept_gzip ||
        (strcasecmp(encoding, "gzip") != 0 && strcasecmp(encoding, "x-gzip") != 0))
        return fail(receiver, HTTP_FAILED_ENCODING,
                    "the answer is packed in a way nobody asked for");
    /* 15 + 16: the whole window, and a gzip wrapper is required. */
    if (inflateInit2(&receiver->stream, 15 + 16) != Z_OK)
        return fail(receiver, HTTP_FAILED_LOCAL, "could not start unpacking the answer");
    receiver->inflating = true;
    return true;
}

/* Pass on bytes of the inflated body. */
static bool deliver(HttpReceiver *receiver, const char *bytes, size_t size)
{
    receiver->inflated += (int64_t)size;
    if (receiver->inflated > (int64_t)body_limit(receiver)) {
        if (!is_success(receiver)) {
            receiver->cut = true;
            return false;
        }
        return fail(receiver, HTTP_FAILED_TOO_LARGE, "the answer is larger than allowed");
    }
    if (receiver->request->sink && is_success(receiver)) {
        if (receiver->request->sink(receiver->request->sink_data, bytes, size, receiver->err))
            return true;
        receiver->failed = true;
        receiver->failure = HTTP_FAILED_SINK;
        return false;
    }
    text_add_bytes(&receiver->body, bytes, size);
    if (arena_check(receiver->arena, receiver->err))
        return true;
    receiver->failed = true;
    receiver->failure = HTTP_FAILED_TOO_LARGE;
    return false;
}

static bool ratio_is_fine(const HttpReceiver *receiver)
{
    unsigned limit =
        receiver->request->ratio_limit ? receiver->request->ratio_limit : HTTP_RATIO_LIMIT;
    /* The first window of a short, honest answer may pack better than any ratio says. */
    return receiver->inflated <= 65536 || receiver->inflated / limit <= receiver->received;
}

static bool inflate_piece(HttpReceiver *receiver, const char *bytes, size_t size)
{
    unsigned char out[16384];
    z_stream *stream = &receiver->stream;
    if (receiver->stream_ended)
        return fail(receiver, HTTP_FAILED_ENCODING, "bytes follow the end of the packed answer");
    stream->next_in = (z_const Bytef *)(uintptr_t)bytes;
    stream->avail_in = (uInt)size;
    do {
        stream->next_out = out;
        stream->avail_out = sizeof out;
        int result = inflate(stream, Z_NO_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            return fail(receiver, HTTP_FAILED_ENCODING, "the packed answer is broken");
        if (!deliver(receiver, (const char *)out, sizeof out - stream->avail_out))
            return false;
        if (!ratio_is_fine(receiver))
            return fail(receiver, HTTP_FAILED_TOO_LARGE,
                        "the answer is packed more tightly than allowed");
        if (result == Z_STREAM_END) {
            receiver->stream_ended = true;
            if (stream->avail_in)
                return fail(receiver, HTTP_FAILED_ENCODING,
                            "bytes follow the end of the packed answer");
            break;
        }
    } while (stream->avail_in || stream->avail_out == 0);
    return true;
}

bool http_receiver_body(HttpReceiver *receiver, const char *bytes, size_t size)
{
    receiver->received += (int64_t)size;
    bool fine = receiver->started || start_body(receiver);
    if (fine)
        fine = receiver->inflating ? inflate_piece(receiver, bytes, size)
                                   : deliver(receiver, bytes, size);
    /* A refusal whose body cannot be read is still a refusal: the status line said so. */
    if (!fine && receiver->failed && !is_success(receiver) && receiver->status >= 300) {
        receiver->failed = false;
        receiver->cut = true;
        text_clear(&receiver->body);
    }
    return fine;
}

/* Join fields of one name, keeping the place of the first (RFC 9110 section 5.3). */
static size_t join_headers(HttpReceiver *receiver)
{
    size_t kept = 0;
    for (size_t i = 0; i < receiver->header_count; i++) {
        HttpHeader *line = &receiver->headers[i], *first = NULL;
        for (size_t k = 0; k < kept && !first; k++)
            if (strcmp(receiver->headers[k].name, line->name) == 0)
                first = &receiver->headers[k];
        if (first)
            first->value = arena_format(receiver->arena, "%s, %s", first->value, line->value);
        else
            receiver->headers[kept++] = *line;
    }
    return kept;
}

/* An answer that ends when the connection does could have been cut by anyone: curl takes a TCP end
 * without TLS's own for a good one. */
static bool says_its_length(const HttpReceiver *receiver)
{
    for (size_t i = 0; i < receiver->header_count; i++)
        if (strcmp(receiver->headers[i].name, "content-length") == 0 ||
            strcmp(receiver->headers[i].name, "transfer-encoding") == 0)
            return true;
    return receiver->status == 204;
}

bool http_receiver_finish(HttpReceiver *receiver, HttpResponse *ret)
{
    if (is_success(receiver) && !says_its_length(receiver))
        return fail(receiver, HTTP_FAILED_RECEIVE, "the answer does not say where it ends");
    if (receiver->inflating && !receiver->stream_ended && !receiver->cut) {
        if (is_success(receiver))
            return fail(receiver, HTTP_FAILED_ENCODING, "the packed answer ends early");
        text_clear(&receiver->body);
    }
    size_t count = join_headers(receiver);
    HttpHeader *headers = arena_array(receiver->arena, count + 1, sizeof *headers);
    memcpy(headers, receiver->headers, count * sizeof *headers);
    *ret = (HttpResponse){
        .status = receiver->status,
        .headers = headers,
        .header_count = count,
        .body = receiver->body.bytes ? receiver->body.bytes : arena_copy(receiver->arena, "", 0),
        .body_size = receiver->body.size,
        .received = receiver->received,
    };
    return true;
}
