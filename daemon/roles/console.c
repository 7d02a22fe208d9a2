/* SPDX-License-Identifier: Apache-2.0 */
/* The console role: pages for people, numbers for machines.
 *
 * It goes on answering while the database is away, and counts ahead what large
 * tables would take too long to count, on a connection of its own. */
#include "daemon/console/console.h"

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/roles/role.h"
#include "daemon/roles/role_store.h"
#include "daemon/store/tally.h"

#define IDLE_MS 5000
#define COUNTING_MS 200
#define RETRY_EVERY (3 * CLOCK_SECOND)

typedef struct ConsoleRole {
    RoleContext *context;
    Arena *arena; /* the calendar's */
    ConsoleSettings settings;
    Console *console;
    Store *store, *counter;
    bool counting;
    int64_t tried, counted;
    const char *away, *failed, *count_failed; /* codes of what was logged */
} ConsoleRole;

static void close_role(ConsoleRole *role)
{
    console_close(role->console);
    store_close(role->store);
    store_close(role->counter);
    arena_free(role->arena);
}
#define _cleanup_console_role_ __attribute__((cleanup(close_role)))

static void page_failed(void *data, const char *page, const Error *err)
{
    ConsoleRole *role = data;
    if (!role_store_lost(err) && !text_equal(role->failed, err->code))
        log_event(LOG_PAGE_FAILED, err, {"REASON", page});
    role->failed = err->code;
}

static bool read_settings(ConsoleRole *role, Error *err)
{
    const Config *config = role_config(role->context);
    Arena *arena = arena_new((size_t)4 << 20);
    const Calendar *calendar;
    if (!config->console ||
        !calendar_load(section_text(config->main, "calendar"), arena, &calendar, err)) {
        arena_free(arena);
        return !config->console ? error_set(err, ERROR_CONFIG, "console.settings",
                                            "cannot serve pages: the settings have no section "
                                            "\"console\"")
                                : false;
    }
    role->settings = (ConsoleSettings){
        .config = config, .calendar = calendar, .failed = page_failed, .data = role};
    if (role->console)
        console_settings(role->console, &role->settings);
    arena_free(role->arena);
    role->arena = arena;
    return true;
}

static bool reach(ConsoleRole *role, Store **store, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 10);
    if (*store)
        return store_ensure(*store, err);
    return store_open(config_database_as(role_config(role->context), "mhsflow_console", arena),
                      "console", store, err);
}

/* Away or back, said once; asked for at most every three seconds, because somebody may be waiting
 * for a page. */
static bool look_for_database(ConsoleRole *role)
{
    Error err = {0};
    int64_t now = clock_steady();
    if (role->store && store_connected(role->store) && store_beat(role->store, &err))
        return true;
    if (role->tried && now - role->tried < RETRY_EVERY)
        return false;
    role->tried = now;
    if (!reach(role, &role->store, &err) || !store_beat(role->store, &err)) {
        if (!text_equal(role->away, err.code))
            log_event(LOG_DATABASE_LOST, &err);
        role->away = err.code;
        console_store(role->console, NULL);
        return false;
    }
    if (role->away)
        log_event(LOG_DATABASE_BACK, NULL);
    role->away = NULL;
    console_store(role->console, role->store);
    return true;
}

static void count_ended(ConsoleRole *role, bool good, const Error *err)
{
    role->counting = false;
    if (!good && !role_store_lost(err) && !text_equal(role->count_failed, err->code))
        log_event(LOG_COUNT_FAILED, err);
    role->count_failed = good ? NULL : err->code;
}

static void count_ahead(ConsoleRole *role)
{
    Error err = {0};
    int64_t now = clock_steady();
    bool done = false;
    if (role->counting) {
        bool good = tally_finished(role->counter, &done, &err);
        if (done || !good)
            count_ended(role, good, &err);
        return;
    }
    if (role->counted && now - role->counted < IDLE_MS * 1000)
        return;
    role->counted = now;
    bool good =
        reach(role, &role->counter, &err) && tally_start(role->counter, &role->counting, &err);
    if (!good)
        count_ended(role, false, &err);
    if (role->counting)
        role->counted = 0; /* when it has ended, look whether there is more */
}

static int64_t wait_for(const ConsoleRole *role)
{
    int64_t wait = role->counting ? COUNTING_MS : IDLE_MS, server = console_wait(role->console);
    return server >= 0 && server < wait ? server : wait;
}

static bool run(RoleContext *context, Error *err)
{
    _cleanup_console_role_ ConsoleRole role = {.context = context};
    if (!read_settings(&role, err) || !console_open(&role.settings, &role.console, err))
        return false;
    while (!role_stopping(context)) {
        Error failure = {0};
        if (look_for_database(&role))
            count_ahead(&role);
        role_ready(context);
        RoleWake wake = role_wait(context, wait_for(&role), console_fd(role.console));
        if (wake == ROLE_RELOAD && !read_settings(&role, &failure))
            log_event(LOG_SETTINGS_REFUSED, &failure);
        console_run(role.console);
    }
    return true;
}

const Role role_console = {.name = "console",
                           .summary = "serves the pages, the metrics and the health",
                           .needs_database = true,
                           .needs_network = true,
                           .run = run};
