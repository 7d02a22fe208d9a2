/* SPDX-License-Identifier: Apache-2.0 */
/* The seal role: the audit's events get their place in a tree, whose head is signed at least once a
 * minute.
 *
 * It holds the sealing key and no other, and may write two tables and one folder.
 * What does not agree is said once, looked at again each minute, and never
 * sealed over. */
#include "daemon/pipeline/seal.h"
#include "daemon/pipeline/seal_mirror.h"

#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/roles/role.h"
#include "daemon/roles/role_store.h"

#define LOOK_MS 5000
#define REFUSED_MS 60000

typedef struct SealRole {
    RoleContext *context;
    RoleStore connection;
    Arena *arena;
    NoteKey *key;
    SealerSettings settings;
    Sealer *sealer;
    const char *mirror;             /* a second folder for the copy; NULL: none */
    const char *code, *mirror_code; /* of the failure that was logged */
} SealRole;

static void close_role(SealRole *role)
{
    sealer_close(role->sealer);
    note_key_free(role->key);
    role_store_close(&role->connection);
    arena_free(role->arena);
}
#define _cleanup_seal_role_ __attribute__((cleanup(close_role)))

static bool open_key(SealRole *role, const char *path, Error *err)
{
    const Config *config = role_config(role->context);
    role->settings =
        (SealerSettings){.name = arena_text(role->arena, section_text(config->main, "seal_name")),
                         .folder = config_seal_folder(config, role->arena)};
    role->mirror = arena_text(role->arena, section_text(config->main, "seal_copy"));
    return note_key_open(path, &role->key, err);
}

static bool open_sealer(SealRole *role, Error *err)
{
    role->settings.store = role->connection.store;
    role->settings.key = role->key;
    return role->sealer || sealer_open(&role->settings, &role->sealer, err);
}

/* A second folder that is away holds up nothing: it is brought up to date when it is there again.
 */
static void mirror(SealRole *role)
{
    Error failure = {0};
    if (!role->mirror)
        return;
    if (seal_mirror(role->settings.folder, role->mirror, &failure)) {
        role->mirror_code = NULL;
    } else if (!text_equal(failure.code, role->mirror_code)) {
        log_event(LOG_SEAL_COPY_FAILED, &failure);
        role->mirror_code = failure.code;
    }
}

static bool seal_all(SealRole *role, bool now, Error *err)
{
    bool more = true;
    if (!store_beat(role->connection.store, err) || !open_sealer(role, err))
        return false;
    while (more) {
        if (!sealer_round(role->sealer, now, &more, err))
            return false;
        role_progress(role->context);
    }
    mirror(role);
    return true;
}

/* What was written is known again only from the tables and files: the sealer is opened anew. */
static int64_t failed(SealRole *role, const Error *err)
{
    bool refused = text_equal(err->code, "seal.tampered");
    sealer_close(role->sealer);
    role->sealer = NULL;
    if (!role_store_lost(err) && !text_equal(err->code, role->code))
        log_event(refused ? LOG_SEAL_REFUSED : LOG_SEAL_FAILED, err);
    role->code = err->code;
    return refused ? REFUSED_MS : LOOK_MS;
}

static void wait_idle(RoleContext *context)
{
    role_ready(context); /* no key: nothing is sealed */
    while (!role_stopping(context))
        role_wait(context, -1, -1);
}

static bool run(RoleContext *context, Error *err)
{
    _cleanup_seal_role_ SealRole role = {
        .context = context, .connection = {.role = "seal"}, .arena = arena_new((size_t)1 << 20)};
    const char *path = section_text(role_config(context)->main, "seal_key");
    if (!path) {
        wait_idle(context);
        return true;
    }
    if (!open_key(&role, path, err))
        return false;
    while (role_store(context, &role.connection)) {
        Error failure = {0};
        int64_t wait = LOOK_MS;
        if (!seal_all(&role, false, &failure)) {
            if (failure.kind == ERROR_CONFIG || failure.kind == ERROR_BUG) {
                *err = failure;
                return false;
            }
            wait = failed(&role, &failure);
        } else {
            role.code = NULL;
        }
        role_ready(context);
        /* The last events before a stop are sealed too, where the database still answers. */
        if (role_wait(context, wait, -1) == ROLE_STOP && role.sealer)
            seal_all(&role, true, &(Error){0});
    }
    return true;
}

const Role role_seal = {.name = "seal",
                        .summary = "seals the audit: a signed head at least once a minute",
                        .needs_database = true,
                        .needs_keys = true,
                        .run = run};
