/* SPDX-License-Identifier: Apache-2.0 */
/* Maps held records by other rules, batch by batch, and adds up how the rows differ. */
#include "daemon/pipeline/rehearse.h"

#include "daemon/pipeline/gate.h"
#include "daemon/pipeline/map_person.h"

#include <string.h>

#define PEOPLE_AT_ONCE 100
#define BATCH_CAP ((size_t)512 << 20)

typedef struct Stage {
    Store *store;
    Mapper *mapper;
    const References *references;
    Arena *kept;
    Rehearsal *result;
} Stage;

bool references_load(Store *store, const Config *config, Arena *arena, References **ret, Error *err)
{
    References *references = references_new(arena);
    for (size_t i = 0; i < config->feed_count; i++) {
        RecordList list = {0};
        int64_t version;
        if (!source_reference(store, config->feeds[i].name, arena, &list, &version, err))
            return false;
        for (size_t j = 0; j < list.count; j++)
            references_add(references, list.items[j]);
    }
    *ret = references;
    return true;
}

static void add_difference(Stage *stage, const RowDifference *more)
{
    Rehearsal *sum = stage->result;
    size_t at = 0;
    while (at < sum->table_count && strcmp(sum->tables[at].table, more->table) < 0)
        at++;
    if (at == sum->table_count || strcmp(sum->tables[at].table, more->table) != 0) {
        sum->tables = arena_grow(stage->kept, sum->tables, sum->table_count, &sum->table_capacity,
                                 sizeof *sum->tables);
        memmove(&sum->tables[at + 1], &sum->tables[at],
                (sum->table_count++ - at) * sizeof *sum->tables);
        sum->tables[at] = (RowDifference){.table = arena_text(stage->kept, more->table)};
    }
    sum->tables[at].same += more->same;
    sum->tables[at].added += more->added;
    sum->tables[at].gone += more->gone;
}

static bool map_people(Stage *stage, const WorkItem *items, size_t count, Arena *arena,
                       PersonRows *people, size_t *ret_count, Error *err)
{
    RecordList *lists = arena_array(arena, count, sizeof *lists);
    PersonBasis *bases = arena_array(arena, count, sizeof *bases);
    *ret_count = 0;
    if (!work_records(stage->store, items, count, GATE_PURPOSE, arena, lists, bases, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        PersonIn in = {.feed = items[i].feed,
                       .person = items[i].person,
                       .records = &lists[i],
                       .basis = &bases[i],
                       .references = stage->references};
        Error failure = {0};
        if (map_person(stage->mapper, &in, arena, &people[*ret_count], &failure)) {
            ++*ret_count;
        } else if (failure.kind == ERROR_DATA) {
            stage->result->unmapped++;
        } else {
            *err = failure;
            return false;
        }
    }
    return true;
}

static bool compare_batch(Stage *stage, const WorkItem *items, size_t count, Arena *arena,
                          Error *err)
{
    PersonRows *people = arena_array(arena, count, sizeof *people);
    RowDifference *tables;
    size_t mapped, table_count;
    if (!map_people(stage, items, count, arena, people, &mapped, err) ||
        !rows_compare(stage->store, people, mapped, arena, &tables, &table_count, err))
        return false;
    for (size_t i = 0; i < table_count; i++)
        add_difference(stage, &tables[i]);
    stage->result->people += (int64_t)count;
    return true;
}

static bool run_batches(Stage *stage, const ReplayChoice *choice, Error *err)
{
    const char *after = NULL;
    for (;;) {
        _cleanup_arena_ Arena *arena = arena_new(BATCH_CAP);
        WorkItem *items;
        size_t count;
        if (!replay_people(stage->store, choice, after, PEOPLE_AT_ONCE, arena, &items, &count, err))
            return false;
        if (!count)
            return true;
        if (!compare_batch(stage, items, count, arena, err))
            return false;
        after = arena_text(stage->kept, items[count - 1].person);
    }
}

bool rehearse(Store *store, const Config *config, const char *mapping, const ReplayChoice *choice,
              Arena *arena, Rehearsal *ret, Error *err)
{
    Arena *kept = arena;
    Tools tools;
    References *references;
    int64_t now;
    *ret = (Rehearsal){0};
    if (!tools_open_with(config, mapping, kept, &tools, err) || !store_now(store, &now, err) ||
        !references_load(store, config, kept, &references, err))
        return false;
    _cleanup_mapper_ Mapper *mapper = mapper_new(&tools, civil_london_day(now));
    Stage stage = {
        .store = store, .mapper = mapper, .references = references, .kept = kept, .result = ret};
    ret->mapping_version = mapping_version(tools.mapping);
    return run_batches(&stage, choice, err);
}
