/* SPDX-License-Identifier: Apache-2.0 */
/* The role that builds: months whose rows changed become submissions, once everything is in and
 * quiet. */
#include "daemon/roles/role.h"

#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/pipeline/build.h"
#include "daemon/pipeline/cutoff.h"
#include "daemon/pipeline/tools.h"
#include "daemon/roles/role_store.h"
#include "daemon/store/source.h"

#include <stdio.h>
#include <string.h>

#define IDLE_MS 30000     /* the NOTIFY is a hint; this is the truth */
#define UNSETTLED_MS 1000 /* persons are being mapped: look again soon */
#define FAILED_MS 60000   /* a month that could not be built; twice as long each time … */
#define FAILED_DOUBLES 6  /* … up to about an hour, unless its rows change */
#define CUTOFFS_EVERY (60 * CLOCK_SECOND)
#define SWEEP_EVERY (600 * CLOCK_SECOND)
#define ROUND_CAP ((size_t)64 << 20)

typedef struct Failure {
    char provider[16];
    Month month;
    const char *code; /* NULL: the last build went well */
    int64_t again;    /* steady */
    int64_t dirty_at; /* of the month as it failed */
    int times;        /* in a row */
    struct Failure *next;
} Failure;

typedef struct Builder {
    RoleContext *context;
    RoleStore connection;
    Arena *settings; /* what follows lives here, until the settings change */
    const Config *config;
    Tools tools;
    const char *spool;
    Arena *kept; /* references and failures, until they change */
    References *references;
    int64_t reference_version;
    Failure *failures;
    const char *awaiting;  /* what was last said to be waited for */
    int64_t swept, looked; /* steady: the spool swept, the cut-offs looked at */
    int64_t wait_ms;       /* until the next round */
} Builder;

static void sooner(Builder *builder, int64_t ms)
{
    ms = ms < 50 ? 50 : ms;
    if (ms < builder->wait_ms)
        builder->wait_ms = ms;
}

static void await(Builder *builder, const char *what)
{
    if (what && !text_equal(what, builder->awaiting))
        log_event(LOG_AWAITING, NULL, {"REASON", what});
    builder->awaiting = what;
}

static bool open_settings(Builder *builder, Error *err)
{
    const Config *config = role_config(builder->context);
    if (config == builder->config)
        return true;
    arena_free(builder->settings);
    builder->settings = arena_new(TOOLS_CAP);
    builder->config = NULL;
    builder->spool = config_state_path(config, builder->settings, "spool");
    if (!tools_open(config, builder->settings, &builder->tools, err) ||
        !file_make_folder(builder->spool, 0700, err))
        return false;
    builder->config = config;
    return true;
}

static bool sum_versions(Builder *builder, int64_t *ret, Error *err)
{
    *ret = 0;
    for (size_t i = 0; i < builder->config->feed_count; i++) {
        int64_t version;
        if (!source_reference_version(builder->connection.store, builder->config->feeds[i].name,
                                      &version, err))
            return false;
        *ret = *ret * 31 + version;
    }
    return true;
}

/* Organisations, teams and workers of all feeds, read again only when one of them changed. */
static bool load_references(Builder *builder, Error *err)
{
    int64_t version, of_feed;
    if (!sum_versions(builder, &version, err))
        return false;
    if (builder->references && version == builder->reference_version)
        return true;
    Arena *arena = arena_new(ROUND_CAP);
    References *references = references_new(arena);
    for (size_t i = 0; i < builder->config->feed_count; i++) {
        RecordList list = {0};
        if (!source_reference(builder->connection.store, builder->config->feeds[i].name, arena,
                              &list, &of_feed, err)) {
            arena_free(arena);
            return false;
        }
        for (size_t j = 0; j < list.count; j++)
            references_add(references, list.items[j]);
    }
    arena_free(builder->kept);
    builder->kept = arena;
    builder->failures = NULL;
    builder->references = references;
    builder->reference_version = version;
    return true;
}

static bool references_current(void *context, bool *ret, Error *err)
{
    Builder *builder = context;
    int64_t version;
    if (!sum_versions(builder, &version, err))
        return false;
    *ret = version == builder->reference_version;
    return true;
}

static Failure *failure_of(Builder *builder, const ProviderMonth *month)
{
    for (Failure *at = builder->failures; at; at = at->next)
        if (at->month == month->month && strcmp(at->provider, month->provider) == 0)
            return at;
    return NULL;
}

static void month_failed(Builder *builder, const ProviderMonth *month, const Error *err)
{
    char period[CIVIL_TEXT_SIZE];
    Failure *failure = failure_of(builder, month);
    if (!failure) {
        failure = arena_alloc(builder->kept, sizeof *failure);
        *failure = (Failure){.month = month->month, .next = builder->failures};
        snprintf(failure->provider, sizeof failure->provider, "%s", month->provider);
        builder->failures = failure;
    }
    if (!text_equal(failure->code, err->code))
        log_event(LOG_BUILD_FAILED, err, {"PROVIDER", month->provider},
                  {"PERIOD", civil_format_month(month->month, period)});
    failure->code = err->code;
    failure->dirty_at = month->dirty_at;
    int doubles = failure->times < FAILED_DOUBLES ? failure->times : FAILED_DOUBLES;
    failure->times++;
    failure->again = clock_steady() + ((int64_t)FAILED_MS << doubles) * 1000;
}

static void month_went_well(Failure *failure)
{
    if (!failure)
        return;
    failure->code = NULL;
    failure->times = 0;
    failure->again = 0;
}

/* How long after its last failure, in milliseconds; 0: now, or its rows have changed since. */
static int64_t still_failed_ms(const Failure *failure, const ProviderMonth *month)
{
    int64_t now = clock_steady();
    if (!failure || failure->again <= now || failure->dirty_at != month->dirty_at)
        return 0;
    return (failure->again - now) / 1000 + 1;
}

static void tell(const ProviderMonth *month, const BuildResult *result)
{
    char period[CIVIL_TEXT_SIZE], id[24], revision[16];
    if (result->outcome != BUILD_QUEUED && result->outcome != BUILD_HELD)
        return;
    snprintf(id, sizeof id, "%lld", (long long)result->submission);
    snprintf(revision, sizeof revision, "%d", result->revision);
    log_event(result->outcome == BUILD_HELD ? LOG_MONTH_HELD : LOG_MONTH_BUILT, NULL,
              {"PROVIDER", month->provider}, {"PERIOD", civil_format_month(month->month, period)},
              {"SUBMISSION", id}, {"REVISION", revision}, {"REASON", result->reason});
}

static void made_progress(void *context)
{
    role_progress(context);
}

static bool build_one(Builder *builder, const ProviderMonth *month, const NamedSection *provider,
                      Arena *arena, Error *err)
{
    const Tools *tools = &builder->tools;
    BuildTools build = {.store = builder->connection.store,
                        .dataset = tools->dataset,
                        .mapping = tools->mapping,
                        .settings = tools->settings,
                        .calendar = tools->calendar,
                        .reference = tools->reference,
                        .source_references = builder->references,
                        .current = references_current,
                        .current_context = builder,
                        .spool = builder->spool,
                        .progress = made_progress,
                        .progress_context = builder->context};
    BuildPolicy policy = {.route = section_text(provider->section, "route"),
                          .legal_basis = section_text(provider->section, "legal_basis"),
                          .release = section_text(provider->section, "release"),
                          .shrink_percent = section_number(provider->section, "shrink_hold"),
                          .shrink_floor = section_number(provider->section, "shrink_floor")};
    BuildResult result;
    if (!build_month(&build, &policy, settings_provider(tools->settings, provider->name),
                     month->month, arena, &result, err))
        return false;
    tell(month, &result);
    return true;
}

/* How long this month still has to be quiet, in milliseconds; 0: it is due. */
static int64_t still_quiet_ms(const Builder *builder, const ProviderMonth *month, int64_t now)
{
    int64_t quiet = month->dirty_at + section_number(builder->config->main, "build_wait") * 1000;
    int64_t latest =
        month->dirty_since + section_number(builder->config->main, "build_wait_max") * 1000;
    int64_t due = quiet < latest ? quiet : latest;
    return month->reason || due <= now ? 0 : (due - now) / 1000 + 1;
}

/* False only when the connection is gone; a month that fails does not stop the others. */
static bool build_if_due(Builder *builder, const ProviderMonth *month, int64_t now, Arena *arena,
                         Error *err)
{
    const NamedSection *provider = config_provider(builder->config, month->provider);
    Failure *failure = failure_of(builder, month);
    int64_t failed = still_failed_ms(failure, month);
    int64_t quiet = still_quiet_ms(builder, month, now);
    if (!provider || !calendar_due(builder->tools.calendar, month->month, civil_london_day(now)))
        return true;
    if (quiet > 0 || failed > 0) {
        sooner(builder, quiet > failed ? quiet : failed);
        return true;
    }
    if (build_one(builder, month, provider, arena, err)) {
        month_went_well(failure);
        return true;
    }
    if (role_store_lost(err))
        return false;
    month_failed(builder, month, err);
    return true;
}

/* May months be built at all?  What a feed has not finished telling must not become a submission.
 */
static bool all_is_in(Builder *builder, Arena *arena, bool *ret, Error *err)
{
    bool complete, settled;
    const Config *config = role_config(builder->context);
    const char *feed = NULL, **feeds = arena_array(arena, config->feed_count + 1, sizeof *feeds);
    for (size_t i = 0; i < config->feed_count; i++)
        feeds[i] = config->feeds[i].name;
    if (!feed_all_complete(builder->connection.store, feeds, config->feed_count, arena, &complete,
                           &feed, err) ||
        !rows_settled(builder->connection.store, &settled, err))
        return false;
    *ret = complete && settled;
    await(builder, *ret ? NULL : complete ? "persons to be mapped" : "feeds to be complete");
    return true;
}

/* Said once for each step nearer, whoever says it. */
static bool say_cutoff(Builder *builder, const Cutoff *cutoff, Error *err)
{
    char period[CIVIL_TEXT_SIZE], wait[32];
    bool say;
    if (!cutoff_say(builder->connection.store, cutoff, &say, err))
        return false;
    snprintf(wait, sizeof wait, "%d days", cutoff->days);
    if (say)
        log_event(LOG_CUTOFF_NEAR, NULL, {"PROVIDER", cutoff->provider},
                  {"PERIOD", civil_format_month(cutoff->month, period)}, {"WAIT", wait},
                  {"REASON", cutoff->why.so});
    return true;
}

static bool look_at_cutoffs(Builder *builder, Arena *arena, Error *err)
{
    const Config *config = builder->config;
    ExplainTools tools = {builder->connection.store, builder->tools.calendar, arena};
    const char **providers = arena_array(arena, config->provider_count + 1, sizeof *providers);
    Cutoff *cutoffs;
    size_t count;
    if (builder->looked && clock_steady() - builder->looked < CUTOFFS_EVERY)
        return true;
    builder->looked = clock_steady();
    for (size_t i = 0; i < config->provider_count; i++)
        providers[i] = config->providers[i].name;
    if (!cutoff_list(&tools, providers, config->provider_count, &cutoffs, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!say_cutoff(builder, &cutoffs[i], err))
            return false;
    return true;
}

static bool build_round(Builder *builder, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(ROUND_CAP);
    Store *store = builder->connection.store;
    ProviderMonth *months;
    size_t count;
    bool ready;
    int64_t now;
    if (!open_settings(builder, err) || !load_references(builder, err) || !store_beat(store, err) ||
        !months_dirty(store, NULL, arena, &months, &count, err))
        return false;
    if (count && !all_is_in(builder, arena, &ready, err))
        return false;
    if (count && !ready)
        sooner(builder, UNSETTLED_MS);
    if (!store_now(store, &now, err))
        return false;
    for (size_t i = 0; count && ready && i < count && !role_stopping(builder->context); i++)
        /* Building takes a while, and the feeds go on: asked before each month. */
        if (!build_if_due(builder, &months[i], now, arena, err) ||
            !all_is_in(builder, arena, &ready, err))
            return false;
    if (!look_at_cutoffs(builder, arena, err))
        return false;
    if (clock_steady() - builder->swept < SWEEP_EVERY && builder->swept)
        return true;
    builder->swept = clock_steady();
    return spool_sweep(store, builder->spool, arena, err);
}

static bool start_listening(Builder *builder, bool *listening, Error *err)
{
    if (*listening)
        return true;
    *listening = store_listen(builder->connection.store, CHANNEL_BUILD, err);
    return *listening;
}

static bool run(RoleContext *context, Error *err)
{
    Builder builder = {.context = context, .connection = {.role = "build"}};
    bool listening = false, done = true;
    while (done && role_store(context, &builder.connection)) {
        Error failure = {0};
        builder.wait_ms = IDLE_MS;
        if (!start_listening(&builder, &listening, &failure) || !build_round(&builder, &failure)) {
            if (failure.kind == ERROR_CONFIG || failure.kind == ERROR_BUG) {
                *err = failure;
                done = false;
                break;
            }
            if (!role_store_lost(&failure))
                log_event(LOG_BUILD_FAILED, &failure);
            sooner(&builder, UNSETTLED_MS);
        }
        role_ready(context);
        role_store_wait(context, &builder.connection, builder.wait_ms);
    }
    role_store_close(&builder.connection);
    arena_free(builder.kept);
    arena_free(builder.settings);
    return done;
}

const Role role_build = {.name = "build",
                         .summary = "builds months whose rows changed into submissions",
                         .needs_database = true,
                         .run = run};
