/* SPDX-License-Identifier: Apache-2.0 */
/* Does everything move that should. */
#include "daemon/report/health.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/store/audit.h"

#define MINUTE (60 * CLOCK_SECOND)

const char *health_name(HealthCheck check)
{
    static const char *const names[] = {
#define HEALTH(name, word, wrong) word,
#include "daemon/report/health.def"
#undef HEALTH
    };
    return names[check];
}

const char *health_wrong(HealthCheck check)
{
    static const char *const texts[] = {
#define HEALTH(name, word, wrong) wrong,
#include "daemon/report/health.def"
#undef HEALTH
    };
    return texts[check];
}

static bool roles_live(const Today *today)
{
    static const char *const roles[] = {"poll", "map", "build", "submit"};
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        if (!today_role_alive(today, roles[i]))
            return false;
    return true;
}

/* Whatever a feed answers, it is asked: its next time never lies far behind us. */
static bool feeds_asked(const Today *today)
{
    for (size_t i = 0; i < today->feed_count; i++) {
        const FeedState *feed = &today->feeds[i];
        if (feed->next_poll && feed->next_poll < today->now - 10 * MINUTE &&
            !text_equal(feed->state, "paused"))
            return false;
    }
    return true;
}

static bool months_built(const Today *today, const Config *config)
{
    int64_t longest = section_number(config->main, "build_wait_max") * 1000 + 60 * MINUTE;
    for (size_t i = 0; i < today->feed_count; i++)
        if (!today->feeds[i].cursor.complete)
            return true; /* a month waits for its feeds, and that is no fault of the build */
    for (size_t i = 0; i < today->month_count; i++)
        if (today->months[i].dirty_since && today->months[i].dirty_since < today->now - longest &&
            !today->work.waiting && !today->work.claimed)
            return false;
    return true;
}

bool health_read(Store *store, const Config *config, const Calendar *calendar, Arena *arena,
                 Health *ret, Error *err)
{
    Health health = {.good = {false}};
    AuditSealed sealed;
    int64_t overdue;
    *ret = health;
    if (!store)
        return true;
    if (!today_read(store, config, calendar, arena, &health.today, err) ||
        !audit_sealed(store, &sealed, err) || !submission_overdue(store, &overdue, err))
        return false;
    const Today *today = &health.today;
    health.overdue_us = overdue ? today->now - overdue : 0;
    health.seal_age_us = sealed.checkpoint ? today->now - sealed.checkpoint_at : -1;
    health.good[HEALTH_DATABASE] = true;
    health.good[HEALTH_ROLES] = roles_live(today);
    health.good[HEALTH_FEEDS] = feeds_asked(today);
    health.good[HEALTH_WORK] = !today->work.waiting || today->work.claimed ||
                               today->work.oldest_us > today->now - 15 * MINUTE;
    health.good[HEALTH_BUILD] = months_built(today, config);
    health.good[HEALTH_QUEUE] = health.overdue_us < 15 * MINUTE;
    health.good[HEALTH_SEAL] =
        !section_text(config->main, "seal_key") ||
        (health.seal_age_us >= 0 ? health.seal_age_us < 5 * MINUTE : !sealed.events);
    health.ready = true;
    for (int check = 0; check < HEALTH_COUNT; check++)
        health.ready &= health.good[check];
    *ret = health;
    return true;
}
