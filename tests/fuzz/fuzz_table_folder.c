/* SPDX-License-Identifier: Apache-2.0 */
/* A folder with one table from outside: an error with a code, or rows numbered from 1. */
#include "daemon/dataset/table_folder.h"
#include "tests/fuzz/fuzz_dataset.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/fuzz-table-XXXXXX", path[64];

static void clean_up(void)
{
    unlink(path);
    rmdir(folder);
}

static bool on_row(void *context, const Row *row, Error *err)
{
    (void)err;
    if (row->number != ++*(uint64_t *)context)
        abort();
    for (size_t i = 0; i < row->table->count; i++)
        if (row->values[i] && !*row->values[i])
            abort(); /* blank is NULL */
    return true;
}

static bool on_fault(void *context, const StructureFault *fault, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    (void)context;
    (void)err;
    if (!*structure_text(fault, true, arena))
        abort();
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error err = {0};
    uint64_t rows = 0;
    if (!*path) {
        if (!mkdtemp(folder))
            abort();
        snprintf(path, sizeof path, "%s/T1Person.csv", folder);
        atexit(clean_up);
    }
    FILE *file = fopen(path, "we");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
    if (!table_folder_read(fuzz_dataset(), folder, true, on_row, on_fault, &rows, &err) &&
        !err.code)
        abort();
    return 0;
}
