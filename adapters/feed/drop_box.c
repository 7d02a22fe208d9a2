/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of a feed of drops: what waits in it, and where it goes afterwards. */
#include "adapters/feed/drop_box.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/fault.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DROPS_MOST 10000
#define DONE "done"
#define NUMBERS_MOST 1000

/* What may lie beside a drop and goes with it. */
static const char *const beside[] = {".sha256"};

const char *drop_box_path(const DropFeed *feed, const DropCandidate *candidate, Arena *arena)
{
    return arena_format(arena, "%s/%s%s", feed->folder, candidate->archived ? DONE "/" : "",
                        candidate->name);
}

static int in_order(const void *a, const void *b)
{
    const DropCandidate *one = a, *other = b;
    if (one->order != other->order)
        return one->order < other->order ? -1 : 1;
    return strcmp(one->name, other->name);
}

typedef struct Candidates {
    DropCandidate *items;
    size_t count, capacity;
} Candidates;

static bool look_into(const DropFeed *feed, bool archived, Arena *arena, Candidates *all,
                      Error *err)
{
    const char *path = arena_format(arena, "%s%s", feed->folder, archived ? "/" DONE : "");
    _cleanup_closedir_ DIR *folder = opendir(path);
    if (!folder && archived && errno == ENOENT)
        return true;
    if (!folder)
        return error_errno(err, errno, "drop.folder", "could not read folder \"%s\"", path);
    for (struct dirent *entry; (entry = readdir(folder)) && all->count < DROPS_MOST;) {
        DropCandidate candidate = {0};
        if (entry->d_name[0] == '.' || strlen(entry->d_name) > 150 ||
            !text_is_utf8(entry->d_name, strlen(entry->d_name)))
            continue;
        const char *at = arena_format(arena, "%s/%s", path, entry->d_name);
        if (!feed->kind->recognise(feed, at, entry->d_name, arena, &candidate))
            continue;
        candidate.name = arena_text(arena, entry->d_name);
        candidate.archived = archived;
        all->items = arena_grow(arena, all->items, all->count, &all->capacity, sizeof *all->items);
        all->items[all->count++] = candidate;
    }
    return true;
}

/* Begun anew, the archive is read from its last full drop on; else it was read before. */
static void drop_old_archive(Candidates *all, int64_t taken)
{
    int64_t from = taken + 1;
    size_t kept = 0;
    for (size_t i = 0; i < all->count && !taken; i++)
        if (all->items[i].archived && all->items[i].full)
            from = all->items[i].order;
    for (size_t i = 0; i < all->count; i++)
        if (!all->items[i].archived || all->items[i].order >= from)
            all->items[kept++] = all->items[i];
    all->count = kept;
}

bool drop_box_list(const DropFeed *feed, int64_t taken, Arena *arena, DropCandidate **ret,
                   size_t *ret_count, Error *err)
{
    Candidates all = {0};
    if (!look_into(feed, false, arena, &all, err) || !look_into(feed, true, arena, &all, err))
        return false;
    if (all.count)
        qsort(all.items, all.count, sizeof *all.items, in_order);
    drop_old_archive(&all, taken);
    *ret = all.items;
    *ret_count = all.count;
    return true;
}

/* A name that nothing has there yet: NAME, or NAME.2 and so on. */
static const char *free_name(const char *folder, const char *name, Arena *arena)
{
    const char *path = arena_format(arena, "%s/%s", folder, name);
    for (int number = 2; access(path, F_OK) == 0 && number < NUMBERS_MOST; number++)
        path = arena_format(arena, "%s/%s.%d", folder, name, number);
    return path;
}

bool drop_box_move(const DropFeed *feed, const char *name, const char *where, Arena *arena,
                   Error *err)
{
    const char *folder = arena_format(arena, "%s/%s", feed->folder, where);
    if (!file_make_folder(folder, 0700, err))
        return false;
    FAULT(DROP_BEFORE_MOVE);
    for (size_t i = 0; i <= COUNT_OF(beside); i++) {
        if (i == COUNT_OF(beside))
            FAULT(DROP_MID_MOVE);
        const char *ending = i < COUNT_OF(beside) ? beside[i] : "";
        const char *from = arena_format(arena, "%s/%s%s", feed->folder, name, ending);
        const char *to = free_name(folder, arena_format(arena, "%s%s", name, ending), arena);
        if (rename(from, to) < 0 && errno != ENOENT)
            return error_errno(err, errno, "drop.move", "could not move drop \"%s\" to %s/", name,
                               where);
    }
    return true;
}

bool drop_box_say(const DropFeed *feed, const char *name, const char *where,
                  const DropProblems *problems, Arena *arena, Error *err)
{
    const char *folder = arena_format(arena, "%s/%s", feed->folder, where);
    return file_make_folder(folder, 0700, err) &&
           drop_problem_write(problems, arena_format(arena, "%s/%s.problems.csv", folder, name),
                              err);
}
