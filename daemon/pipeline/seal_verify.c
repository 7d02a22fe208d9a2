/* SPDX-License-Identifier: Apache-2.0 */
/* The seal held against the events, its signatures and its copy. */
#include "daemon/pipeline/seal_verify.h"

#include "daemon/base/cleanup.h"
#include "daemon/pipeline/merkle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRATCH_CAP ((size_t)16 << 20)

/* An event as the database has it now. */
typedef struct Event {
    int64_t number;
    uint8_t hash[DIGEST_SIZE];
    bool same, sealed; /* as stored beside it; has a place */
} Event;

typedef struct Verify {
    Arena *arena, *scratch;
    SealVerdict *verdict;
    NotePublic keys;
    const char *const *notes; /* of the copy, and what they say where they are signed */
    SealHead *note_heads;
    size_t note_count, good_notes, met; /* met: how many of them the database has had so far */
    int64_t behind;                     /* checkpoints of the database after the copy's last */
    Event *events;                      /* by number */
    size_t event_count, event_room, hint;
    SealHead *heads; /* of the database, by size as they come */
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
    verify->note_heads = arena_array(verify->arena, verify->note_count + 1, sizeof(SealHead));
    for (size_t i = 0; i < verify->note_count; i++) {
        SealHead head;
        if (!read_head(verify, verify->notes[i], &head) || head.size < edge.size) {
            bad(verify, -1, "a checkpoint of the copy outside is not signed by a known key");
            verify->leaf_count = edge.size;
            return;
        }
        verify->note_heads[verify->good_notes++] = head;
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

/* From the copy's first note on, the database has the same notes in the same order.  What a note of
 * the copy said need not be read again. */
static bool match_copy(Verify *verify, const char *note, int64_t size, SealHead *ret)
{
    if (verify->met < verify->note_count && strcmp(note, verify->notes[verify->met]) == 0) {
        size_t at = verify->met++;
        if (at < verify->good_notes) {
            *ret = verify->note_heads[at];
            return true;
        }
    } else if (verify->met == verify->note_count) {
        verify->behind++;
    } else if (verify->met > 0) {
        bad(verify, size, "a checkpoint is another than in the copy outside");
    }
    return read_head(verify, note, ret);
}

static bool take_checkpoint(void *data, const SealCheckpoint *checkpoint, Error *err)
{
    Verify *verify = data;
    SealHead head;
    (void)err;
    verify->verdict->checkpoints++;
    if (checkpoint->number != verify->verdict->checkpoints)
        bad(verify, -1, "a checkpoint is missing");
    if (!match_copy(verify, checkpoint->note, checkpoint->size, &head) ||
        head.size != checkpoint->size ||
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

static void take_sum(void *data, const AuditSum *sum)
{
    Verify *verify = data;
    if (verify->event_count == verify->event_room) {
        size_t room = verify->event_room ? verify->event_room * 2 : 1024;
        Event *events = reallocarray(verify->events, room, sizeof *events);
        if (!events)
            abort();
        verify->events = events;
        verify->event_room = room;
    }
    Event *event = &verify->events[verify->event_count++];
    *event = (Event){.number = sum->number, .same = sum->same};
    memcpy(event->hash, sum->hash, DIGEST_SIZE);
}

/* Places are given nearly in the order of numbers: the next one is mostly where the last one was.
 */
static Event *find_event(Verify *verify, int64_t number)
{
    size_t low = 0, high = verify->event_count;
    if (verify->hint < high && verify->events[verify->hint].number == number)
        return &verify->events[verify->hint++];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (verify->events[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == verify->event_count || verify->events[low].number != number)
        return NULL;
    verify->hint = low + 1;
    return &verify->events[low];
}

static bool take_leaf(void *data, const SealLeaf *leaf, Error *err)
{
    Verify *verify = data;
    int64_t place = verify->edge.size;
    Event *event = find_event(verify, leaf->number);
    const uint8_t *hash = event ? event->hash : leaf->hash;
    (void)err;
    check_roots(verify);
    if (leaf->leaf != place)
        bad(verify, place, "a sealed event has lost its place");
    if (!event)
        bad(verify, place, "a sealed event is missing");
    else if (!event->same || memcmp(hash, leaf->hash, DIGEST_SIZE) != 0)
        bad(verify, place, "a sealed event was changed");
    if (place < verify->leaf_count && memcmp(hash, verify->leaves[place], DIGEST_SIZE) != 0)
        bad(verify, place, "a sealed event is not the one in the copy outside");
    merkle_edge_add(&verify->edge, hash);
    if (event)
        event->sealed = true;
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

static int64_t count_unsealed(const Verify *verify)
{
    int64_t count = 0;
    for (size_t i = 0; i < verify->event_count; i++)
        count += !verify->events[i].sealed;
    return count;
}

static bool check_database(Verify *verify, Store *store, Error *err)
{
    SealReader reader = {.sum = take_sum,
                         .checkpoint = take_checkpoint,
                         .leaf = take_leaf,
                         .data = verify,
                         .arena = verify->arena};
    if (!seal_read(store, &reader, err))
        return false;
    verify->verdict->chains = reader.chains;
    verify->verdict->unsealed = count_unsealed(verify);
    return true;
}

/* Sealed while the database was read, the copy has more notes now than it was asked for. */
static bool look_again(Verify *verify, const char *folder, Error *err)
{
    const char *const *notes;
    size_t count;
    if (verify->behind <= 1)
        return true;
    if (!seal_copy_notes(folder, verify->arena, &notes, &count, err))
        return false;
    verify->behind -= count > verify->note_count ? (int64_t)(count - verify->note_count) : 0;
    return true;
}

typedef struct Sealed {
    Verify *verify;
    bool any;
} Sealed;

static void count_event(void *data, const AuditSum *sum)
{
    Sealed *sealed = data;
    take_sum(sealed->verify, sum);
}

static bool any_checkpoint(void *data, const SealCheckpoint *checkpoint, Error *err)
{
    Sealed *sealed = data;
    (void)checkpoint;
    (void)err;
    sealed->any = true;
    return true;
}

static bool any_leaf(void *data, const SealLeaf *leaf, Error *err)
{
    Sealed *sealed = data;
    Event *event = find_event(sealed->verify, leaf->number);
    (void)err;
    sealed->any = true;
    if (event)
        event->sealed = true;
    return true;
}

/* Without keys nothing can be told; without anything sealed there is nothing to tell. */
static bool without_keys(Verify *verify, Store *store, bool expected, Error *err)
{
    Sealed sealed = {.verify = verify};
    SealReader reader = {.sum = count_event,
                         .checkpoint = any_checkpoint,
                         .leaf = any_leaf,
                         .data = &sealed,
                         .arena = verify->arena};
    if (!seal_read(store, &reader, err))
        return false;
    verify->verdict->chains = reader.chains;
    verify->verdict->unsealed = count_unsealed(verify);
    if (sealed.any || expected || verify->note_count)
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
    bool done = check_database(verify, store, err) && look_again(verify, folder, err);
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
    free(verify.events);
    if (done)
        *ret = verdict;
    return done;
}
