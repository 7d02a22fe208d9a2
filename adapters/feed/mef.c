/* SPDX-License-Identifier: Apache-2.0 */
/* The MEF/1 feed: snapshots first, parents before children, then the change log by cursor.
 *
 * A poll begins with the manifest, which says how far there is to go, and ends
 * with the first page that has no more behind it.  The cursor of a snapshot phase
 * holds two: where the change log begins (as the first snapshot said, for that is
 * the oldest) and the place in this snapshot, with a ~ between. */
#include "adapters/feed/feeds.h"
#include "adapters/feed/mef_http.h"
#include "adapters/feed/mef_type.h"
#include "daemon/base/text.h"
#include "daemon/net/connection.h"

#include <stdlib.h>
#include <string.h>

#define SNAPSHOT "snapshot:"
#define CHANGES "changes"
#define MANIFEST_LIMIT ((size_t)1 << 20)
#define SEEN_CURSORS 4096   /* of one poll: a cursor that comes back is a loop */
#define EMPTY_PAGES_MOST 50 /* in a row, each promising more */
#define RESTARTS_MOST 2     /* in a row, without a page between */
#define GLANCES_MOST 12     /* in a row; then the manifest again, to see that it did not go back */
#define EPOCH_CHANGED "feed.epoch_changed"

typedef struct Mef {
    MefServer server;
    Arena *settings, *manifest_arena;
    const char *const *types;
    size_t type_count;
    int64_t page_size, wait_ms;
    bool polling; /* the manifest is of this poll */
    bool glance;  /* asked only whether anything is new: what we know stands in for the manifest */
    MefManifest manifest;
    int64_t skew_ms;
    uint64_t seen[SEEN_CURSORS];
    size_t seen_count;
    int empty_pages, restarts, glances;
    bool went_back; /* at the last look its head lay before our place */
} Mef;

/* OPTION(name, type, fallback, min, max, help): all may change without a restart. */
#define FEED_OPTION(name, type, fallback, min, max, help)                                          \
    {                                                                                              \
        name, OPTION_##type, fallback, min, max, NULL, false, OPTION_RELOAD, help                  \
    }

static const OptionDecl options[] = {
    {"url", OPTION_URL, NULL, NULL, NULL, NULL, true, OPTION_RELOAD,
     "Where the feed's pages begin, for example https://cases.example/export/v1."},
    AUTHORIZATION_OPTIONS,
    CONNECTION_OPTIONS,
    FEED_OPTION("types", LIST, NULL, NULL, NULL,
                "The record types to read; all that are known when not set."),
    FEED_OPTION("page_size", COUNT, "2000", "1", "5000",
                "How many records to ask for in one page."),
    FEED_OPTION("page_limit", SIZE, "32MiB", "1MiB", "64MiB",
                "The largest page that is taken, after unpacking.  The contract promises at most "
                "8 MiB."),
    FEED_OPTION("timeout", DURATION, "60s", "1s", "10m",
                "How long the feed may stay silent in the middle of an answer."),
    FEED_OPTION("wait", DURATION, "0s", "0s", "50s",
                "How long the feed may keep us waiting at its head for something new (long "
                "poll).  Other feeds wait meanwhile: for a site with one feed."),
    {0},
};

static void mef_close(void *self)
{
    Mef *mef = self;
    if (!mef)
        return;
    http_client_free(mef->server.client);
    authorization_free(mef->server.authorization);
    arena_free(mef->manifest_arena);
    arena_free(mef->settings);
    free(mef);
}

static void copy_settings(Mef *mef, const Section *section)
{
    Arena *arena = mef->settings;
    const char *const *types;
    char *base = arena_text(arena, section_text(section, "url"));
    for (size_t size = strlen(base); size && base[size - 1] == '/';)
        base[--size] = '\0';
    mef->server.base = base;
    mef->server.page_limit = (size_t)section_number(section, "page_limit");
    mef->page_size = section_number(section, "page_size");
    mef->wait_ms = section_number(section, "wait");
    mef->type_count = section_list(section, "types", &types);
    const char **copies = arena_array(arena, mef->type_count + 1, sizeof *copies);
    for (size_t i = 0; i < mef->type_count; i++)
        copies[i] = arena_text(arena, types[i]);
    mef->types = copies;
}

static bool types_are_known(const Mef *mef, Error *err)
{
    for (size_t i = 0; i < mef->type_count; i++)
        if (mef_type_index(mef->types[i]) < 0)
            return error_set(err, ERROR_CONFIG, "feed.types",
                             "\"%s\" in types is no record type of the export contract",
                             mef->types[i]);
    return true;
}

static bool mef_open(const char *name, const Section *section, void **ret_self, Error *err)
{
    Mef *mef = calloc(1, sizeof *mef);
    if (!mef)
        return error_set(err, ERROR_LATER, "feed.memory", "no memory for a feed");
    mef->settings = arena_new(1 << 20);
    mef->manifest_arena = arena_new(4 << 20);
    mef->glances = GLANCES_MOST; /* a new process looks at the manifest first */
    copy_settings(mef, section);
    HttpSettings http = connection_settings(section, mef->settings);
    http.stall_timeout_ms = section_number(section, "timeout") + mef->wait_ms;
    if (!types_are_known(mef, err) ||
        !authorization_new(section, &mef->server.authorization, err) ||
        !http_client_new(&http, &mef->server.client, err)) {
        mef_close(mef);
        return error_wrap(err, "opening feed \"%s\"", name);
    }
    *ret_self = mef;
    return true;
}

/* ---- one poll ---- */

static bool begin_poll(Mef *mef, int64_t *ret_wait_ms, Error *err)
{
    char *bytes;
    size_t size;
    arena_reset(mef->manifest_arena);
    mef->seen_count = 0;
    mef->empty_pages = 0;
    if (!mef_ask_json(&mef->server, mef->manifest_arena, "/manifest", MANIFEST_LIMIT, &bytes, &size,
                      &mef->skew_ms, ret_wait_ms, err))
        return error_wrap(err, "asking for the manifest");
    if (!mef_manifest_read(bytes, size, mef->types, mef->type_count, mef->manifest_arena,
                           &mef->manifest, err))
        return false;
    if (mef->manifest.page_most > 0 && mef->page_size > mef->manifest.page_most)
        mef->page_size = mef->manifest.page_most;
    mef->polling = true;
    mef->glance = false;
    mef->glances = 0;
    return true;
}

/* At the head, with its tag in hand, one request is enough: "not modified", or what is new.  The
 * contract allows few requests a minute. */
static void begin_glance(Mef *mef, const FeedCursor *after)
{
    arena_reset(mef->manifest_arena);
    mef->seen_count = 0;
    mef->empty_pages = 0;
    mef->manifest = (MefManifest){.epoch = arena_text(mef->manifest_arena, after->epoch),
                                  .head_seq = after->seq};
    mef->polling = mef->glance = true;
    mef->glances++;
}

static bool may_glance(const Mef *mef, const FeedCursor *after)
{
    return mef->glances < GLANCES_MOST && after->complete && after->etag && *after->etag &&
           after->epoch && *after->epoch && text_equal(after->phase, CHANGES);
}

static bool begin_anew(Mef *mef, Arena *arena, const char *why, FeedPage *ret, Error *err)
{
    if (++mef->restarts > RESTARTS_MOST)
        return error_set(err, ERROR_LATER, "feed.restart_loop",
                         "the feed asks again and again to begin anew (%s)", why);
    mef->polling = false; /* the epoch may be a new one: read the manifest again */
    *ret = (FeedPage){.restart = true, .why = why, .more = true, .clock_skew_ms = mef->skew_ms};
    ret->next = (FeedCursor){.phase = arena_text(arena, "")};
    return true;
}

/* FNV-1a: only to see a cursor again, never to trust. */
static uint64_t cursor_hash(const char *phase, const char *cursor)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *c = phase; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    for (const char *c = cursor; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    return hash;
}

/* Has this poll been here before? */
static bool comes_back(Mef *mef, const char *phase, const char *cursor)
{
    uint64_t hash = cursor_hash(phase, cursor);
    size_t known = mef->seen_count < SEEN_CURSORS ? mef->seen_count : SEEN_CURSORS;
    for (size_t i = 0; i < known; i++)
        if (mef->seen[i] == hash)
            return true;
    mef->seen[mef->seen_count++ % SEEN_CURSORS] = hash;
    return false;
}

static bool check_progress(Mef *mef, const char *phase, const char *asked, const MefPage *page,
                           Error *err)
{
    if (!page->trailer.has_more)
        return true;
    mef->empty_pages = page->count + page->refused_count ? 0 : mef->empty_pages + 1;
    if (comes_back(mef, phase, asked) || strcmp(asked, page->trailer.next_cursor) == 0)
        return error_set(err, ERROR_LATER, "feed.cursor_loop",
                         "the feed sends us round in a circle");
    if (mef->empty_pages > EMPTY_PAGES_MOST)
        return error_set(err, ERROR_LATER, "feed.empty_pages",
                         "the feed sends one empty page after another");
    return true;
}

static bool must_begin_anew(Mef *mef, MefAnswer *answer)
{
    const char *epoch = answer->page.trailer.epoch;
    if (answer->outcome == MEF_BEGIN_ANEW)
        return true;
    answer->why = EPOCH_CHANGED;
    return epoch && strcmp(epoch, mef->manifest.epoch) != 0;
}

/* Restored from an old copy without saying so: its numbers end before our place.  The first time it
 * may be a copy of the server that lags, so we look twice. */
static bool check_back(Mef *mef, const FeedCursor *after, bool *ret_anew, Error *err)
{
    bool back = text_equal(after->phase, CHANGES) && mef->manifest.head_seq < after->seq;
    *ret_anew = back && mef->went_back;
    mef->went_back = back && !mef->went_back;
    return !mef->went_back ||
           error_set(err, ERROR_LATER, "feed.backwards",
                     "the feed's head lies before what was read of it: it may have been restored");
}

static void fill(Mef *mef, const MefAnswer *answer, FeedPage *ret)
{
    const MefPage *page = &answer->page;
    *ret = (FeedPage){.changes = page->changes,
                      .count = page->count,
                      .refused = page->refused,
                      .refused_count = page->refused_count,
                      .unknown_types = page->unknown_types,
                      .unknown_fields = page->unknown_fields,
                      .clock_skew_ms = answer->skew_ms ? answer->skew_ms : mef->skew_ms,
                      .next = {.epoch = mef->manifest.epoch, .head_seq = mef->manifest.head_seq}};
    mef->restarts = 0;
}

/* ---- snapshots ---- */

static int type_place(const Mef *mef, const char *type)
{
    for (size_t i = 0; i < mef->manifest.type_count; i++)
        if (strcmp(mef->manifest.types[i], type) == 0)
            return (int)i;
    return -1;
}

/* Splits "BEGINNING~PLACE" (either may be empty). */
static void split_cursor(Arena *arena, const char *cursor, const char **ret_beginning,
                         const char **ret_place)
{
    const char *wave = cursor ? strchr(cursor, '~') : NULL;
    *ret_beginning = wave ? arena_copy(arena, cursor, (size_t)(wave - cursor)) : "";
    *ret_place = wave ? wave + 1 : "";
}

/* Where this page leaves us: further in this type, at the next type, or at the change log. */
static void snapshot_next(Mef *mef, Arena *arena, int place, const char *beginning,
                          const FeedCursor *after, const MefPage *page, FeedCursor *next)
{
    const MefTrailer *trailer = &page->trailer;
    bool first = place == 0 && !*beginning;
    next->seq = first ? trailer->as_of_seq : after->seq;
    if (trailer->has_more) {
        next->phase = arena_format(arena, SNAPSHOT "%s", mef->manifest.types[place]);
        next->cursor = arena_format(
            arena, "%s~%s", trailer->changes_cursor && first ? trailer->changes_cursor : beginning,
            trailer->next_cursor);
        return;
    }
    if (first)
        beginning = trailer->changes_cursor ? trailer->changes_cursor : trailer->next_cursor;
    if ((size_t)place + 1 < mef->manifest.type_count) {
        next->phase = arena_format(arena, SNAPSHOT "%s", mef->manifest.types[place + 1]);
        next->cursor = arena_format(arena, "%s~", beginning);
    } else {
        next->phase = CHANGES;
        next->cursor = beginning;
    }
}

static bool fetch_snapshot(Mef *mef, Arena *arena, const FeedCursor *after, int place,
                           FeedPage *ret, int64_t *ret_wait_ms, Error *err)
{
    const char *beginning, *here;
    MefAnswer answer;
    split_cursor(arena, after->cursor, &beginning, &here);
    const char *type = mef->manifest.types[place];
    MefAsk ask = {.snapshot = true};
    ask.path_and_query = arena_format(arena, "/snapshot/%s?limit=%lld%s%s", type,
                                      (long long)mef->page_size, *here ? "&cursor=" : "", here);
    if (!mef_ask_page(&mef->server, arena, &ask, &answer, ret_wait_ms, err))
        return error_wrap(err, "reading the snapshot of %s", type);
    if (must_begin_anew(mef, &answer))
        return begin_anew(mef, arena, answer.why, ret, err);
    if (!check_progress(mef, type, here, &answer.page, err))
        return false;
    fill(mef, &answer, ret);
    snapshot_next(mef, arena, place, beginning, after, &answer.page, &ret->next);
    ret->more = true;
    return true;
}

/* ---- the change log ---- */

static const char *types_query(const Mef *mef, Arena *arena)
{
    Text text = text_new(arena, 4096);
    for (size_t i = 0; i < mef->type_count; i++) {
        text_add(&text, i ? "," : "&types=");
        text_add(&text, mef->types[i]);
    }
    return text_get(&text);
}

static bool nothing_new(Mef *mef, const MefAnswer *answer, const FeedCursor *after, FeedPage *ret)
{
    fill(mef, answer, ret);
    ret->next = *after;
    ret->next.epoch = mef->manifest.epoch;
    ret->next.head_seq = mef->manifest.head_seq;
    ret->next.complete = after->seq >= mef->manifest.head_seq;
    mef->polling = false;
    return true;
}

static bool fetch_changes(Mef *mef, Arena *arena, const FeedCursor *after, FeedPage *ret,
                          int64_t *ret_wait_ms, Error *err)
{
    MefAnswer answer;
    MefAsk ask = {.etag = after->etag && *after->etag ? after->etag : NULL};
    if (after->seq >= mef->manifest.head_seq)
        ask.wait_ms = mef->wait_ms;
    ask.path_and_query =
        arena_format(arena, "/changes?limit=%lld%s&cursor=%s", (long long)mef->page_size,
                     types_query(mef, arena), after->cursor ? after->cursor : "");
    if (!mef_ask_page(&mef->server, arena, &ask, &answer, ret_wait_ms, err))
        return error_wrap(err, "reading the change log");
    if (must_begin_anew(mef, &answer))
        return begin_anew(mef, arena, answer.why, ret, err);
    if (answer.outcome == MEF_NOT_MODIFIED)
        return nothing_new(mef, &answer, after, ret);
    const MefTrailer *trailer = &answer.page.trailer;
    if (!check_progress(mef, CHANGES, after->cursor ? after->cursor : "", &answer.page, err))
        return false;
    fill(mef, &answer, ret);
    ret->next.phase = CHANGES;
    ret->next.cursor = trailer->next_cursor;
    ret->next.seq = trailer->to_seq > after->seq ? trailer->to_seq : after->seq;
    for (size_t i = 0; i < ret->count; i++)
        if (ret->changes[i].seq > ret->next.seq)
            ret->next.seq = ret->changes[i].seq;
    ret->more = trailer->has_more;
    if (ret->more && mef->glance)
        mef->polling = false; /* there is much: see how far it goes */
    if (!ret->more) {
        ret->next.etag = answer.etag;
        ret->next.complete = ret->next.seq >= mef->manifest.head_seq;
        mef->polling = false;
    }
    return true;
}

static bool fetch_page(Mef *mef, Arena *arena, const FeedCursor *after, FeedPage *ret,
                       int64_t *ret_wait_ms, Error *err)
{
    bool anew;
    if (!mef->polling && may_glance(mef, after))
        begin_glance(mef, after);
    if (!mef->polling && !begin_poll(mef, ret_wait_ms, err))
        return false;
    if (after->epoch && *after->epoch && strcmp(after->epoch, mef->manifest.epoch) != 0)
        return begin_anew(mef, arena, EPOCH_CHANGED, ret, err);
    if (!check_back(mef, after, &anew, err))
        return false;
    if (anew)
        return begin_anew(mef, arena, "feed.backwards", ret, err);
    const char *phase = after->phase ? after->phase : "";
    if (!*phase)
        return fetch_snapshot(mef, arena, after, 0, ret, ret_wait_ms, err);
    if (strcmp(phase, CHANGES) == 0)
        return fetch_changes(mef, arena, after, ret, ret_wait_ms, err);
    int place = text_starts(phase, SNAPSHOT) ? type_place(mef, phase + strlen(SNAPSHOT)) : -1;
    if (place < 0)
        return begin_anew(mef, arena, "feed.type_gone", ret, err);
    return fetch_snapshot(mef, arena, after, place, ret, ret_wait_ms, err);
}

static bool mef_fetch(void *self, Arena *arena, const FeedCursor *after, FeedPage *ret,
                      FeedWait *ret_wait, Error *err)
{
    Mef *mef = self;
    ret_wait->wait_ms = 0;
    if (fetch_page(mef, arena, after, ret, &ret_wait->wait_ms, err)) {
        ret_wait->wait_ms = 0;
        return true;
    }
    mef->polling = false;
    mef->glances = GLANCES_MOST;
    return false;
}

const FeedAdapter feed_mef = {
    .name = "mef",
    .summary = "MEF/1: JSON change feed over HTTPS, with snapshots and cursors",
    .options = options,
    .open = mef_open,
    .fetch = mef_fetch,
    .close = mef_close,
};
