/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing. */
#include "daemon/pipeline/seal.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/fault.h"
#include "daemon/base/text.h"
#include "daemon/pipeline/merkle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_CAP ((size_t)3 << 30)
#define ROUND_CAP ((size_t)16 << 20)

#define KEY_ID_SIZE 16

struct Sealer {
    SealerSettings settings;
    char key_id[KEY_ID_SIZE]; /* of the newest checkpoint; "" without one */
    SealCopy *copy;
    MerkleEdge edge;
    SealPlace place;
    int64_t number;    /* of the newest checkpoint */
    int64_t sealed_at; /* steady; 0: not since it was opened, so the first round seals */
};

/* What opening learns. */
typedef struct Opening {
    Sealer *sealer;
    Arena *arena;
    const char *last_outside; /* the copy's newest note; NULL: none */
    bool met;                 /* … was seen in the database */
    SealHead outside, newest;
    const char **missing; /* notes that the copy does not have yet */
    size_t missing_count, missing_capacity;
    uint8_t (*leaves)[DIGEST_SIZE]; /* those that the copy does not have yet */
    size_t leaf_count, leaf_capacity;
    const uint8_t (*outside_leaves)[DIGEST_SIZE];
    int64_t outside_count;
} Opening;

static bool tampered(Error *err, const char *what)
{
    return error_set(err, ERROR_DATA, "seal.tampered", "cannot seal: %s; see mhsflow audit verify",
                     what);
}

static bool note_text(const char *note, SealHead *ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(65536);
    const char *end = strstr(note, "\n\n");
    if (end && seal_head_parse(arena_copy(arena, note, (size_t)(end + 1 - note)), ret))
        return true;
    return tampered(err, "a checkpoint is not one");
}

static void keep_key_id(Sealer *sealer, const char *note)
{
    _cleanup_arena_ Arena *arena = arena_new(65536);
    const char *id = note_key_id(note, arena);
    snprintf(sealer->key_id, KEY_ID_SIZE, "%s", id ? id : "");
}

static bool meet_checkpoint(void *data, const SealCheckpoint *checkpoint, Error *err)
{
    Opening *opening = data;
    if (!note_text(checkpoint->note, &opening->newest, err) || !arena_check(opening->arena, err))
        return false;
    opening->sealer->number = checkpoint->number;
    keep_key_id(opening->sealer, checkpoint->note);
    if (opening->last_outside && !opening->met) {
        opening->met = strcmp(checkpoint->note, opening->last_outside) == 0;
        return true;
    }
    opening->missing = arena_grow(opening->arena, opening->missing, opening->missing_count,
                                  &opening->missing_capacity, sizeof *opening->missing);
    opening->missing[opening->missing_count++] = arena_text(opening->arena, checkpoint->note);
    return true;
}

static bool root_is(const MerkleEdge *edge, const SealHead *head)
{
    uint8_t root[DIGEST_SIZE];
    merkle_edge_root(edge, root);
    return memcmp(root, head->root, DIGEST_SIZE) == 0;
}

static bool meet_leaf(void *data, const SealLeaf *leaf, Error *err)
{
    Opening *opening = data;
    MerkleEdge *edge = &opening->sealer->edge;
    if (leaf->leaf != edge->size)
        return tampered(err, "a sealed event has lost its place");
    if (opening->last_outside && edge->size == opening->outside.size &&
        !root_is(edge, &opening->outside))
        return tampered(err, "the seal is not that of its copy outside");
    if (leaf->leaf < opening->outside.size) {
        if (memcmp(opening->outside_leaves[leaf->leaf], leaf->hash, DIGEST_SIZE) != 0)
            return tampered(err, "the seal is not that of its copy outside");
    } else {
        opening->leaves = arena_grow(opening->arena, opening->leaves, opening->leaf_count,
                                     &opening->leaf_capacity, DIGEST_SIZE);
        memcpy(opening->leaves[opening->leaf_count++], leaf->hash, DIGEST_SIZE);
    }
    merkle_edge_add(edge, leaf->hash);
    return true;
}

static bool read_copy(Opening *opening, Error *err)
{
    const char *const *notes;
    const char *folder = opening->sealer->settings.folder;
    size_t count;
    if (!seal_copy_notes(folder, opening->arena, &notes, &count, err) ||
        !seal_copy_leaves(folder, &opening->outside_leaves, &opening->outside_count, err))
        return false;
    if (!count)
        return true;
    opening->last_outside = notes[count - 1];
    if (!note_text(opening->last_outside, &opening->outside, err))
        return false;
    return opening->outside.size <= opening->outside_count ||
           tampered(err, "the copy outside has fewer leaves than its checkpoints cover");
}

/* A crash between the database and the copy left it behind: now it has all. */
static bool catch_up(Opening *opening, Error *err)
{
    return seal_copy_append(opening->sealer->copy, opening->outside.size,
                            (const uint8_t(*)[DIGEST_SIZE])opening->leaves, opening->leaf_count,
                            opening->missing, opening->missing_count, err);
}

static bool read_seal(Opening *opening, Error *err)
{
    Sealer *sealer = opening->sealer;
    SealReader reader = {.checkpoint = meet_checkpoint, .leaf = meet_leaf, .data = opening};
    const char *public_key = note_key_public(sealer->settings.key, opening->arena);
    if (!read_copy(opening, err) || !seal_read(sealer->settings.store, &reader, err))
        return false;
    if (opening->last_outside && !opening->met)
        return tampered(err, "the database lacks the newest checkpoint of the copy outside");
    if (sealer->edge.size != opening->newest.size ||
        (sealer->number && !root_is(&sealer->edge, &opening->newest)))
        return tampered(err, "the seal is not that of its newest checkpoint");
    return seal_copy_open(sealer->settings.folder, public_key, &sealer->copy, err) &&
           catch_up(opening, err);
}

bool sealer_open(const SealerSettings *settings, Sealer **ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(OPEN_CAP);
    _cleanup_sealer_ Sealer *sealer = calloc(1, sizeof *sealer);
    if (!sealer)
        abort();
    sealer->settings = *settings;
    Opening opening = {.sealer = sealer, .arena = arena};
    bool done = read_seal(&opening, err);
    seal_copy_unmap(opening.outside_leaves, opening.outside_count);
    if (!done)
        return false;
    *ret = TAKE_PTR(sealer);
    return true;
}

static bool sign_head(const Sealer *sealer, const MerkleEdge *edge, int64_t number, int64_t now,
                      Arena *arena, SealCheckpoint *ret, Error *err)
{
    SealHead head = {.size = edge->size, .at = now};
    merkle_edge_root(edge, head.root);
    *ret = (SealCheckpoint){.number = number, .size = edge->size, .at = now};
    return note_sign(sealer->settings.key, sealer->settings.name,
                     seal_head_text(&head, sealer->settings.name, arena), arena, &ret->note, err);
}

/* What one round adds: its events in the tree's order, a checkpoint after each SEAL_BATCH of them
 * and one at the end. */
typedef struct Round {
    MerkleEdge edge; /* after all of them */
    SealLeaf *leaves;
    uint8_t (*hashes)[DIGEST_SIZE];
    size_t count;
    SealCheckpoint checkpoints[SEAL_GROUP + 1];
    const char *notes[SEAL_GROUP + 1];
    size_t checkpoint_count;
} Round;

static bool grow_tree(const Sealer *sealer, Round *round, int64_t now, Arena *arena, Error *err)
{
    round->edge = sealer->edge;
    round->hashes = arena_array(arena, round->count + 1, DIGEST_SIZE);
    for (size_t done = 0; done < round->count || round->checkpoint_count == 0;) {
        size_t end = round->count - done > SEAL_BATCH ? done + SEAL_BATCH : round->count;
        size_t at = round->checkpoint_count++;
        for (; done < end; done++) {
            round->leaves[done].leaf = round->edge.size;
            memcpy(round->hashes[done], round->leaves[done].hash, DIGEST_SIZE);
            merkle_edge_add(&round->edge, round->leaves[done].hash);
        }
        if (!sign_head(sealer, &round->edge, sealer->number + (int64_t)at + 1, now, arena,
                       &round->checkpoints[at], err))
            return false;
        round->notes[at] = round->checkpoints[at].note;
    }
    return true;
}

/* Another key than before is an event, in the transaction of the first checkpoint that it signs;
 * the next one seals it. */
static bool tell_key(const Sealer *sealer, const Round *round, Arena *arena, bool *ret_told,
                     Error *err)
{
    const char *id = note_key_id(round->notes[0], arena);
    AuditFields fields = {.from = sealer->key_id, .to = id};
    *ret_told = sealer->key_id[0] && !text_equal(sealer->key_id, id);
    return !*ret_told || audit_append(sealer->settings.store, AUDIT_SEAL_KEY_CHANGED, &fields, err);
}

/* The database first, then outside: the copy is never ahead of what is committed. */
static bool seal_round(Sealer *sealer, Round *round, int64_t now, Arena *arena,
                       Transaction *transaction, bool *ret_more, Error *err)
{
    bool told;
    if (!grow_tree(sealer, round, now, arena, err) || !tell_key(sealer, round, arena, &told, err) ||
        !seal_store(sealer->settings.store, round->leaves, round->count, round->checkpoints,
                    round->checkpoint_count, err) ||
        !store_commit(transaction, err))
        return false;
    FAULT(SEAL_AFTER_COMMIT);
    if (!seal_copy_append(sealer->copy, sealer->edge.size,
                          (const uint8_t(*)[DIGEST_SIZE])round->hashes, round->count, round->notes,
                          round->checkpoint_count, err))
        return false;
    sealer->edge = round->edge;
    sealer->number += (int64_t)round->checkpoint_count;
    keep_key_id(sealer, round->notes[0]);
    *ret_more = *ret_more || told;
    sealer->sealed_at = clock_steady();
    return true;
}

bool sealer_round(Sealer *sealer, bool now, bool *ret_more, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(ROUND_CAP);
    _cleanup_transaction_ Transaction transaction = {0};
    Store *store = sealer->settings.store;
    Round round = {0};
    int64_t at, newest;
    SealPlace place = sealer->place;
    *ret_more = false;
    if (!store_now(store, &at, err) || !store_begin(store, &transaction, err) ||
        !seal_lock(store, &newest, err))
        return false;
    if (newest != sealer->number)
        return error_set(err, ERROR_LATER, "seal.stale", "another sealer went on from here");
    if (!seal_next(store, &sealer->place, (size_t)SEAL_BATCH * SEAL_GROUP, arena, &round.leaves,
                   &round.count, ret_more, err))
        return false;
    bool due = !sealer->sealed_at || !place.own || clock_steady() - sealer->sealed_at >= SEAL_EVERY;
    if (!now && !due && !*ret_more && round.count < SEAL_BATCH) {
        sealer->place = place; /* not sealed, so they must be found again */
        return true;
    }
    return seal_round(sealer, &round, at, arena, &transaction, ret_more, err);
}

void sealer_close(Sealer *sealer)
{
    if (!sealer)
        return;
    seal_copy_close(sealer->copy);
    free(sealer);
}
