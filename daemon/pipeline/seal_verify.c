/* SPDX-License-Identifier: Apache-2.0 */
/* The seal held against the events, its signatures and its copy. */
#include "daemon/pipeline/seal_verify.h"

#include "daemon/base/cleanup.h"
#include "daemon/pipeline/merkle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRATCH_CAP ((size_t)16 << 20)

typedef struct Verify {
    Arena *arena, *scratch;
    SealVerdict *verdict;
    NotePublic keys;
    const char *const *notes; /* of the copy */
    size_t note_count, met;   /* … and how many of them the database has had so far */
    int64_t behind;           /* checkpoints of the database that come after the copy's last */
    SealHead *heads;          /* of the database, by size as they come */
    size_t head_count, head_capacity, next;
    const uint8_t (*leaves)[DIGEST_SIZE]; /* of the copy; only while they are its checkpoints' */
    int64_t leaf_count;
    MerkleEdge edge;
    int64_t good; /* leaves under the last root that held */
} Verify;

/* The first thing found is the one that is told, unless an earlier event is found bad. */
static void bad(Verify *verify, int64_t place, const char *reason)
{
    SealVerdict *verdict = verify->verdict;
    bool earlier = place >= 0 && (verdict->first_bad < 0 || place < verdict->first_bad);
    if (verdict->state != SEAL_TAMPERED || earlier)
        verdict->reason = reason;
    if (earlier)
        verdict->first_bad = place;
    verdict->state = SEAL_TAMPERED;
}

static void cannot_tell(Verify *verify, const char *reason)
{
    if (verify->verdict->state == SEAL_TAMPERED || verify->verdict->state == SEAL_CANNOT_TELL)
        return;
    verify->verdict->state = SEAL_CANNOT_TELL;
    verify->verdict->reason = reason;
}

static bool read_head(const Verify *verify, const char *note, SealHead *ret)
{
    const char *text;
    arena_reset(verify->scratch);
    return note_holds(&verify->keys, note, verify->scratch, &text) && seal_head_parse(text, ret);
}

static bool root_is(const MerkleEdge *edge, const SealHead *head)
{
    uint8_t root[DIGEST_SIZE];
    merkle_edge_root(edge, root);
    return memcmp(root, head->root, DIGEST_SIZE) == 0;
}

/* ---- the copy, by itself ---- */

/* Signed notes that only grow, and leaves that have their roots.  Leaves that do not are not used.
 */
static void check_copy(Verify *verify)
{
    MerkleEdge edge = {0};
    for (size_t i = 0; i < verify->note_count; i++) {
        SealHead head;
        if (!read_head(verify, verify->notes[i], &head) || head.size < edge.size) {
            bad(verify, -1, "a checkpoint of the copy outside is not signed by a known key");
            verify->leaf_count = edge.size;
            return;
        }
        verify->verdict->outside = head.size;
        while (edge.size < head.size && edge.size < verify->leaf_count)
            merkle_edge_add(&edge, verify->leaves[edge.size]);
        if (edge.size < head.size || !root_is(&edge, &head)) {
            bad(verify, -1, "the leaves of the copy outside are not those of its checkpoints");
            verify->leaf_count = 0;
            return;
        }
    }
    verify->leaf_count = edge.size;
}

/* ---- the database ---- */

/* From the copy's first note on, the database has the same notes in the same order. */
static void match_copy(Verify *verify, const char *note, int64_t size)
{
    if (verify->met < verify->note_count && strcmp(note, verify->notes[verify->met]) == 0)
        verify->met++;
    else if (verify->met == verify->note_count)
        verify->behind++;
    else if (verify->met > 0)
        bad(verify, size, "a checkpoint is another than in the copy outside");
}

static bool take_checkpoint(void *data, const SealCheckpoint *checkpoint, Error *err)
{
    Verify *verify = data;
    SealHead head;
    (void)err;
    verify->verdict->checkpoints++;
    if (checkpoint->number != verify->verdict->checkpoints)
        bad(verify, -1, "a checkpoint is missing");
    match_copy(verify, checkpoint->note, checkpoint->size);
    if (!read_head(verify, checkpoint->note, &head) || head.size != checkpoint->size ||
        (verify->head_count && head.size < verify->heads[verify->head_count - 1].size)) {
        bad(verify, -1, "a checkpoint is not signed by a known key");
        return true;
    }
    verify->heads = arena_grow(verify->arena, verify->heads, verify->head_count,
                               &verify->head_capacity, sizeof *verify->heads);
    verify->heads[verify->head_count++] = head;
    verify->verdict->sealed_at = head.at;
    return true;
}

/* Every checkpoint of the size reached so far has its root.  Where the copy's leaves named the
 * first bad event the root adds nothing. */
static void check_roots(Verify *verify)
{
    for (; verify->next < verify->head_count; verify->next++) {
        const SealHead *head = &verify->heads[verify->next];
        if (head->size > verify->edge.size)
            return;
        if (root_is(&verify->edge, head))
            verify->good = head->size;
        else if (verify->verdict->first_bad < 0 || verify->leaf_count < head->size)
            bad(verify, verify->good,
                "events from here on, up to the next checkpoint, are not those that were sealed");
    }
}

static void event_hash(const AuditRecord *event, Arena *arena, uint8_t ret[DIGEST_SIZE])
{
    _cleanup_digest_ Digest *digest = digest_new();
    const char *body = audit_body(event, arena);
    digest_add(digest, "", 1);
    digest_add(digest, body, strlen(body));
    digest_finish(digest, ret);
}

static bool take_leaf(void *data, const SealLeaf *leaf, Error *err)
{
    Verify *verify = data;
    int64_t place = verify->edge.size;
    uint8_t hash[DIGEST_SIZE];
    (void)err;
    check_roots(verify);
    if (leaf->leaf != place)
        bad(verify, place, "a sealed event has lost its place");
    memcpy(hash, leaf->hash, sizeof hash);
    if (!leaf->number) {
        bad(verify, place, "a sealed event is missing");
    } else {
        arena_reset(verify->scratch);
        event_hash(&leaf->event, verify->scratch, hash);
        if (memcmp(hash, leaf->hash, sizeof hash) != 0 ||
            memcmp(hash, leaf->event.hash, sizeof hash) != 0)
            bad(verify, place, "a sealed event was changed");
    }
    if (place < verify->leaf_count && memcmp(hash, verify->leaves[place], sizeof hash) != 0)
        bad(verify, place, "a sealed event is not the one in the copy outside");
    merkle_edge_add(&verify->edge, hash);
    return true;
}

/* ---- the whole ---- */

static void check_ends(Verify *verify)
{
    SealVerdict *verdict = verify->verdict;
    int64_t newest = verify->head_count ? verify->heads[verify->head_count - 1].size : 0;
    check_roots(verify);
    if (verify->leaf_count > newest) /* the copy vouches for these, each by itself */
        newest = verify->leaf_count;
    verdict->sealed = verify->edge.size;
    if (verify->met < verify->note_count)
        bad(verify, -1,
            "the database lacks checkpoints of the copy outside: it was cut or set back");
    if (verify->edge.size < newest)
        bad(verify, verify->edge.size, "sealed events are missing at the end");
    if (verify->edge.size > newest)
        bad(verify, newest, "an event has a place that no checkpoint covers");
    if (verdict->state == SEAL_TAMPERED)
        return;
    if (!verify->note_count)
        cannot_tell(verify, "there is no copy of the checkpoints outside the database");
    else if (verify->behind > 1)
        cannot_tell(verify, "the copy outside lacks newer checkpoints of the database");
    else if (verdict->state == SEAL_UNSEALED)
        verdict->state = SEAL_INTACT;
}

static bool check_database(Verify *verify, Store *store, Error *err)
{
    SealReader reader = {
        .checkpoint = take_checkpoint, .leaf = take_leaf, .data = verify, .with_events = true};
    if (!seal_read(store, &reader, err))
        return false;
    verify->verdict->unsealed = reader.unsealed;
    return true;
}

static bool count_only(Verify *verify, Store *store, Error *err)
{
    SealReader reader = {.with_events = true};
    if (!seal_read(store, &reader, err))
        return false;
    verify->verdict->unsealed = reader.unsealed;
    return true;
}

static bool any_checkpoint(void *data, const SealCheckpoint *checkpoint, Error *err)
{
    (void)err;
    *(int64_t *)data = checkpoint->number;
    return true;
}

static bool any_leaf(void *data, const SealLeaf *leaf, Error *err)
{
    (void)err;
    *(int64_t *)data = leaf->leaf + 1;
    return true;
}

/* Without keys nothing can be told; without anything sealed there is nothing to tell. */
static bool without_keys(Verify *verify, Store *store, bool expected, Error *err)
{
    int64_t any = 0;
    SealReader reader = {.checkpoint = any_checkpoint, .leaf = any_leaf, .data = &any};
    if (!seal_read(store, &reader, err) || !count_only(verify, store, err))
        return false;
    if (any || expected || verify->note_count)
        cannot_tell(verify, "there is no public sealing key to check the checkpoints with");
    return true;
}

static bool run(Verify *verify, Store *store, const char *folder, const char *keys_path,
                bool expected, Error *err)
{
    const char *path = keys_path ? keys_path : seal_copy_path(folder, "keys.pem", verify->arena);
    /* The copy first: what is sealed meanwhile is then only more than it has. */
    if (!seal_copy_notes(folder, verify->arena, &verify->notes, &verify->note_count, err) ||
        !seal_copy_leaves(folder, &verify->leaves, &verify->leaf_count, err))
        return false;
    if (!keys_path && access(path, R_OK) != 0)
        return without_keys(verify, store, expected, err);
    if (!note_public_read(path, verify->arena, &verify->keys, err))
        return false;
    int64_t mapped = verify->leaf_count;
    check_copy(verify);
    bool done = check_database(verify, store, err);
    if (done)
        check_ends(verify);
    verify->leaf_count = mapped;
    return done;
}

bool seal_verify(Store *store, const char *folder, const char *keys_path, bool expected,
                 Arena *arena, SealVerdict *ret, Error *err)
{
    _cleanup_arena_ Arena *scratch = arena_new(SCRATCH_CAP);
    SealVerdict verdict = {.first_bad = -1};
    Verify verify = {.arena = arena, .scratch = scratch, .verdict = &verdict};
    bool done = run(&verify, store, folder, keys_path, expected, err);
    seal_copy_unmap(verify.leaves, verify.leaf_count);
    if (done)
        *ret = verdict;
    return done;
}
