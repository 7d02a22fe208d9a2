/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the site once for `explain`, and what of it matters for a month or a submission. */
#include "daemon/pipeline/explain_world.h"

#include "daemon/base/text.h"

bool world_read(const ExplainTools *tools, World *ret, Error *err)
{
    Store *store = tools->store;
    Arena *arena = tools->arena;
    SubmissionFilter all = {0};
    *ret = (World){.tools = tools};
    if (!store_now(store, &ret->now, err) ||
        !feed_list(store, arena, &ret->feeds, &ret->feed_count, err) ||
        !store_presences(store, arena, &ret->presences, &ret->presence_count, err) ||
        !work_state(store, &ret->work, err) ||
        !submission_list(store, &all, arena, &ret->submissions, &ret->submission_count, err) ||
        !months_dirty(store, NULL, arena, &ret->dirty, &ret->dirty_count, err) ||
        !route_list(store, arena, &ret->routes, &ret->route_count, err))
        return false;
    ret->today = civil_london_day(ret->now);
    return true;
}

/* ---- the world, for one month ---- */

static bool role_alive(const World *world, const char *role)
{
    for (size_t i = 0; i < world->presence_count; i++)
        if (world->presences[i].alive && text_equal(world->presences[i].role, role))
            return true;
    return false;
}

const SubmissionInfo *world_newest(const World *world, const char *provider, Month month)
{
    const SubmissionInfo *newest = NULL;
    for (size_t i = 0; i < world->submission_count; i++) {
        const SubmissionInfo *info = &world->submissions[i];
        if (info->period == month && text_equal(info->provider, provider) &&
            (!newest || info->revision > newest->revision))
            newest = info;
    }
    return newest;
}

const SubmissionInfo *world_accepted(const World *world, const char *provider, Month month)
{
    const SubmissionInfo *last = NULL;
    for (size_t i = 0; i < world->submission_count; i++) {
        const SubmissionInfo *info = &world->submissions[i];
        if (info->period == month && text_equal(info->provider, provider) &&
            info->state == SUBMISSION_ACCEPTED && (!last || info->revision > last->revision))
            last = info;
    }
    return last;
}

static bool is_on_its_way(SubmissionState state)
{
    return state == SUBMISSION_SENDING || state == SUBMISSION_WAITING || state == SUBMISSION_UNSURE;
}

void world_month(const World *world, const char *provider, Month month, ExplainFacts *facts)
{
    const Calendar *calendar = world->tools->calendar;
    facts->feeds_complete = true;
    facts->people_to_map = world->work.waiting + world->work.claimed > 0;
    facts->build_alive = role_alive(world, "build");
    facts->submit_alive = role_alive(world, "submit");
    for (size_t i = 0; i < world->feed_count; i++) {
        const FeedState *feed = &world->feeds[i];
        if (feed->cursor.complete)
            continue;
        facts->feeds_complete = false;
        facts->feed_stopped |= text_equal(feed->state, "stopped") ||
                               text_equal(feed->state, "paused") || text_equal(feed->state, "down");
    }
    if (!month)
        return;
    facts->month_closed = world->today > calendar_last_day(calendar, month);
    facts->month_ahead = !facts->month_closed && !calendar_due(calendar, month, world->today);
    for (size_t i = 0; i < world->dirty_count; i++)
        facts->to_build |=
            world->dirty[i].month == month && text_equal(world->dirty[i].provider, provider);
}

/* The last thing that happened to it was that the signer could not be asked. */
static bool signer_facts(const World *world, const SubmissionInfo *info, ExplainFacts *facts,
                         Error *err)
{
    SubmissionEvent *events;
    size_t count;
    if (info->state != SUBMISSION_READY)
        return true;
    if (!submission_events(world->tools->store, info->id, world->tools->arena, &events, &count,
                           err))
        return false;
    facts->signer_away =
        count && events[count - 1].code && text_starts(events[count - 1].code, "sign.");
    return true;
}

static const RouteState *route_of(const World *world, const SubmissionInfo *info)
{
    for (size_t i = 0; i < world->route_count; i++)
        if (text_equal(world->routes[i].route, info->route))
            return &world->routes[i];
    return NULL;
}

bool world_submission(const World *world, const SubmissionInfo *info, ExplainFacts *facts,
                      Error *err)
{
    const RouteState *route = route_of(world, info);
    facts->state = info->state;
    facts->held_reason = info->held_reason;
    facts->submission_purged = info->purged;
    facts->later = info->next_at > world->now;
    facts->route_state = route ? route->state : NULL;
    for (size_t i = 0; i < world->submission_count; i++) {
        const SubmissionInfo *other = &world->submissions[i];
        facts->another_on_its_way |= other->id != info->id && other->period == info->period &&
                                     text_equal(other->provider, info->provider) &&
                                     is_on_its_way(other->state);
    }
    return signer_facts(world, info, facts, err);
}

void world_describe(const World *world, const ExplainFacts *facts, const SubmissionInfo *info,
                    Explanation *ret)
{
    const RouteState *route = info ? route_of(world, info) : NULL;
    ret->reason = explain_judge(facts);
    ret->so = ret->reason->so;
    ret->remedy = ret->reason->remedy;
    if (facts->month_ahead && text_equal(ret->reason->code, "month_ahead"))
        ret->next_at =
            civil_london_instant(calendar_opens(world->tools->calendar, ret->first_month), 0, true);
    if (!info || !facts->in_newest)
        return;
    ret->submission = info->id;
    ret->revision = info->revision;
    ret->code = route && !text_equal(route->state, "ok") ? route->code : info->last_code;
    if (info->state == SUBMISSION_READY || info->state == SUBMISSION_WAITING ||
        info->state == SUBMISSION_UNSURE)
        ret->next_at = info->next_at;
}
