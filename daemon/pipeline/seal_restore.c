/* SPDX-License-Identifier: Apache-2.0 */
/* A restore, said and written down. */
#include "daemon/pipeline/seal_restore.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NOTES_CAP ((size_t)3 << 30)
#define ASIDE_MOST 1000

typedef struct Meeting {
    Arena *arena;
    const char *newest; /* note of the database; NULL: none */
    const char *outside;
    bool met; /* the database has the copy's newest */
} Meeting;

static bool meet(void *data, const SealCheckpoint *checkpoint, Error *err)
{
    Meeting *meeting = data;
    (void)err;
    arena_reset(meeting->arena);
    meeting->newest = arena_text(meeting->arena, checkpoint->note);
    meeting->met = meeting->met || text_equal(checkpoint->note, meeting->outside);
    return true;
}

static bool size_of(const char *note, Arena *arena, int64_t *ret, Error *err)
{
    const char *end = strstr(note, "\n\n");
    SealHead head;
    if (!end || !seal_head_parse(arena_copy(arena, note, (size_t)(end + 1 - note)), &head))
        return error_set(err, ERROR_DATA, "seal.tampered", "a checkpoint is not one");
    *ret = head.size;
    return true;
}

static bool is_among(const char *const *notes, size_t count, const char *note)
{
    for (size_t i = count; i > 0; i--)
        if (strcmp(notes[i - 1], note) == 0)
            return true;
    return false;
}

static bool write_down(Store *store, const char *outside, const char *actor,
                       const SealRestored *restored, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    uint8_t digest[DIGEST_SIZE];
    digest_bytes(outside, strlen(outside), digest);
    AuditFields fields = {.sequence = restored->kept,
                          .records = restored->given_up,
                          .digest = digest,
                          .actor = actor};
    return store_begin(store, &transaction, err) &&
           audit_append(store, AUDIT_SEAL_SET_BACK, &fields, err) &&
           store_commit(&transaction, err);
}

/* Both under the same number, the first that neither has. */
static bool move_aside(const char *folder, Arena *arena, Error *err)
{
    static const char *const names[] = {"checkpoints", "leaves"};
    const char *aside[COUNT_OF(names)];
    for (int number = 1; number < ASIDE_MOST; number++) {
        bool taken = false;
        for (size_t i = 0; i < COUNT_OF(names); i++) {
            aside[i] = arena_format(arena, "%s/%s.%d", folder, names[i], number);
            taken = taken || access(aside[i], F_OK) == 0;
        }
        if (taken)
            continue;
        for (size_t i = 0; i < COUNT_OF(names); i++)
            if (rename(seal_copy_path(folder, names[i], arena), aside[i]) < 0 && errno != ENOENT)
                return error_errno(err, errno, "seal.copy", "could not move the seal's copy aside");
        return true;
    }
    return error_set(err, ERROR_DATA, "seal.copy",
                     "cannot move the seal's copy aside: there are too many");
}

bool seal_restore(Store *store, const char *folder, const char *actor, SealRestored *ret,
                  Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(NOTES_CAP);
    _cleanup_arena_ Arena *newest = arena_new(65536);
    Meeting meeting = {.arena = newest};
    SealReader reader = {.checkpoint = meet, .data = &meeting};
    const char *const *notes;
    size_t count;
    int64_t outside;
    *ret = (SealRestored){0};
    if (!seal_copy_notes(folder, arena, &notes, &count, err))
        return false;
    if (count == 0)
        return true;
    meeting.outside = notes[count - 1];
    if (!seal_read(store, &reader, err))
        return false;
    if (meeting.met)
        return true;
    if (meeting.newest && !is_among(notes, count, meeting.newest))
        return error_set(err, ERROR_DATA, "seal.tampered",
                         "cannot take this for a restore: the database has checkpoints that the "
                         "copy outside never had");
    if (!size_of(meeting.outside, arena, &outside, err) ||
        (meeting.newest && !size_of(meeting.newest, arena, &ret->kept, err)))
        return false;
    ret->behind = true;
    ret->given_up = outside - ret->kept;
    return write_down(store, meeting.outside, actor, ret, err) && move_aside(folder, arena, err);
}
