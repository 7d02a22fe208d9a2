/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the three servers, says where they listen, and waits for the signal to end. */
#include "tests/sandbox/serve.h"

#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/sandbox/certificate.h"
#include "tests/sandbox/control.h"

static const size_t DOCUMENT_LIMIT = (size_t)512 * 1024 * 1024;

enum { SMALL_BODY = 1024 * 1024, TOKEN_BYTES = 24 };

typedef struct Sandbox {
    Feed feed;
    Receiver receiver;
    Control control;
    ChangeLog *log;
    HttpServer feed_server, receiver_server, control_server;
} Sandbox;

static bool fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "mhsflow-sandbox: %s: %s\n", what, why);
    return false;
}

static void trim(Buffer *text)
{
    while (text->length > 0 && strchr(" \t\r\n", text->data[text->length - 1]) != NULL)
        text->data[--text->length] = '\0';
}

/* The given token file, or one of our own in the state folder. */
static bool load_token(const Options *options, Feed *feed)
{
    BUFFER_AUTO path = {0};
    BUFFER_AUTO token = {0};
    if (options->token_file != NULL)
        buffer_text(&path, options->token_file);
    else
        buffer_format(&path, "%s/feed.token", options->state);
    if (!buffer_read_file(&token, path.data, 4096)) {
        unsigned char random[TOKEN_BYTES];
        if (options->token_file != NULL || RAND_bytes(random, sizeof random) != 1)
            return fail(path.data, strerror(errno));
        for (size_t i = 0; i < sizeof random; i++)
            buffer_format(&token, "%02x", random[i]);
        if (!buffer_write_file(path.data, 0600, token.data, token.length))
            return fail(path.data, strerror(errno));
    }
    trim(&token);
    if (token.length == 0)
        return fail(path.data, "the token is empty");
    feed->token = token.data;
    token = (Buffer){0};
    return true;
}

static bool start_servers(Sandbox *sandbox, const Options *options)
{
    BUFFER_AUTO certificate = {0};
    BUFFER_AUTO key = {0};
    const char *why;
    if (!certificate_server(options->state, &certificate, &key))
        return fail(options->state, "could not make a server certificate");
    sandbox->feed_server = (HttpServer){.target = "feed",
                                        .base = "/export/v1",
                                        .body_limit = 4096,
                                        .handler = feed_handle,
                                        .user = &sandbox->feed,
                                        .port = options->feed_port};
    sandbox->receiver_server = (HttpServer){.target = "receiver",
                                            .base = "/msr/v1",
                                            .body_limit = DOCUMENT_LIMIT,
                                            .handler = receiver_handle,
                                            .user = &sandbox->receiver,
                                            .port = options->receiver_port};
    sandbox->control_server = (HttpServer){.target = "control",
                                           .base = "",
                                           .body_limit = SMALL_BODY,
                                           .handler = control_handle,
                                           .user = &sandbox->control,
                                           .port = options->control_port};
    if (!http_start(&sandbox->feed_server, certificate.data, key.data, &why))
        return fail("feed", why);
    if (!http_start(&sandbox->receiver_server, certificate.data, key.data, &why))
        return fail("receiver", why);
    if (!http_start(&sandbox->control_server, NULL, NULL, &why))
        return fail("control", why);
    return true;
}

static bool tell_ports(const Sandbox *sandbox, const Options *options)
{
    BUFFER_AUTO path = {0};
    BUFFER_AUTO text = {0};
    buffer_format(&path, "%s/ports.json", options->state);
    buffer_format(&text, "{\"feed\":%u,\"receiver\":%u,\"control\":%u}\n",
                  sandbox->feed_server.port, sandbox->receiver_server.port,
                  sandbox->control_server.port);
    if (!buffer_write_file(path.data, 0644, text.data, text.length))
        return fail(path.data, strerror(errno));
    (void)printf("READY feed=https://127.0.0.1:%u/export/v1 receiver=https://127.0.0.1:%u/msr/v1 "
                 "control=http://127.0.0.1:%u\n",
                 sandbox->feed_server.port, sandbox->receiver_server.port,
                 sandbox->control_server.port);
    return fflush(stdout) == 0;
}

static bool start(Sandbox *sandbox, const Options *options)
{
    BUFFER_AUTO ports = {0};
    buffer_format(&ports, "%s/ports.json", options->state);
    if (mkdir(options->state, 0700) != 0 && errno != EEXIST)
        return fail(options->state, strerror(errno));
    (void)unlink(ports.data);
    sandbox->log = change_log_build(&options->plan);
    sandbox->control = (Control){.feed = &sandbox->feed, .receiver = &sandbox->receiver};
    if (!receiver_start(&sandbox->receiver, options->state, options->xsd,
                        options->sender_certificate, options->today_given))
        return fail("journal.ndjson", strerror(errno));
    if (!feed_start(&sandbox->feed, sandbox->log, options->tail, options->rate, options->state,
                    options->today_given))
        return fail("feed.json", strerror(errno));
    return load_token(options, &sandbox->feed) && start_servers(sandbox, options) &&
           tell_ports(sandbox, options);
}

static void stop(Sandbox *sandbox)
{
    fault_stop();
    if (sandbox->feed.log != NULL)
        feed_wake(&sandbox->feed);
    http_stop(&sandbox->control_server);
    http_stop(&sandbox->feed_server);
    http_stop(&sandbox->receiver_server);
    if (sandbox->feed.log != NULL)
        feed_stop(&sandbox->feed);
    if (sandbox->receiver.state != NULL)
        receiver_stop(&sandbox->receiver);
    change_log_free(sandbox->log);
}

/* Until SIGTERM or SIGINT; reveals hidden changes meanwhile when told to. */
static void wait_for_end(Sandbox *sandbox, const sigset_t *signals, uint32_t speed)
{
    static const struct timespec second = {.tv_sec = 1};
    while (speed > 0 && sigtimedwait(signals, NULL, &second) < 0)
        feed_reveal(&sandbox->feed, speed);
    int got;
    if (speed == 0)
        (void)sigwait(signals, &got);
}

int serve_run(const Options *options)
{
    if (options->state == NULL) {
        (void)fail("serve", "--state is needed");
        return 2;
    }
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    /* Blocked before any thread exists, so that only the wait below takes them. */
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    Sandbox *sandbox = memory_or_die(calloc(1, sizeof *sandbox));
    bool started = start(sandbox, options);
    if (started)
        wait_for_end(sandbox, &signals, options->speed);
    stop(sandbox);
    free(sandbox);
    return started ? 0 : 3;
}
