/* SPDX-License-Identifier: Apache-2.0 */
/* The submit role: what is ready goes out, what is unsure or waiting is asked about.
 *
 * One submission of each route in turn, so that a slow receiver does not stand in
 * front of another.  What is due, by when, and who has it is the database's; this
 * process keeps the connections, the breakers and what it has already said. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/pipeline/deliver.h"
#include "daemon/roles/role_store.h"
#include "daemon/roles/submit_route.h"
#include "daemon/roles/submit_say.h"
#include "daemon/store/signing_key.h"

#include <stdlib.h>

#define IDLE_MS                                                                                    \
    INT64_C(15000)            /* the NOTIFY is a hint; this also bounds how long an orphan waits   \
                               */
#define AWAY_MS INT64_C(1000) /* the signer is away */
#define ROUND_CAP ((size_t)16 << 20)
#define SETTINGS_CAP ((size_t)160 << 20)
#define KEY_EVERY (60 * CLOCK_SECOND)
#define STOP_GRACE (20 * CLOCK_SECOND) /* a transfer may end in peace for so long */

typedef struct Submitter {
    RoleContext *context;
    RoleStore connection;
    Arena *settings, *round;
    const Config *config;
    DeliverSigner signer;
    DeliverTools tools;
    SubmitRoute *routes;
    size_t count;
    bool listening, reload, signer_away;
    SignerState kept;                     /* what the database knows of the signer's key */
    int64_t stop_since, swept, key_asked; /* steady */
    int64_t moved;                        /* bytes of the exchange that the hook last saw */
} Submitter;

/* ---- settings ---- */

static void close_routes(Submitter *submitter)
{
    for (size_t i = 0; i < submitter->count; i++)
        submit_route_close(&submitter->routes[i]);
    submitter->count = 0;
}

static bool open_settings(Submitter *submitter, bool asked, Error *err)
{
    const Config *config = role_config(submitter->context);
    close_routes(submitter);
    arena_reset(submitter->settings);
    submitter->config = config;
    submitter->reload = false;
    Arena *arena = submitter->settings;
    if (!config->signing)
        return true; /* nothing is to be sent */
    if (!dataset_open(section_text(config->main, "dataset"), arena, &submitter->tools.dataset, err))
        return false;
    submitter->tools.spool = config_state_path(config, arena, "spool");
    deliver_signer_open(&submitter->signer, config_sign_socket(config, arena));
    submitter->tools.signer = &submitter->signer;
    submitter->routes = arena_array(arena, config->route_count + 1, sizeof *submitter->routes);
    for (size_t i = 0; i < config->route_count; i++)
        submit_route_open(&submitter->routes[i], &config->routes[i], config,
                          &submitter->signer.requests, asked, arena);
    submitter->count = config->route_count;
    return true;
}

/* ---- while a transfer runs ---- */

static bool on_progress(void *data, int64_t moved)
{
    Submitter *submitter = data;
    if (moved != submitter->moved)
        role_progress(submitter->context);
    submitter->moved = moved;
    RoleWake wake = role_wait(submitter->context, 0, -1);
    if (wake == ROLE_RELOAD)
        submitter->reload = true;
    if (!role_stopping(submitter->context))
        return true;
    if (!submitter->stop_since)
        submitter->stop_since = clock_steady();
    return clock_steady() - submitter->stop_since < STOP_GRACE;
}

/* ---- one route ---- */

/* After a delivery: what it did to its route is kept and said. */
static bool keep_route(Submitter *submitter, SubmitRoute *route, const Delivered *delivered,
                       Error *err)
{
    if (!delivered->route_stopped && !delivered->breaker_changed)
        return true;
    submit_say_route(&route->route);
    if (delivered->route_stopped)
        submit_route_stopped(route);
    return submit_route_save(submitter->connection.store, route, err);
}

/* One at a time: a receiver that stalls must not let the leases of other questions run out. */
static bool ask_next(Submitter *submitter, SubmitRoute *route, bool *ret_busy, Error *err)
{
    SubmissionClaim *claims;
    size_t count;
    Delivered delivered;
    if (!submission_claim_questions(submitter->connection.store, route->route.name, 1,
                                    DELIVER_LEASE_MS, submitter->round, &claims, &count, err))
        return false;
    if (count == 0)
        return true;
    if (!reconcile(&submitter->tools, &route->route, &claims[0], submitter->round, &delivered, err))
        return false;
    submit_say(&claims[0], &delivered, true);
    *ret_busy = true;
    return keep_route(submitter, route, &delivered, err);
}

static bool send_next(Submitter *submitter, SubmitRoute *route, bool *ret_busy, Error *err)
{
    SubmissionClaim *claims;
    size_t count;
    Delivered delivered;
    if (!submission_claim(submitter->connection.store, &route->cursor, route->route.name, 1,
                          DELIVER_LEASE_MS, submitter->round, &claims, &count, err))
        return false;
    if (count == 0)
        return true;
    if (!deliver(&submitter->tools, &route->route, &claims[0], submitter->round, &delivered, err))
        return false;
    submit_say(&claims[0], &delivered, false);
    submitter->signer_away =
        delivered.end == DELIVER_GIVEN_BACK && text_starts(delivered.failure.code, "sign.");
    *ret_busy = true;
    return keep_route(submitter, route, &delivered, err);
}

/* True in *ret_open when the route may be used now. */
static bool look_at_route(Submitter *submitter, SubmitRoute *route, bool *ret_open, Error *err)
{
    *ret_open = false;
    if (!submit_route_read(submitter->connection.store, route, submitter->round, err))
        return false;
    if (route->route.stopped) {
        if (!submit_route_knock(route, submitter->round))
            return true;
        submit_say_route(&route->route);
        if (!submit_route_save(submitter->connection.store, route, err))
            return false;
    }
    *ret_open = true;
    if (!route->route.breaker.open)
        return true;
    *ret_open = false;
    if (!breaker_may_probe(&route->route.breaker, clock_steady()))
        return true;
    bool changed = submit_route_probe(&route->route, submitter->round);
    *ret_open = !route->route.breaker.open;
    if (!changed)
        return true;
    submit_say_route(&route->route);
    return submit_route_save(submitter->connection.store, route, err);
}

static bool turn(Submitter *submitter, bool *ret_busy, Error *err)
{
    *ret_busy = false;
    for (size_t i = 0; i < submitter->count; i++) {
        SubmitRoute *route = &submitter->routes[i];
        bool open;
        if (role_stopping(submitter->context) || submitter->reload)
            return true;
        arena_reset(submitter->round);
        if (!look_at_route(submitter, route, &open, err))
            return false;
        if (open && (!ask_next(submitter, route, ret_busy, err) ||
                     (!submitter->signer_away && !route->route.stopped &&
                      !route->route.breaker.open && !send_next(submitter, route, ret_busy, err))))
            return false;
        role_progress(submitter->context);
    }
    return true;
}

/* ---- the loop ---- */

/* While the signer is away nothing is claimed: it could only be given back.  Else its key is asked
 * for now and then. */
static void look_for_signer(Submitter *submitter)
{
    Error err = {0};
    int64_t now = clock_steady();
    bool due = submitter->tools.signer &&
               (!submitter->key_asked || now - submitter->key_asked >= KEY_EVERY);
    if (!submitter->signer_away && !due)
        return;
    submitter->key_asked = now;
    bool there = sign_client_key(submitter->signer.socket_path, &submitter->signer.seen, &err);
    if (!submitter->signer_away)
        return;
    submitter->signer_away = !there;
    submit_say_awaiting(there ? NULL : "the signer");
}

/* Which key is in force is for the audit and for `mhsflow status`: the signer can tell neither. */
static bool keep_key(Submitter *submitter, Error *err)
{
    const SignerState *seen = &submitter->signer.seen;
    if (!*seen->key_id ||
        (text_equal(seen->key_id, submitter->kept.key_id) && seen->end == submitter->kept.end))
        return true;
    if (!signing_key_save(submitter->connection.store, seen->key_id, seen->end, err))
        return false;
    submitter->kept = *seen;
    return true;
}

static bool sweep(Submitter *submitter, Error *err)
{
    int64_t now = clock_steady(), count;
    if (submitter->swept && now - submitter->swept < IDLE_MS * 1000)
        return true;
    submitter->swept = now;
    return submission_sweep(submitter->connection.store, &count, err);
}

static bool next_wait(Submitter *submitter, bool busy, int64_t *ret_ms, Error *err)
{
    int64_t at, now;
    *ret_ms = submitter->signer_away ? AWAY_MS : IDLE_MS;
    if (busy) {
        *ret_ms = 0;
        return true;
    }
    for (size_t i = 0; i < submitter->count; i++) {
        const Breaker *breaker = &submitter->routes[i].route.breaker;
        int64_t left = (breaker->probe_at - clock_steady()) / 1000 + 1;
        if (breaker->open && left < *ret_ms)
            *ret_ms = left > 0 ? left : 0;
    }
    if (!submission_next(submitter->connection.store, &at, err) ||
        !store_now(submitter->connection.store, &now, err))
        return false;
    /* What is due but cannot go now (route down, stopped, behind another revision) is looked at
     * again at the idle pace, not in a spin. */
    if (at > now && (at - now) / 1000 < *ret_ms)
        *ret_ms = (at - now) / 1000 + 1;
    return true;
}

static bool go_round(Submitter *submitter, int64_t *ret_ms, Error *err)
{
    bool busy;
    Store *store = submitter->connection.store;
    submitter->tools.store = store;
    if (!submitter->listening && !store_listen(store, CHANNEL_SUBMIT, err))
        return false;
    submitter->listening = true;
    look_for_signer(submitter);
    return store_beat(store, err) && sweep(submitter, err) && keep_key(submitter, err) &&
           turn(submitter, &busy, err) && keep_key(submitter, err) &&
           next_wait(submitter, busy, ret_ms, err);
}

/* True when the loop may go on after *err. */
static bool may_go_on(Error *err)
{
    bool later = err->kind == ERROR_LATER;
    /* A lost lease is somebody else's submission now, and nothing to tell. */
    if (later && !role_store_lost(err) && !text_equal(err->code, "submission.fence"))
        submit_say_trouble(err);
    if (later)
        error_clear(err);
    return later;
}

static bool loop(Submitter *submitter, Error *err)
{
    while (role_store(submitter->context, &submitter->connection)) {
        int64_t wait_ms = RETRY_FLOOR_MS;
        role_ready(submitter->context);
        if (!go_round(submitter, &wait_ms, err) && !may_go_on(err))
            return false;
        RoleWake wake = submitter->reload
                            ? ROLE_RELOAD
                            : role_store_wait(submitter->context, &submitter->connection, wait_ms);
        if (wake == ROLE_RELOAD && !open_settings(submitter, true, err))
            return false;
    }
    return true;
}

static bool run(RoleContext *context, Error *err)
{
    Submitter submitter = {
        .context = context,
        .connection = {.role = "submit"},
        .settings = arena_new(SETTINGS_CAP),
        .round = arena_new(ROUND_CAP),
    };
    submitter.tools.progress = on_progress;
    submitter.tools.progress_data = &submitter;
    bool done = open_settings(&submitter, false, err) && loop(&submitter, err);
    close_routes(&submitter);
    role_store_close(&submitter.connection);
    arena_free(submitter.round);
    arena_free(submitter.settings);
    return done;
}

const Role role_submit = {
    .name = "submit",
    .summary = "sends submissions and asks about them",
    .needs_database = true,
    .needs_network = true,
    .run = run,
};
