/* SPDX-License-Identifier: Apache-2.0 */
/* A feed of drops: files that somebody puts into a folder, each taken in whole, once, in order.
 *
 * Nothing in the folder moves before the cursor that covers it is committed: a
 * drop that is in goes to done/ at the fetch after, one that cannot be taken in
 * goes to quarantine/ with NAME.problems.csv.  A process may die between any two
 * lines: the next one reads the drop again up to the place that was committed.
 *
 * A full drop says what there is: with its last page the caller is told that
 * whatever it did not name is gone (FeedPage.sweep_before).  One that has over
 * `fall` per cent fewer rows in any file than the full drop before it waits
 * until a person has made NAME.accept beside it. */
#pragma once

#include "adapters/adapter.h"
#include "adapters/feed/drop_files.h"
#include "adapters/feed/drop_place.h"

/* Something in the folder that may be a drop. */
typedef struct DropCandidate {
    const char *name;
    int64_t order;      /* drops are taken in by this, then by name */
    bool full;          /* it will be one that says all there is */
    const char *sha256; /* as said beside it, or NULL */
    bool archived;      /* it lies in done/ */
} DropCandidate;

/* One step of reading a drop. */
typedef struct DropItem {
    enum { DROP_ITEM_CHANGE, DROP_ITEM_REFUSAL, DROP_ITEM_END } what;
    Change change;
    FeedRefusal refusal;
} DropItem;

typedef struct DropFeed DropFeed;

typedef struct DropOpened {
    const DropCandidate *candidate;
    const DropFiles *files;
    int64_t seq; /* its place in the order of drops; 10 times that is a record's version */
    Arena *arena;
    DropProblems *problems;
    DropCount *counts; /* rows by file, for the guard against a fall */
    size_t count;
} DropOpened;

/* What differs from one form of drop to another. */
typedef struct DropKind {
    /* Is this entry of the folder a drop, and ready?  `path` is where it lies. */
    bool (*recognise)(const DropFeed *feed, const char *path, const char *name, Arena *arena,
                      DropCandidate *ret);
    /* Its place in the order of drops, given the last one's; 0: it comes too late. */
    int64_t (*sequence)(int64_t order, int64_t taken);
    /* Looks at the whole of it before anything is taken in.  What is wrong is a problem. */
    bool (*open)(const DropFeed *feed, DropOpened *drop, void **ret_reader, Error *err);
    /* The next change, always the same ones in the same order. */
    bool (*next)(void *reader, Arena *arena, DropItem *ret, Error *err);
    void (*close)(void *reader);
} DropKind;

struct DropFeed {
    const DropKind *kind;
    Arena *settings;
    const char *name, *folder, *source;
    const void *profile; /* what else the kind needs to know */
    int64_t page_size, size_limit, fall, settle_ms;
    /* The drop at hand */
    Arena *arena;
    DropFiles files;
    DropOpened opened;
    DropProblems problems;
    void *reader;
    const char *reading, *digest;
    int64_t at;
};

/* The options that every feed of drops has; an adapter's table begins with them. */
#define DROP_OPTION(name, type, fallback, min, max, choices, required, help)                       \
    {                                                                                              \
        name, OPTION_##type, fallback, min, max, choices, required, OPTION_RELOAD, help            \
    }
#define DROP_OPTIONS                                                                               \
    DROP_OPTION("folder", PATH, NULL, NULL, NULL, NULL, true,                                      \
                "The folder into which drops are put; done/ and quarantine/ are made in it."),     \
        DROP_OPTION("page_size", COUNT, "2000", "1", "20000", NULL, false,                         \
                    "How many records are taken in at once."),                                     \
        DROP_OPTION("size_limit", SIZE, "512MiB", "1MiB", "64GiB", NULL, false,                    \
                    "The largest drop that is taken, after unpacking.")

bool drop_feed_open(const DropKind *kind, const char *name, const Section *section, DropFeed **ret,
                    Error *err);
bool drop_feed_fetch(void *self, Arena *arena, const FeedCursor *after, FeedPage *ret,
                     FeedWait *ret_wait, Error *err);
void drop_feed_close(void *self);

/* 1 to 20 letters, digits, - or _ */
bool drop_id_is(const char *text);
