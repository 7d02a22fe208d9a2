/* SPDX-License-Identifier: Apache-2.0 */
/* The seal's copy outside the database: a folder with three files that only grow.
 *
 *     checkpoints   signed notes, each followed by an empty line
 *     leaves        the hash of each sealed event, 32 bytes each, in the tree's order
 *     keys.pem      the public half of every key that ever sealed here
 *
 * The database has a checkpoint first, the copy right after, each write synced
 * before the next: the copy is never ahead.  What a crash cut short at the end of
 * a file was never relied on and is cut off before the next write.  Nothing in
 * them is personal or secret: anyone on the machine may read them and keep a copy
 * elsewhere, and should. */
#pragma once

#include "daemon/sign/note.h"

typedef struct SealCopy SealCopy;

typedef struct SealHead { /* a checkpoint's text, read */
    int64_t size, at;     /* leaves; microseconds */
    uint8_t root[DIGEST_SIZE];
} SealHead;

/* "NAME\nSIZE\nROOT\nTIME\n": C2SP tlog-checkpoint with the time as its one extension line. */
const char *seal_head_text(const SealHead *head, const char *name, Arena *arena);
bool seal_head_parse(const char *text, SealHead *ret);

/* Whole notes in order, up to `limit` bytes of them (DATA "seal.copy" beyond); a note that was cut
 * short at the very end is left out.  An absent file is no notes. */
bool seal_copy_notes(const char *folder, Arena *arena, const char *const **ret, size_t *ret_count,
                     Error *err);
/* The leaves, 32 bytes each; NULL for an absent file.  Unmapped by seal_copy_unmap(). */
bool seal_copy_leaves(const char *folder, const uint8_t (**ret)[DIGEST_SIZE], int64_t *ret_count,
                      Error *err);
void seal_copy_unmap(const uint8_t (*leaves)[DIGEST_SIZE], int64_t count);
const char *seal_copy_path(const char *folder, const char *name, Arena *arena);

/* Makes the folder; cuts what a crash left at the end; adds the public key where it is new. */
bool seal_copy_open(const char *folder, const char *public_key, SealCopy **ret, Error *err);
/* The leaves from place `first` on, then the notes: all on disk when it is true. */
bool seal_copy_append(SealCopy *copy, int64_t first, const uint8_t (*leaves)[DIGEST_SIZE],
                      size_t count, const char *const *notes, size_t note_count, Error *err);
void seal_copy_close(SealCopy *copy); /* NULL is fine */
