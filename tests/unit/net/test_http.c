/* SPDX-License-Identifier: Apache-2.0 */
/* The client against a peer that behaves: requests, answers, limits, files, gzip. */
#include "daemon/base/cleanup.h"
#include "daemon/net/http.h"
#include "tests/harness/peer.h"
#include "tests/unit/suite.h"

#include <stdint.h>
#include <string.h>
#include <zlib.h>

#define LIMIT ((size_t)1 << 20)

typedef struct Talk {
    Peer *peer;
    HttpClient *client;
    Arena *arena;
    HttpResponse response;
    HttpFailure failure;
    Error err;
} Talk;

static Talk talk_to(PeerTls tls, const PeerStep *steps, size_t count)
{
    Talk talk = {.peer = peer_start(tls, steps, count), .arena = arena_new(8 * LIMIT)};
    HttpSettings settings = {.ca_bundle = peer_ca_path(talk.peer)};
    ck_assert(http_client_new(&settings, &talk.client, &talk.err));
    return talk;
}

static void hang_up(Talk *talk)
{
    ck_assert_msg(!peer_problem(talk->peer), "%s", peer_problem(talk->peer));
    http_client_free(talk->client);
    peer_stop(talk->peer);
    arena_free(talk->arena);
}

static bool get(Talk *talk, HttpRequest request)
{
    request.method = "GET";
    if (!request.url)
        request.url = peer_url(talk->peer, "/x");
    if (!request.response_limit)
        request.response_limit = LIMIT;
    talk->failure = (HttpFailure){0};
    error_clear(&talk->err);
    return http_exchange(talk->client, talk->arena, &request, &talk->response, &talk->failure,
                         &talk->err);
}

START_TEST(an_answer_has_status_fields_and_body)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT},
        {PEER_EXPECT, "GET /x HTTP/1.1\r\n"},
        {PEER_ANSWER, "200 OK", "hello", "ETag: \"1\"\r\nX-A: 1\r\nx-a:  2 \r\n"},
    };
    Talk talk = talk_to(PEER_TLS_GOOD, script, COUNT_OF(script));
    HttpHeader header = {"Authorization", "Bearer secret"};
    ck_assert(get(&talk, (HttpRequest){.headers = &header, .header_count = 1}));
    ck_assert_int_eq(talk.response.status, 200);
    ck_assert_str_eq(talk.response.body, "hello");
    ck_assert_uint_eq(talk.response.body_size, 5);
    ck_assert_str_eq(http_header(&talk.response, "etag"), "\"1\"");
    ck_assert_str_eq(http_header(&talk.response, "X-A"), "1, 2");
    ck_assert_ptr_null(http_header(&talk.response, "absent"));
    char *sent = peer_request_header(talk.peer, 0, "authorization");
    ck_assert_str_eq(sent, "Bearer secret");
    free(sent);
    ck_assert_ptr_null(peer_request_header(talk.peer, 0, "Accept-Encoding"));
    hang_up(&talk);
}
END_TEST

START_TEST(a_connection_is_kept_for_questions)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT},
        {PEER_EXPECT, "GET /x"},
        {PEER_ANSWER, "304", NULL, "ETag: \"2\"\r\n"},
        {PEER_EXPECT, "GET /x"},
        {PEER_ANSWER, "503", "{}", "Retry-After: 7\r\n"},
    };
    Talk talk = talk_to(PEER_TLS_12_ONLY, script, COUNT_OF(script));
    ck_assert(get(&talk, (HttpRequest){0}));
    ck_assert_int_eq(talk.response.status, 304);
    ck_assert(get(&talk, (HttpRequest){0}));
    ck_assert_int_eq(talk.response.status, 503);
    ck_assert_str_eq(http_header(&talk.response, "retry-after"), "7");
    ck_assert_uint_eq(peer_connections(talk.peer), 1);
    hang_up(&talk);
}
END_TEST

START_TEST(an_interim_answer_is_not_the_answer)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT},
        {PEER_EXPECT, NULL},
        {PEER_SEND, "HTTP/1.1 103 Early Hints\r\nX-Early: yes\r\n\r\n"},
        {PEER_ANSWER, "200", "late"},
    };
    Talk talk = talk_to(PEER_TLS_GOOD, script, COUNT_OF(script));
    ck_assert(get(&talk, (HttpRequest){0}));
    ck_assert_int_eq(talk.response.status, 200);
    ck_assert_ptr_null(http_header(&talk.response, "x-early"));
    hang_up(&talk);
}
END_TEST

/* ---- uploads ---- */

static char *write_file(Arena *arena, size_t size)
{
    char *bytes = arena_alloc(arena, size), *path = arena_text(arena, "/tmp/http-upload-XXXXXX");
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)('a' + i % 26);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, size),
                     (ssize_t)size); /* not file_write(): its sync takes a second */
    close(fd);
    return path;
}

static bool upload(Talk *talk, const char *path, int64_t size)
{
    HttpHeader header = {"Content-Type", "application/xml"};
    HttpRequest request = {
        .method = "POST",
        .url = peer_url(talk->peer, "/up"),
        .headers = &header,
        .header_count = 1,
        .file_path = path,
        .file_size = size,
        .response_limit = LIMIT,
        .upload_faults = true,
    };
    error_clear(&talk->err);
    return http_exchange(talk->client, talk->arena, &request, &talk->response, &talk->failure,
                         &talk->err);
}

START_TEST(a_file_is_streamed_whole)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT},
        {PEER_EXPECT, "POST /up HTTP/1.1\r\n"},
        {PEER_ANSWER, "201", "{}"},
    };
    const size_t sizes[] = {0, 1, 2, 65536, 3000001};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        Talk talk = talk_to(PEER_TLS_GOOD, script, COUNT_OF(script));
        char *path = write_file(talk.arena, sizes[i]);
        ck_assert_msg(upload(&talk, path, (int64_t)sizes[i]), "%zu: %s", sizes[i], talk.err.cause);
        ck_assert_int_eq(talk.response.status, 201);
        const PeerRequest *request = peer_request(talk.peer, 0);
        ck_assert_uint_eq(request->body_size, sizes[i]);
        size_t same = 0;
        while (same < sizes[i] && request->body[same] == 'a' + (int)(same % 26))
            same++;
        ck_assert_uint_eq(same, sizes[i]);
        ck_assert_ptr_null(peer_request_header(talk.peer, 0, "Expect"));
        ck_assert_ptr_null(peer_request_header(talk.peer, 0, "Transfer-Encoding"));
        unlink(path);
        hang_up(&talk);
    }
}
END_TEST

START_TEST(an_upload_takes_a_connection_of_its_own)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT}, {PEER_EXPECT, "GET /x"},   {PEER_ANSWER, "200", "{}"},
        {PEER_ACCEPT}, {PEER_EXPECT, "POST /up"}, {PEER_ANSWER, "201", "{}"},
    };
    Talk talk = talk_to(PEER_TLS_GOOD, script, COUNT_OF(script));
    char *path = write_file(talk.arena, 100);
    ck_assert(get(&talk, (HttpRequest){0}));
    ck_assert(upload(&talk, path, 100));
    ck_assert_uint_eq(peer_connections(talk.peer), 2);
    unlink(path);
    hang_up(&talk);
}
END_TEST

START_TEST(a_file_of_another_size_never_leaves)
{
    static const PeerStep script[] = {{PEER_ACCEPT}, {PEER_EXPECT, NULL}};
    Talk talk = talk_to(PEER_TLS_GOOD, script, COUNT_OF(script));
    char *path = write_file(talk.arena, 100);
    ck_assert(!upload(&talk, path, 101));
    ck_assert_int_eq(talk.failure.kind, HTTP_FAILED_LOCAL);
    ck_assert_int_eq(talk.failure.left, HTTP_NOTHING_LEFT);
    ck_assert(!upload(&talk, "/nonexistent/document", 100));
    ck_assert_int_eq(talk.failure.left, HTTP_NOTHING_LEFT);
    ck_assert_uint_eq(peer_connections(talk.peer), 0);
    unlink(path);
    hang_up(&talk);
}
END_TEST

START_TEST(an_early_refusal_is_read)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT},
        {PEER_EXPECT, "POST /up"},
        {PEER_READ_SOME, .number = 1000},
        {PEER_ANSWER, "413", "{}", "Connection: close\r\n"},
        {PEER_READ_SOME, .number = 100000000},
    };
    Talk talk = talk_to(PEER_TLS_GOOD, script, COUNT_OF(script));
    char *path = write_file(talk.arena, 3000000);
    ck_assert_msg(upload(&talk, path, 3000000), "%s", talk.err.cause);
    ck_assert_int_eq(talk.response.status, 413);
    unlink(path);
    hang_up(&talk);
}
END_TEST

/* ---- progress ---- */

typedef struct Beats {
    int count;
    int64_t sent;
} Beats;

static bool beat(void *data, int64_t sent, int64_t received)
{
    Beats *beats = data;
    (void)received;
    beats->count++;
    beats->sent = sent;
    return sent < 1000000;
}

START_TEST(the_heartbeat_can_end_an_upload)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_ANSWER, "201", "{}"}};
    Talk talk = talk_to(PEER_TLS_GOOD, script, COUNT_OF(script));
    char *path = write_file(talk.arena, 6000000);
    Beats beats = {0};
    http_on_progress(beat, &beats);
    ck_assert(!upload(&talk, path, 6000000));
    http_on_progress(NULL, NULL);
    ck_assert_int_eq(talk.failure.kind, HTTP_FAILED_STOPPED);
    ck_assert_int_eq(talk.failure.left, HTTP_MAY_HAVE_LEFT);
    ck_assert_int_gt(beats.count, 1);
    unlink(path);
    hang_up(&talk);
}
END_TEST

/* ---- bodies ---- */

START_TEST(a_body_over_its_limit_is_refused)
{
    static const PeerStep script[] = {
        {PEER_ACCEPT},
        {PEER_EXPECT, NULL},
        {PEER_ANSWER, "200", "0123456789"},
        {PEER_EXPECT, NULL},
        {PEER_ANSWER, "200", "0123456789"},
    };
    Talk talk = talk_to(PEER_TLS_GOOD, script, COUNT_OF(script));
    ck_assert(get(&talk, (HttpRequest){.response_limit = 10}));
    ck_assert(!get(&talk, (HttpRequest){.response_limit = 9}));
    ck_assert_int_eq(talk.failure.kind, HTTP_FAILED_TOO_LARGE);
    ck_assert_int_eq(talk.failure.status, 200);
    hang_up(&talk);
}
END_TEST

START_TEST(a_long_refusal_is_still_a_refusal)
{
    static char page[100001];
    memset(page, 'x', sizeof page - 1);
    PeerStep script[] = {
        {PEER_ACCEPT}, {PEER_EXPECT, NULL}, {PEER_ANSWER, "503", page, "Retry-After: 9\r\n"}};
    Talk talk = talk_to(PEER_TLS_GOOD, script, COUNT_OF(script));
    ck_assert_msg(get(&talk, (HttpRequest){0}), "%s", talk.err.cause);
    ck_assert_int_eq(talk.response.status, 503);
    ck_assert_uint_le(talk.response.body_size, 65536);
    ck_assert_str_eq(http_header(&talk.response, "retry-after"), "9");
    hang_up(&talk);
}
END_TEST

static bool count_sink(void *data, const char *bytes, size_t size, Error *err)
{
    (void)bytes;
    *(size_t *)data += size;
    return *(size_t *)data <= 100000 || error_set(err, ERROR_DATA, "test.sink", "enough");
}

START_TEST(a_sink_gets_successes_only_and_may_say_no)
{
    static char page[200001];
    memset(page, 'x', sizeof page - 1);
    PeerStep script[] = {
        {PEER_ACCEPT},       {PEER_EXPECT, NULL},        {PEER_ANSWER, "404", "nothing here"},
        {PEER_EXPECT, NULL}, {PEER_ANSWER, "200", page},
    };
    Talk talk = talk_to(PEER_TLS_GOOD, script, COUNT_OF(script));
    size_t got = 0;
    ck_assert(get(&talk, (HttpRequest){.sink = count_sink, .sink_data = &got}));
    ck_assert_uint_eq(got, 0);
    ck_assert_str_eq(talk.response.body, "nothing here");
    ck_assert(!get(&talk, (HttpRequest){.sink = count_sink, .sink_data = &got}));
    ck_assert_int_eq(talk.failure.kind, HTTP_FAILED_SINK);
    ck_assert_str_eq(talk.err.code, "test.sink");
    hang_up(&talk);
}
END_TEST

/* ---- gzip ---- */

static char *zip(const char *bytes, size_t size, size_t *ret_size)
{
    z_stream stream = {0};
    char *packed = malloc(size + 1000);
    deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
    stream.next_in = (z_const Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)size;
    stream.next_out = (Bytef *)packed;
    stream.avail_out = (uInt)(size + 1000);
    deflate(&stream, Z_FINISH);
    *ret_size = stream.total_out;
    deflateEnd(&stream);
    return packed;
}

#define GZIP "Content-Encoding: gzip\r\n"

static bool get_packed(const char *bytes, size_t size, const char *header, HttpRequest request,
                       Talk *ret)
{
    PeerStep script[] = {{PEER_ACCEPT},
                         {PEER_EXPECT, NULL},
                         {PEER_ANSWER_BYTES, "200", bytes, header, size, NULL, NULL}};
    Talk talk = talk_to(PEER_TLS_GOOD, script, COUNT_OF(script));
    bool fine = get(&talk, request);
    *ret = talk;
    if (fine)
        ret->response.body = strdup(talk.response.body);
    hang_up(&talk);
    return fine;
}

START_TEST(gzip_is_unpacked_while_it_comes)
{
    char text[200000];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + (i * 7919 ^ i >> 3) % 23);
    text[sizeof text - 1] = '\0';
    size_t size;
    char *packed = zip(text, sizeof text - 1, &size);
    Talk talk;
    ck_assert(get_packed(packed, size, GZIP, (HttpRequest){.accept_gzip = true}, &talk));
    ck_assert_str_eq(talk.response.body, text);
    ck_assert_int_eq(talk.response.received, (int64_t)size);
    free(talk.response.body);
    free(packed);
}
END_TEST

START_TEST(bad_gzip_is_refused)
{
    static char zeros[1 << 20];
    size_t size;
    char *packed = zip("hello hello hello", 17, &size);
    Talk talk;
    HttpRequest wants = {.accept_gzip = true};
    const size_t cuts[] = {1, 9, 10, 11, size - 9, size - 8, size - 1};
    for (size_t i = 0; i < COUNT_OF(cuts); i++)
        ck_assert_msg(!get_packed(packed, cuts[i], GZIP, wants, &talk), "cut at %zu", cuts[i]);
    ck_assert_int_eq(talk.failure.kind, HTTP_FAILED_ENCODING);
    packed[size] = 'x';
    ck_assert(!get_packed(packed, size + 1, GZIP, wants, &talk));
    ck_assert_int_eq(talk.failure.kind, HTTP_FAILED_ENCODING);
    packed[size - 6] ^= 1; /* the checksum */
    ck_assert(!get_packed(packed, size, GZIP, wants, &talk));
    ck_assert(!get_packed("<html>", 6, GZIP, wants, &talk));
    ck_assert(!get_packed(packed, size, "Content-Encoding: br\r\n", wants, &talk));
    ck_assert(!get_packed(packed, size, GZIP, (HttpRequest){0}, &talk)); /* not asked for */
    free(packed);
    /* a bomb: by ratio, and by size */
    packed = zip(zeros, sizeof zeros, &size);
    HttpRequest roomy = {.accept_gzip = true, .response_limit = 2 << 20};
    ck_assert(!get_packed(packed, size, GZIP, roomy, &talk));
    ck_assert_int_eq(talk.failure.kind, HTTP_FAILED_TOO_LARGE);
    roomy.ratio_limit = 100000;
    ck_assert(get_packed(packed, size, GZIP, roomy, &talk));
    free(talk.response.body);
    roomy.response_limit = (1 << 20) - 1;
    ck_assert(!get_packed(packed, size, GZIP, roomy, &talk));
    ck_assert_int_eq(talk.failure.kind, HTTP_FAILED_TOO_LARGE);
    free(packed);
}
END_TEST

SUITE("net/http", an_answer_has_status_fields_and_body, a_connection_is_kept_for_questions,
      an_interim_answer_is_not_the_answer, a_file_is_streamed_whole,
      an_upload_takes_a_connection_of_its_own, a_file_of_another_size_never_leaves,
      an_early_refusal_is_read, the_heartbeat_can_end_an_upload, a_body_over_its_limit_is_refused,
      a_long_refusal_is_still_a_refusal, a_sink_gets_successes_only_and_may_say_no,
      gzip_is_unpacked_while_it_comes, bad_gzip_is_refused);
