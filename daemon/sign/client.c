/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the signer. */
#include "daemon/sign/client.h"

#include "daemon/base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define ANSWER_SECONDS 10

static bool away(Error *err, int number)
{
    error_errno(err, number, "sign.away", "could not reach the signer");
    err->kind = ERROR_LATER; /* it may not be up yet */
    return false;
}

static bool open_socket(const char *path, int *ret, Error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(err, ERROR_CONFIG, "sign.away",
                         "the signer's socket path is too long: \"%s\"", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return away(err, errno);
    *ret = TAKE_FD(fd);
    return true;
}

static bool send_all(int fd, const uint8_t *bytes, size_t size, Error *err)
{
    while (size) {
        ssize_t sent = TEMP_FAILURE_RETRY(send(fd, bytes, size, MSG_NOSIGNAL));
        if (sent < 0)
            return away(err, errno);
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* An early end is how a caller who may not ask is told. */
static bool read_all(int fd, uint8_t *bytes, size_t size, Error *err)
{
    while (size) {
        ssize_t got = TEMP_FAILURE_RETRY(recv(fd, bytes, size, 0));
        if (got < 0)
            return away(err, errno);
        if (got == 0)
            return error_set(err, ERROR_LATER, "sign.refused",
                             "the signer closed the connection without an answer");
        bytes += got;
        size -= (size_t)got;
    }
    return true;
}

static bool judge(SignStatus status, const char *text, Error *err)
{
    switch (status) {
    case SIGN_OK:
        return true;
    case SIGN_RATE:
        return error_set(err, ERROR_LATER, "sign.rate", "the signer waits: %s", text);
    case SIGN_KEY_CHANGED:
        return error_set(err, ERROR_LATER, "sign.key_changed", "the signing key was replaced: %s",
                         text);
    case SIGN_MALFORMED:
        return error_set(err, ERROR_BUG, "sign.refused", "the signer refused: %s", text);
    default:
        return error_set(err, ERROR_LATER, "sign.failed", "the signer could not sign: %s", text);
    }
}

static bool ask_signer(const char *path, const SignAsk *ask, Arena *arena, const uint8_t **ret,
                       size_t *ret_size, Error *err)
{
    _cleanup_close_ int fd = -1;
    uint8_t head[SIGN_FRAME_HEAD];
    size_t frame_size;
    const uint8_t *frame = sign_ask_write(ask, arena, &frame_size);
    if (!open_socket(path, &fd, err) || !send_all(fd, frame, frame_size, err) ||
        !read_all(fd, head, sizeof head, err))
        return false;
    size_t size = sign_get_u32(head);
    if (size < 1 || size > SIGN_ANSWER_LIMIT)
        return error_set(err, ERROR_LATER, "sign.failed", "the signer's answer makes no sense");
    uint8_t *answer = arena_alloc(arena, size + 1); /* one NUL after a text */
    if (!read_all(fd, answer, size, err) || !judge(answer[0], (const char *)answer + 1, err))
        return false;
    *ret = answer + 1;
    *ret_size = size - 1;
    return true;
}

bool sign_client_key(const char *socket_path, SignerState *ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(65536);
    const uint8_t *bytes;
    size_t size;
    if (!ask_signer(socket_path, &(SignAsk){.kind = SIGN_KEY}, arena, &bytes, &size, err))
        return false;
    if (size != SIGN_KEY_ID_SIZE + 8)
        return error_set(err, ERROR_LATER, "sign.failed", "the signer's answer makes no sense");
    *ret = (SignerState){.end = sign_get_i64(bytes + SIGN_KEY_ID_SIZE)};
    memcpy(ret->key_id, bytes, SIGN_KEY_ID_SIZE);
    return true;
}

bool sign_client_document(const char *socket_path, int64_t submission,
                          const uint8_t digest[DIGEST_SIZE], Arena *arena, const uint8_t **ret,
                          size_t *ret_size, Error *err)
{
    SignAsk ask = {.kind = SIGN_DOCUMENT, .submission = submission};
    memcpy(ask.digest, digest, DIGEST_SIZE);
    return ask_signer(socket_path, &ask, arena, ret, ret_size, err);
}

bool sign_client_request(const char *socket_path, int64_t submission, const char *key_id,
                         const char *base, size_t size, Arena *arena, const uint8_t **ret,
                         size_t *ret_size, Error *err)
{
    if (size == 0 || size > SIGN_BASE_LIMIT || strlen(key_id) != SIGN_KEY_ID_SIZE)
        return error_set(err, ERROR_BUG, "sign.refused",
                         "a signature base or key id of the wrong size");
    SignAsk ask = {.kind = SIGN_REQUEST, .submission = submission, .base = base, .base_size = size};
    memcpy(ask.key_id, key_id, SIGN_KEY_ID_SIZE);
    return ask_signer(socket_path, &ask, arena, ret, ret_size, err);
}
