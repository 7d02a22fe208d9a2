/* SPDX-License-Identifier: Apache-2.0 */
/* The signer's side of its socket. */
#include "daemon/sign/server.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/fault.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define CALLER_LIMIT 16
#define BACKLOG 16
#define MINUTE (60 * CLOCK_SECOND)
#define CALLER_TIME (10 * CLOCK_SECOND) /* for one whole request */

typedef struct Caller {
    int fd;
    uid_t uid;
    int64_t since; /* of its connection, or its last whole request */
    size_t used;
    uint8_t bytes[SIGN_FRAME_HEAD + SIGN_FRAME_LIMIT];
} Caller;

struct Signer {
    SignerSettings settings;
    uid_t *users;
    char *path;
    const SignerKey *key;
    SignedLog *log;
    int listener, epoll;
    Caller *callers[CALLER_LIMIT];
    int64_t tokens, refilled; /* in millionths of a signature */
    int64_t signed_count;
};

static void refused(Signer *signer, uid_t uid, const char *reason)
{
    if (signer->settings.refused)
        signer->settings.refused(signer->settings.refused_data, uid, reason);
}

static bool is_allowed(const Signer *signer, uid_t uid)
{
    if (uid == geteuid())
        return true;
    for (size_t i = 0; i < signer->settings.user_count; i++)
        if (signer->users[i] == uid)
            return true;
    return false;
}

/* ---- opening ---- */

static bool make_address(const char *path, struct sockaddr_un *ret, Error *err)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof ret->sun_path)
        return error_set(err, ERROR_CONFIG, "sign.socket",
                         "the signer's socket path is too long: \"%s\"", path);
    memcpy(ret->sun_path, path, strlen(path) + 1);
    return true;
}

static bool is_answered(const struct sockaddr_un *address)
{
    _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
}

static bool listen_at(Signer *signer, Error *err)
{
    struct sockaddr_un address;
    if (!make_address(signer->path, &address, err))
        return false;
    if (is_answered(&address))
        return error_set(err, ERROR_LATER, "sign.busy", "another signer answers at \"%s\"",
                         signer->path);
    unlink(signer->path);
    signer->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (signer->listener < 0 ||
        bind(signer->listener, (struct sockaddr *)&address, sizeof address) < 0)
        return error_errno(err, errno, "sign.socket", "could not make the signer's socket \"%s\"",
                           signer->path);
    /* Who may ask is decided by the kernel's word for the caller's user, not by the file's mode. */
    mode_t mode = signer->settings.user_count ? 0666 : 0600;
    if (chmod(signer->path, mode) < 0 || listen(signer->listener, BACKLOG) < 0)
        return error_errno(err, errno, "sign.socket",
                           "could not listen at the signer's socket \"%s\"", signer->path);
    return true;
}

static bool watch(Signer *signer, int fd, Caller *caller)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = caller};
    return epoll_ctl(signer->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

bool signer_open(const SignerSettings *settings, const SignerKey *key, SignedLog *log, Signer **ret,
                 Error *err)
{
    _cleanup_signer_ Signer *signer = calloc(1, sizeof *signer);
    if (!signer)
        abort();
    signer->settings = *settings;
    signer->key = key;
    signer->log = log;
    signer->listener = signer->epoll = -1;
    signer->tokens = settings->rate * CLOCK_SECOND;
    signer->refilled = clock_steady();
    signer->path = strdup(settings->socket_path);
    signer->users = calloc(settings->user_count + 1, sizeof *signer->users);
    if (!signer->path || !signer->users)
        abort();
    if (settings->user_count)
        memcpy(signer->users, settings->users, settings->user_count * sizeof *signer->users);
    if (!listen_at(signer, err))
        return false;
    signer->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (signer->epoll < 0 || !watch(signer, signer->listener, NULL))
        return error_errno(err, errno, "sign.socket", "could not watch the signer's socket");
    *ret = TAKE_PTR(signer);
    return true;
}

static void drop(Signer *signer, Caller *caller)
{
    for (size_t i = 0; i < CALLER_LIMIT; i++)
        if (signer->callers[i] == caller)
            signer->callers[i] = NULL;
    close(caller->fd); /* takes it out of epoll */
    free(caller);
}

void signer_close(Signer *signer)
{
    if (!signer)
        return;
    for (size_t i = 0; i < CALLER_LIMIT; i++)
        if (signer->callers[i])
            drop(signer, signer->callers[i]);
    if (signer->listener >= 0) {
        close(signer->listener);
        unlink(signer->path);
    }
    if (signer->epoll >= 0)
        close(signer->epoll);
    free(signer->path);
    free(signer->users);
    free(signer);
}

void signer_rekey(Signer *signer, const SignerKey *key)
{
    signer->key = key;
}

int signer_fd(const Signer *signer)
{
    return signer->epoll;
}

int64_t signer_signed(const Signer *signer)
{
    return signer->signed_count;
}

/* ---- answering ---- */

static bool take_token(Signer *signer)
{
    int64_t now = clock_steady(), rate = signer->settings.rate, full = rate * CLOCK_SECOND;
    int64_t passed = now - signer->refilled;
    signer->refilled = now;
    signer->tokens += passed > MINUTE ? full : passed * rate / 60;
    if (signer->tokens > full)
        signer->tokens = full;
    if (signer->tokens < CLOCK_SECOND)
        return false;
    signer->tokens -= CLOCK_SECOND;
    return true;
}

/* What may be signed as a request: text lines that end in @signature-params, so that no other
 * structure (a certificate, CMS attributes) can be slipped in as one. */
static bool is_base(const char *base, size_t size)
{
    static const char last_line[] = "\"@signature-params\": (";
    const char *line = memrchr(base, '\n', size);
    line = line ? line + 1 : base;
    if ((size_t)(base + size - line) < sizeof last_line - 1 ||
        memcmp(line, last_line, sizeof last_line - 1) != 0)
        return false;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)base[i] > 0x7e || ((unsigned char)base[i] < 0x20 && base[i] != '\n'))
            return false;
    return true;
}

typedef struct Reply {
    SignStatus status;
    const void *bytes;
    size_t size;
} Reply;

static Reply say(SignStatus status, const char *text)
{
    return (Reply){status, text, strlen(text)};
}

static Reply tell_key(const Signer *signer, Arena *arena)
{
    uint8_t *bytes = arena_alloc(arena, SIGN_KEY_ID_SIZE + 8);
    memcpy(bytes, signer_key_id(signer->key), SIGN_KEY_ID_SIZE);
    sign_put_i64(bytes + SIGN_KEY_ID_SIZE, signer_key_end(signer->key));
    return (Reply){SIGN_OK, bytes, SIGN_KEY_ID_SIZE + 8};
}

/* Sign, list, sync, and only then answer.  False: the list is broken. */
static bool make_signature(Signer *signer, const SignAsk *ask, Arena *arena, Reply *ret, Error *err)
{
    FAULT(SIGN_BEFORE_SIGN);
    SignedEntry entry = {.at = clock_wall(), .kind = ask->kind, .submission = ask->submission};
    memcpy(entry.key_id, signer_key_id(signer->key), SIGN_KEY_ID_SIZE);
    Error refusal = {0};
    const uint8_t *bytes = NULL;
    size_t size = 0;
    bool made;
    if (ask->kind == SIGN_DOCUMENT) {
        memcpy(entry.digest, ask->digest, DIGEST_SIZE);
        made =
            signer_key_document(signer->key, ask->digest, entry.at, arena, &bytes, &size, &refusal);
    } else {
        digest_bytes(ask->base, ask->base_size, entry.digest);
        made = signer_key_request(signer->key, ask->base, ask->base_size, arena, &bytes, &size,
                                  &refusal);
    }
    if (!made) {
        *ret = say(SIGN_FAILED, arena_text(arena, refusal.cause));
        return true;
    }
    if (!signed_log_append(signer->log, &entry, err)) {
        if (err->kind == ERROR_BUG)
            return false;
        *ret = say(SIGN_FAILED, arena_text(arena, err->cause));
        return true;
    }
    FAULT(SIGN_AFTER_LOG);
    signer->signed_count++;
    *ret = (Reply){SIGN_OK, bytes, size};
    return true;
}

static bool answer(Signer *signer, Caller *caller, const SignAsk *ask, Arena *arena, Reply *ret,
                   Error *err)
{
    if (ask->kind == SIGN_KEY) {
        *ret = tell_key(signer, arena);
        return true;
    }
    if (ask->kind == SIGN_REQUEST && strcmp(ask->key_id, signer_key_id(signer->key)) != 0) {
        *ret = say(SIGN_KEY_CHANGED, "another key is in force");
        return true;
    }
    if (ask->kind == SIGN_REQUEST && !is_base(ask->base, ask->base_size)) {
        refused(signer, caller->uid, "malformed");
        *ret = say(SIGN_MALFORMED, "that is not a signature base");
        return true;
    }
    if (!take_token(signer)) {
        refused(signer, caller->uid, "rate");
        *ret = say(SIGN_RATE, "too many signatures in the last minute");
        return true;
    }
    return make_signature(signer, ask, arena, ret, err);
}

/* One whole frame in caller->bytes.  *ret_keep false: the caller is to be dropped. */
static bool handle(Signer *signer, Caller *caller, size_t size, bool *ret_keep, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    SignAsk ask;
    Reply reply;
    *ret_keep = sign_ask_read(caller->bytes + SIGN_FRAME_HEAD, size, &ask);
    if (!*ret_keep) {
        refused(signer, caller->uid, "malformed");
        reply = say(SIGN_MALFORMED, "that is not a request");
    } else if (!answer(signer, caller, &ask, arena, &reply, err)) {
        return false;
    }
    size_t frame_size;
    const uint8_t *frame =
        sign_answer_write(reply.status, reply.bytes, reply.size, arena, &frame_size);
    /* An answer fits the socket's buffer; a caller that does not read is cut off. */
    if (send(caller->fd, frame, frame_size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)frame_size)
        *ret_keep = false;
    caller->since = clock_steady();
    return true;
}

/* *ret_keep false: gone, or not one of ours. */
static bool read_caller(Signer *signer, Caller *caller, bool *ret_keep, Error *err)
{
    *ret_keep = true;
    ssize_t got =
        recv(caller->fd, caller->bytes + caller->used, sizeof caller->bytes - caller->used, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0) {
        *ret_keep = false;
        return true;
    }
    caller->used += (size_t)got;
    while (*ret_keep && caller->used >= SIGN_FRAME_HEAD) {
        size_t size = sign_get_u32(caller->bytes);
        if (size > SIGN_FRAME_LIMIT) {
            refused(signer, caller->uid, "malformed");
            *ret_keep = false;
            return true;
        }
        size_t whole = SIGN_FRAME_HEAD + size;
        if (caller->used < whole)
            return true;
        if (!handle(signer, caller, size, ret_keep, err))
            return false;
        caller->used -= whole;
        memmove(caller->bytes, caller->bytes + whole, caller->used);
    }
    return true;
}

static void accept_caller(Signer *signer)
{
    _cleanup_close_ int fd = accept4(signer->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ucred who;
    socklen_t size = sizeof who;
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
        return;
    if (!is_allowed(signer, who.uid)) {
        refused(signer, who.uid, "user");
        return;
    }
    for (size_t i = 0; i < CALLER_LIMIT; i++) {
        if (signer->callers[i])
            continue;
        Caller *caller = calloc(1, sizeof *caller);
        if (!caller)
            abort();
        *caller = (Caller){.fd = fd, .uid = who.uid, .since = clock_steady()};
        if (!watch(signer, fd, caller)) {
            free(caller);
            return;
        }
        TAKE_FD(fd);
        signer->callers[i] = caller;
        return;
    }
    /* Full: the caller sees its connection closed and comes again. */
}

static void drop_slow(Signer *signer)
{
    int64_t now = clock_steady();
    for (size_t i = 0; i < CALLER_LIMIT; i++)
        if (signer->callers[i] && now - signer->callers[i]->since > CALLER_TIME)
            drop(signer, signer->callers[i]);
}

bool signer_step(Signer *signer, Error *err)
{
    struct epoll_event events[CALLER_LIMIT + 1];
    drop_slow(signer);
    int count = epoll_wait(signer->epoll, events, CALLER_LIMIT + 1, 0);
    for (int i = 0; i < count; i++) {
        Caller *caller = events[i].data.ptr;
        bool keep;
        if (!caller) {
            accept_caller(signer);
            continue;
        }
        if (!read_caller(signer, caller, &keep, err))
            return false;
        if (!keep)
            drop(signer, caller);
    }
    return true;
}
