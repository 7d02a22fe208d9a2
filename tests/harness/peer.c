/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted TLS and HTTP peer: what tests see of it. */
#include "tests/harness/peer_certificate.h"
#include "tests/harness/peer_private.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_SECONDS 10

static void listen_somewhere(Peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(peer->listener >= 0);
    MUST(bind(peer->listener, (struct sockaddr *)&address, size) == 0);
    MUST(listen(peer->listener, 16) == 0);
    MUST(getsockname(peer->listener, (struct sockaddr *)&address, &size) == 0);
    peer->port = ntohs(address.sin_port);
}

Peer *peer_start(PeerTls tls, const PeerStep *steps, size_t count)
{
    signal(SIGPIPE, SIG_IGN);
    Peer *peer = calloc(1, sizeof *peer);
    MUST(peer);
    peer->tls = tls;
    peer->steps = steps;
    peer->step_count = count;
    peer->connection = -1;
    pthread_mutex_init(&peer->lock, NULL);
    pthread_cond_init(&peer->changed, NULL);
    snprintf(peer->folder, sizeof peer->folder, "/tmp/peer-XXXXXX");
    MUST(mkdtemp(peer->folder));
    snprintf(peer->ca_path, sizeof peer->ca_path, "%s/ca.pem", peer->folder);
    snprintf(peer->client_path, sizeof peer->client_path, "%s/client.pem", peer->folder);
    snprintf(peer->key_path, sizeof peer->key_path, "%s/client.key", peer->folder);
    peer->context = peer_certificate_context(tls, peer->folder);
    listen_somewhere(peer);
    MUST(pthread_create(&peer->thread, NULL, peer_play, peer) == 0);
    return peer;
}

static void release(Peer *peer)
{
    for (size_t i = 0; i < peer->kept_count; i++) {
        free(peer->kept[i]->head);
        free(peer->kept[i]->body.bytes);
        free(peer->kept[i]);
    }
    for (size_t i = 0; i < peer->url_count; i++)
        free(peer->urls[i]);
    free(peer->kept);
    free(peer->urls);
    free(peer->http.bytes);
    free(peer->raw.bytes);
    free(peer);
}

void peer_stop(Peer *peer)
{
    if (!peer)
        return;
    pthread_mutex_lock(&peer->lock);
    peer->stopping = true;
    shutdown(peer->listener, SHUT_RDWR);
    if (peer->connection >= 0)
        shutdown(peer->connection, SHUT_RDWR);
    pthread_mutex_unlock(&peer->lock);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    SSL_CTX_free(peer->context);
    unlink(peer->ca_path);
    unlink(peer->client_path);
    unlink(peer->key_path);
    rmdir(peer->folder);
    release(peer);
}

int peer_port(const Peer *peer)
{
    return peer->port;
}

const char *peer_url(Peer *peer, const char *path)
{
    char *url = NULL;
    MUST(asprintf(&url, "https://localhost:%d%s", peer->port, path) > 0);
    peer->urls = peer_grown(peer->urls, (peer->url_count + 1) * sizeof(char *));
    peer->urls[peer->url_count++] = url;
    return url;
}

const char *peer_ca_path(const Peer *peer)
{
    return peer->ca_path;
}

const char *peer_client_certificate(const Peer *peer)
{
    return peer->client_path;
}

const char *peer_client_key(const Peer *peer)
{
    return peer->key_path;
}

static size_t count_complete(const Peer *peer)
{
    size_t count = 0;
    for (size_t i = 0; i < peer->kept_count; i++)
        count += peer->kept[i]->complete;
    return count;
}

bool peer_wait_requests(Peer *peer, size_t count)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += WAIT_SECONDS;
    pthread_mutex_lock(&peer->lock);
    bool there = count_complete(peer) >= count;
    while (!there && pthread_cond_timedwait(&peer->changed, &peer->lock, &end) == 0)
        there = count_complete(peer) >= count;
    pthread_mutex_unlock(&peer->lock);
    return there;
}

size_t peer_request_count(Peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    size_t count = count_complete(peer);
    pthread_mutex_unlock(&peer->lock);
    return count;
}

const PeerRequest *peer_request(Peer *peer, size_t index)
{
    pthread_mutex_lock(&peer->lock);
    const PeerRequest *request = index < peer->kept_count ? &peer->kept[index]->request : NULL;
    pthread_mutex_unlock(&peer->lock);
    return request;
}

char *peer_request_header(Peer *peer, size_t index, const char *name)
{
    const PeerRequest *request = peer_request(peer, index);
    return request ? peer_find_header(request->head, name) : NULL;
}

size_t peer_connections(Peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    size_t count = peer->connections;
    pthread_mutex_unlock(&peer->lock);
    return count;
}

bool peer_saw(Peer *peer, const char *marker)
{
    pthread_mutex_lock(&peer->lock);
    size_t size = strlen(marker);
    bool saw = (peer->http.size && memmem(peer->http.bytes, peer->http.size, marker, size)) ||
               (peer->raw.size && memmem(peer->raw.bytes, peer->raw.size, marker, size));
    pthread_mutex_unlock(&peer->lock);
    return saw;
}

size_t peer_received(Peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    size_t total = peer->http.total;
    pthread_mutex_unlock(&peer->lock);
    return total;
}

const char *peer_problem(Peer *peer)
{
    pthread_mutex_lock(&peer->lock);
    const char *problem = peer->problem[0] ? peer->problem : NULL;
    pthread_mutex_unlock(&peer->lock);
    return problem;
}

static const struct {
    const char *name;
    bool trusted;
} peer_tls[] = {
#define PEER_TLS(name, trusted, text) {text, trusted},
#include "tests/harness/peer_tls.def"
#undef PEER_TLS
};

const char *peer_tls_name(PeerTls tls)
{
    return peer_tls[tls].name;
}

bool peer_tls_trusted(PeerTls tls)
{
    return peer_tls[tls].trusted;
}
