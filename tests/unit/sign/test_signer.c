/* SPDX-License-Identifier: Apache-2.0 */
/* The signer over its socket: who may ask, what is refused, what is listed. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/sign/client.h"
#include "daemon/sign/server.h"
#include "tests/harness/peer_certificate.h"
#include "tests/unit/suite.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define BASE "\"@method\": GET\n\"@signature-params\": (\"@method\")"

typedef struct Room {
    char folder[32];
    char socket[64], log_path[64], certificate[64], key_path[64];
    SignerKey *key;
    SignedLog *log;
    Signer *signer;
    Arena *arena;
    const uid_t *users; /* one other user; NULL: none */
    uid_t refused_uid;
    int refusals;
    const char *last_reason;
    int stop[2];
    pthread_t thread;
    Error err;
} Room;

static void note(void *data, uid_t uid, const char *reason)
{
    Room *room = data;
    ck_assert_uint_eq(uid, room->refused_uid ? room->refused_uid : geteuid());
    room->refusals++;
    room->last_reason = reason;
}

static void *serve(void *data)
{
    Room *room = data;
    for (;;) {
        struct pollfd wanted[] = {{signer_fd(room->signer), POLLIN, 0}, {room->stop[0], POLLIN, 0}};
        poll(wanted, 2, -1);
        if (wanted[1].revents || !signer_step(room->signer, &room->err))
            return NULL;
    }
}

static void open_signer(Room *room, int64_t rate)
{
    SignerSettings settings = {.socket_path = room->socket,
                               .rate = rate,
                               .refused = note,
                               .refused_data = room,
                               .users = room->users,
                               .user_count = room->users != NULL};
    ck_assert(signed_log_open(room->log_path, &room->log, &room->err));
    ck_assert_msg(signer_open(&settings, room->key, room->log, &room->signer, &room->err), "%s",
                  room->err.cause);
    ck_assert_int_eq(pipe(room->stop), 0);
    ck_assert_int_eq(pthread_create(&room->thread, NULL, serve, room), 0);
}

static void close_signer(Room *room)
{
    ck_assert_int_eq(write(room->stop[1], "x", 1), 1);
    pthread_join(room->thread, NULL);
    close(room->stop[0]);
    close(room->stop[1]);
    signer_close(room->signer);
    signed_log_close(room->log);
}

static void open_room(Room *room, int64_t rate)
{
    *room = (Room){.arena = arena_new(1 << 20)};
    snprintf(room->folder, sizeof room->folder, "/tmp/signer-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(room->folder));
    snprintf(room->socket, sizeof room->socket, "%s/s", room->folder);
    snprintf(room->log_path, sizeof room->log_path, "%s/log", room->folder);
    snprintf(room->certificate, sizeof room->certificate, "%s/c.pem", room->folder);
    snprintf(room->key_path, sizeof room->key_path, "%s/k.pem", room->folder);
    peer_make_certificate(room->certificate, room->key_path, "p256", -1, 30);
    ck_assert(
        signer_key_open(&(SignerKeySource){.certificate = room->certificate, .key = room->key_path},
                        clock_wall(), &room->key, &room->err));
    open_signer(room, rate);
}

static void close_room(Room *room)
{
    close_signer(room);
    signer_key_free(room->key);
    unlink(room->log_path);
    unlink(room->certificate);
    unlink(room->key_path);
    ck_assert_int_eq(rmdir(room->folder), 0); /* the socket is gone too */
    arena_free(room->arena);
}

static bool count_entry(void *data, const SignedEntry *entry, Error *err)
{
    SignedEntry *last = data;
    int64_t count = last->at + 1;
    (void)err;
    *last = *entry;
    last->at = count;
    return true;
}

START_TEST(what_is_signed_is_listed_first)
{
    Room room;
    open_room(&room, 600);
    SignerState state;
    const uint8_t *bytes;
    size_t size;
    uint8_t digest[DIGEST_SIZE];
    digest_bytes("document", 8, digest);
    ck_assert_msg(sign_client_key(room.socket, &state, &room.err), "%s", room.err.cause);
    ck_assert_str_eq(state.key_id, signer_key_id(room.key));
    ck_assert_int_eq(state.end, signer_key_end(room.key));
    ck_assert(sign_client_document(room.socket, 42, digest, room.arena, &bytes, &size, &room.err));
    ck_assert_uint_gt(size, 200);
    ck_assert(sign_client_request(room.socket, 43, state.key_id, BASE, strlen(BASE), room.arena,
                                  &bytes, &size, &room.err));
    ck_assert_uint_eq(size, 64);

    SignedEntry last = {0};
    int64_t damaged;
    ck_assert(signed_log_read(room.log_path, count_entry, &last, &damaged, &room.err));
    ck_assert_int_eq(last.at, 2);
    ck_assert_int_eq(damaged, 0);
    ck_assert_int_eq(last.kind, SIGN_REQUEST);
    ck_assert_int_eq(last.submission, 43);
    ck_assert_str_eq(last.key_id, state.key_id);
    digest_bytes(BASE, strlen(BASE), digest);
    ck_assert_mem_eq(last.digest, digest, DIGEST_SIZE);
    ck_assert_int_eq(room.refusals, 0);
    close_room(&room);
}
END_TEST

START_TEST(only_signature_bases_are_signed_as_requests)
{
    Room room;
    open_room(&room, 600);
    const char *key_id = signer_key_id(room.key);
    const uint8_t *bytes;
    size_t size;
    /* CMS attributes in disguise, a base without its last line, a last line in the middle */
    static const char *const bad[] = {"1\x7f\x06\x09*\x86H\x86\xf7", "\"@method\": GET",
                                      "\"@signature-params\": ()\n\"@method\": GET",
                                      "\"@method\": GET\r\n\"@signature-params\": ()"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        ck_assert(!sign_client_request(room.socket, 1, key_id, bad[i], strlen(bad[i]), room.arena,
                                       &bytes, &size, &room.err));
        ck_assert_str_eq(room.err.code, "sign.refused");
    }
    ck_assert(!sign_client_request(room.socket, 1, "0000000000000000", BASE, strlen(BASE),
                                   room.arena, &bytes, &size, &room.err));
    ck_assert_str_eq(room.err.code, "sign.key_changed");
    ck_assert_int_eq(signer_signed(room.signer), 0);
    close_room(&room);
}
END_TEST

START_TEST(too_many_wait)
{
    Room room;
    open_room(&room, 3);
    const uint8_t *bytes;
    size_t size;
    uint8_t digest[DIGEST_SIZE] = {0};
    for (int i = 0; i < 3; i++)
        ck_assert(
            sign_client_document(room.socket, i, digest, room.arena, &bytes, &size, &room.err));
    ck_assert(!sign_client_document(room.socket, 4, digest, room.arena, &bytes, &size, &room.err));
    ck_assert_int_eq(room.err.kind, ERROR_LATER);
    ck_assert_str_eq(room.err.code, "sign.rate");
    ck_assert_str_eq(room.last_reason, "rate");
    SignerState state;
    ck_assert(sign_client_key(room.socket, &state, &room.err)); /* asking its name is free */
    close_room(&room);
}
END_TEST

static int dial(const Room *room)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, room->socket, strlen(room->socket));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

START_TEST(malformed_frames_end_the_connection_and_nothing_else)
{
    static const struct {
        const char *bytes;
        size_t size;
    } frames[] = {
        {"\xff\xff\xff\xff", 4}, {"\0\0\x50\0", 4},     {"\0\0\0\0", 4},      {"\0\0\0\1\1", 5},
        {"\0\0\0\2\2\1", 6},     {"\0\0\0\2\1\0", 6},   {"\0\0\0\3\1\1x", 7}, {"\0\0\0\2\1\3", 6},
        {"\0\0\0\2\1\2", 6},     {"\0\0\0\2\1\x09", 6},
    };
    Room room;
    open_room(&room, 600);
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        char answer[256];
        int fd = dial(&room);
        ck_assert_int_eq(send(fd, frames[i].bytes, frames[i].size, 0), (ssize_t)frames[i].size);
        ssize_t got = 0, sum = 0;
        while ((got = recv(fd, answer, sizeof answer, 0)) > 0)
            sum += got; /* a word of refusal, then the end */
        ck_assert_msg(got == 0 || sum > 0, "frame %zu", i);
        close(fd);
    }
    /* byte by byte is fine */
    int fd = dial(&room);
    static const char key[] = "\0\0\0\2\1\1";
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(send(fd, key + i, 1, 0), 1);
    char answer[64];
    ck_assert_int_eq(recv(fd, answer, 29, MSG_WAITALL), 29);
    ck_assert_int_eq(answer[4], SIGN_OK);
    close(fd);
    ck_assert_int_ge(room.refusals, 10);
    close_room(&room);
}
END_TEST

START_TEST(two_signers_do_not_share_a_socket)
{
    Room room;
    open_room(&room, 600);
    Signer *second = NULL;
    SignerSettings settings = {.socket_path = room.socket, .rate = 1};
    ck_assert(!signer_open(&settings, room.key, room.log, &second, &room.err));
    ck_assert_str_eq(room.err.code, "sign.busy");
    SignerState state;
    ck_assert(sign_client_key(room.socket, &state, &room.err)); /* the first one still answers */
    close_room(&room);
}
END_TEST

START_TEST(a_dead_signers_socket_is_taken_over)
{
    Room room;
    open_room(&room, 600);
    close_signer(&room);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, room.socket, strlen(room.socket));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd); /* the file stays, nobody answers */
    SignerState state;
    ck_assert(!sign_client_key(room.socket, &state, &room.err));
    ck_assert_int_eq(room.err.kind, ERROR_LATER);
    ck_assert_str_eq(room.err.code, "sign.away");
    open_signer(&room, 600);
    ck_assert(sign_client_key(room.socket, &state, &room.err));
    close_room(&room);
}
END_TEST

START_TEST(a_torn_line_stays_alone)
{
    char path[] = "/tmp/signed-log-XXXXXX";
    int fd = mkstemp(path);
    static const char torn[] = "2026-11-23T02:20:00.123Z document 0123456789abcdef 42 00";
    ck_assert_int_eq(write(fd, torn, sizeof torn - 1), (ssize_t)sizeof torn - 1);
    close(fd);
    SignedLog *log;
    Error err = {0};
    SignedEntry entry = {.at = clock_wall(), .kind = SIGN_DOCUMENT, .key_id = "0123456789abcdef"};
    ck_assert(signed_log_open(path, &log, &err));
    ck_assert(signed_log_append(log, &entry, &err));
    signed_log_close(log);
    SignedEntry last = {0};
    int64_t damaged;
    ck_assert(signed_log_read(path, count_entry, &last, &damaged, &err));
    ck_assert_int_eq(last.at, 1);
    ck_assert_int_eq(damaged, 1);
    unlink(path);
}
END_TEST

/* Only root can become somebody else: elsewhere this looks at nothing, and says so. */
START_TEST(other_users_get_nothing)
{
    if (geteuid() != 0) {
        fprintf(stderr, "# not root: the refusal of other users is not looked at\n");
        return;
    }
    static const uid_t users[] = {4242};
    Room room;
    open_room(&room, 600);
    close_signer(&room);
    room.users = users;
    room.refused_uid = 65534;
    open_signer(&room, 600);
    ck_assert_int_eq(chmod(room.folder, 0755), 0);
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (child == 0) {
            SignerState state;
            Error err = {0};
            if (setresuid(i ? 4242 : 65534, i ? 4242 : 65534, i ? 4242 : 65534) != 0)
                _exit(9);
            bool told = sign_client_key(room.socket, &state, &err);
            _exit(told ? 1
                  : strcmp(err.code, "sign.refused") == 0 || strcmp(err.code, "sign.away") == 0
                      ? 0
                      : 2);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == i, "user %d: status %x", i,
                      status);
    }
    ck_assert_int_eq(room.refusals, 1);
    ck_assert_str_eq(room.last_reason, "user");
    close_room(&room);
}
END_TEST

SUITE("sign/signer", what_is_signed_is_listed_first, only_signature_bases_are_signed_as_requests,
      too_many_wait, malformed_frames_end_the_connection_and_nothing_else,
      two_signers_do_not_share_a_socket, a_dead_signers_socket_is_taken_over,
      a_torn_line_stays_alone, other_users_get_nothing);
