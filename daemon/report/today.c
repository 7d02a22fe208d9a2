/* SPDX-License-Identifier: Apache-2.0 */
/* Months, feeds and work as they stand, and what of it needs a person. */
#include "daemon/report/today.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"

#include <stdlib.h>

#define NEAR_DAYS 5
#define LONG_PAST_DAYS 31 /* a cut-off that long ago is no news */

/* The roles that say in the database that they live. */
static const char *const beating[] = {"poll", "map", "build", "submit"};

const char *need_title(NeedKind kind)
{
    static const char *const titles[] = {
#define NEED(name, title, remedy) title,
#include "daemon/report/need.def"
#undef NEED
    };
    return titles[kind];
}

const char *need_remedy(NeedKind kind)
{
    static const char *const remedies[] = {
#define NEED(name, title, remedy) remedy,
#include "daemon/report/need.def"
#undef NEED
    };
    return remedies[kind];
}

const char *held_words(const char *reason)
{
    static const char *const words[][2] = {
        {"shrunk", "It has far fewer people, referrals or contacts than the last accepted one"},
        {"file_findings", "The whole file would be refused"},
        {"approval", "It waits for approval before it is sent"},
        {"person", "A person holds it"},
    };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (text_equal(words[i][0], reason))
            return words[i][1];
    return reason ? reason : "It waits for a person";
}

bool today_role_alive(const Today *today, const char *role)
{
    for (size_t i = 0; i < today->presence_count; i++)
        if (today->presences[i].alive && text_equal(today->presences[i].role, role))
            return true;
    return false;
}

static void add_need(Today *today, Arena *arena, Need need)
{
    today->needs =
        arena_grow(arena, today->needs, today->need_count, &today->need_capacity, sizeof need);
    today->needs[today->need_count++] = need;
}

static bool read_months(Store *store, const Config *config, const Calendar *calendar, Arena *arena,
                        Today *today, Error *err)
{
    Month due[CALENDAR_MONTHS_MAX];
    Day day = civil_london_day(today->now);
    size_t due_count = calendar_due_months(calendar, day, due), dirty_count, count;
    SubmissionInfo *newest;
    ProviderMonth *dirty;
    SubmissionPart part = {
        .newest = true, .from = due_count ? due[0] : civil_month_of(day), .limit = 10000};
    if (!months_dirty(store, NULL, arena, &dirty, &dirty_count, err) ||
        !submission_part(store, &part, arena, &newest, &count, err))
        return false;
    today->months = arena_array(arena, due_count * config->provider_count + 1, sizeof(TodayMonth));
    for (size_t k = due_count; k-- > 0;)
        for (size_t i = 0; i < config->provider_count; i++) {
            TodayMonth month = {.provider = config->providers[i].name,
                                .month = due[k],
                                .cutoff = calendar_cutoff_at(calendar, due[k]),
                                .days = (int)(calendar_cutoff(calendar, due[k]) - day)};
            for (size_t n = 0; n < dirty_count; n++)
                if (dirty[n].month == due[k] && text_equal(dirty[n].provider, month.provider)) {
                    month.to_build = true;
                    month.dirty_since = dirty[n].dirty_since;
                }
            for (size_t n = 0; n < count && !month.newest; n++)
                if (newest[n].period == due[k] && text_equal(newest[n].provider, month.provider))
                    month.newest = &newest[n];
            today->months[today->month_count++] = month;
        }
    return true;
}

static void need_of_feeds(Today *today, Arena *arena)
{
    for (size_t i = 0; i < today->feed_count; i++) {
        const FeedState *feed = &today->feeds[i];
        bool stopped = text_equal(feed->state, "stopped");
        if (stopped || text_equal(feed->state, "down"))
            add_need(today, arena,
                     (Need){.kind = stopped ? NEED_FEED_STOPPED : NEED_FEED_DOWN,
                            .subject = feed->name,
                            .detail = feed->remedy});
    }
}

static void need_of_months(Today *today, Arena *arena)
{
    for (size_t i = 0; i < today->month_count; i++) {
        const TodayMonth *month = &today->months[i];
        bool open = month->newest ? month->newest->state != SUBMISSION_ACCEPTED : month->to_build;
        if (!open || month->days < -LONG_PAST_DAYS || month->days > NEAR_DAYS)
            continue;
        add_need(today, arena,
                 (Need){.kind = today->now > month->cutoff ? NEED_PAST_CUTOFF : NEED_CUTOFF_NEAR,
                        .subject = month->provider,
                        .month = month,
                        .period = month->month,
                        .detail = month->newest && month->newest->state == SUBMISSION_HELD
                                      ? held_words(month->newest->held_reason)
                                      : NULL,
                        .submission = month->newest ? month->newest->id : 0});
    }
}

static bool is_named(const Today *today, int64_t submission)
{
    for (size_t i = 0; i < today->need_count; i++)
        if (today->needs[i].submission == submission)
            return true;
    return false;
}

static void need_of_submissions(Today *today, Arena *arena)
{
    for (size_t i = 0; i < today->attention_count; i++) {
        const SubmissionInfo *info = &today->attention[i];
        bool held = info->state == SUBMISSION_HELD;
        if (is_named(today, info->id))
            continue;
        add_need(today, arena,
                 (Need){.kind = held ? NEED_HELD : NEED_REJECTED,
                        .subject = info->provider,
                        .period = info->period,
                        .detail = held ? held_words(info->held_reason) : info->last_reason,
                        .submission = info->id});
    }
}

static int by_urgency(const void *a, const void *b)
{
    const Need *left = a, *right = b;
    return (left->kind > right->kind) - (left->kind < right->kind);
}

static void find_needs(Today *today, Arena *arena)
{
    for (size_t i = 0; i < COUNT_OF(beating); i++)
        if (!today_role_alive(today, beating[i]))
            add_need(today, arena, (Need){.kind = NEED_ROLE_AWAY, .subject = beating[i]});
    for (size_t i = 0; i < today->route_count; i++)
        if (text_equal(today->routes[i].state, "stopped"))
            add_need(today, arena,
                     (Need){.kind = NEED_ROUTE_STOPPED,
                            .subject = today->routes[i].route,
                            .detail = today->routes[i].code});
    need_of_months(today, arena);
    need_of_submissions(today, arena);
    need_of_feeds(today, arena);
    if (today->work.quarantined)
        add_need(today, arena,
                 (Need){.kind = NEED_SET_ASIDE,
                        .subject = arena_format(arena, "%lld people",
                                                (long long)today->work.quarantined)});
    if (today->need_count)
        qsort(today->needs, today->need_count, sizeof *today->needs, by_urgency);
}

bool today_read(Store *store, const Config *config, const Calendar *calendar, Arena *arena,
                Today *ret, Error *err)
{
    Today today = {0};
    SubmissionPart attention = {.attention = true, .newest = true, .limit = TODAY_ATTENTION};
    if (!store_now(store, &today.now, err) ||
        !store_presences(store, arena, &today.presences, &today.presence_count, err) ||
        !feed_list(store, arena, &today.feeds, &today.feed_count, err) ||
        !work_state(store, &today.work, err) ||
        !route_list(store, arena, &today.routes, &today.route_count, err) ||
        !submission_part(store, &attention, arena, &today.attention, &today.attention_count, err) ||
        !read_months(store, config, calendar, arena, &today, err))
        return false;
    find_needs(&today, arena);
    *ret = today;
    return true;
}
