/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP proxy for tests. */
#include "tests/harness/tunnel.h"

#include "daemon/base/cleanup.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SEEN_LIMIT ((size_t)1 << 20)

struct Tunnel {
    const char *refusal;
    int listener, stop[2];
    pthread_t thread;
    pthread_mutex_t lock;
    size_t connections, seen_size;
    char setting[64], target[128];
    char seen[SEEN_LIMIT]; /* what the client sent */
};

static void must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "tunnel: %s failed\n", what);
    abort();
}

static void note(Tunnel *tunnel, const char *bytes, size_t size)
{
    pthread_mutex_lock(&tunnel->lock);
    size = size < SEEN_LIMIT - tunnel->seen_size ? size : SEEN_LIMIT - tunnel->seen_size;
    memcpy(tunnel->seen + tunnel->seen_size, bytes, size);
    tunnel->seen_size += size;
    pthread_mutex_unlock(&tunnel->lock);
}

static bool send_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* The request's head, byte by byte: what follows it is not ours. */
static bool read_head(Tunnel *tunnel, int fd, char *head, size_t size)
{
    size_t used = 0;
    while (used + 1 < size && (used < 4 || memcmp(head + used - 4, "\r\n\r\n", 4) != 0)) {
        if (recv(fd, head + used, 1, 0) != 1)
            return false;
        used++;
    }
    head[used] = '\0';
    note(tunnel, head, used);
    return true;
}

static int dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static void relay(Tunnel *tunnel, int client, int server)
{
    static char bytes[65536];
    for (;;) {
        struct pollfd wanted[] = {
            {client, POLLIN, 0}, {server, POLLIN, 0}, {tunnel->stop[0], POLLIN, 0}};
        poll(wanted, 3, -1);
        if (wanted[2].revents)
            return;
        for (int i = 0; i < 2; i++) {
            if (!wanted[i].revents)
                continue;
            ssize_t got = recv(wanted[i].fd, bytes, sizeof bytes, 0);
            if (got <= 0 || !send_all(wanted[1 - i].fd, bytes, (size_t)got))
                return;
            if (i == 0)
                note(tunnel, bytes, (size_t)got);
        }
    }
}

static void serve(Tunnel *tunnel, int client)
{
    char head[4096], answer[160], target[128];
    int port;
    if (!read_head(tunnel, client, head, sizeof head) ||
        sscanf(head, "CONNECT %127[^ ]", target) != 1 || !strrchr(target, ':'))
        return;
    pthread_mutex_lock(&tunnel->lock);
    tunnel->connections++;
    memcpy(tunnel->target, target, sizeof target);
    pthread_mutex_unlock(&tunnel->lock);
    port = (int)strtol(strrchr(target, ':') + 1, NULL, 10);
    _cleanup_close_ int server = tunnel->refusal ? -1 : dial(port);
    snprintf(answer, sizeof answer, "HTTP/1.1 %s\r\n%s\r\n",
             tunnel->refusal ? tunnel->refusal
             : server < 0    ? "502 Bad Gateway"
                             : "200 OK",
             server < 0 ? "Content-Length: 0\r\n" : "");
    if (send_all(client, answer, strlen(answer)) && server >= 0)
        relay(tunnel, client, server);
}

static void *play(void *data)
{
    Tunnel *tunnel = data;
    for (;;) {
        struct pollfd wanted[] = {{tunnel->listener, POLLIN, 0}, {tunnel->stop[0], POLLIN, 0}};
        poll(wanted, 2, -1);
        if (wanted[1].revents)
            return NULL;
        _cleanup_close_ int client = accept4(tunnel->listener, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0)
            serve(tunnel, client);
    }
}

Tunnel *tunnel_start(const char *refusal)
{
    Tunnel *tunnel = calloc(1, sizeof *tunnel);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    must(tunnel != NULL, "memory");
    tunnel->refusal = refusal;
    tunnel->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(tunnel->listener, (struct sockaddr *)&address, size) == 0 &&
             listen(tunnel->listener, 8) == 0 &&
             getsockname(tunnel->listener, (struct sockaddr *)&address, &size) == 0,
         "listening");
    snprintf(tunnel->setting, sizeof tunnel->setting, "proxy: http://127.0.0.1:%d\n",
             ntohs(address.sin_port));
    must(pipe(tunnel->stop) == 0 && pthread_mutex_init(&tunnel->lock, NULL) == 0 &&
             pthread_create(&tunnel->thread, NULL, play, tunnel) == 0,
         "starting");
    return tunnel;
}

void tunnel_stop(Tunnel *tunnel)
{
    must(write(tunnel->stop[1], "x", 1) == 1, "stopping");
    pthread_join(tunnel->thread, NULL);
    close(tunnel->listener);
    close(tunnel->stop[0]);
    close(tunnel->stop[1]);
    free(tunnel);
}

const char *tunnel_setting(const Tunnel *tunnel)
{
    return tunnel->setting;
}

size_t tunnel_connections(Tunnel *tunnel)
{
    pthread_mutex_lock(&tunnel->lock);
    size_t count = tunnel->connections;
    pthread_mutex_unlock(&tunnel->lock);
    return count;
}

const char *tunnel_target(const Tunnel *tunnel)
{
    return tunnel->target;
}

bool tunnel_saw(Tunnel *tunnel, const char *marker)
{
    pthread_mutex_lock(&tunnel->lock);
    bool seen = memmem(tunnel->seen, tunnel->seen_size, marker, strlen(marker)) != NULL;
    pthread_mutex_unlock(&tunnel->lock);
    return seen;
}
