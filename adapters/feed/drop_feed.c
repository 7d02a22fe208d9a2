/* SPDX-License-Identifier: Apache-2.0 */
/* A feed of drops: files that somebody puts into a folder, each taken in whole, once, in order. */
#include "adapters/feed/drop_feed.h"

#include "adapters/feed/drop_box.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DROP_CAP ((size_t)512 << 20) /* what is kept of one drop while it is read */
#define PAGE_FULL ((size_t)16 << 20) /* a page ends here, however few its records */
#define SKIP_BREATH 1000             /* records between two looks at memory */

bool drop_id_is(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t size = text ? strlen(text) : 0;
    return size >= 1 && size <= 20 && strspn(text, allowed) == size;
}

/* ---- open and close ---- */

static void put_down(DropFeed *feed)
{
    if (feed->reader)
        feed->kind->close(feed->reader);
    drop_files_close(&feed->files);
    feed->reader = NULL;
    feed->reading = feed->digest = NULL;
    arena_reset(feed->arena);
}

void drop_feed_close(void *self)
{
    DropFeed *feed = self;
    if (!feed)
        return;
    put_down(feed);
    arena_free(feed->arena);
    arena_free(feed->settings);
    free(feed);
}

bool drop_feed_open(const DropKind *kind, const char *name, const Section *section, DropFeed **ret,
                    Error *err)
{
    DropFeed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return error_set(err, ERROR_LATER, "feed.memory", "no memory for a feed");
    feed->kind = kind;
    feed->settings = arena_new(1 << 20);
    feed->arena = arena_new(DROP_CAP);
    feed->name = arena_text(feed->settings, name);
    feed->folder = arena_text(feed->settings, section_text(section, "folder"));
    feed->page_size = section_number(section, "page_size");
    feed->size_limit = section_number(section, "size_limit");
    feed->fall = section_number(section, "fall");
    if (access(feed->folder, R_OK | W_OK | X_OK) < 0) {
        error_set(err, ERROR_CONFIG, "drop.folder",
                  "cannot use folder \"%s\" of feed \"%s\": it must be there, and writable",
                  feed->folder, name);
        drop_feed_close(feed);
        return false;
    }
    *ret = feed;
    return true;
}

/* ---- the drop at hand ---- */

/* Opens it and looks at all of it.  What is wrong with it stands in feed->problems. */
static bool pick_up(DropFeed *feed, const DropCandidate *candidate, int64_t seq, Error *err)
{
    put_down(feed);
    feed->problems = (DropProblems){.arena = feed->arena};
    const char *path = drop_box_path(feed, candidate, feed->arena);
    const char *sha256 = arena_text(feed->arena, candidate->sha256);
    if (!drop_files_open(path, sha256, feed->size_limit, feed->arena, &feed->problems, &feed->files,
                         err))
        return error_wrap(err, "reading drop \"%s\"", candidate->name);
    DropCandidate *own = arena_alloc(feed->arena, sizeof *own);
    *own = *candidate;
    own->name = arena_text(feed->arena, candidate->name);
    feed->reading = own->name;
    feed->digest = feed->files.digest;
    feed->at = 0;
    feed->opened = (DropOpened){.candidate = own,
                                .files = &feed->files,
                                .seq = seq,
                                .arena = feed->arena,
                                .problems = &feed->problems};
    if (feed->problems.refused)
        return true;
    if (!seq)
        drop_problem_add(&feed->problems, DROP_OLDER, NULL, 0, NULL);
    else if (!feed->kind->open(feed, &feed->opened, &feed->reader, err))
        return error_wrap(err, "reading drop \"%s\"", candidate->name);
    return true;
}

/* Up to the change that was committed last. */
static bool skip_to(DropFeed *feed, int64_t at, Error *err)
{
    _cleanup_arena_ Arena *scratch = arena_new(DROP_CAP);
    DropItem item;
    for (; feed->at < at; feed->at++) {
        if (feed->at % SKIP_BREATH == 0)
            arena_reset(scratch);
        if (!feed->kind->next(feed->reader, scratch, &item, err))
            return false;
        if (item.what == DROP_ITEM_END)
            return error_set(err, ERROR_BUG, "drop.skip", "a drop is shorter than it was");
    }
    return true;
}

/* ---- after the commit: out of the way with what is done ---- */

static bool same_drop(const DropFeed *feed, const DropRef *ref, Arena *arena, bool *ret, Error *err)
{
    DropFiles files = {0};
    DropProblems problems = {.arena = arena};
    const char *path = arena_format(arena, "%s/%s", feed->folder, ref->name);
    *ret = false;
    if (access(path, F_OK) < 0)
        return true;
    bool done = drop_files_open(path, NULL, feed->size_limit, arena, &problems, &files, err);
    *ret = done && strcmp(files.digest, ref->digest) == 0;
    drop_files_close(&files);
    return done;
}

static bool settle(DropFeed *feed, const DropPlace *place, Arena *arena, Error *err)
{
    const struct {
        const DropRef *ref;
        const char *where;
    } moves[] = {{&place->taken, "done"}, {&place->refused, "quarantine"}};
    for (size_t i = 0; i < COUNT_OF(moves); i++) {
        bool same;
        if (!moves[i].ref->name)
            continue;
        if (!same_drop(feed, moves[i].ref, arena, &same, err) ||
            (same && !drop_box_move(feed, moves[i].ref->name, moves[i].where, arena, err)))
            return false;
    }
    return true;
}

/* ---- pages ---- */

static void finish_page(DropFeed *feed, const DropPlace *place, const FeedCursor *after,
                        const char *phase, Arena *arena, FeedPage *ret)
{
    ret->next = *after;
    ret->next.phase = phase;
    ret->next.cursor = drop_place_write(place, arena);
    if (ret->next.head_seq < ret->next.seq)
        ret->next.head_seq = ret->next.seq;
    (void)feed;
}

/* Nothing waits.  What went to quarantine is forgotten. */
static bool idle(DropFeed *feed, DropPlace *place, const FeedCursor *after, Arena *arena,
                 FeedPage *ret)
{
    put_down(feed);
    place->refused = (DropRef){0};
    finish_page(feed, place, after, place->full ? "waiting for a drop" : "waiting for a full drop",
                arena, ret);
    ret->next.head_seq = ret->next.seq;
    ret->next.complete = place->full;
    return true;
}

/* The drop cannot be taken in: said now, moved after the commit. */
static bool refuse(DropFeed *feed, DropPlace *place, const FeedCursor *after, Arena *arena,
                   FeedPage *ret, Error *err)
{
    const DropProblem *first = NULL;
    for (size_t i = 0; i < feed->problems.count && !first; i++)
        if (drop_problem_refuses(feed->problems.items[i].kind))
            first = &feed->problems.items[i];
    if (!drop_box_say(feed, feed->reading, "quarantine", &feed->problems, arena, err))
        return false;
    place->refused = (DropRef){.name = arena_text(arena, feed->reading),
                               .digest = arena_text(arena, feed->digest)};
    place->reading = (DropRef){0};
    place->at = 0;
    ret->refused = arena_alloc(arena, sizeof *ret->refused);
    ret->refused_count = 1;
    *ret->refused = (FeedRefusal){
        .code = first ? drop_problem_code(first->kind) : "drop.refused",
        .text = arena_format(arena, "drop \"%s\" was refused: %s", feed->reading,
                             first ? drop_problem_text(first->kind) : "it cannot be read"),
        .remedy = arena_format(arena, "read quarantine/%s.problems.csv: it says what to correct",
                               feed->reading)};
    finish_page(feed, place, after, "a drop was refused", arena, ret);
    ret->more = true;
    put_down(feed);
    return true;
}

/* What is worth saying of a drop that is taken in: beside it, and once as a finding. */
static bool say_notes(DropFeed *feed, Arena *arena, FeedPage *ret, size_t *capacity, Error *err)
{
    for (size_t i = 0; i < feed->problems.count; i++) {
        const DropProblem *note = &feed->problems.items[i];
        ret->refused =
            arena_grow(arena, ret->refused, ret->refused_count, capacity, sizeof *ret->refused);
        ret->refused[ret->refused_count++] = (FeedRefusal){
            .code = drop_problem_code(note->kind),
            .text = arena_format(arena, "%s%s%s: %s", note->file, note->column ? " " : "",
                                 note->column ? note->column : "", drop_problem_text(note->kind)),
            .remedy = "read NAME.problems.csv in done/",
            .note = true};
    }
    return !feed->problems.count ||
           drop_box_say(feed, feed->reading, "done", &feed->problems, arena, err);
}

static bool read_changes(DropFeed *feed, Arena *arena, FeedPage *ret, size_t *capacity,
                         bool *ret_end, Error *err)
{
    size_t room = 0;
    for (*ret_end = false; ret->count < (size_t)feed->page_size && arena_used(arena) < PAGE_FULL;) {
        DropItem item;
        if (!arena_check(feed->arena, err) || !feed->kind->next(feed->reader, arena, &item, err))
            return false;
        if (item.what == DROP_ITEM_END) {
            *ret_end = true;
            return true;
        }
        feed->at++;
        if (item.what == DROP_ITEM_CHANGE) {
            ret->changes = arena_grow(arena, ret->changes, ret->count, &room, sizeof *ret->changes);
            ret->changes[ret->count++] = item.change;
        } else {
            ret->refused =
                arena_grow(arena, ret->refused, ret->refused_count, capacity, sizeof *ret->refused);
            ret->refused[ret->refused_count++] = item.refusal;
        }
    }
    return true;
}

static DropRef own_ref(const DropFeed *feed, Arena *arena)
{
    return (DropRef){.name = arena_text(arena, feed->reading),
                     .digest = arena_text(arena, feed->digest),
                     .seq = feed->opened.seq};
}

static void take(DropFeed *feed, DropPlace *place, Arena *arena)
{
    const DropOpened *opened = &feed->opened;
    place->taken = own_ref(feed, arena);
    place->reading = place->refused = (DropRef){0};
    place->at = 0;
    if (!opened->candidate->full)
        return;
    place->full = true;
    place->counts = arena_array(arena, opened->count + 1, sizeof *place->counts);
    place->count = opened->count;
    for (size_t i = 0; i < opened->count; i++)
        place->counts[i] = (DropCount){.file = arena_text(arena, opened->counts[i].file),
                                       .rows = opened->counts[i].rows};
}

static bool read_page(DropFeed *feed, DropPlace *place, const FeedCursor *after, bool last,
                      Arena *arena, FeedPage *ret, Error *err)
{
    bool end;
    size_t capacity = 0;
    int64_t seq = feed->opened.seq;
    if (feed->at == 0 && !say_notes(feed, arena, ret, &capacity, err))
        return false;
    if (!read_changes(feed, arena, ret, &capacity, &end, err))
        return false;
    ret->more = true;
    if (end) {
        take(feed, place, arena);
        finish_page(feed, place, after, "a drop is in", arena, ret);
        ret->next.seq = ret->next.head_seq = seq;
        ret->next.complete = place->full && last;
        if (feed->opened.candidate->full)
            ret->sweep_before = seq;
        put_down(feed);
    } else {
        place->reading = own_ref(feed, arena);
        place->refused = (DropRef){0};
        place->at = feed->at;
        finish_page(feed, place, after, arena_format(arena, "reading %s", feed->reading), arena,
                    ret);
        ret->next.head_seq = seq;
        ret->next.complete = false;
    }
    return true;
}

/* ---- which drop ---- */

/* Fewer rows than before?  A file that is not there any more has none. */
static const char *fallen(const DropFeed *feed, const DropPlace *place)
{
    for (size_t i = 0; i < place->count; i++) {
        int64_t before = place->counts[i].rows, now = 0;
        for (size_t j = 0; j < feed->opened.count; j++)
            if (strcmp(feed->opened.counts[j].file, place->counts[i].file) == 0)
                now = feed->opened.counts[j].rows;
        if ((before - now) * 100 > feed->fall * before)
            return place->counts[i].file;
    }
    return NULL;
}

static bool may_be_taken(DropFeed *feed, const DropPlace *place, const FeedCursor *after,
                         Arena *arena, FeedWait *ret_wait, Error *err)
{
    const DropCandidate *candidate = feed->opened.candidate;
    const char *file = candidate->full && !candidate->archived ? fallen(feed, place) : NULL;
    if (!file || text_equal(after->allowed, feed->digest))
        return true;
    ret_wait->held = arena_text(arena, feed->digest);
    error_set(err, ERROR_CONFIG, "drop.fall",
              "drop \"%s\" has over %lld %% fewer rows of %s than the full one before it: it waits "
              "for a person",
              candidate->name, (long long)feed->fall, file);
    put_down(feed);
    return false;
}

/* The drop that was begun, or the next in order.  *ret NULL: none waits. */
static const DropCandidate *choose(const DropPlace *place, const DropCandidate *all, size_t count,
                                   bool *ret_last)
{
    const DropCandidate *chosen = NULL;
    for (size_t i = 0; i < count && !chosen; i++)
        if (!place->reading.name || strcmp(all[i].name, place->reading.name) == 0)
            chosen = &all[i];
    *ret_last = chosen && chosen == &all[count - 1];
    return chosen;
}

static bool at_hand(const DropFeed *feed, const DropPlace *place, const DropCandidate *chosen)
{
    return feed->reader && place->reading.name && feed->at == place->at &&
           strcmp(feed->reading, chosen->name) == 0 &&
           strcmp(feed->digest, place->reading.digest) == 0;
}

/* Ready to go on where the last commit was.  The drop may turn out to be refused. */
static bool begin(DropFeed *feed, const DropPlace *place, const FeedCursor *after,
                  const DropCandidate *chosen, Arena *arena, FeedWait *ret_wait, Error *err)
{
    bool begun = place->reading.name != NULL;
    if (at_hand(feed, place, chosen))
        return true;
    int64_t seq =
        begun ? place->reading.seq : feed->kind->sequence(chosen->order, place->taken.seq);
    if (!pick_up(feed, chosen, seq, err))
        return false;
    if (begun && strcmp(feed->digest, place->reading.digest) != 0)
        drop_problem_add(&feed->problems, DROP_CHANGED, NULL, 0, NULL);
    if (feed->problems.refused)
        return true;
    return begun ? skip_to(feed, place->at, err)
                 : may_be_taken(feed, place, after, arena, ret_wait, err);
}

/* The drop that was begun is no more there: whoever took it away must bring a full one. */
static bool lost(DropFeed *feed, DropPlace *place, const FeedCursor *after, Arena *arena,
                 FeedPage *ret)
{
    ret->refused = arena_alloc(arena, sizeof *ret->refused);
    ret->refused_count = 1;
    *ret->refused = (FeedRefusal){
        .code = drop_problem_code(DROP_CHANGED),
        .text = arena_format(arena, "drop \"%s\" was taken away half read", place->reading.name),
        .remedy = "put it back, or a full drop in its place"};
    place->reading = (DropRef){0};
    place->at = 0;
    place->full = false; /* half of it is in: complete again with the next full one */
    finish_page(feed, place, after, "waiting for a full drop", arena, ret);
    ret->more = true;
    return true;
}

bool drop_feed_fetch(void *self, Arena *arena, const FeedCursor *after, FeedPage *ret,
                     FeedWait *ret_wait, Error *err)
{
    DropFeed *feed = self;
    DropPlace place;
    DropCandidate *all;
    size_t count;
    bool last;
    *ret = (FeedPage){0};
    *ret_wait = (FeedWait){0};
    if (!drop_place_read(after->cursor, arena, &place, err) || !settle(feed, &place, arena, err) ||
        !drop_box_list(feed, place.taken.seq, arena, &all, &count, err))
        return false;
    const DropCandidate *chosen = choose(&place, all, count, &last);
    if (!chosen)
        return place.reading.name ? lost(feed, &place, after, arena, ret)
                                  : idle(feed, &place, after, arena, ret);
    if (!begin(feed, &place, after, chosen, arena, ret_wait, err))
        return false;
    return feed->problems.refused ? refuse(feed, &place, after, arena, ret, err)
                                  : read_page(feed, &place, after, last, arena, ret, err);
}
