/* SPDX-License-Identifier: Apache-2.0 */
/* The role that maps: persons whose records changed get their national rows made again. */
#include "daemon/roles/role.h"

#include "daemon/base/clock.h"
#include "daemon/base/fault.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/pipeline/map_batch.h"
#include "daemon/pipeline/rehearse.h"
#include "daemon/roles/role_store.h"

#include <stdio.h>

#define IDLE_MS 30000 /* the NOTIFY is a hint; this is the truth */
#define RETRY_MS 1000
#define LEASE_MS                                                                                   \
    30000 /* a batch takes well under a second; after a crash others wait this long                \
           */
#define KEPT_CAP ((size_t)256 << 20)

typedef struct MapRole {
    RoleContext *context;
    RoleStore connection;
    Arena *settings; /* tools, until the settings change */
    const Config *config;
    Tools tools;
    Mapper *mapper; /* until the settings or the day change */
    Day today;
    Arena *kept; /* references, until one changes */
    References *references;
    int64_t reference_version;
    size_t people, failed; /* since all were mapped the last time */
    size_t limit; /* persons in a batch: fewer where batches come near the lease; 0: as set */
    int64_t wait_ms;
} MapRole;

static bool open_settings(MapRole *role, Error *err)
{
    const Config *config = role_config(role->context);
    if (config == role->config)
        return true;
    mapper_free(role->mapper);
    role->mapper = NULL;
    arena_free(role->settings);
    role->settings = arena_new(TOOLS_CAP);
    role->config = NULL;
    if (!tools_open(config, role->settings, &role->tools, err))
        return false;
    role->config = config;
    return true;
}

/* Mapping, pack, policies and open months made every row there is: when one changes, all are made
 * again. */
static bool note_what_makes_rows(MapRole *role, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    const Month *months;
    size_t count = mapper_months(role->mapper, &months);
    bool changed;
    const char *fingerprint =
        arena_format(arena, "%.32s:%d:%d", role->tools.fingerprint, count ? (int)months[0] : 0,
                     count ? (int)months[count - 1] : 0);
    return work_settings(role->connection.store, fingerprint, &changed, err);
}

static bool open_mapper(MapRole *role, Error *err)
{
    int64_t now;
    if (!store_now(role->connection.store, &now, err))
        return false;
    Day today = civil_london_day(now);
    if (role->mapper && today == role->today)
        return true;
    mapper_free(role->mapper);
    role->mapper = mapper_new(&role->tools, today);
    role->today = today;
    if (note_what_makes_rows(role, err))
        return true;
    mapper_free(role->mapper);
    role->mapper = NULL;
    return false;
}

static bool sum_versions(MapRole *role, int64_t *ret, Error *err)
{
    *ret = 1;
    for (size_t i = 0; i < role->config->feed_count; i++) {
        int64_t version;
        if (!source_reference_version(role->connection.store, role->config->feeds[i].name, &version,
                                      err))
            return false;
        *ret = *ret * 31 + version;
    }
    return true;
}

static bool load_references(MapRole *role, Error *err)
{
    int64_t version;
    if (!sum_versions(role, &version, err))
        return false;
    if (role->references && version == role->reference_version)
        return true;
    Arena *arena = arena_new(KEPT_CAP);
    References *references;
    if (!references_load(role->connection.store, role->config, arena, &references, err)) {
        arena_free(arena);
        return false;
    }
    arena_free(role->kept);
    role->kept = arena;
    role->references = references;
    role->reference_version = version;
    return true;
}

static void made_progress(void *context)
{
    role_progress(context);
}

static void tell(MapRole *role)
{
    char count[24];
    if (role->people + role->failed == 0)
        return;
    snprintf(count, sizeof count, "%zu", role->people);
    log_event(LOG_MAP_DONE, NULL, {"COUNT", count});
    role->people = role->failed = 0;
}

static size_t batch_limit(MapRole *role)
{
    size_t most = (size_t)section_number(role->config->main, "map_batch");
    if (!role->limit || role->limit > most)
        role->limit = most;
    return role->limit;
}

/* A batch that outlives its lease would be taken over, and again: smaller ones, until they fit. */
static void fit_to_lease(MapRole *role, int64_t began, size_t count)
{
    int64_t took_ms = (clock_steady() - began) / 1000;
    if (took_ms > LEASE_MS / 4)
        role->limit = count > 1 ? count / 2 : 1;
    else if (took_ms < LEASE_MS / 16)
        role->limit *= 2;
}

/* True in *ret_more when there may be more to do at once. */
static bool map_once(MapRole *role, bool *ret_more, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
    Store *store = role->connection.store;
    size_t limit = batch_limit(role), count = 0;
    int64_t began = clock_steady();
    WorkItem *items;
    MapCounts counts;
    if (!work_claim(store, limit, LEASE_MS, arena, &items, &count, err))
        return false;
    *ret_more = count > 0;
    if (!count)
        return true;
    FAULT(MAP_AFTER_CLAIM);
    MapTools tools = {.store = store,
                      .mapper = role->mapper,
                      .tools = &role->tools,
                      .references = role->references,
                      .person_cap = (size_t)section_number(role->config->main, "map_memory"),
                      .progress = made_progress,
                      .progress_context = role->context};
    bool done = map_batch(&tools, items, count, &counts, err);
    fit_to_lease(role, began, count);
    if (!done)
        return false;
    role->people += counts.people;
    role->failed += counts.failed;
    if (counts.failed)
        log_event(LOG_MAP_FAILED, NULL);
    return true;
}

static bool map_round(MapRole *role, Error *err)
{
    bool more = true;
    if (!open_settings(role, err) || !store_beat(role->connection.store, err) ||
        !open_mapper(role, err))
        return false;
    while (more && !role_stopping(role->context)) {
        if (!load_references(role, err) || !map_once(role, &more, err))
            return false;
        role_ready(role->context);
    }
    tell(role);
    return true;
}

/* The next person may be due before anyone calls: a consent that begins, a retry. */
static bool find_wait(MapRole *role, Error *err)
{
    WorkState state;
    int64_t now;
    if (!work_state(role->connection.store, &state, err) ||
        !store_now(role->connection.store, &now, err))
        return false;
    int64_t until = state.next_due ? (state.next_due - now) / 1000 + 1 : IDLE_MS;
    if (state.claimed && until > LEASE_MS / 4)
        until = LEASE_MS / 4;
    role->wait_ms = until < 50 ? 50 : until > IDLE_MS ? IDLE_MS : until;
    return true;
}

static bool start_listening(MapRole *role, bool *listening, Error *err)
{
    if (!*listening)
        *listening = store_listen(role->connection.store, CHANNEL_WORK, err);
    return *listening;
}

static bool run(RoleContext *context, Error *err)
{
    MapRole role = {.context = context, .connection = {.role = "map"}};
    bool listening = false, done = true;
    while (done && role_store(context, &role.connection)) {
        Error failure = {0};
        role.wait_ms = IDLE_MS;
        if (!start_listening(&role, &listening, &failure) || !map_round(&role, &failure) ||
            !find_wait(&role, &failure)) {
            if (failure.kind == ERROR_CONFIG || failure.kind == ERROR_BUG) {
                *err = failure;
                done = false;
                break;
            }
            if (!role_store_lost(&failure) && !text_equal(failure.code, "work.stale"))
                log_event(LOG_MAP_FAILED, &failure);
            role.wait_ms = RETRY_MS;
        }
        role_ready(context);
        role_store_wait(context, &role.connection, role.wait_ms);
    }
    role_store_close(&role.connection);
    mapper_free(role.mapper);
    arena_free(role.kept);
    arena_free(role.settings);
    return done;
}

const Role role_map = {.name = "map",
                       .summary = "makes the national rows of persons whose records changed",
                       .needs_database = true,
                       .run = run};
