/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of a site as Prometheus text, from one table of metrics. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/report/health.h"
#include "daemon/store/tally.h"

typedef enum Metric {
#define METRIC(name, text, type, unit, label, help) METRIC_##name,
#include "daemon/report/metric.def"
#undef METRIC
    METRIC_COUNT
} Metric;

static const struct {
    const char *name, *type, *unit, *label, *help;
} metrics[] = {
#define GAUGE "gauge"
#define COUNTER "counter"
#define METRIC(name, text, type, unit, label, help) {text, type, unit, label, help},
#include "daemon/report/metric.def"
#undef METRIC
};

typedef struct Writer {
    Text *out;
    Metric last;
    bool any;
} Writer;

/* Values of one metric follow each other, its help and type once before them. */
static void put(Writer *writer, Metric metric, const char *label, int64_t value)
{
    if (!writer->any || writer->last != metric)
        text_addf(writer->out, "# HELP %s %s\n# TYPE %s %s\n", metrics[metric].name,
                  metrics[metric].help, metrics[metric].name, metrics[metric].type);
    writer->any = true;
    writer->last = metric;
    if (label) {
        text_addf(writer->out, "%s{%s=", metrics[metric].name, metrics[metric].label);
        text_add_json(writer->out, label); /* the same escapes, for names of ours */
        text_addf(writer->out, "} %lld\n", (long long)value);
    } else {
        text_addf(writer->out, "%s %lld\n", metrics[metric].name, (long long)value);
    }
}

static int64_t seconds(int64_t us)
{
    return us > 0 ? us / CLOCK_SECOND : 0;
}

static void put_roles(Writer *writer, const Today *today)
{
    static const char *const roles[] = {"poll", "map", "build", "submit", "seal", "console"};
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        put(writer, METRIC_ROLE_UP, roles[i], today_role_alive(today, roles[i]));
}

static int64_t feed_value(const Today *today, const FeedState *feed, Metric metric)
{
    switch (metric) {
    case METRIC_FEED_UP:
        return text_equal(feed->state, "ok");
    case METRIC_FEED_AGE:
        return seconds(feed->last_ok ? today->now - feed->last_ok : 0);
    case METRIC_FEED_COMPLETE:
        return feed->cursor.complete;
    case METRIC_FEED_BEHIND:
        return feed->cursor.head_seq > feed->cursor.seq ? feed->cursor.head_seq - feed->cursor.seq
                                                        : 0;
    case METRIC_FEED_RECORDS:
        return feed->records;
    case METRIC_FEED_CHANGES:
        return feed->changes;
    case METRIC_FEED_REFUSED:
        return feed->refused;
    default:
        return feed->orphans;
    }
}

static void put_feeds(Writer *writer, const Today *today)
{
    for (Metric metric = METRIC_FEED_UP; metric <= METRIC_FEED_ORPHANS; metric++)
        for (size_t i = 0; i < today->feed_count; i++)
            put(writer, metric, today->feeds[i].name, feed_value(today, &today->feeds[i], metric));
}

static void put_months(Writer *writer, const Health *health)
{
    const Today *today = &health->today;
    int64_t by_state[SUBMISSION_STATE_COUNT] = {0}, open = 0, next = 0;
    for (size_t i = 0; i < today->month_count; i++) {
        const TodayMonth *month = &today->months[i];
        if (month->newest)
            by_state[month->newest->state]++;
        bool is_open =
            month->newest ? month->newest->state != SUBMISSION_ACCEPTED : month->to_build;
        open += is_open;
        if (is_open && month->cutoff > today->now && (!next || month->cutoff < next))
            next = month->cutoff;
    }
    for (int state = 0; state < SUBMISSION_STATE_COUNT; state++)
        put(writer, METRIC_SUBMISSIONS, submission_state_name((SubmissionState)state),
            by_state[state]);
    put(writer, METRIC_OVERDUE, NULL, seconds(health->overdue_us));
    put(writer, METRIC_MONTHS_DUE, NULL, open);
    if (next)
        put(writer, METRIC_CUTOFF, NULL, seconds(next - today->now));
}

static bool put_findings(Writer *writer, Store *store, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)4 << 20);
    int64_t at, findings = 0, left_out = 0;
    FindingTally *tallies;
    size_t count;
    if (!tally_findings(store, NULL, NULL, arena, &tallies, &count, &at, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        findings += tallies[i].group.findings;
        left_out += tallies[i].group.left_out;
    }
    put(writer, METRIC_FINDINGS, NULL, findings);
    put(writer, METRIC_LEFT_OUT, NULL, left_out);
    return true;
}

bool metrics_write(Store *store, const Health *health, Text *out, Error *err)
{
    const Today *today = &health->today;
    Writer writer = {.out = out};
    put(&writer, METRIC_UP, NULL, store != NULL);
    if (store) {
        put_roles(&writer, today);
        put_feeds(&writer, today);
        put(&writer, METRIC_WORK_WAITING, NULL, today->work.waiting + today->work.claimed);
        put(&writer, METRIC_WORK_SET_ASIDE, NULL, today->work.quarantined);
        put(&writer, METRIC_WORK_OLDEST, NULL,
            seconds(today->work.oldest_us ? today->now - today->work.oldest_us : 0));
        put_months(&writer, health);
        for (size_t i = 0; i < today->route_count; i++)
            put(&writer, METRIC_ROUTE_UP, today->routes[i].route,
                text_equal(today->routes[i].state, "ok"));
        if (!put_findings(&writer, store, err))
            return false;
        if (health->seal_age_us >= 0)
            put(&writer, METRIC_AUDIT_UNSEALED, NULL, seconds(health->seal_age_us));
        put(&writer, METRIC_NEEDS, NULL, (int64_t)today->need_count);
    }
    put(&writer, METRIC_READY, NULL, health->ready);
    return true;
}

void metrics_reference(Text *out)
{
    text_add(out, "| metric | type | unit | label | what it says |\n|---|---|---|---|---|\n");
    for (int metric = 0; metric < METRIC_COUNT; metric++)
        text_addf(out, "| `%s` | %s | %s | %s | %s |\n", metrics[metric].name, metrics[metric].type,
                  metrics[metric].unit, *metrics[metric].label ? metrics[metric].label : "–",
                  metrics[metric].help);
}
