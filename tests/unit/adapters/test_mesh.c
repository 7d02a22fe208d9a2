/* SPDX-License-Identifier: Apache-2.0 */
/* MESH's token against published values, its answers by shape, and what its codes mean. */
#include "adapters/submit/mesh_call.h"
#include "adapters/submit/mesh_token.h"
#include "adapters/submit/mesh_upload.h"
#include "daemon/base/cleanup.h"
#include "tests/unit/suite.h"

#include <string.h>
#include <unistd.h>
#include <zlib.h>

START_TEST(the_token_has_the_published_hashes)
{
    static const struct {
        MeshToken token;
        const char *hash;
    } vectors[] = {
        {{"X26ABC1", "password", "TestKey", "bd0e2bd5-218e-41d0-83a9-73fdec414803", "0",
          "202005041305"},
         "1d7da1305d2c4f169b097f4e7fddbc8dfba024de2ea0fdee858b64536f2a90bc"},
        {{"mailbox_id", "mailbox_password", "shared_key", "73eefd69-811f-44d0-81f8-a54ff352a991",
          "1", "199111061230"},
         "e80adf34b261ba9a377ac4776e1354f2ce814c5f6ecec71b2ce540b94836c530"},
    };
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        const MeshToken *token = &vectors[i].token;
        Arena *arena = arena_new(1 << 16);
        const char *wanted =
            arena_format(arena, "NHSMESH %s:%s:%s:%s:%s", token->mailbox, token->nonce,
                         token->count, token->timestamp, vectors[i].hash);
        ck_assert_str_eq(mesh_token_text(token, arena), wanted);
        arena_free(arena);
    }
}
END_TEST

START_TEST(no_token_is_used_twice)
{
    Arena *arena = arena_new(1 << 16);
    const char *one = mesh_token_now("X26ABC1", "password", "key", arena);
    const char *two = mesh_token_now("X26ABC1", "password", "key", arena);
    ck_assert_str_ne(one, two);
    ck_assert(!strstr(one, "password"));
    ck_assert_uint_eq(strlen(one), strlen("NHSMESH X26ABC1:") + 36 + strlen(":0:") + 12 + 1 + 64);
    arena_free(arena);
}
END_TEST

static MeshBody body_of(const char *text, Arena *arena)
{
    MeshBody body;
    mesh_body_read(text, strlen(text), arena, &body);
    return body;
}

START_TEST(both_versions_of_an_answer_are_read)
{
    Arena *arena = arena_new(1 << 16);
    ck_assert_str_eq(body_of("{\"message_id\":\"A1\"}", arena).message_id, "A1");
    ck_assert_str_eq(body_of("{\"messageID\":\"A1\"}", arena).message_id, "A1");
    ck_assert_int_eq(body_of("{\"messageId\":\"A1\",\"status\":\"Accepted\"}", arena).status,
                     MESH_STATUS_ACCEPTED);
    MeshBody error = body_of(
        "{\"detail\":[{\"event\":\"SEND\",\"code\":\"12\",\"msg\":\"Unregistered\"}]}", arena);
    ck_assert_str_eq(error.error, "12");
    ck_assert(error.is_mesh);
    ck_assert_str_eq(body_of("{\"errorEvent\":\"SEND\",\"errorCode\":\"08\"}", arena).error, "08");
    ck_assert(body_of("{\"detail\":[{\"loc\":[\"header\"],\"msg\":\"x\",\"type\":\"y\"}]}", arena)
                  .is_mesh);
    ck_assert(!body_of("<html>404</html>", arena).is_mesh);
    ck_assert(!body_of("{\"error\":\"no such page\"}", arena).is_mesh);
    ck_assert_ptr_null(body_of("{\"message_id\":\"../../x\"}", arena).message_id);
    arena_free(arena);
}
END_TEST

START_TEST(the_next_page_lies_in_our_own_inbox)
{
    static const char *const good = "/messageexchange/X1/inbox?continue_from=abc%3D";
    static const char *const bad[] = {
        "https://elsewhere/messageexchange/X1/inbox", "/messageexchange/X2/inbox?x=1",
        "/messageexchange/X1/inbox/../../X2/inbox", "/messageexchange/X1/inbox?a b"};
    Arena *arena = arena_new(1 << 16);
    MeshInboxPage page;
    const char *text = arena_format(
        arena, "{\"messages\":[\"A\",7,\"b/c\",\"D_1\"],\"links\":{\"next\":\"%s\"}}", good);
    ck_assert(mesh_inbox_read(text, strlen(text), "/messageexchange/X1/inbox", arena, &page));
    ck_assert_uint_eq(page.count, 2);
    ck_assert_str_eq(page.ids[1], "D_1");
    ck_assert_str_eq(page.next, good);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        text = arena_format(arena, "{\"messages\":[],\"links\":{\"next\":\"%s\"}}", bad[i]);
        ck_assert(mesh_inbox_read(text, strlen(text), "/messageexchange/X1/inbox", arena, &page));
        ck_assert_msg(!page.next, "%s", bad[i]);
    }
    ck_assert(!mesh_inbox_read("{}", 2, "/x", arena, &page));
    arena_free(arena);
}
END_TEST

static MeshReply reply_of(int status, const char *error, const char *words)
{
    return (MeshReply){.response = {.status = status},
                       .body = {.error = error, .words = words, .is_mesh = true}};
}

START_TEST(each_row_of_the_errors_is_reached)
{
    static const struct {
        int from, to;
        const char *error, *words, *code;
    } rows[] = {
#define MESH_ERROR(from, to, error, words, verdict, stop, code, reason)                            \
    {from, to, error, words, code},
#include "adapters/submit/mesh_error.def"
#undef MESH_ERROR
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool reached = false;
        for (int status = rows[i].from; status <= rows[i].to && !reached; status++) {
            MeshReply reply = reply_of(status, rows[i].error, rows[i].words);
            SubmitAnswer answer = mesh_refusal(&reply, false);
            reached = strcmp(answer.code, rows[i].code) == 0;
            ck_assert(answer.verdict != VERDICT_ACCEPTED && answer.verdict != VERDICT_PENDING);
            ck_assert_int_eq(mesh_refusal(&reply, true).verdict, VERDICT_LATER);
        }
        ck_assert_msg(reached, "row %zu (%s) is never reached", i, rows[i].code);
    }
}
END_TEST

START_TEST(a_report_is_never_a_yes)
{
    ck_assert_int_eq(mesh_report_answer("14").verdict, VERDICT_REJECTED);
    ck_assert_str_eq(mesh_report_answer("14").code, "undelivered");
    ck_assert_int_eq(mesh_report_answer("").verdict, VERDICT_REJECTED);
    ck_assert_str_eq(mesh_report_answer("99").code, "report");
}
END_TEST

START_TEST(each_piece_is_a_gzip_stream_of_its_own)
{
    char path[] = "/tmp/mesh-piece-XXXXXX", block[5000], *packed;
    Error err = {0};
    int fd = mkstemp(path);
    unlink(path);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i * 7 % 251);
    for (int i = 0; i < 100; i++)
        ck_assert(write(fd, block, sizeof block) == (ssize_t)sizeof block);
    for (int64_t offset = 0; offset < 500000; offset += 200000) {
        int64_t size = offset + 200000 > 500000 ? 100000 : 200000;
        size_t packed_size;
        char *plain = malloc((size_t)size), *right = malloc((size_t)size);
        ck_assert(mesh_piece(fd, offset, size, true, &packed, &packed_size, &err));
        z_stream stream = {.next_in = (Bytef *)packed,
                           .avail_in = (uInt)packed_size,
                           .next_out = (Bytef *)plain,
                           .avail_out = (uInt)size};
        ck_assert_int_eq(inflateInit2(&stream, 15 + 16), Z_OK);
        ck_assert_int_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
        ck_assert_uint_eq(stream.avail_out, 0);
        inflateEnd(&stream);
        ck_assert(pread(fd, right, (size_t)size, offset) == size);
        ck_assert(memcmp(plain, right, (size_t)size) == 0);
        free(packed);
        ck_assert(mesh_piece(fd, offset, size, false, &packed, &packed_size, &err));
        ck_assert(packed_size == (size_t)size && memcmp(packed, right, packed_size) == 0);
        free(packed);
        free(plain);
        free(right);
    }
    ck_assert(!mesh_piece(fd, 400000, 200000, true, &packed, &(size_t){0}, &err));
    close(fd);
}
END_TEST

SUITE("adapters/mesh", the_token_has_the_published_hashes, no_token_is_used_twice,
      both_versions_of_an_answer_are_read, the_next_page_lies_in_our_own_inbox,
      each_row_of_the_errors_is_reached, a_report_is_never_a_yes,
      each_piece_is_a_gzip_stream_of_its_own);
