/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP client with one TLS policy. */
#include "daemon/net/http.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/fault.h"
#include "daemon/net/http_failure.h"
#include "daemon/net/http_receive.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_CONNECT_TIMEOUT_MS INT64_C(10000)
#define DEFAULT_STALL_TIMEOUT_MS INT64_C(60000)
#define DEFAULT_TOTAL_TIMEOUT_MS INT64_C(900000)

struct HttpClient {
    CURL *curl;
    HttpSettings settings; /* strings owned */
};

/* The sending half of one exchange. */
typedef struct Sender {
    const HttpRequest *request;
    int fd;
    int64_t given; /* bytes handed to curl */
    bool halfway, whole;
    bool failed;
    HttpReceiver *receiver;
} Sender;

DEFINE_CLEANUP(struct curl_slist *, curl_slist_free_all, slist);

static HttpProgress progress_hook;
static void *progress_data;

void http_on_progress(HttpProgress progress, void *data)
{
    progress_hook = progress;
    progress_data = data;
}

static void start_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    /* OpenSSL writes to sockets without MSG_NOSIGNAL: a peer that goes away must not end the
     * process. */
    signal(SIGPIPE, SIG_IGN);
}

static char *copy_or_null(const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        abort();
    return copy;
}

static bool is_readable(const char *path, const char *what, Error *err)
{
    if (!path || access(path, R_OK) == 0)
        return true;
    int number = errno;
    error_errno(err, number, "http.local", "could not read the %s \"%s\"", what, path);
    err->kind = ERROR_CONFIG;
    return false;
}

bool http_client_new(const HttpSettings *settings, HttpClient **ret, Error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_curl);
    if (!settings->client_certificate != !settings->client_key)
        return error_set(
            err, ERROR_CONFIG, "http.local",
            "a client certificate and its key belong together: one of them is missing");
    if (!is_readable(settings->ca_bundle, "CA bundle", err) ||
        !is_readable(settings->client_certificate, "client certificate", err) ||
        !is_readable(settings->client_key, "client key", err))
        return false;
    HttpClient *client = calloc(1, sizeof *client);
    CURL *curl = curl_easy_init();
    if (!client || !curl)
        abort();
    client->curl = curl;
    client->settings = *settings;
    client->settings.ca_bundle = copy_or_null(settings->ca_bundle);
    client->settings.client_certificate = copy_or_null(settings->client_certificate);
    client->settings.client_key = copy_or_null(settings->client_key);
    client->settings.proxy = copy_or_null(settings->proxy);
    *ret = client;
    return true;
}

static void free_const(const char *text)
{
    free((void *)(uintptr_t)text);
}

void http_client_free(HttpClient *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    free_const(client->settings.ca_bundle);
    free_const(client->settings.client_certificate);
    free_const(client->settings.client_key);
    free_const(client->settings.proxy);
    free(client);
}

/* The one place where trust is decided.  False when this curl or OpenSSL cannot keep the policy. */
static bool set_tls_policy(CURL *curl, const HttpSettings *settings)
{
    bool fine = true;
#define SET(option, value) (fine = curl_easy_setopt(curl, option, value) == CURLE_OK && fine)
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_CIPHER_LIST, "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:@SECLEVEL=2");
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (settings->ca_bundle) {
        SET(CURLOPT_CAINFO, settings->ca_bundle);
        /* Debian's curl has a default folder: without this line the whole system's CAs count too.
         */
        SET(CURLOPT_CAPATH, NULL);
    }
    if (settings->client_certificate) {
        SET(CURLOPT_SSLCERT, settings->client_certificate);
        SET(CURLOPT_SSLKEY, settings->client_key);
    }
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    /* An empty text, not NULL: NULL would let https_proxy of the environment in. */
    SET(CURLOPT_PROXY, settings->proxy ? settings->proxy : "");
    SET(CURLOPT_NOPROXY, "");
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    return fine;
}

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value > 0 ? value : fallback;
}

static bool set_limits(CURL *curl, const HttpSettings *settings, const HttpRequest *request)
{
    bool fine = true;
    int64_t total = or_default(settings->total_timeout_ms, DEFAULT_TOTAL_TIMEOUT_MS);
    int64_t stall = or_default(settings->stall_timeout_ms, DEFAULT_STALL_TIMEOUT_MS);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS,
        (long)or_default(settings->connect_timeout_ms, DEFAULT_CONNECT_TIMEOUT_MS));
    SET(CURLOPT_TIMEOUT_MS, (long)or_default(request->total_timeout_ms, total));
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, (long)((stall + 999) / 1000));
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    return fine;
}

static size_t on_header(char *line, size_t size, size_t count, void *data)
{
    Sender *sender = data;
    if (sender->request->upload_faults && !sender->whole) {
        sender->whole = true;
        FAULT(SUBMIT_BEFORE_ANSWER);
    }
    return http_receiver_header(sender->receiver, line, size * count) ? size * count : 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    Sender *sender = data;
    return http_receiver_body(sender->receiver, bytes, size * count) ? size * count : 0;
}

static size_t on_read(char *buffer, size_t size, size_t count, void *data)
{
    Sender *sender = data;
    const HttpRequest *request = sender->request;
    int64_t wanted = (int64_t)(size * count), left = request->file_size - sender->given;
    if (request->upload_faults && !sender->halfway) {
        int64_t half = (request->file_size + 1) / 2 - sender->given;
        if (half > 0 && wanted > half) {
            wanted = half; /* so that there is a moment at which exactly half has left */
        } else if (half <= 0) {
            sender->halfway = true;
            FAULT(SUBMIT_MID_BODY);
        }
    }
    if (wanted > left)
        wanted = left;
    if (wanted == 0)
        return 0;
    ssize_t got = TEMP_FAILURE_RETRY(read(sender->fd, buffer, (size_t)wanted));
    if (got <= 0) { /* shorter than it was: what has left is not a whole document */
        sender->failed = true;
        return CURL_READFUNC_ABORT;
    }
    sender->given += got;
    return (size_t)got;
}

/* Going back would be sending again. */
static int on_seek(void *data, curl_off_t offset, int origin)
{
    (void)data;
    (void)offset;
    (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

static int on_progress(void *data, curl_off_t download_total, curl_off_t downloaded,
                       curl_off_t upload_total, curl_off_t uploaded)
{
    Sender *sender = data;
    (void)download_total;
    (void)upload_total;
    if (sender->request->upload_faults && !sender->whole &&
        uploaded >= sender->request->file_size) {
        sender->whole = true;
        FAULT(SUBMIT_BEFORE_ANSWER);
    }
    return progress_hook && !progress_hook(progress_data, uploaded, downloaded);
}

static bool add_header(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer)
        *list = longer;
    return longer;
}

static bool has_line_end(const char *text)
{
    return strpbrk(text, "\r\n") != NULL;
}

static bool make_headers(const HttpRequest *request, Arena *arena, struct curl_slist **ret,
                         Error *err)
{
    bool fine = true, typed = false;
    for (size_t i = 0; i < request->header_count; i++) {
        const HttpHeader *header = &request->headers[i];
        if (has_line_end(header->name) || has_line_end(header->value))
            return error_set(err, ERROR_BUG, "http.local", "a header line has a line end inside");
        typed = typed || strcasecmp(header->name, "Content-Type") == 0;
        /* A semicolon is how curl is told of a header without value. */
        const char *line = *header->value
                               ? arena_format(arena, "%s: %s", header->name, header->value)
                               : arena_format(arena, "%s;", header->name);
        fine = add_header(ret, line) && fine;
    }
    /* curl's own additions that nobody asked for: Expect delays, the form type is a lie. */
    fine = add_header(ret, "Expect:") && fine;
    if (!typed)
        fine = add_header(ret, "Content-Type:") && fine;
    if (request->accept_gzip)
        fine = add_header(ret, "Accept-Encoding: gzip") && fine;
    return fine || error_set(err, ERROR_LATER, "http.local", "could not make the request's header");
}

static bool open_file(const HttpRequest *request, int *ret_fd, Error *err)
{
    _cleanup_close_ int fd = open(request->file_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_errno(err, errno, "http.local", "could not open the document");
    struct stat status;
    if (fstat(fd, &status) < 0)
        return error_errno(err, errno, "http.local", "could not look at the document");
    if (!S_ISREG(status.st_mode) || status.st_size != request->file_size)
        return error_set(err, ERROR_LATER, "http.local", "the document does not have its size");
    *ret_fd = TAKE_FD(fd);
    return true;
}

static bool set_body(CURL *curl, const HttpRequest *request)
{
    bool fine = true;
    if (strcmp(request->method, "GET") == 0) {
        SET(CURLOPT_HTTPGET, 1L);
        return fine;
    }
    SET(CURLOPT_POST, 1L);
    if (request->file_path) {
        SET(CURLOPT_POSTFIELDS, NULL);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->file_size);
    } else {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
        SET(CURLOPT_POSTFIELDS, request->body ? request->body : "");
    }
    if (strcmp(request->method, "POST") != 0)
        SET(CURLOPT_CUSTOMREQUEST, request->method);
    /* On a connection of its own nothing is ever sent a second time. */
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
    return fine;
}

static bool set_request(CURL *curl, const HttpRequest *request, struct curl_slist *headers,
                        Sender *sender, char *message)
{
    bool fine = true;
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_USERAGENT, "mhsflow/" MHSFLOW_VERSION);
    SET(CURLOPT_ERRORBUFFER, message);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, sender);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, sender);
    SET(CURLOPT_READFUNCTION, on_read);
    SET(CURLOPT_READDATA, sender);
    SET(CURLOPT_SEEKFUNCTION, on_seek);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, sender);
    return set_body(curl, request) && fine;
}
#undef SET

/* Certain that nothing left: the handshake with the other side was never finished, or curl counts
 * no byte. */
static HttpLeft what_left(CURL *curl)
{
    long request_size = 0, connects = 0;
    curl_off_t handshake = 0, uploaded = 0;
    curl_easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &request_size);
    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
    curl_easy_getinfo(curl, CURLINFO_APPCONNECT_TIME_T, &handshake);
    curl_easy_getinfo(curl, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    if (request_size == 0 && uploaded == 0)
        return HTTP_NOTHING_LEFT;
    return connects > 0 && handshake == 0 ? HTTP_NOTHING_LEFT : HTTP_MAY_HAVE_LEFT;
}

static bool report_failure(CURL *curl, CURLcode result, const Sender *sender, const char *message,
                           HttpFailure *ret, Error *err)
{
    HttpFailureRow row = http_failure_of(result);
    /* curl's word for an answer that is not HTTP/1 is the one for a URL that is not https. */
    if (row.kind == HTTP_FAILED_LOCAL && what_left(curl) == HTTP_MAY_HAVE_LEFT)
        row = (HttpFailureRow){result, HTTP_FAILED_RECEIVE, ERROR_LATER};
    *ret = (HttpFailure){
        .kind = row.kind, .left = what_left(curl), .status = sender->receiver->status};
    if (sender->receiver->failed) {
        ret->kind = sender->receiver->failure;
        return false; /* *err is set */
    }
    if (sender->failed) {
        ret->kind = HTTP_FAILED_LOCAL;
        return error_set(err, ERROR_LATER, "http.local",
                         "could not read the document while sending it");
    }
    return error_set(err, row.error, http_failure_code(row.kind), "%s",
                     message[0] ? message : curl_easy_strerror(result));
}

bool http_exchange(HttpClient *client, Arena *arena, const HttpRequest *request, HttpResponse *ret,
                   HttpFailure *ret_failure, Error *err)
{
    *ret_failure = (HttpFailure){HTTP_FAILED_LOCAL, HTTP_NOTHING_LEFT, 0};
    _cleanup_(slist) struct curl_slist *headers = NULL;
    _cleanup_close_ int fd = -1;
    if (request->response_limit == 0)
        return error_set(err, ERROR_BUG, "http.local", "a request needs a limit for its answer");
    if ((request->file_path && !open_file(request, &fd, err)) ||
        !make_headers(request, arena, &headers, err))
        return false;

    HttpReceiver receiver;
    http_receiver_open(&receiver, request, arena, err);
    Sender sender = {.request = request, .fd = fd, .receiver = &receiver};
    sender.whole = !request->file_path;
    char message[CURL_ERROR_SIZE] = "";
    CURL *curl = client->curl;
    curl_easy_reset(curl); /* keeps connections and the name cache */
    if (!set_tls_policy(curl, &client->settings) || !set_limits(curl, &client->settings, request) ||
        !set_request(curl, request, headers, &sender, message))
        return error_set(err, ERROR_CONFIG, "http.local",
                         "cannot keep the TLS policy with this curl");

    CURLcode result = curl_easy_perform(curl);
    bool complete = result == CURLE_OK || (result == CURLE_WRITE_ERROR && receiver.cut);
    bool fine = complete && http_receiver_finish(&receiver, ret);
    if (!fine)
        report_failure(curl, result, &sender, message, ret_failure, err);
    http_receiver_close(&receiver);
    /* What curl kept points into this frame. */
    curl_easy_reset(curl);
    return fine;
}
