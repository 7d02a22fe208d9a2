/* SPDX-License-Identifier: Apache-2.0 */
/* The sign role: the one process that holds the private key.
 *
 * No network, no database: it answers its socket and keeps its list.  A reload
 * reads certificate and key again, so that a key can be replaced without a pause. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/roles/role.h"
#include "daemon/sign/expiry.h"
#include "daemon/sign/server.h"

#include <libgen.h>
#include <pwd.h>
#include <stdio.h>

#define LOOK_MS 10000 /* for callers that never finish, and for the certificate's end */

typedef struct SignRole {
    RoleContext *context;
    Arena *arena;
    SignerKey *key;
    SignedLog *log;
    Signer *signer;
    int warned; /* days of the last warning; 0: none yet */
} SignRole;

static void close_role(SignRole *role)
{
    signer_close(role->signer);
    signed_log_close(role->log);
    signer_key_free(role->key);
    arena_free(role->arena);
}
#define _cleanup_sign_role_ __attribute__((cleanup(close_role)))

static void say_refused(void *data, uid_t uid, const char *reason)
{
    char who[24];
    (void)data;
    snprintf(who, sizeof who, "%u", (unsigned)uid);
    log_event(LOG_SIGNER_REFUSED, NULL, {"SUBJECT", who}, {"REASON", reason});
}

static bool find_user(const char *name, uid_t *ret, Error *err)
{
    int64_t number;
    if (text_to_int64(name, &number) && number >= 0 && number < UINT32_MAX) {
        *ret = (uid_t)number;
        return true;
    }
    const struct passwd *entry = getpwnam(name);
    if (!entry)
        return error_set(err, ERROR_CONFIG, "sign.users",
                         "there is no user \"%s\" (signing: allowed_users)", name);
    *ret = entry->pw_uid;
    return true;
}

static bool make_parent(const char *path, unsigned mode, Arena *arena, Error *err)
{
    return file_make_folder(dirname(arena_text(arena, path)), mode, err);
}

static bool open_key(const Config *config, SignerKey **ret, Error *err)
{
    _cleanup_signer_key_ SignerKey *key = NULL;
    SignerKeySource source = {
        .certificate = section_text(config->signing, "certificate"),
        .key = section_text(config->signing, "key"),
        .module = section_text(config->signing, "pkcs11_module"),
        .pin = section_text(config->signing, "pin"),
    };
    if (!signer_key_open(&source, clock_wall(), &key, err))
        return false;
    if (!signer_key_signs_documents(key))
        return error_set(
            err, ERROR_CONFIG, "sign.key",
            "an Ed25519 key cannot sign documents: use P-256, or RSA of 3072 bits or more");
    *ret = TAKE_PTR(key);
    return true;
}

/* A wrong PIN is not tried twice: only a person's reload has the token asked again.  True without a
 * key when the role is to stop. */
static bool open_first_key(SignRole *role, Error *err)
{
    while (!open_key(role_config(role->context), &role->key, err)) {
        if (!text_equal(err->code, "sign.pin"))
            return false;
        log_event(LOG_SIGNER_PIN, err);
        error_clear(err);
        role_ready(role->context);
        while (role_wait(role->context, -1, -1) != ROLE_RELOAD)
            if (role_stopping(role->context))
                return true;
    }
    return true;
}

static bool open_role(SignRole *role, Error *err)
{
    const Config *config = role_config(role->context);
    const char *socket_path = config_sign_socket(config, role->arena);
    const char *log_path = config_sign_log(config, role->arena);
    const char *const *names;
    size_t count = section_list(config->signing, "allowed_users", &names);
    uid_t *users = arena_array(role->arena, count + 1, sizeof *users);
    for (size_t i = 0; i < count; i++)
        if (!find_user(names[i], &users[i], err))
            return false;
    SignerSettings settings = {
        .socket_path = socket_path,
        .users = users,
        .user_count = count,
        .rate = section_number(config->signing, "rate"),
        .refused = say_refused,
    };
    return make_parent(socket_path, 0750, role->arena, err) &&
           make_parent(log_path, 0700, role->arena, err) &&
           signed_log_open(log_path, &role->log, err) &&
           signer_open(&settings, role->key, role->log, &role->signer, err);
}

static void warn_of_end(SignRole *role)
{
    int64_t left = signer_key_end(role->key) - clock_wall() / CLOCK_SECOND;
    int mark = expiry_mark(left);
    char text[24];
    if (mark == role->warned)
        return;
    role->warned = mark;
    snprintf(text, sizeof text, "%lld d", (long long)(left / EXPIRY_DAY));
    if (mark)
        log_event(LOG_SIGNER_EXPIRES, NULL, {"WAIT", text});
}

/* A key that cannot be read keeps the old one in force and says why. */
static void read_key_again(SignRole *role)
{
    Error err = {0};
    SignerKey *key;
    if (!open_key(role_config(role->context), &key, &err)) {
        log_event(text_equal(err.code, "sign.pin") ? LOG_SIGNER_PIN : LOG_SETTINGS_REFUSED, &err);
        return;
    }
    if (!text_equal(signer_key_id(key), signer_key_id(role->key)))
        log_event(LOG_SIGNER_REKEYED, NULL);
    signer_rekey(role->signer, key);
    signer_key_free(role->key);
    role->key = key;
    role->warned = 0;
}

static bool run(RoleContext *context, Error *err)
{
    _cleanup_sign_role_ SignRole role = {.context = context, .arena = arena_new((size_t)1 << 20)};
    if (!role_config(context)->signing) {
        role_ready(context); /* nothing is to be sent, so nothing is to be signed */
        while (!role_stopping(context))
            role_wait(context, -1, -1);
        return true;
    }
    if (!open_first_key(&role, err))
        return false;
    if (role_stopping(context))
        return true;
    if (!open_role(&role, err))
        return false;
    role_ready(context);
    while (!role_stopping(context)) {
        warn_of_end(&role);
        if (role_wait(context, LOOK_MS, signer_fd(role.signer)) == ROLE_RELOAD)
            read_key_again(&role);
        if (!signer_step(role.signer, err))
            return false;
    }
    return true;
}

const Role role_sign = {
    .name = "sign",
    .summary = "signs digests; the only one that reads a private key",
    .needs_keys = true,
    .run = run,
};
