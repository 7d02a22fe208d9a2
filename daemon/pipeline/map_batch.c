/* SPDX-License-Identifier: Apache-2.0 */
/* Maps claimed persons and stores their rows, findings and the end of their work in one
 * transaction. */
#include "daemon/pipeline/map_batch.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/fault.h"
#include "daemon/pipeline/gate.h"

#include <stdlib.h>
#include <string.h>

#define FAILED_WAIT_MS 60000
#define RECORDS_CAP ((size_t)1 << 30)

typedef struct Batch {
    const MapTools *tools;
    Arena *records; /* what the database gave */
    Arena **arenas; /* beside people: each person's own, with a cap */
    PersonRows *people;
    WorkItem *done; /* beside people */
    size_t count;
    MapCounts counts;
} Batch;

static void batch_end(Batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        arena_free(batch->arenas[i]);
    arena_free(batch->records);
}
DEFINE_CLEANUP(Batch *, batch_end, batch);

/* What is wrong with one person stops that person only; the rest is not ours to judge. */
static bool set_aside(Batch *batch, const WorkItem *item, const Error *failure, Error *err)
{
    if (failure->kind != ERROR_DATA) {
        *err = *failure;
        return false;
    }
    batch->counts.failed++;
    return work_fail(batch->tools->store, item, failure, FAILED_WAIT_MS, err);
}

static bool add_person(Batch *batch, const WorkItem *item, const RecordList *records,
                       const PersonBasis *basis, Error *err)
{
    const MapTools *tools = batch->tools;
    Error failure = {0};
    Arena *arena = arena_new(tools->person_cap);
    PersonIn in = {.feed = item->feed,
                   .person = item->person,
                   .records = records,
                   .basis = basis,
                   .references = tools->references};
    PersonRows rows;
    if (!map_person(tools->mapper, &in, arena, &rows, &failure)) {
        arena_free(arena);
        return set_aside(batch, item, &failure, err);
    }
    batch->arenas[batch->count] = arena;
    batch->people[batch->count] = rows;
    batch->done[batch->count++] = *item;
    if (tools->progress)
        tools->progress(tools->progress_context);
    return true;
}

static bool store_batch(Batch *batch, Error *err)
{
    const MapTools *tools = batch->tools;
    _cleanup_transaction_ Transaction transaction = {0};
    if (!batch->count)
        return true;
    if (!store_begin(tools->store, &transaction, err) ||
        !rows_put(tools->store, batch->people, batch->count, mapping_version(tools->tools->mapping),
                  tools->tools->dataset->version, &batch->counts.rows, err) ||
        !work_done(tools->store, batch->done, batch->count, err))
        return false;
    FAULT(MAP_BEFORE_COMMIT);
    if (!store_commit(&transaction, err))
        return false;
    FAULT(MAP_AFTER_COMMIT);
    return true;
}

static bool read_records(Batch *batch, const WorkItem *items, size_t count, RecordList **ret_lists,
                         PersonBasis **ret_bases, Error *err)
{
    *ret_lists = arena_array(batch->records, count, sizeof **ret_lists);
    *ret_bases = arena_array(batch->records, count, sizeof **ret_bases);
    return work_records(batch->tools->store, items, count, GATE_PURPOSE, batch->records, *ret_lists,
                        *ret_bases, err);
}

static bool map_and_store(Batch *batch, const WorkItem *items, size_t count, Error *err)
{
    RecordList *lists = NULL;
    PersonBasis *bases = NULL;
    if (!read_records(batch, items, count, &lists, &bases, err)) {
        /* Records that cannot be read: find out whose they are by taking the persons one by one. */
        Error failure = *err;
        return failure.kind == ERROR_DATA && count == 1 ? set_aside(batch, items, &failure, err)
                                                        : false;
    }
    for (size_t i = 0; i < count; i++)
        if (!add_person(batch, &items[i], &lists[i], &bases[i], err))
            return false;
    batch->counts.people = batch->count;
    return store_batch(batch, err);
}

static bool run_batch(const MapTools *tools, const WorkItem *items, size_t count, MapCounts *ret,
                      Error *err)
{
    Batch batch = {.tools = tools, .records = arena_new(RECORDS_CAP)};
    _cleanup_(batch) Batch *ends = &batch;
    batch.arenas = arena_array(batch.records, count, sizeof *batch.arenas);
    batch.people = arena_array(batch.records, count, sizeof *batch.people);
    batch.done = arena_array(batch.records, count, sizeof *batch.done);
    if (!map_and_store(ends, items, count, err))
        return false;
    *ret = batch.counts;
    return true;
}

static void add_counts(MapCounts *sum, const MapCounts *more)
{
    sum->people += more->people;
    sum->failed += more->failed;
    sum->rows.kept += more->rows.kept;
    sum->rows.inserted += more->rows.inserted;
    sum->rows.ended += more->rows.ended;
    sum->rows.deleted += more->rows.deleted;
}

/* A batch that fails for what is in it is tried again person by person. */
bool map_batch(const MapTools *tools, const WorkItem *items, size_t count, MapCounts *ret,
               Error *err)
{
    *ret = (MapCounts){0};
    if (run_batch(tools, items, count, ret, err))
        return true;
    if (err->kind != ERROR_DATA)
        return false;
    for (size_t i = 0; i < count; i++) {
        MapCounts one = {0};
        Error failure = {0};
        if (!run_batch(tools, &items[i], 1, &one, &failure)) {
            if (failure.kind != ERROR_DATA) {
                *err = failure;
                return false;
            }
            one = (MapCounts){.failed = 1};
            if (!work_fail(tools->store, &items[i], &failure, FAILED_WAIT_MS, err))
                return false;
        }
        add_counts(ret, &one);
    }
    error_clear(err);
    return true;
}
