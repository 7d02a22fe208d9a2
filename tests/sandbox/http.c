/* SPDX-License-Identifier: Apache-2.0 */
/* Serves HTTP with libmicrohttpd, and applies the faults that do not depend on what is asked. */
#include "tests/sandbox/http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <zlib.h>

#include "tests/sandbox/json_writer.h"
#include "tests/sandbox/request_log.h"

enum { LEAST_COMPRESSED = 512, CONNECTION_MEMORY = 256 * 1024, IDLE_SECONDS = 120 };

/* One request while it arrives. */
typedef struct Exchange {
    Buffer body;
    bool too_large;
    Fault fault;
} Exchange;

/* An answer that breaks off. */
typedef struct Breaking {
    Buffer body;
    uint64_t at;
    uint32_t stall; /* seconds before it breaks off */
} Breaking;

const char *http_header(const HttpRequest *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *http_query(const HttpRequest *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

typedef struct FieldSearch {
    const char *name;
    Buffer *out;
    bool found;
} FieldSearch;

static enum MHD_Result join_field(void *cls, enum MHD_ValueKind kind, const char *key,
                                  const char *value)
{
    FieldSearch *search = cls;
    (void)kind;
    if (value == NULL || strcasecmp(key, search->name) != 0)
        return MHD_YES;
    if (search->found)
        buffer_add(search->out, ", ", 2);
    search->found = true;
    while (*value == ' ' || *value == '\t')
        value++;
    size_t length = strlen(value);
    while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
        length--;
    buffer_add(search->out, value, length);
    return MHD_YES;
}

bool http_field(const HttpRequest *request, const char *name, Buffer *out)
{
    FieldSearch search = {.name = name, .out = out};
    (void)MHD_get_connection_values(request->connection, MHD_HEADER_KIND, join_field, &search);
    return search.found;
}

void http_add_header(HttpAnswer *answer, const char *name, const char *value)
{
    if (answer->header_count == HTTP_HEADERS)
        abort();
    answer->header_names[answer->header_count] = name;
    buffer_text(&answer->header_values[answer->header_count++], value);
}

void http_problem(HttpAnswer *answer, unsigned status, const char *code, const char *title,
                  const char *detail)
{
    BUFFER_AUTO type = {0};
    buffer_format(&type, "https://mef.example/problems/%s", code);
    answer->status = status;
    answer->content_type = "application/problem+json";
    buffer_clear(&answer->body);
    put_open(&answer->body, NULL, '{');
    put_text(&answer->body, "type", type.data);
    put_text(&answer->body, "title", title);
    put_number(&answer->body, "status", status);
    put_text(&answer->body, "code", code);
    if (detail != NULL)
        put_text(&answer->body, "detail", detail);
    put_close(&answer->body, '}');
}

static void answer_free(HttpAnswer *answer)
{
    buffer_free(&answer->body);
    for (size_t i = 0; i < answer->header_count; i++)
        buffer_free(&answer->header_values[i]);
}

/* Closes the connection so that the peer sees a reset, not an end. */
static enum MHD_Result reset_connection(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    if (info != NULL) {
        (void)setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        (void)shutdown(info->connect_fd, SHUT_RD);
    }
    return MHD_NO;
}

static ssize_t read_breaking(void *cls, uint64_t position, char *to, size_t most)
{
    Breaking *breaking = cls;
    if (position >= breaking->at) {
        if (breaking->stall > 0)
            fault_stall(breaking->stall);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    uint64_t left = breaking->at - position;
    size_t count = left < most ? (size_t)left : most;
    memcpy(to, breaking->body.data + position, count);
    return (ssize_t)count;
}

static void free_breaking(void *cls)
{
    Breaking *breaking = cls;
    buffer_free(&breaking->body);
    free(breaking);
}

static bool compress_body(Buffer *body)
{
    z_stream stream = {0};
    if (deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    Buffer packed = {0};
    buffer_reserve(&packed, deflateBound(&stream, body->length));
    stream.next_in = (Bytef *)body->data;
    stream.avail_in = (uInt)body->length;
    stream.next_out = (Bytef *)packed.data;
    stream.avail_out = (uInt)packed.capacity;
    bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    packed.length = stream.total_out;
    (void)deflateEnd(&stream);
    Buffer old = *body;
    *body = done ? packed : old;
    buffer_free(done ? &old : &packed);
    return done;
}

static bool client_takes_gzip(const HttpRequest *request)
{
    const char *accepted = http_header(request, "Accept-Encoding");
    return accepted != NULL && strstr(accepted, "gzip") != NULL &&
           strstr(accepted, "gzip;q=0") == NULL;
}

/* The start of the body's last line. */
static size_t last_line(const Buffer *body)
{
    size_t at = body->length;
    while (at > 0 && body->data[at - 1] == '\n')
        at--;
    while (at > 0 && body->data[at - 1] != '\n')
        at--;
    return at;
}

static void damage_text(FaultAction action, HttpAnswer *answer)
{
    if (action == FAULT_DROP_TRAILER && answer->status == 200) {
        answer->body.length = last_line(&answer->body);
    } else if (action == FAULT_WRONG_COUNT && answer->status == 200 && answer->body.length > 0) {
        char *count = strstr(answer->body.data + last_line(&answer->body), "\"count\":");
        if (count != NULL)
            count[8] = count[8] == '9' ? '8' : (char)(count[8] + 1);
    } else if (action == FAULT_GARBAGE) {
        answer->status = 200;
        answer->content_type = "text/html";
        answer->compress = false;
        buffer_clear(&answer->body);
        buffer_text(&answer->body, "<html><body><h1>It works!</h1></body></html>\n");
    }
}

static struct MHD_Response *make_response(const Fault *fault, HttpAnswer *answer)
{
    bool breaks = fault->action == FAULT_TRUNCATE || fault->action == FAULT_STALL_ANSWER;
    if (!breaks) {
        struct MHD_Response *response = MHD_create_response_from_buffer(
            answer->body.length, answer->body.data, MHD_RESPMEM_MUST_FREE);
        answer->body = (Buffer){0};
        return response;
    }
    Breaking *breaking = memory_or_die(calloc(1, sizeof *breaking));
    breaking->body = answer->body;
    breaking->at =
        fault->after_bytes < answer->body.length ? fault->after_bytes : answer->body.length / 2;
    breaking->stall = fault->action == FAULT_STALL_ANSWER ? fault->seconds : 0;
    uint64_t length = answer->body.length;
    answer->body = (Buffer){0};
    return MHD_create_response_from_callback(length, 65536, read_breaking, breaking, free_breaking);
}

static enum MHD_Result send_answer(const HttpRequest *request, const Fault *fault,
                                   HttpAnswer *answer)
{
    damage_text(fault->action, answer);
    bool packed = answer->compress && answer->body.length >= LEAST_COMPRESSED &&
                  client_takes_gzip(request) && compress_body(&answer->body);
    if (fault->action == FAULT_BAD_GZIP && packed)
        for (size_t i = answer->body.length / 2; i < answer->body.length / 2 + 16; i++)
            answer->body.data[i] ^= 0x55;
    struct MHD_Response *response = make_response(fault, answer);
    if (answer->content_type != NULL)
        (void)MHD_add_response_header(response, "Content-Type", answer->content_type);
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    if (packed)
        (void)MHD_add_response_header(response, "Content-Encoding", "gzip");
    for (size_t i = 0; i < answer->header_count; i++)
        (void)MHD_add_response_header(response, answer->header_names[i],
                                      answer->header_values[i].data);
    enum MHD_Result result = MHD_queue_response(request->connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static void answer_fault_status(const Fault *fault, HttpAnswer *answer)
{
    http_problem(answer, fault->status, fault->status == 429 ? "rate_limited" : "maintenance",
                 "As told by the sandbox's control", NULL);
    if (fault->retry_after[0] != '\0')
        http_add_header(answer, "Retry-After", fault->retry_after);
}

static bool for_handler(FaultAction action)
{
    return action == FAULT_LIE_ACCEPT || action == FAULT_PENDING || action == FAULT_REFUSE ||
           action == FAULT_SLOW;
}

static enum MHD_Result answer_request(const HttpServer *server, HttpRequest *request,
                                      Exchange *exchange)
{
    HttpAnswer answer = {.status = 200, .content_type = "application/json"};
    const Fault *fault = &exchange->fault;
    const char *name = fault->action == FAULT_NONE ? NULL : fault_action_names[fault->action];
    if (fault->action == FAULT_CLOSE_AFTER_BODY || fault->action == FAULT_RESET) {
        request_log_add(server->target, request->method, request->path, 0, name);
        return reset_connection(request->connection);
    }
    request->fault = for_handler(fault->action) ? fault->action : FAULT_NONE;
    request->fault_seconds = fault->seconds;
    if (fault->action == FAULT_STATUS)
        answer_fault_status(fault, &answer);
    else if (exchange->too_large)
        http_problem(&answer, 413, "too_large", "The body is too large", NULL);
    else if (fault->action != FAULT_GARBAGE)
        server->handler(server->user, request, &answer);
    bool lost = fault->action == FAULT_LOSE_ANSWER;
    request_log_add(server->target, request->method, request->path, lost ? 0 : answer.status, name);
    enum MHD_Result result =
        lost ? reset_connection(request->connection) : send_answer(request, fault, &answer);
    answer_free(&answer);
    return result;
}

static const char *below_base(const HttpServer *server, const char *path)
{
    size_t length = strlen(server->base);
    return strncmp(path, server->base, length) == 0 ? path + length : "";
}

static enum MHD_Result begin_request(const HttpServer *server, struct MHD_Connection *connection,
                                     const char *method, const char *path, void **state)
{
    Exchange *exchange = memory_or_die(calloc(1, sizeof *exchange));
    exchange->fault = fault_match(server->target, method, below_base(server, path));
    *state = exchange;
    bool now = exchange->fault.after_bytes == UINT64_MAX || exchange->fault.after_bytes == 0;
    if (exchange->fault.action == FAULT_STALL) {
        fault_stall(exchange->fault.seconds);
        request_log_add(server->target, method, path, 0, "stall");
        return reset_connection(connection);
    }
    if (exchange->fault.action == FAULT_RESET && now) {
        request_log_add(server->target, method, path, 0, "reset");
        return reset_connection(connection);
    }
    return MHD_YES;
}

static enum MHD_Result take_body(const HttpServer *server, Exchange *exchange,
                                 struct MHD_Connection *connection, const char *bytes, size_t *size)
{
    if (exchange->body.length + *size > server->body_limit)
        exchange->too_large = true;
    else
        buffer_add(&exchange->body, bytes, *size);
    *size = 0;
    if (exchange->fault.action == FAULT_RESET &&
        exchange->body.length >= exchange->fault.after_bytes) {
        request_log_add(server->target, "POST", "(reset in the body)", 0, "reset");
        return reset_connection(connection);
    }
    return MHD_YES;
}

static enum MHD_Result access_handler(void *cls, struct MHD_Connection *connection,
                                      const char *path, const char *method, const char *version,
                                      const char *upload, size_t *upload_size, void **state)
{
    HttpServer *server = cls;
    (void)version;
    if (*state == NULL)
        return begin_request(server, connection, method, path, state);
    Exchange *exchange = *state;
    if (*upload_size > 0)
        return take_body(server, exchange, connection, upload, upload_size);
    HttpRequest request = {.connection = connection,
                           .method = method,
                           .path = path,
                           .relative = below_base(server, path),
                           .body = &exchange->body};
    return answer_request(server, &request, exchange);
}

static void request_done(void *cls, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)cls;
    (void)connection;
    (void)code;
    Exchange *exchange = *state;
    if (exchange != NULL)
        buffer_free(&exchange->body);
    free(exchange);
    *state = NULL;
}

bool http_start(HttpServer *server, const char *certificate, const char *key, const char **ret_why)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(server->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
                     MHD_USE_POLL | (certificate != NULL ? MHD_USE_TLS : 0);
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    server->daemon = MHD_start_daemon(
        flags, server->port, NULL, NULL, access_handler, server, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_NOTIFY_COMPLETED, request_done, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_ARRAY, certificate != NULL ? tls : plain, MHD_OPTION_END);
    if (server->daemon == NULL) {
        *ret_why = "could not listen";
        return false;
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    server->port = info->port;
    return true;
}

void http_stop(HttpServer *server)
{
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
}
