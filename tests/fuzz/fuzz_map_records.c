/* SPDX-License-Identifier: Apache-2.0 */
/* Records through the standard mapping: whatever their values, rows hold what XML can carry or say
 * so, and ids are never longer than the national 20 characters. */
#include "daemon/base/text.h"
#include "daemon/dataset/document.h"
#include "daemon/mapping/sample.h"
#include "tests/fuzz/fuzz_pack.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const Mapping *standard_mapping(void)
{
    static const Mapping *mapping;
    static Arena *arena;
    Error err = {0};
    char path[512];
    if (mapping)
        return mapping;
    arena = arena_new((size_t)64 << 20);
    snprintf(path, sizeof path, "%s/mappings/mhsds-6.0/standard/mapping.yaml", pack_root());
    if (!mapping_open(path, pack_open(), arena, &mapping, &err))
        abort();
    return mapping;
}

static void look_at(const MappedRow *row, Arena *arena)
{
    Error err = {0};
    Text fragment = text_new(arena, (size_t)1 << 20);
    LineageEntry *entries;
    size_t count;
    if (!row_fragment(&row->row, &fragment, &err) && err.kind != ERROR_DATA)
        abort();
    error_clear(&err);
    if (!mapping_lineage_read(mapping_lineage(row, arena), arena, &entries, &count, &err))
        abort();
    for (size_t i = 0; i < row->row.table->count; i++) {
        const Element *element = &row->row.table->elements[i];
        if (row->row.values[i] && strcmp(element->name, "LocalPatientID") == 0 &&
            strlen(row->row.values[i]) > 20)
            abort();
    }
}

static void map_all(const Sample *sample, Arena *arena)
{
    for (size_t i = 0; i < sample->count; i++) {
        MapPerson person = {.feed = sample->people[i].feed,
                            .id = sample->people[i].id,
                            .records = &sample->people[i].records,
                            .references = sample->references,
                            .settings = sample->settings};
        Error err = {0};
        MappedRows rows;
        MapFindings findings;
        Month month = sample->month ? sample->month : 2026 * 12 + 9;
        if (!mapping_person(standard_mapping(), &person, month, arena, &rows, &findings, &err)) {
            if (err.kind != ERROR_DATA)
                abort();
            continue;
        }
        for (size_t j = 0; j < rows.count; j++)
            look_at(rows.items[j], arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error err = {0};
    Sample sample;
    Arena *arena = arena_new((size_t)32 << 20);
    if (sample_read("fuzz", (const char *)data, size, arena, &sample, &err))
        map_all(&sample, arena);
    else if (err.kind != ERROR_DATA)
        abort();
    arena_free(arena);
    return 0;
}
