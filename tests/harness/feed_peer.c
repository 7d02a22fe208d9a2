/* SPDX-License-Identifier: Apache-2.0 */
/* A small MEF/1 feed for the scripted peer. */
#include "tests/harness/feed_peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PAGE 2
#define CLOSE "Connection: close\r\n"
#define NDJSON "Content-Type: application/x-ndjson\r\n"
#define AS_OF 100

typedef struct Body {
    char text[16384];
    size_t size;
} Body;

static const char *const types[] = {"person", "referral", "contact"};
static const int live[] = {3, 2, 4};

static void add(Body *body, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(Body *body, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    body->size +=
        (size_t)vsnprintf(body->text + body->size, sizeof body->text - body->size, format, args);
    va_end(args);
}

static const char *id_of(int type, int number, char buffer[24])
{
    static const char *const prefixes[] = {"P", "R", FEED_PEER_MARKER};
    snprintf(buffer, 24, "%s%d", prefixes[type], number);
    return buffer;
}

static void add_record(Body *body, int type, int number, int version, long seq)
{
    char id[24];
    id_of(type, number, id);
    add(body,
        "{\"seq\":%ld,\"op\":\"upsert\",\"type\":\"%s\",\"id\":\"%s\",\"version\":%d,"
        "\"recorded_at\":\"2026-09-02T08:11:00.000Z\",\"org\":\"O-L1\",\"record\":{\"id\":\"%s\",",
        seq, types[type], id, version, id);
    if (type == 0)
        add(body, "\"status\":\"v%d\"}}\n", version);
    else if (type == 1)
        add(body, "\"person\":\"P%d\",\"received_date\":\"2026-09-01\",\"priority\":\"v%d\"}}\n",
            number % live[0] + 1, version);
    else
        add(body, "\"referral\":\"R%d\",\"date\":\"2026-09-02\",\"duration_min\":%d}}\n",
            number % live[1] + 1, version * 10);
}

/* The change log: a new person, an edit, a deletion, a new contact, an edit. */
static void add_change(Body *body, int place)
{
    long seq = AS_OF + 10 + place;
    switch (place) {
    case 0:
        add_record(body, 0, 4, 1, seq);
        break;
    case 1:
        add_record(body, 1, 1, 2, seq);
        break;
    case 2:
        add(body,
            "{\"seq\":%ld,\"op\":\"delete\",\"type\":\"contact\",\"id\":\"" FEED_PEER_MARKER
            "4\",\"version\":2,"
            "\"recorded_at\":\"2026-09-03T08:11:00.000Z\",\"org\":\"O-L1\",\"reason\":\"entered_in_"
            "error\"}\n",
            seq);
        break;
    case 3:
        add_record(body, 2, 5, 1, seq);
        break;
    default:
        add_record(body, 2, 1, 3, seq);
    }
}

static void add_trailer(const FeedPeer *feed, Body *body, int count, long to_seq, const char *next,
                        bool more)
{
    bool lie = feed->fault == FEED_FAULT_COUNT && feed->fault_times > 0;
    if (feed->fault == FEED_FAULT_NO_TRAILER && feed->fault_times > 0)
        return;
    add(body,
        "{\"_page\":{\"feed\":\"peer\",\"schema\":1,\"epoch\":\"epoch/"
        "%d\",\"count\":%d,\"to_seq\":%ld,"
        "\"as_of_seq\":%d,\"next_cursor\":\"%s\",\"has_more\":%s}}\n",
        feed->epoch, count + lie, to_seq, AS_OF, next, more ? "true" : "false");
}

/* ---- answers ---- */

static char *finish(const char *status, const char *headers, const Body *body, size_t *ret_size)
{
    return peer_make_answer(status, headers, body->text, body->size, ret_size);
}

static char *problem(const FeedPeer *feed, const char *status, const char *code,
                     const char *headers, size_t *ret_size)
{
    Body body = {.size = 0};
    char all[512];
    (void)feed;
    snprintf(all, sizeof all, CLOSE "Content-Type: application/problem+json\r\n%s",
             headers ? headers : "");
    add(&body, "{\"title\":\"no\",\"code\":\"%s\"}", code ? code : "");
    return finish(status, all, &body, ret_size);
}

static char *manifest(const FeedPeer *feed, size_t *ret_size)
{
    Body body = {.size = 0};
    int seen = feed->changes ? feed->changes : FEED_PEER_CHANGES;
    add(&body,
        "{\"feed\":\"peer\",\"schema\":1,\"epoch\":\"epoch/"
        "%d\",\"head_seq\":%d,\"types\":[{\"type\":\"contact\"},"
        "{\"type\":\"person\"},{\"type\":\"referral\"},{\"type\":\"moon\"}]}",
        feed->epoch, AS_OF + 9 + seen);
    return finish("200 OK", CLOSE "Content-Type: application/json\r\n", &body, ret_size);
}

/* The number after the epoch in "S0-4" or "C1-2"; -1 when the cursor is of another epoch. */
static int place_of(const FeedPeer *feed, const char *query)
{
    int epoch = 0, place = 0;
    const char *cursor = query ? strstr(query, "cursor=") : NULL;
    if (cursor && cursor[7] && sscanf(cursor + 8, "%d-%d", &epoch, &place) == 2)
        return epoch == feed->epoch ? place : -1;
    return 0;
}

static char *snapshot(const FeedPeer *feed, int type, const char *query, size_t *ret_size)
{
    Body body = {.size = 0};
    char next[32];
    int place = place_of(feed, query), count = 0, all = live[type] - (type ? 0 : feed->forgotten);
    if (place < 0)
        return problem(feed, "409 Conflict", "epoch_changed", NULL, ret_size);
    for (; count < PAGE && place < all; place++, count++)
        add_record(&body, type, place + 1, 1, AS_OF - 50 + place);
    bool more = place < all;
    snprintf(next, sizeof next, more ? "S%d-%d" : "C%d-0", feed->epoch, place);
    add_trailer(feed, &body, count, AS_OF, next, more);
    return finish("200 OK", CLOSE NDJSON, &body, ret_size);
}

#define BAD_LINES 4

/* Each is one line; the trailer counts them. */
static void add_bad_lines(Body *body)
{
    add(body, "{\"seq\":\"1\",\"op\":7,\"type\":\"contact\",\"id\":[],\"version\":{}}\n");
    for (int i = 0; i < 2000; i++)
        add(body, "[");
    add(body, "\n{\"seq\":1,\"op\":\"upsert\",\"type\":\"contact\",\"id\":\"\xc3\x28\"}\n[1,2]\n");
}

/* Another cursor each time, which stands for the same place. */
static char *endless(const FeedPeer *feed, int place, size_t *ret_size)
{
    Body body = {.size = 0};
    char next[64];
    snprintf(next, sizeof next, "C%d-%d-%d", feed->epoch, place, feed->requests);
    add_trailer(feed, &body, 0, AS_OF, next, true);
    return finish("200 OK", CLOSE NDJSON, &body, ret_size);
}

static char *changes(const FeedPeer *feed, const char *head, const char *query, size_t *ret_size)
{
    Body body = {.size = 0};
    char next[32], tag[96], headers[160];
    int seen = feed->changes ? feed->changes : FEED_PEER_CHANGES;
    int place = place_of(feed, query), from = place;
    if (place < 0)
        return problem(feed, "409 Conflict", "epoch_changed", NULL, ret_size);
    snprintf(tag, sizeof tag, "If-None-Match: \"e%d-%d\"", feed->epoch, seen);
    if (place >= seen && strstr(head, tag))
        return finish("304 Not Modified", CLOSE, &body, ret_size);
    bool faulty = feed->fault_times > 0;
    if (feed->fault == FEED_FAULT_ENDLESS && faulty)
        return endless(feed, place, ret_size);
    while (place < seen && place < from + PAGE)
        add_change(&body, place++);
    bool lines = feed->fault == FEED_FAULT_BAD_LINES && faulty;
    if (lines)
        add_bad_lines(&body);
    if (feed->fault == FEED_FAULT_BAD_RECORD && feed->fault_times > 0)
        add(&body, "{\"seq\":1,\"op\":\"upsert\",\"type\":\"contact\",\"id\":\"" FEED_PEER_MARKER
                   " 9\",\"version\":1}\n");
    snprintf(next, sizeof next, "C%d-%d", feed->epoch, place);
    bool loop = feed->fault == FEED_FAULT_LOOP && feed->fault_times > 0;
    if (loop)
        snprintf(next, sizeof next, "C%d-%d", feed->epoch, from);
    bool bad = feed->fault == FEED_FAULT_BAD_RECORD && feed->fault_times > 0;
    add_trailer(feed, &body, place - from + bad + (lines ? BAD_LINES : 0),
                place ? AS_OF + 9 + place : AS_OF, next, place < seen || loop);
    snprintf(headers, sizeof headers, CLOSE NDJSON "ETag: \"e%d-%d\"\r\n", feed->epoch, seen);
    return finish("200 OK", headers, &body, ret_size);
}

static char *serve(const FeedPeer *feed, const PeerRequest *request, const char *path,
                   size_t *ret_size)
{
    char query[256] = "";
    const char *mark = strpbrk(path, "? ");
    if (mark && *mark == '?')
        snprintf(query, sizeof query, "%.*s", (int)strcspn(mark, " "), mark);
    if (strncmp(path, "/manifest ", 10) == 0)
        return manifest(feed, ret_size);
    if (strncmp(path, "/changes", 8) == 0)
        return changes(feed, request->head, query, ret_size);
    for (int type = 0; type < 3; type++) {
        char name[40];
        snprintf(name, sizeof name, "/snapshot/%s?", types[type]);
        if (strncmp(path, name, strlen(name)) == 0)
            return snapshot(feed, type, query, ret_size);
    }
    return problem(feed, "404 Not Found", "unknown_id", NULL, ret_size);
}

/* ---- what goes wrong ---- */

static char *copy(const char *text, size_t *ret_size)
{
    *ret_size = strlen(text);
    return strdup(text);
}

/* `size` bytes of JSON white space and zeros, packed. */
static char *packed(size_t size, size_t *ret_size)
{
    z_stream stream = {0};
    size_t room = size / 500 + 4096;
    char *out = malloc(room), *in = calloc(1, 65536);
    if (!out || !in || deflateInit2(&stream, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    memset(in, ' ', 65536);
    stream.next_out = (unsigned char *)out;
    stream.avail_out = (unsigned)room;
    for (size_t done = 0; done < size; done += 65536) {
        stream.next_in = (unsigned char *)in;
        stream.avail_in = 65536;
        deflate(&stream, done + 65536 >= size ? Z_FINISH : Z_NO_FLUSH);
    }
    *ret_size = room - stream.avail_out;
    deflateEnd(&stream);
    free(in);
    return out;
}

/* Packed once, at the start: it takes longer than a client waits. */
static char *bomb;
static size_t bomb_size;

static char *gzip_answer(bool cut, size_t *ret_size)
{
    return peer_make_answer("200 OK", CLOSE NDJSON "Content-Encoding: gzip\r\n", bomb,
                            cut ? bomb_size / 2 : bomb_size, ret_size);
}

static char *twice(char *answer, size_t *ret_size)
{
    char *both = malloc(*ret_size * 2);
    if (!both)
        abort();
    memcpy(both, answer, *ret_size);
    memcpy(both + *ret_size, answer, *ret_size);
    *ret_size *= 2;
    free(answer);
    return both;
}

/* A good answer, spoilt. */
static char *spoil(const FeedPeer *feed, char *good, size_t *ret_size)
{
    if (feed->fault == FEED_FAULT_TWICE)
        return twice(good, ret_size);
    if (feed->fault == FEED_FAULT_LONG) {
        good = realloc(good, *ret_size + 64);
        memset(good + *ret_size, 'x', 64);
        *ret_size += 64;
    } else if (feed->fault == FEED_FAULT_SHORT) {
        *ret_size -= 20;
    }
    return good;
}

static char *instead(const FeedPeer *feed, size_t *ret_size)
{
    switch (feed->fault) {
    case FEED_FAULT_HTML:
        return copy("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: "
                    "text/html\r\nContent-Length: 24\r\n\r\n"
                    "<html>proxy error</html>",
                    ret_size);
    case FEED_FAULT_EMPTY:
        return peer_make_answer("200 OK", CLOSE NDJSON, "", 0, ret_size);
    case FEED_FAULT_GARBAGE:
        return copy("220 mail.example ESMTP\r\n", ret_size);
    case FEED_FAULT_GZIP_BROKEN:
        return peer_make_answer("200 OK", CLOSE NDJSON "Content-Encoding: gzip\r\n",
                                "no gzip at all", 14, ret_size);
    case FEED_FAULT_GZIP_CUT:
        return gzip_answer(true, ret_size);
    case FEED_FAULT_GZIP_BOMB:
        return gzip_answer(false, ret_size);
    case FEED_FAULT_STATUS:
        return problem(feed, feed->status, feed->code, feed->headers, ret_size);
    default:
        return NULL;
    }
}

static bool replaces(FeedFault fault)
{
    return fault == FEED_FAULT_HTML || fault == FEED_FAULT_EMPTY || fault == FEED_FAULT_GARBAGE ||
           fault == FEED_FAULT_CLOSE || fault == FEED_FAULT_GZIP_BROKEN ||
           fault == FEED_FAULT_GZIP_CUT || fault == FEED_FAULT_GZIP_BOMB ||
           fault == FEED_FAULT_STATUS;
}

static bool token_fits(const FeedPeer *feed, const char *head)
{
    char wanted[128];
    snprintf(wanted, sizeof wanted, "Authorization: Bearer %s\r\n", feed->token ? feed->token : "");
    return !feed->token || strstr(head, wanted);
}

/* OAuth 2.0 client credentials; the secrets of the Basic way are plain letters. */
static char *give_token(FeedPeer *feed, const PeerRequest *request, size_t *ret_size)
{
    Body body = {.size = 0};
    bool known =
        feed->knows ? feed->knows(request) : feed->secret && strstr(request->head, feed->secret);
    bool fits = known && strncmp(request->body, "grant_type=client_credentials", 29) == 0;
    if (feed->status)
        return problem(feed, feed->status, feed->code, feed->headers, ret_size);
    if (!fits)
        return problem(feed, "401 Unauthorized", "invalid_client", NULL, ret_size);
    feed->tokens++;
    add(&body, "{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":%d}", feed->token,
        feed->token_life);
    return finish("200 OK", CLOSE "Content-Type: application/json\r\n", &body, ret_size);
}

char *feed_peer_call(void *data, const PeerRequest *request, size_t *ret_size)
{
    FeedPeer *feed = data;
    const char *path = strstr(request->head, "/export/v1");
    feed->requests++;
    if (strncmp(request->head, "POST /token ", 12) == 0)
        return give_token(feed, request, ret_size);
    if (!path)
        return problem(feed, "404 Not Found", "unknown_id", NULL, ret_size);
    path += strlen("/export/v1");
    if (!token_fits(feed, request->head))
        return problem(feed, "401 Unauthorized", "token_invalid", NULL, ret_size);
    bool hit = feed->fault && feed->fault_times > 0 &&
               strncmp(path, feed->fault_path, strlen(feed->fault_path)) == 0;
    if (!hit) {
        FeedPeer well = *feed;
        well.fault = FEED_FAULT_NONE;
        return serve(&well, request, path, ret_size);
    }
    char *answer = replaces(feed->fault)
                       ? instead(feed, ret_size)
                       : spoil(feed, serve(feed, request, path, ret_size), ret_size);
    feed->fault_times--;
    return answer;
}

Peer *feed_peer_start(FeedPeer *feed, PeerTls tls)
{
    bool packs = feed->fault == FEED_FAULT_GZIP_BOMB || feed->fault == FEED_FAULT_GZIP_CUT;
    if (packs && !bomb)
        bomb = packed((size_t)200 << 20, &bomb_size);
    PeerStep *steps = feed->steps;
    steps[0] = (PeerStep){.act = PEER_ACCEPT};
    steps[1] = (PeerStep){.act = PEER_EXPECT};
    steps[2] = (PeerStep){.act = PEER_CALL, .call = feed_peer_call, .data = feed};
    steps[3] = (PeerStep){.act = PEER_CLOSE};
    steps[4] = (PeerStep){.act = PEER_GOTO, .number = 0};
    return peer_start(tls, steps, 5);
}
