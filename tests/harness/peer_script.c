/* SPDX-License-Identifier: Apache-2.0 */
/* Plays a peer's script: connections, requests, steps. */
#include "tests/harness/peer_private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_LIMIT 65536
#define KEPT_LIMIT ((size_t)8 << 20) /* of a body, and of what peer_saw() looks through */

void *peer_grown(void *memory, size_t size)
{
    void *larger = realloc(memory, size);
    MUST(larger);
    return larger;
}

static void keep(Bytes *into, const char *bytes, size_t size)
{
    into->total += size;
    if (into->size + size > KEPT_LIMIT)
        return;
    if (into->size + size + 1 > into->capacity) {
        into->capacity = (into->size + size + 1) * 2;
        into->bytes = peer_grown(into->bytes, into->capacity);
    }
    memcpy(into->bytes + into->size, bytes, size);
    into->size += size;
    into->bytes[into->size] = '\0';
}

static void note_problem(Peer *peer, const char *what, const char *detail)
{
    pthread_mutex_lock(&peer->lock);
    if (!peer->problem[0])
        snprintf(peer->problem, sizeof peer->problem, "%s%.100s", what, detail ? detail : "");
    pthread_mutex_unlock(&peer->lock);
}

/* ---- the connection ---- */

static long watch_raw(BIO *bio, int operation, const char *bytes, size_t size, int argi, long argl,
                      int result, size_t *processed)
{
    (void)size;
    (void)argi;
    (void)argl;
    if (operation == (BIO_CB_READ | BIO_CB_RETURN) && result > 0 && processed) {
        Peer *peer = (Peer *)BIO_get_callback_arg(bio);
        pthread_mutex_lock(&peer->lock);
        keep(&peer->raw, bytes, *processed);
        pthread_mutex_unlock(&peer->lock);
    }
    return result;
}

static void set_connection(Peer *peer, int fd)
{
    pthread_mutex_lock(&peer->lock);
    if (fd < 0 && peer->connection >= 0)
        close(peer->connection);
    peer->connection = fd;
    if (fd >= 0)
        peer->connections++;
    if (fd >= 0 && peer->stopping)
        shutdown(fd, SHUT_RDWR);
    pthread_mutex_unlock(&peer->lock);
}

static void drop(Peer *peer, bool politely)
{
    if (peer->ssl && politely)
        SSL_shutdown(peer->ssl);
    SSL_free(peer->ssl);
    peer->ssl = NULL;
    set_connection(peer, -1);
    peer->body_left = 0;
}

static bool accept_raw(Peer *peer)
{
    drop(peer, true);
    int fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return false;
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    set_connection(peer, fd);
    return true;
}

static bool accept_full(Peer *peer)
{
    if (!accept_raw(peer))
        return false;
    if (peer->tls == PEER_TLS_PLAIN)
        return true;
    peer->ssl = SSL_new(peer->context);
    MUST(peer->ssl && SSL_set_fd(peer->ssl, peer->connection));
    BIO *bio = SSL_get_rbio(peer->ssl);
    BIO_set_callback_arg(bio, (char *)peer);
    BIO_set_callback_ex(bio, watch_raw);
    if (SSL_accept(peer->ssl) == 1)
        return true;
    SSL_free(peer->ssl);
    peer->ssl = NULL;
    drop(peer, false);
    return false;
}

static ssize_t receive(Peer *peer, char *bytes, size_t size)
{
    if (peer->connection < 0)
        return -1;
    ssize_t got =
        peer->ssl ? SSL_read(peer->ssl, bytes, (int)size) : recv(peer->connection, bytes, size, 0);
    if (got <= 0)
        return -1;
    pthread_mutex_lock(&peer->lock);
    keep(&peer->http, bytes, (size_t)got);
    if (!peer->ssl)
        keep(&peer->raw, bytes, (size_t)got);
    pthread_mutex_unlock(&peer->lock);
    return got;
}

static void transmit(Peer *peer, const char *bytes, size_t size)
{
    while (size && peer->connection >= 0) {
        ssize_t sent = peer->ssl ? SSL_write(peer->ssl, bytes, (int)(size < 65536 ? size : 65536))
                                 : send(peer->connection, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the client has gone: its own affair */
        bytes += sent;
        size -= (size_t)sent;
    }
}

/* ---- requests ---- */

static Kept *new_request(Peer *peer, const char *head, size_t size)
{
    Kept *kept = calloc(1, sizeof *kept);
    MUST(kept);
    kept->head = strndup(head, size);
    MUST(kept->head);
    kept->request.head = kept->head;
    pthread_mutex_lock(&peer->lock);
    peer->kept = peer_grown(peer->kept, (peer->kept_count + 1) * sizeof(Kept *));
    peer->kept[peer->kept_count++] = kept;
    pthread_mutex_unlock(&peer->lock);
    return kept;
}

char *peer_find_header(const char *head, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, size) != 0 || line[size] != ':')
            continue;
        const char *value = line + size + 1;
        value += strspn(value, " \t");
        return strndup(value, strcspn(value, "\r"));
    }
    return NULL;
}

static Kept *last_request(Peer *peer)
{
    return peer->kept_count ? peer->kept[peer->kept_count - 1] : NULL;
}

static void complete_request(Peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    Kept *kept = last_request(peer);
    if (kept) {
        kept->complete = true;
        kept->request.body = kept->body.bytes ? kept->body.bytes : "";
        kept->request.body_size = kept->body.total;
    }
    pthread_cond_broadcast(&peer->changed);
    pthread_mutex_unlock(&peer->lock);
}

/* Read `wanted` bytes of the body, or what is left of it. */
static bool read_body(Peer *peer, size_t wanted)
{
    char buffer[16384];
    if (wanted > peer->body_left)
        wanted = peer->body_left;
    while (wanted) {
        ssize_t got = receive(peer, buffer, wanted < sizeof buffer ? wanted : sizeof buffer);
        if (got < 0)
            return false;
        pthread_mutex_lock(&peer->lock);
        keep(&last_request(peer)->body, buffer, (size_t)got);
        pthread_mutex_unlock(&peer->lock);
        wanted -= (size_t)got;
        peer->body_left -= (size_t)got;
    }
    if (peer->body_left == 0)
        complete_request(peer);
    return true;
}

static bool read_head(Peer *peer, char *head, size_t *ret_size)
{
    size_t size = 0;
    while (size < HEAD_LIMIT - 1) {
        /* One byte at a time: what follows the head stays for read_body(). */
        ssize_t got = receive(peer, head + size, 1);
        if (got < 0)
            break;
        head[++size] = '\0';
        if (size >= 4 && memcmp(head + size - 4, "\r\n\r\n", 4) == 0) {
            *ret_size = size;
            return true;
        }
    }
    *ret_size = size;
    return false;
}

/* The client may have gone between two requests: then its next connection is taken. */
static bool expect(Peer *peer, const char *begin)
{
    static _Thread_local char head[HEAD_LIMIT];
    size_t size = 0;
    while (peer->connection < 0 || !read_head(peer, head, &size)) {
        if (size > 0)
            return false;
        drop(peer, false);
        if (!accept_full(peer))
            return false;
    }
    if (begin && strncmp(head, begin, strlen(begin)) != 0)
        note_problem(peer, "unexpected request: ", head);
    char *length = peer_find_header(head, "Content-Length");
    peer->body_left = length ? strtoull(length, NULL, 10) : 0;
    free(length);
    new_request(peer, head, size);
    return true;
}

/* ---- steps ---- */

static void linger_reset(Peer *peer)
{
    struct linger now = {1, 0};
    setsockopt(peer->connection, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    SSL_free(peer->ssl);
    peer->ssl = NULL;
    drop(peer, false);
}

static void stall(Peer *peer)
{
    struct pollfd wanted = {peer->connection, POLLRDHUP, 0};
    while (poll(&wanted, 1, -1) < 0 && errno == EINTR)
        continue;
    drop(peer, false);
}

static void half_close(Peer *peer)
{
    char buffer[4096];
    shutdown(peer->connection, SHUT_WR);
    while (recv(peer->connection, buffer, sizeof buffer, 0) > 0)
        continue;
    drop(peer, false);
}

char *peer_make_answer(const char *status, const char *more_headers, const char *body,
                       size_t body_size, size_t *ret_size)
{
    char *answer = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&answer, &size);
    MUST(out);
    const char *word = strchr(status, ' ') ? "" : " Word";
    bool typed = more_headers && strcasestr(more_headers, "Content-Type:");
    fprintf(out, "HTTP/1.1 %s%s\r\nContent-Length: %zu\r\n%s%s\r\n", status, word, body_size,
            typed ? "" : "Content-Type: application/json\r\n", more_headers ? more_headers : "");
    fwrite(body, 1, body_size, out);
    fclose(out);
    *ret_size = size;
    return answer;
}

static void answer(Peer *peer, const PeerStep *step, size_t body_size)
{
    size_t size;
    char *bytes = peer_make_answer(step->a, step->c, step->b ? step->b : "", body_size, &size);
    transmit(peer, bytes, size);
    free(bytes);
}

static bool call(Peer *peer, const PeerStep *step)
{
    size_t size = 0;
    Kept *last = last_request(peer);
    MUST(last);
    char *bytes = step->call(step->data, &last->request, &size);
    if (bytes)
        transmit(peer, bytes, size);
    else
        drop(peer, true);
    free(bytes);
    return true;
}

static bool keeps_body_unread(PeerAct act)
{
    return act == PEER_READ_SOME || act == PEER_RESET || act == PEER_STALL ||
           act == PEER_HALF_CLOSE || act == PEER_CLOSE;
}

/* False: what follows up to the next ACCEPT makes no sense any more. */
static bool run_step(Peer *peer, size_t *at)
{
    const PeerStep *step = &peer->steps[*at];
    PeerAct next = *at + 1 < peer->step_count ? peer->steps[*at + 1].act : PEER_CALL;
    switch (step->act) {
    case PEER_ACCEPT:
        return accept_full(peer);
    case PEER_ACCEPT_RAW:
        return accept_raw(peer);
    case PEER_EXPECT:
        return expect(peer, step->a) &&
               (keeps_body_unread(next) || read_body(peer, peer->body_left));
    case PEER_READ_SOME:
        return read_body(peer, step->number);
    case PEER_ANSWER:
        answer(peer, step, step->b ? strlen(step->b) : 0);
        return true;
    case PEER_ANSWER_BYTES:
        answer(peer, step, step->number);
        return true;
    case PEER_SEND:
        transmit(peer, step->a, step->number ? step->number : strlen(step->a));
        return true;
    case PEER_STALL:
        stall(peer);
        return true;
    case PEER_RESET:
        linger_reset(peer);
        return true;
    case PEER_HALF_CLOSE:
        half_close(peer);
        return true;
    case PEER_CLOSE:
        drop(peer, true);
        return true;
    case PEER_CALL:
        return call(peer, step);
    case PEER_GOTO:
        *at = step->number - 1; /* the loop adds one */
        return true;
    }
    return false;
}

static bool is_stopping(Peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    bool stopping = peer->stopping;
    pthread_mutex_unlock(&peer->lock);
    return stopping;
}

static bool begins_connection(const PeerStep *step)
{
    return step->act == PEER_ACCEPT || step->act == PEER_ACCEPT_RAW || step->act == PEER_GOTO;
}

void *peer_play(void *data)
{
    Peer *peer = data;
    for (size_t at = 0; at < peer->step_count && !is_stopping(peer); at++) {
        if (run_step(peer, &at))
            continue;
        drop(peer, false);
        while (at + 1 < peer->step_count && !begins_connection(&peer->steps[at + 1]))
            at++;
    }
    drop(peer, true);
    shutdown(peer->listener, SHUT_RDWR);
    return NULL;
}
