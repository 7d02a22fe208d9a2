/* SPDX-License-Identifier: Apache-2.0 */
/* The poll role: every feed of the settings, each at its own pace, one page at a time in turn.
 *
 * Where a feed stands and when it is due is the database's; this process only
 * keeps connections open and says what changed.  A feed that fails, stalls or
 * lies costs the others no more than the time of one page. */
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/text.h"
#include "daemon/net/http.h"
#include "daemon/pipeline/ingest.h"
#include "daemon/pipeline/retry.h"
#include "daemon/roles/role.h"
#include "daemon/roles/role_store.h"
#include "daemon/store/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_WAIT_MS INT64_C(30000)

typedef struct PolledFeed {
    IngestFeed feed;
    const NamedSection *settings;
    int64_t due_at; /* clock_steady(); what the database last said */
    bool registered, skewed;
} PolledFeed;

typedef struct Poll {
    RoleContext *context;
    RoleStore connection;
    Arena *settings, *page;
    PolledFeed *feeds;
    size_t count;
    bool reload, listening, ruled;
    int64_t moved; /* bytes of the exchange that the hook last saw */
} Poll;

/* Called while a feed is read: a stop or new settings must not wait for a slow feed, and bytes that
 * come are progress. */
static bool on_progress(void *data, int64_t sent, int64_t received)
{
    Poll *poll = data;
    if (sent + received != poll->moved) {
        poll->moved = sent + received;
        role_progress(poll->context);
    }
    RoleWake wake = role_wait(poll->context, 0, -1);
    if (wake == ROLE_RELOAD)
        poll->reload = true;
    return wake != ROLE_STOP;
}

/* ---- feeds ---- */

static void close_feeds(Poll *poll)
{
    for (size_t i = 0; i < poll->count; i++)
        if (poll->feeds[i].feed.self)
            poll->feeds[i].feed.adapter->close(poll->feeds[i].feed.self);
    poll->count = 0;
}

static void list_feeds(Poll *poll)
{
    const Config *config = role_config(poll->context);
    close_feeds(poll);
    arena_reset(poll->settings);
    poll->feeds = arena_array(poll->settings, config->feed_count + 1, sizeof *poll->feeds);
    for (size_t i = 0; i < config->feed_count; i++) {
        const NamedSection *section = &config->feeds[i];
        poll->feeds[i] = (PolledFeed){
            .settings = section,
            .feed = {.name = arena_text(poll->settings, section->name),
                     .adapter = feed_adapter(section->adapter),
                     .poll_interval_ms = section_number(section->section, "poll_interval"),
                     .rate = section_number(section->section, "rate"),
                     .silence_ms = section_number(section->section, "silence"),
                     .fall = section_number(section->section, "fall")}};
    }
    poll->count = config->feed_count;
    poll->reload = poll->ruled = false;
}

/* ---- what is worth saying, once ---- */

static void say_skew(PolledFeed *polled, int64_t skew_ms)
{
    bool skewed = llabs(skew_ms) > INGEST_SKEW_WARN_MS;
    char seconds[32];
    snprintf(seconds, sizeof seconds, "%lld s", (long long)(skew_ms / 1000));
    if (skewed && !polled->skewed)
        log_event(LOG_FEED_SKEWED, NULL, {"FEED", polled->feed.name}, {"WAIT", seconds});
    polled->skewed = skewed;
}

static void say(PolledFeed *polled, const IngestResult *result)
{
    const char *name = polled->feed.name;
    char wait[32];
    snprintf(wait, sizeof wait, "%lld s", (long long)((result->wait_ms + 999) / 1000));
    if (result->outcome == INGEST_PAUSED || result->outcome == INGEST_INTERRUPTED)
        return;
    if (result->outcome == INGEST_FAILED) {
        if (text_equal(result->state, result->state_before))
            return;
        if (text_equal(result->state, "stopped"))
            log_event(LOG_FEED_STOPPED, &result->failure, {"FEED", name}, {"WAIT", wait});
        else
            log_event(text_equal(result->state, "down") ? LOG_FEED_DOWN : LOG_FEED_LATE,
                      &result->failure, {"FEED", name}, {"WAIT", wait});
        return;
    }
    if (text_equal(result->state_before, "down") || text_equal(result->state_before, "stopped"))
        log_event(LOG_FEED_BACK, NULL, {"FEED", name});
    if (result->restarted && !text_equal(result->why, FEED_REREAD))
        log_event(LOG_FEED_RESTARTED, NULL, {"FEED", name}, {"REASON", result->why});
    if (result->fell_silent)
        log_event(LOG_FEED_SILENT, NULL, {"FEED", name});
    if (result->shrunk) {
        char count[32];
        snprintf(count, sizeof count, "%lld", (long long)result->shrunk);
        log_event(LOG_FEED_SHRUNK, NULL, {"FEED", name}, {"COUNT", count});
    }
    if (result->caught_up)
        log_event(LOG_FEED_CAUGHT_UP, NULL, {"FEED", name});
    say_skew(polled, result->skew_ms);
}

/* ---- the loop ---- */

/* Makes the feed's row, once, and asks the database when it is due: a person may have asked for a
 * poll, another process may have polled. */
static bool read_due(Poll *poll, PolledFeed *polled, const char **ret_state, Error *err)
{
    FeedState state;
    int64_t now;
    const char *name = polled->feed.name;
    if (!polled->registered &&
        !feed_register(poll->connection.store, name,
                       section_text(polled->settings->section, "id_prefix"), err))
        return false;
    polled->registered = true;
    arena_reset(poll->page);
    if (!store_now(poll->connection.store, &now, err) ||
        !feed_place(poll->connection.store, name, poll->page, &state, err))
        return false;
    bool paused = text_equal(state.state, "paused");
    polled->due_at = clock_steady() + (paused ? INGEST_STOPPED_MS * 1000 : state.next_poll - now);
    *ret_state = state.state;
    return true;
}

/* False in *ret_open: its settings or credentials are wrong, which is kept and said. */
static bool open_feed(Poll *poll, PolledFeed *polled, const char *state, bool *ret_open, Error *err)
{
    Error failure = {0};
    IngestFeed *feed = &polled->feed;
    *ret_open = feed->self ||
                feed->adapter->open(feed->name, polled->settings->section, &feed->self, &failure);
    if (*ret_open)
        return true;
    if (!text_equal(state, "stopped"))
        log_event(LOG_FEED_STOPPED, &failure, {"FEED", feed->name});
    polled->due_at = clock_steady() + INGEST_STOPPED_MS * 1000;
    return ingest_open_failed(poll->connection.store, feed->name, &failure, err);
}

static bool poll_feed(Poll *poll, PolledFeed *polled, Error *err)
{
    IngestResult result;
    const char *state;
    bool open;
    if (!read_due(poll, polled, &state, err))
        return false;
    if (polled->due_at > clock_steady())
        return true;
    if (!open_feed(poll, polled, state, &open, err))
        return false;
    if (!open)
        return true;
    arena_reset(poll->page);
    if (!ingest_page(poll->connection.store, &polled->feed, poll->page, retry_random(), &result,
                     err))
        return false;
    role_progress(poll->context);
    polled->due_at = clock_steady() + result.wait_ms * 1000;
    say(polled, &result);
    return true;
}

/* One page of each feed that is due.  *ret_wait_ms: until the next one is. */
static bool turn(Poll *poll, int64_t *ret_wait_ms, Error *err)
{
    *ret_wait_ms = LONGEST_WAIT_MS;
    for (size_t i = 0; i < poll->count && !role_stopping(poll->context) && !poll->reload; i++) {
        if (!poll_feed(poll, &poll->feeds[i], err))
            return false;
        int64_t left = (poll->feeds[i].due_at - clock_steady()) / 1000;
        if (left < *ret_wait_ms)
            *ret_wait_ms = left > 0 ? left : 0;
    }
    return true;
}

/* Before any record comes in by it. */
static bool note_rule(Poll *poll, Error *err)
{
    const Config *config = role_config(poll->context);
    poll->ruled = poll->ruled ||
                  match_settings(poll->connection.store,
                                 match_rule_of(section_text(config->main, "match_people")), err);
    return poll->ruled;
}

/* One round over the feeds. */
static bool round_of_feeds(Poll *poll, int64_t *ret_wait_ms, Error *err)
{
    if (!note_rule(poll, err))
        return false;
    if (!poll->listening && !store_listen(poll->connection.store, CHANNEL_FEED, err))
        return false;
    poll->listening = true;
    return store_beat(poll->connection.store, err) && turn(poll, ret_wait_ms, err);
}

static bool loop(Poll *poll, Error *err)
{
    list_feeds(poll);
    while (role_store(poll->context, &poll->connection)) {
        int64_t wait_ms;
        role_ready(poll->context);
        if (!round_of_feeds(poll, &wait_ms, err)) {
            if (err->kind != ERROR_LATER)
                return false;
            wait_ms = RETRY_FLOOR_MS;
            if (!role_store_lost(err))
                log_event(LOG_DATABASE_LOST, err);
            error_clear(err);
        }
        role_progress(poll->context);
        RoleWake wake =
            poll->reload ? ROLE_RELOAD : role_store_wait(poll->context, &poll->connection, wait_ms);
        if (wake == ROLE_RELOAD)
            list_feeds(poll);
    }
    return true;
}

static bool run(RoleContext *context, Error *err)
{
    Poll poll = {.context = context,
                 .connection = {.role = "poll"},
                 .settings = arena_new(4 << 20),
                 .page = arena_new(INGEST_PAGE_CAP)};
    http_on_progress(on_progress, &poll);
    bool done = loop(&poll, err);
    http_on_progress(NULL, NULL);
    close_feeds(&poll);
    role_store_close(&poll.connection);
    arena_free(poll.page);
    arena_free(poll.settings);
    return done;
}

const Role role_poll = {
    .name = "poll",
    .summary = "reads the export feeds",
    .needs_database = true,
    .needs_network = true,
    .run = run,
};
