/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow status: is it well, what waits, what is due, and what needs a person. */
#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"
#include "daemon/pipeline/cutoff.h"
#include "daemon/sign/expiry.h"
#include "daemon/store/rows.h"
#include "daemon/store/signing_key.h"
#include "daemon/store/source.h"
#include "daemon/store/submission.h"
#include "daemon/store/work.h"

#include <stdarg.h>

typedef struct DueMonth {
    const char *provider;
    Month month;
    const SubmissionInfo *newest; /* NULL: none was built */
    bool to_build;
    int64_t cutoff;
} DueMonth;

/* Everything that is shown, read first, so that people and programs get the same. */
typedef struct Status {
    CommandContext *context;
    const Config *config;
    const Calendar *calendar;
    int64_t now;
    Presence *presences;
    size_t presence_count;
    FeedState *feeds;
    size_t feed_count;
    WorkState work;
    SubmissionInfo *submissions;
    size_t submission_count;
    ProviderMonth *dirty;
    size_t dirty_count;
    RouteState *routes;
    size_t route_count;
    DueMonth *months;
    size_t month_count;
    Cutoff *cutoffs; /* near, and the month is not there */
    size_t cutoff_count;
    bool settled;
    SigningKey key;
    const char **needs; /* what needs a person, a sentence each */
    size_t need_count, need_capacity;
} Status;

static bool read_status(Status *status, Store *store, Error *err)
{
    Arena *arena = status->context->arena;
    SubmissionFilter all = {0};

    return store_now(store, &status->now, err) &&
           store_presences(store, arena, &status->presences, &status->presence_count, err) &&
           feed_list(store, arena, &status->feeds, &status->feed_count, err) &&
           work_state(store, &status->work, err) &&
           months_dirty(store, NULL, arena, &status->dirty, &status->dirty_count, err) &&
           submission_list(store, &all, arena, &status->submissions, &status->submission_count,
                           err) &&
           route_list(store, arena, &status->routes, &status->route_count, err) &&
           signing_key_get(store, arena, &status->key, err);
}

static bool is_dirty(const Status *status, const char *provider, Month month)
{
    for (size_t i = 0; i < status->dirty_count; i++)
        if (status->dirty[i].month == month && text_equal(status->dirty[i].provider, provider))
            return true;
    return false;
}

/* The highest revision: what counts for the month, whatever its state. */
static const SubmissionInfo *newest_of(const Status *status, const char *provider, Month month)
{
    const SubmissionInfo *newest = NULL;

    for (size_t i = 0; i < status->submission_count; i++) {
        const SubmissionInfo *info = &status->submissions[i];

        if (info->period == month && text_equal(info->provider, provider) &&
            (!newest || info->revision > newest->revision))
            newest = info;
    }
    return newest;
}

static void find_due(Status *status)
{
    Month months[CALENDAR_MONTHS_MAX];
    size_t due = calendar_due_months(status->calendar, civil_london_day(status->now), months);
    const Config *config = status->config;

    status->months =
        arena_array(status->context->arena, due * config->provider_count + 1, sizeof(DueMonth));
    for (size_t i = 0; i < config->provider_count; i++)
        for (size_t k = 0; k < due; k++) {
            const char *provider = config->providers[i].name;

            status->months[status->month_count++] = (DueMonth){
                .provider = provider,
                .month = months[k],
                .newest = newest_of(status, provider, months[k]),
                .to_build = is_dirty(status, provider, months[k]),
                .cutoff = calendar_cutoff_at(status->calendar, months[k]),
            };
        }
}

/* Those of the settings: one that was taken out of them holds up nothing. */
static bool feeds_complete(const Status *status)
{
    size_t complete = 0;

    for (size_t i = 0; i < status->config->feed_count; i++)
        for (size_t j = 0; j < status->feed_count; j++)
            complete += text_equal(status->feeds[j].name, status->config->feeds[i].name) &&
                        status->feeds[j].cursor.complete;
    return complete == status->config->feed_count;
}

/* Settled: nothing is on its way anywhere, and the newest revision of every due month is accepted.
 */
static bool is_settled(const Status *status)
{
    bool any = false;

    if (!feeds_complete(status) || status->work.waiting || status->work.claimed)
        return false;
    for (size_t i = 0; i < status->month_count; i++) {
        const DueMonth *month = &status->months[i];

        if (month->to_build || (month->newest && month->newest->state != SUBMISSION_ACCEPTED))
            return false;
        any |= month->newest != NULL;
    }
    return any;
}

static void need(Status *status, const char *format, ...) PRINTF_LIKE(2, 3);
static void need(Status *status, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    status->needs = arena_grow(status->context->arena, status->needs, status->need_count,
                               &status->need_capacity, sizeof(*status->needs));
    status->needs[status->need_count++] = arena_text(status->context->arena, text);
}

static bool role_alive(const Status *status, const char *role)
{
    for (size_t i = 0; i < status->presence_count; i++)
        if (status->presences[i].alive && text_equal(status->presences[i].role, role))
            return true;
    return false;
}

/* The roles that say in the database that they live; `database` and `sign` have no database to say
 * it in. */
static const char *const beating[] = {"poll", "map", "build", "submit"};

/* Without its signature nothing leaves; the signer has no database to say there how it is. */
static bool find_signer_away(Status *status, Store *store, Error *err)
{
    for (size_t i = 0; i < status->submission_count; i++) {
        const SubmissionInfo *info = &status->submissions[i];
        SubmissionEvent *events;
        size_t count;

        if (info->state != SUBMISSION_READY || info->attempts)
            continue;
        if (!submission_events(store, info->id, status->context->arena, &events, &count, err))
            return false;
        if (count && events[count - 1].code && text_starts(events[count - 1].code, "sign.")) {
            need(status, "nothing can be signed (%s): see that role sign runs, and its journal",
                 events[count - 1].code);
            return true;
        }
    }
    return true;
}

static void find_feed_needs(Status *status, const FeedState *feed)
{
    if (text_equal(feed->state, "stopped") || text_equal(feed->state, "down"))
        need(status, "feed %s is %s: %s", feed->name, feed->state,
             feed->remedy ? feed->remedy : "see `mhsflow feed list`");
    if (feed->silent)
        need(status,
             "feed %s has brought nothing new since %s: ask whoever runs it whether the export "
             "still works",
             feed->name, shown_time(status->context, feed->last_news));
    if (feed->missing)
        need(status,
             "feed %s no longer has %lld records that are held here: `mhsflow feed reconcile %s`",
             feed->name, (long long)feed->missing, feed->name);
}

static bool find_cutoffs(Status *status, Store *store, Error *err)
{
    const Config *config = status->config;
    Arena *arena = status->context->arena;
    ExplainTools tools = {store, status->calendar, arena};
    const char **providers = arena_array(arena, config->provider_count + 1, sizeof(*providers));

    for (size_t i = 0; i < config->provider_count; i++)
        providers[i] = config->providers[i].name;
    if (!cutoff_list(&tools, providers, config->provider_count, &status->cutoffs,
                     &status->cutoff_count, err))
        return false;
    for (size_t i = 0; i < status->cutoff_count; i++) {
        const Cutoff *cutoff = &status->cutoffs[i];

        if (cutoff->why.reason->answer == EXPLAIN_IS_NEEDS)
            need(status, "%s %s must be in by %s: %s: %s", cutoff->provider,
                 month_text(status->context, cutoff->month),
                 shown_time(status->context, cutoff->at), cutoff->why.so, cutoff->why.remedy);
    }
    return true;
}

static void find_needs(Status *status)
{
    const CommandContext *context = status->context;

    for (size_t i = 0; i < sizeof(beating) / sizeof(beating[0]); i++)
        if (!role_alive(status, beating[i]))
            need(status, "role %s is not running: start mhsflowd, or see its journal", beating[i]);
    for (size_t i = 0; i < status->feed_count; i++)
        find_feed_needs(status, &status->feeds[i]);
    for (size_t i = 0; i < status->route_count; i++)
        if (text_equal(status->routes[i].state, "stopped"))
            need(status,
                 "route %s is stopped (%s): correct credentials or settings, then reload or "
                 "`mhsflow queue retry ID`",
                 status->routes[i].route, status->routes[i].code ? status->routes[i].code : "?");
    if (status->key.key_id) {
        int64_t left = status->key.certificate_end - status->now / CLOCK_SECOND;

        if (expiry_mark(left))
            need(status,
                 "the signing certificate ends %s: get a new one, and tell the receiver first",
                 left < 0 ? "(it has ended)"
                          : arena_format(context->arena, "in %lld days",
                                         (long long)(left / EXPIRY_DAY)));
    }
    for (size_t i = 0; i < status->submission_count; i++) {
        const SubmissionInfo *info = &status->submissions[i];

        if (info->state == SUBMISSION_HELD || info->state == SUBMISSION_REJECTED)
            need(status, "submission %lld (%s %s) is %s: `mhsflow queue show %lld`",
                 (long long)info->id, info->provider, month_text(context, info->period),
                 submission_state_name(info->state), (long long)info->id);
    }
    if (status->work.quarantined)
        need(status, "%lld people could not be mapped: `mhsflow finding list --source work`",
             (long long)status->work.quarantined);
    for (size_t i = 0; i < status->month_count; i++) {
        const DueMonth *month = &status->months[i];

        if (month->newest && month->newest->state != SUBMISSION_ACCEPTED &&
            status->now > month->cutoff &&
            calendar_cutoff(status->calendar, month->month) >=
                civil_london_day(status->now - 31 * 86400 * CLOCK_SECOND))
            need(status, "%s %s is past its cut-off and not accepted", month->provider,
                 month_text(context, month->month));
    }
}

/* ---- for people ---- */

static const char *state_shown(const CommandContext *context, const DueMonth *month)
{
    const char *name;

    if (!month->newest)
        return month->to_build ? "to be built" : "nothing to send";
    name = submission_state_name(month->newest->state);
    return month->to_build && month->newest->state == SUBMISSION_ACCEPTED
               ? arena_format(context->arena, "%s, changed since", name)
               : name;
}

static void show_roles(const Status *status)
{
    CommandContext *context = status->context;

    fprintf(context->out, "%-9s", "roles");
    for (size_t i = 0; i < sizeof(beating) / sizeof(beating[0]); i++) {
        bool alive = role_alive(status, beating[i]);

        fprintf(context->out, "  %s",
                coloured(context, alive ? COLOUR_GOOD : COLOUR_BAD,
                         arena_format(context->arena, "%s %s", beating[i], alive ? "up" : "DOWN")));
    }
    fputc('\n', context->out);
}

/* The submission that this process has in hand; 0: none. */
static int64_t sending_by(const Status *status, const char *holder)
{
    for (size_t i = 0; i < status->submission_count; i++)
        if (status->submissions[i].lease_by &&
            text_equal(status->submissions[i].lease_by, holder) &&
            status->submissions[i].lease_until > status->now)
            return status->submissions[i].id;
    return 0;
}

/* When a role runs more than once: each start of it, and what it has in hand. */
static void show_processes(const Status *status)
{
    CommandContext *context = status->context;
    const char *role = NULL;
    bool several = false;

    for (size_t i = 0; i < status->presence_count; i++) {
        if (!status->presences[i].alive)
            continue;
        several |= text_equal(role, status->presences[i].role);
        role = status->presences[i].role;
    }
    for (size_t i = 0; several && i < status->presence_count; i++) {
        const Presence *presence = &status->presences[i];
        int64_t sending = sending_by(status, presence->holder);

        if (presence->alive)
            fprintf(context->out, "%-9s  %.20s, since %s%s\n", "", presence->holder,
                    shown_time(context, presence->started_at),
                    sending
                        ? arena_format(context->arena, ", has submission %lld", (long long)sending)
                        : "");
    }
}

static void show_feeds(const Status *status)
{
    CommandContext *context = status->context;

    for (size_t i = 0; i < status->feed_count; i++) {
        const FeedState *feed = &status->feeds[i];

        fprintf(context->out, "%-9s  %s: %s%s, %lld records, last answer %s%s\n", i ? "" : "feeds",
                feed->name, feed->state, feed->cursor.complete ? "" : ", still filling",
                (long long)feed->records,
                feed->last_ok ? shown_distance(context, status->now - feed->last_ok) : "never",
                feed->last_ok ? " ago" : "");
    }
    fprintf(context->out, "%-9s  %lld people to be mapped%s\n", "work",
            (long long)(status->work.waiting + status->work.claimed),
            status->work.later ? arena_format(context->arena, ", %lld on a later day",
                                              (long long)status->work.later)
                               : "");
}

static void show_months(const Status *status)
{
    static const ListingColumn columns[] = {
        {"provider", "PROVIDER", LISTING_TEXT, 0}, {"period", "MONTH", LISTING_TEXT, 0},
        {"state", "STATE", LISTING_TEXT, 0},       {"id", "SUBMISSION", LISTING_NUMBER, 0},
        {"revision", "REV", LISTING_NUMBER, 0},    {"people", "PEOPLE", LISTING_NUMBER, 0},
        {"cutoff", "CUT-OFF", LISTING_TEXT, 0},
    };
    CommandContext *context = status->context;
    Listing *listing = listing_new(context, columns, sizeof(columns) / sizeof(columns[0]));

    for (size_t i = 0; i < status->month_count; i++) {
        const DueMonth *month = &status->months[i];
        const SubmissionInfo *newest = month->newest;
        const char *values[] = {month->provider,
                                month_text(context, month->month),
                                state_shown(context, month),
                                newest ? shown_number(context, newest->id) : NULL,
                                newest ? shown_number(context, newest->revision) : NULL,
                                newest ? shown_number(context, newest->counts.people) : NULL,
                                shown_time(context, month->cutoff)};

        if (newest || month->to_build)
            listing_row(listing, values);
    }
    fputc('\n', context->out);
    listing_end(listing, "No month has been built yet.");
}

static void show_status(const Status *status)
{
    CommandContext *context = status->context;

    show_roles(status);
    show_processes(status);
    show_feeds(status);
    show_months(status);
    fputc('\n', context->out);
    for (size_t i = 0; i < status->cutoff_count; i++)
        if (status->cutoffs[i].why.reason->answer != EXPLAIN_IS_NEEDS)
            fprintf(context->out, "%s %s %s, by %s: %s\n",
                    coloured(context, COLOUR_WARN, "due soon:"), status->cutoffs[i].provider,
                    month_text(context, status->cutoffs[i].month),
                    shown_time(context, status->cutoffs[i].at), status->cutoffs[i].why.so);
    for (size_t i = 0; i < status->need_count; i++)
        fprintf(context->out, "%s %s\n", coloured(context, COLOUR_BAD, "needs you:"),
                status->needs[i]);
    if (!status->need_count)
        fprintf(context->out, "%s\n",
                coloured(context, COLOUR_GOOD,
                         status->settled ? "All that is due has been accepted.  Nothing needs you."
                                         : "Nothing needs you."));
}

/* ---- for programs ---- */

static json_t *month_json(const Status *status, const DueMonth *month)
{
    const SubmissionInfo *newest = month->newest;

    return json_pack("{s:s, s:s, s:s?, s:b, s:s?, s:I, s:i, s:I}", "provider", month->provider,
                     "period", month_text(status->context, month->month), "state",
                     newest ? submission_state_name(newest->state) : NULL, "to_build",
                     month->to_build, "cutoff", json_time(status->context, month->cutoff),
                     "submission", (json_int_t)(newest ? newest->id : 0), "revision",
                     newest ? newest->revision : 0, "people",
                     (json_int_t)(newest ? newest->counts.people : 0));
}

static json_t *cutoff_json(const Status *status, const Cutoff *cutoff)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:s}", "provider", cutoff->provider,
                     "period", month_text(status->context, cutoff->month), "cutoff",
                     json_time(status->context, cutoff->at), "days", cutoff->days, "answer",
                     explain_answer_name(cutoff->why.reason->answer), "reason",
                     cutoff->why.reason->code, "so", cutoff->why.so, "remedy", cutoff->why.remedy);
}

/* One process start of a role, on whatever machine. */
static json_t *process_json(const Status *status, const Presence *presence)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:I}", "role", presence->role, "holder",
                     presence->holder, "version", presence->version, "started_at",
                     json_time(status->context, presence->started_at), "seen_at",
                     json_time(status->context, presence->seen_at), "alive", presence->alive,
                     "sending", (json_int_t)sending_by(status, presence->holder));
}

static json_t *feed_json(const Status *status, const FeedState *feed)
{
    return json_pack("{s:s, s:s, s:b, s:I, s:I, s:s?, s:s?}", "name", feed->name, "state",
                     feed->state, "complete", feed->cursor.complete, "records",
                     (json_int_t)feed->records, "waiting", (json_int_t)feed->waiting, "last_ok",
                     json_time(status->context, feed->last_ok), "error", feed->last_error_code);
}

static void json_status(const Status *status)
{
    Details *details = details_new(status->context);
    json_t *cutoffs = json_array(), *processes = json_array(), *roles = json_object(),
           *feeds = json_array(), *months = json_array(), *needs = json_array();

    for (size_t i = 0; i < sizeof(beating) / sizeof(beating[0]); i++)
        json_object_set_new(roles, beating[i], json_boolean(role_alive(status, beating[i])));
    for (size_t i = 0; i < status->feed_count; i++)
        json_array_append_new(feeds, feed_json(status, &status->feeds[i]));
    for (size_t i = 0; i < status->month_count; i++)
        json_array_append_new(months, month_json(status, &status->months[i]));
    for (size_t i = 0; i < status->need_count; i++)
        json_array_append_new(needs, json_string(status->needs[i]));
    details_json(details, "settled", json_boolean(status->settled));
    details_text(details, "now", NULL, json_time(status->context, status->now));
    details_json(details, "roles", roles);
    details_json(details, "feeds", feeds);
    details_number(details, "people_waiting", NULL, status->work.waiting + status->work.claimed);
    details_number(details, "people_later", NULL, status->work.later);
    details_number(details, "people_set_aside", NULL, status->work.quarantined);
    if (status->key.key_id)
        details_json(
            details, "signing_key",
            json_pack("{s:s, s:s, s:s}", "key", status->key.key_id, "since",
                      json_time(status->context, status->key.since), "certificate_end",
                      json_time(status->context, status->key.certificate_end * CLOCK_SECOND)));
    details_json(details, "months", months);
    for (size_t i = 0; i < status->cutoff_count; i++)
        json_array_append_new(cutoffs, cutoff_json(status, &status->cutoffs[i]));
    for (size_t i = 0; i < status->presence_count; i++)
        json_array_append_new(processes, process_json(status, &status->presences[i]));
    details_json(details, "processes", processes);
    details_json(details, "due_soon", cutoffs);
    details_json(details, "needs", needs);
    details_end(details);
}

static int run_status(CommandContext *context, Error *err)
{
    Status status = {.context = context};
    _cleanup_store_ Store *store = NULL;

    if (!command_config(context, &status.config, err) || !command_store(context, &store, err) ||
        !calendar_load(section_text(status.config->main, "calendar"), context->arena,
                       &status.calendar, err) ||
        !read_status(&status, store, err))
        return EXIT_COULD_NOT;
    find_due(&status);
    find_needs(&status);
    if (!find_signer_away(&status, store, err) || !find_cutoffs(&status, store, err))
        return EXIT_COULD_NOT;
    status.settled = is_settled(&status);
    if (context->json)
        json_status(&status);
    else
        show_status(&status);
    return status.need_count ? EXIT_FOUND : EXIT_DONE;
}

const Command status_commands[] = {
    {"status", NULL, NULL, 0, 0,
     "Show what runs, what waits, which months are due, and what needs a person",
     "Exit code 1 when something needs a person.", NULL, run_status},
    {0},
};
