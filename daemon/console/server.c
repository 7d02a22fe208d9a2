/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP by libmicrohttpd, in the caller's loop: one thread, one request after the other. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/console/console.h"
#include "daemon/console/page.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BODY_LIMIT ((size_t)16 << 10)
#define CALL_CAP ((size_t)24 << 20)
#define VALUES_MAX 32
#define CONNECTIONS 64
#define IDLE_SECONDS 30U
#define STREAM_LIMIT ((size_t)1 << 20)

struct Console {
    Arena *arena;
    ConsoleState state;
    struct MHD_Daemon *server;
    int fd;
};

/* One request from its head to the end of its answer. */
typedef struct Call {
    Console *console;
    Arena *arena;
    Request request;
    Text body;
    Answer answer;
    Text part; /* of a long answer: what is not sent yet */
    size_t sent;
    bool more, begun;
} Call;

static const char *header_of(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static const char *peer_of(struct MHD_Connection *connection, Arena *arena)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char host[NI_MAXHOST];
    if (!info || !info->client_addr || info->client_addr->sa_family == AF_UNIX)
        return "unix";
    socklen_t size = info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                              : sizeof(struct sockaddr_in);
    if (getnameinfo(info->client_addr, size, host, sizeof host, NULL, 0, NI_NUMERICHOST) != 0)
        return "unknown";
    return arena_text(arena, host);
}

static void add_value(Request *request, const char *name, const char *value)
{
    if (!name || !value || request->value_count == VALUES_MAX)
        request->values_bad = true;
    else
        request->values[request->value_count++] = (UrlValue){name, value};
}

/* "a=1&b=2", as a query and as a form. */
static void split_values(Request *request, Arena *arena, const char *text)
{
    while (text && *text) {
        size_t size = strcspn(text, "&"), name = strcspn(text, "&=");
        if (name)
            add_value(request, url_decode(arena, text, name),
                      name < size ? url_decode(arena, text + name + 1, size - name - 1) : "");
        text += size + (text[size] == '&');
    }
}

/* The query as it was sent: the library's own reading of it is lenient. */
static void *keep_uri(void *data, const char *uri, struct MHD_Connection *connection)
{
    (void)connection;
    Arena *arena = arena_new(CALL_CAP);
    Call *call = arena_alloc(arena, sizeof *call);
    const char *query = strchr(uri, '?');
    *call = (Call){.console = data, .arena = arena, .body = text_new(arena, BODY_LIMIT)};
    call->request.values = arena_array(arena, VALUES_MAX, sizeof(UrlValue));
    split_values(&call->request, arena, query ? query + 1 : NULL);
    return call;
}

static void forget(void *data, struct MHD_Connection *connection, void **held,
                   enum MHD_RequestTerminationCode code)
{
    (void)data;
    (void)connection;
    (void)code;
    Call *call = *held;
    if (call)
        arena_free(call->arena);
    *held = NULL;
}

static void read_head(Call *call, struct MHD_Connection *connection, const char *path,
                      PageMethod method)
{
    Request *request = &call->request;
    const Section *section = call->console->state.config->console;
    const char *proxy = section_text(section, "proxy_header");
    request->method = method;
    request->path = arena_text(call->arena, path);
    request->peer = peer_of(connection, call->arena);
    request->cookie = header_of(connection, "Cookie");
    request->host = header_of(connection, "Host");
    request->origin = header_of(connection, "Origin");
    request->fetch_site = header_of(connection, "Sec-Fetch-Site");
    request->forwarded_proto = header_of(connection, "X-Forwarded-Proto");
    request->proxy_name = proxy ? header_of(connection, proxy) : NULL;
    request->proxy_secret = header_of(connection, "X-Mhsflow-Proxy");
}

/* A long answer: the next part is made when the one before has gone. */
static ssize_t read_more(void *data, uint64_t place, char *to, size_t size)
{
    Call *call = data;
    Error err = {0};
    (void)place;
    while (call->sent == call->part.size) {
        ConsoleState *state = &call->console->state;
        if (!call->more)
            return MHD_CONTENT_READER_END_OF_STREAM;
        text_clear(&call->part);
        call->sent = 0;
        if (!state->store || !store_connected(state->store) ||
            !call->answer.more(call->answer.data, state->store, &call->part, &call->more, &err) ||
            !text_ok(&call->part)) {
            state->failed(state->data, call->request.path, &err);
            return MHD_CONTENT_READER_END_WITH_ERROR;
        }
    }
    size_t left = call->part.size - call->sent, now = left < size ? left : size;
    memcpy(to, call->part.bytes + call->sent, now);
    call->sent += now;
    return (ssize_t)now;
}

static struct MHD_Response *response_of(Call *call)
{
    const Answer *answer = &call->answer;
    if (!answer->more)
        return MHD_create_response_from_buffer(answer->size, (void *)(uintptr_t)answer->body,
                                               MHD_RESPMEM_PERSISTENT);
    call->part = text_new(call->arena, STREAM_LIMIT);
    call->more = true;
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32 << 10, read_more, call, NULL);
}

static void add_headers(const Call *call, struct MHD_Response *response)
{
    static const char *const always[][2] = {
        {"Content-Security-Policy",
         "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
         "frame-ancestors 'none'; base-uri 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
        {"Cache-Control", "no-store"},
    };
    const Answer *answer = &call->answer;
    for (size_t i = 0; i < COUNT_OF(always); i++)
        MHD_add_response_header(response, always[i][0], always[i][1]);
    if (answer->type)
        MHD_add_response_header(response, "Content-Type", answer->type);
    if (answer->location)
        MHD_add_response_header(response, "Location", answer->location);
    if (answer->cookie)
        MHD_add_response_header(response, "Set-Cookie", answer->cookie);
    if (answer->retry_after)
        MHD_add_response_header(response, "Retry-After", answer->retry_after);
    if (answer->filename)
        MHD_add_response_header(
            response, "Content-Disposition",
            arena_format(call->arena, "attachment; filename=\"%s\"", answer->filename));
    if (call->console->state.secure)
        MHD_add_response_header(response, "Strict-Transport-Security", "max-age=31536000");
}

static enum MHD_Result send_answer(Call *call, struct MHD_Connection *connection)
{
    struct MHD_Response *response = response_of(call);
    if (!response)
        return MHD_NO;
    add_headers(call, response);
    enum MHD_Result done = MHD_queue_response(connection, (unsigned)call->answer.status, response);
    MHD_destroy_response(response);
    return done;
}

static enum MHD_Result plain(Call *call, struct MHD_Connection *connection, int status,
                             const char *text)
{
    call->answer = (Answer){
        .status = status, .type = "text/plain; charset=utf-8", .body = text, .size = strlen(text)};
    return send_answer(call, connection);
}

static enum MHD_Result handle(void *data, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *body,
                              size_t *size, void **held)
{
    Call *call = *held;
    bool is_post = text_equal(method, "POST");
    (void)data;
    (void)version;
    if (!call->begun) {
        call->begun = true;
        if (!is_post && !text_equal(method, "GET") && !text_equal(method, "HEAD"))
            return plain(call, connection, 405, "not a method of ours\n");
        return MHD_YES;
    }
    if (*size) {
        text_add_bytes(&call->body, body, *size);
        *size = 0;
        return MHD_YES;
    }
    if (!text_ok(&call->body))
        return plain(call, connection, 413, "too long\n");
    read_head(call, connection, path, is_post ? POST : GET);
    if (is_post) {
        call->request.value_count = 0; /* what is done is said in the form, never in the address */
        if (strlen(text_get(&call->body)) != call->body.size)
            call->request.values_bad = true;
        split_values(&call->request, call->arena, text_get(&call->body));
    }
    console_answer(&call->console->state, &call->request, call->arena, &call->answer);
    return send_answer(call, connection);
}

static void say_nothing(void *data, const char *format, va_list args)
{
    (void)data; /* the library's own words may hold what a peer sent */
    (void)format;
    (void)args;
}

/* ---- listening ---- */

static bool listen_unix(const char *path, int *ret, Error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(err, ERROR_CONFIG, "console.listen",
                         "cannot listen: the socket's path is too long");
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        chmod(path, 0660) < 0 || listen(fd, CONNECTIONS) < 0)
        return error_errno(err, errno, "console.listen", "could not listen on \"%s\"", path);
    *ret = TAKE_FD(fd);
    return true;
}

static bool listen_address(const char *text, Arena *arena, int *ret, Error *err)
{
    const char *colon = strrchr(text, ':');
    struct addrinfo *found = NULL, wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    if (!colon || colon == text || !colon[1])
        return error_set(err, ERROR_CONFIG, "console.listen",
                         "cannot listen: \"listen\" is not ADDRESS:PORT or unix:PATH");
    bool bracket = *text == '[' && colon[-1] == ']';
    const char *host = arena_copy(arena, text + bracket, (size_t)(colon - text) - 2 * bracket);
    if (getaddrinfo(host, colon + 1, &wanted, &found) != 0)
        return error_set(err, ERROR_CONFIG, "console.listen",
                         "cannot listen: \"listen\" names no address of this machine");
    _cleanup_close_ int fd =
        socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) == 0 &&
                bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, CONNECTIONS) == 0;
    int number = errno;
    freeaddrinfo(found);
    if (!good)
        return error_errno(err, number, "console.listen", "could not listen on \"%s\"", text);
    *ret = TAKE_FD(fd);
    return true;
}

static bool read_secrets(Console *console, const char **ret_certificate, const char **ret_key,
                         Error *err)
{
    const Section *section = console->state.config->console;
    const char *certificate = section_text(section, "certificate"),
               *proxy = section_text(section, "proxy_secret");
    char *bytes = NULL, *key = NULL, *secret = NULL;
    size_t size;
    if (certificate &&
        (!file_read(certificate, (size_t)1 << 20, console->arena, &bytes, &size, err) ||
         !file_secret(section_text(section, "key"), console->arena, &key, err)))
        return error_wrap(err, "reading the pages' certificate");
    if (proxy && !file_secret(proxy, console->arena, &secret, err))
        return error_wrap(err, "reading the proxy's secret");
    console->state.proxy_secret = secret;
    console->state.secure = certificate != NULL;
    *ret_certificate = bytes;
    *ret_key = key;
    return true;
}

static bool start(Console *console, int fd, const char *certificate, const char *key, Error *err)
{
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (void *)(uintptr_t) "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CBC"},
        {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    console->server = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG | (certificate ? MHD_USE_TLS : 0), 0, NULL, NULL, handle,
        console, MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_URI_LOG_CALLBACK, keep_uri, console, MHD_OPTION_NOTIFY_COMPLETED, forget, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32 << 10, MHD_OPTION_ARRAY,
        certificate ? tls : none, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        console->server ? MHD_get_daemon_info(console->server, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info)
        return error_set(err, ERROR_CONFIG, "console.start",
                         "cannot start the pages: certificate and key do not go together");
    console->fd = info->epoll_fd;
    return true;
}

bool console_open(const ConsoleSettings *settings, Console **ret, Error *err)
{
    _cleanup_console_ Console *console = calloc(1, sizeof *console);
    _cleanup_close_ int fd = -1;
    const char *certificate, *key;
    if (!console)
        abort(); /* out of memory ends the process */
    console->arena = arena_new((size_t)2 << 20);
    console->state = (ConsoleState){.requests = limit_new(console->arena, 1200, 300),
                                    .sign_ins = limit_new(console->arena, 6, 10)};
    console_settings(console, settings);
    const char *listen = section_text(settings->config->console, "listen");
    if (!read_secrets(console, &certificate, &key, err) ||
        !(text_starts(listen, "unix:") ? listen_unix(listen + strlen("unix:"), &fd, err)
                                       : listen_address(listen, console->arena, &fd, err)) ||
        !start(console, fd, certificate, key, err))
        return false;
    (void)TAKE_FD(fd); /* the server's now */
    *ret = TAKE_PTR(console);
    return true;
}

void console_settings(Console *console, const ConsoleSettings *settings)
{
    console->state.config = settings->config;
    console->state.calendar = settings->calendar;
    console->state.failed = settings->failed;
    console->state.data = settings->data;
}

void console_store(Console *console, Store *store)
{
    console->state.store = store;
}

void console_close(Console *console)
{
    if (!console)
        return;
    if (console->server)
        MHD_stop_daemon(console->server);
    arena_free(console->arena);
    free(console);
}

int console_fd(const Console *console)
{
    return console->fd;
}

int64_t console_wait(const Console *console)
{
    MHD_UNSIGNED_LONG_LONG wait;
    return MHD_get_timeout(console->server, &wait) == MHD_YES ? (int64_t)wait : -1;
}

void console_run(Console *console)
{
    MHD_run(console->server);
}
