/* SPDX-License-Identifier: Apache-2.0 */
/* Sources that can only say "updated since": pages by time and id, an overlap, all of it once a
 * day.
 *
 * Nothing tells of a record that is gone, and rows may become visible after later
 * ones.  So every look goes back behind the time at which the last one began, by
 * `overlap` of the source's own clock; what comes twice is ignored by its version,
 * which is its time.  And once in `reread` everything is read anew: what differs is
 * taken and what is not there any more goes, as after a restart of any feed.
 * UPDATED_SINCE.md is the contract. */
#include "adapters/feed/feeds.h"
#include "adapters/feed/mef_http.h"
#include "adapters/feed/mef_type.h"
#include "adapters/feed/since_page.h"
#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "daemon/net/connection.h"

#include <stdlib.h>
#include <string.h>

#define READING "since:"
#define RESTING "waiting"
#define TYPES_MOST 64
#define SKEW_MOST_MS INT64_C(900000) /* clocks further apart: "since" means nothing */

typedef struct Since {
    MefServer server;
    Arena *settings;
    const char *types[TYPES_MOST]; /* parents before children */
    size_t type_count;
    int64_t page_size, overlap_us, reread_us;
} Since;

/* Where we stand, as the cursor's text: FROM~BEGAN~FULL~TIME~ID, the first three in microseconds of
 * the source's clock. */
typedef struct SincePlace {
    int64_t from;          /* this look asks for what changed since */
    int64_t began;         /* when it began */
    int64_t full;          /* when the last reading of everything began */
    const char *time, *id; /* the last row taken of this type; "" at its beginning */
} SincePlace;

#define SINCE_OPTION(name, type, fallback, min, max, required, help)                               \
    {                                                                                              \
        name, OPTION_##type, fallback, min, max, NULL, required, OPTION_RELOAD, help               \
    }

static const OptionDecl options[] = {
    SINCE_OPTION("url", URL, NULL, NULL, NULL, true,
                 "Where the record types lie, for example https://cases.example/api: each is asked "
                 "for at url/TYPE."),
    AUTHORIZATION_OPTIONS,
    CONNECTION_OPTIONS,
    SINCE_OPTION("types", LIST, NULL, NULL, NULL, true, "The record types to read."),
    SINCE_OPTION(
        "overlap", DURATION, "15m", "1m", "24h", false,
        "How far each look goes back behind the beginning of the last one: longer than any "
        "transaction at the source lasts."),
    SINCE_OPTION("reread", DURATION, "24h", "1h", "31d", false,
                 "How often everything is read anew, to see what was deleted and what changed "
                 "without a new time.  Months wait while that lasts."),
    SINCE_OPTION("page_size", COUNT, "1000", "1", "5000", false,
                 "How many records to ask for in one page."),
    SINCE_OPTION("page_limit", SIZE, "8MiB", "1MiB", "64MiB", false,
                 "The largest page that is taken, after unpacking."),
    SINCE_OPTION("timeout", DURATION, "60s", "1s", "10m", false,
                 "How long the source may stay silent in the middle of an answer."),
    {0},
};

static void since_close(void *self)
{
    Since *since = self;
    if (!since)
        return;
    http_client_free(since->server.client);
    authorization_free(since->server.authorization);
    arena_free(since->settings);
    free(since);
}

static bool read_types(Since *since, const Section *section, Error *err)
{
    const char *const *types;
    size_t count = section_list(section, "types", &types);
    bool wanted[TYPES_MOST] = {false};
    for (size_t i = 0; i < count; i++) {
        int index = mef_type_index(types[i]);
        if (index < 0 || index >= TYPES_MOST)
            return error_set(err, ERROR_CONFIG, "feed.types",
                             "\"%s\" in types is no record type of the export contract", types[i]);
        wanted[index] = true;
    }
    for (int i = 0; i < TYPES_MOST && mef_type_name(i); i++)
        if (wanted[i])
            since->types[since->type_count++] = mef_type_name(i);
    return since->type_count || error_set(err, ERROR_CONFIG, "feed.types", "types names no type");
}

static bool since_open(const char *name, const Section *section, void **ret_self, Error *err)
{
    Since *since = calloc(1, sizeof *since);
    if (!since)
        abort();
    since->settings = arena_new(1 << 20);
    char *base = arena_text(since->settings, section_text(section, "url"));
    for (size_t size = strlen(base); size && base[size - 1] == '/';)
        base[--size] = '\0';
    since->server =
        (MefServer){.base = base, .page_limit = (size_t)section_number(section, "page_limit")};
    since->page_size = section_number(section, "page_size");
    since->overlap_us = section_number(section, "overlap") * 1000;
    since->reread_us = section_number(section, "reread") * 1000;
    HttpSettings http = connection_settings(section, since->settings);
    http.stall_timeout_ms = section_number(section, "timeout");
    if (!read_types(since, section, err) ||
        !authorization_new(section, &since->server.authorization, err) ||
        !http_client_new(&http, &since->server.client, err)) {
        since_close(since);
        return error_wrap(err, "opening feed \"%s\"", name);
    }
    *ret_self = since;
    return true;
}

/* ---- the place ---- */

static const char *write_place(const SincePlace *place, Arena *arena)
{
    return arena_format(arena, "%lld~%lld~%lld~%s~%s", (long long)place->from,
                        (long long)place->began, (long long)place->full, place->time, place->id);
}

static bool read_place(const char *cursor, Arena *arena, SincePlace *ret, Error *err)
{
    *ret = (SincePlace){.time = "", .id = ""};
    if (!cursor || !*cursor)
        return true;
    const char *parts[5] = {0};
    size_t count = 0;
    char *text = arena_text(arena, cursor);
    for (char *next = text; next && count < 5; count++) {
        parts[count] = next;
        next = strchr(next, '~');
        if (next)
            *next++ = '\0';
    }
    if (count < 5 || !text_to_int64(parts[0], &ret->from) ||
        !text_to_int64(parts[1], &ret->began) || !text_to_int64(parts[2], &ret->full))
        return error_set(err, ERROR_BUG, "feed.place", "the place in the feed cannot be read");
    ret->time = parts[3];
    ret->id = parts[4];
    return true;
}

/* ---- one page ---- */

/* A time in a query: its plus sign would be read as a space. */
static const char *query_time(const char *time, Arena *arena)
{
    Text text = text_new(arena, 256);
    for (const char *c = time; *c; c++)
        text_add(&text, *c == '+' ? "%2B" : (char[]){*c, '\0'});
    return text_get(&text);
}

static bool check_clock(int64_t skew_ms, Error *err)
{
    return llabs(skew_ms) <= SKEW_MOST_MS ||
           error_set(err, ERROR_CONFIG, "feed.clock",
                     "the feed's clock and ours are over 15 minutes apart: \"since\" would mean "
                     "nothing");
}

/* *ret_now: when we asked, by the source's clock. */
static bool ask(Since *since, const char *type, const SincePlace *place, Arena *arena,
                SincePage *ret, int64_t *ret_now, int64_t *ret_wait_ms, Error *err)
{
    char from[CLOCK_TEXT_SIZE], *bytes;
    size_t size;
    int64_t before = clock_wall(), skew_ms;
    const char *time = *place->time ? place->time : clock_format(place->from, from);
    const char *query =
        arena_format(arena, "/%s?updated_since=%s&limit=%lld%s%s", type, query_time(time, arena),
                     (long long)since->page_size, *place->id ? "&after=" : "", place->id);
    if (!mef_ask_json(&since->server, arena, query, since->server.page_limit, &bytes, &size,
                      &skew_ms, ret_wait_ms, err) ||
        !check_clock(skew_ms, err))
        return false;
    *ret_now = before + skew_ms * 1000;
    /* A row comes again until a look begins that goes back less far than its time. */
    SinceClock clock = {.now = *ret_now, .window = 2 * since->overlap_us};
    return since_page_read(bytes, size, type, &clock, arena, ret, err);
}

/* The same row at the end as the one we asked behind: the source does not go on by id. */
static bool check_progress(const SincePlace *place, const SincePage *page, Error *err)
{
    if (!page->rows || !page->more)
        return true;
    if (!page->last_id ||
        (text_equal(page->last_time, place->time) && text_equal(page->last_id, place->id)))
        return error_set(err, ERROR_LATER, "feed.cursor_loop",
                         "the feed does not go on behind the last record of a page");
    return true;
}

static void go_on(const Since *since, size_t type, SincePlace *place, const SincePage *page,
                  FeedPage *ret, Arena *arena)
{
    bool more_of_it = page->rows && page->more;
    place->time = more_of_it ? page->last_time : "";
    place->id = more_of_it ? page->last_id : "";
    type += !more_of_it;
    ret->more = type < since->type_count;
    ret->next.complete = !ret->more;
    ret->next.phase =
        ret->more ? arena_format(arena, READING "%s", since->types[type]) : (const char *)RESTING;
    ret->next.cursor = write_place(place, arena);
}

static bool read_page(Since *since, size_t type, SincePlace *place, const FeedCursor *after,
                      Arena *arena, FeedPage *ret, int64_t *ret_wait_ms, Error *err)
{
    SincePage page;
    int64_t now;
    if (!ask(since, since->types[type], place, arena, &page, &now, ret_wait_ms, err))
        return error_wrap(err, "reading %s", since->types[type]);
    if (!check_progress(place, &page, err))
        return false;
    if (!place->began)
        place->began = now;
    if (!place->full)
        place->full = place->began;
    *ret = (FeedPage){.changes = page.changes,
                      .count = page.count,
                      .refused = page.refused,
                      .refused_count = page.refused_count,
                      .unknown_fields = page.unknown_fields,
                      .clock_skew_ms = (now - clock_wall()) / 1000};
    ret->next = (FeedCursor){.epoch = arena_text(arena, "updated_since"), .seq = after->seq};
    for (size_t i = 0; i < page.count; i++)
        if (page.changes[i].seq > ret->next.seq)
            ret->next.seq = page.changes[i].seq;
    ret->next.head_seq = ret->next.seq;
    go_on(since, type, place, &page, ret, arena);
    return true;
}

/* A new look begins: from behind the beginning of the last one, or everything anew. */
static bool next_look(const Since *since, SincePlace *place, FeedPage *ret)
{
    if (clock_wall() - place->full >= since->reread_us) {
        *ret = (FeedPage){.restart = true, .why = FEED_REREAD, .more = true};
        ret->next.phase = "";
        return false;
    }
    place->from = place->began - since->overlap_us;
    place->began = 0;
    return true;
}

static bool since_fetch(void *self, Arena *arena, const FeedCursor *after, FeedPage *ret,
                        FeedWait *ret_wait, Error *err)
{
    Since *since = self;
    SincePlace place;
    size_t type = 0;
    const char *phase = after->phase ? after->phase : "";
    *ret_wait = (FeedWait){0};
    if (!read_place(after->cursor, arena, &place, err))
        return false;
    if (strcmp(phase, RESTING) == 0 && !next_look(since, &place, ret))
        return true;
    if (text_starts(phase, READING)) {
        while (type < since->type_count && strcmp(since->types[type], phase + strlen(READING)) != 0)
            type++;
        if (type == since->type_count) { /* no more among the settings' types */
            *ret = (FeedPage){.restart = true, .why = "feed.type_gone", .more = true};
            ret->next.phase = "";
            return true;
        }
    }
    return read_page(since, type, &place, after, arena, ret, &ret_wait->wait_ms, err);
}

const FeedAdapter feed_updated_since = {
    .name = "updated_since",
    .summary = "JSON from a source that can only say what changed since a time",
    .options = options,
    .open = since_open,
    .fetch = since_fetch,
    .close = since_close,
};
