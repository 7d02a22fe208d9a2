/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of dataset/ share: the real pack, a folder of one's own, short ways to rows. */
#pragma once

#include "daemon/base/text.h"
#include "daemon/dataset/dataset.h"
#include "tests/unit/suite.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static inline const char *source_path(Arena *arena, const char *path)
{
    const char *root = getenv("MHSFLOW_SOURCE_ROOT");
    return arena_format(arena, "%s/%s", root ? root : ".", path);
}

/* Opened once per process; its arena lives as long. */
static Arena *pack_arena;

static inline void pack_close(void)
{
    arena_free(pack_arena);
}

static inline const Dataset *pack(void)
{
    static const Dataset *dataset;
    Error err = {0};
    char text[700];
    if (dataset)
        return dataset;
    pack_arena = arena_new((size_t)64 << 20);
    atexit(pack_close);
    if (!dataset_open(source_path(pack_arena, "mappings/mhsds-6.0"), pack_arena, &dataset, &err))
        ck_abort_msg("%s", error_text(&err, text, sizeof text));
    return dataset;
}

static inline const char *error_said(const Error *err)
{
    static char text[700];
    return error_text(err, text, sizeof text);
}

static inline void row_set(Row *row, const char *element, const char *value)
{
    const Element *found = table_element(row->table, element);
    ck_assert_msg(found != NULL, "no element %s", element);
    row->values[found->index] = value;
}

/* A folder that goes with the test. */
static inline char *folder_new(Arena *arena)
{
    char *folder = arena_text(arena, "/tmp/test-dataset-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    return folder;
}

static inline void folder_remove(const char *folder)
{
    const char *argv[] = {"rm", "-rf", "--", folder, NULL};
    pid_t pid = fork();
    if (pid == 0) {
        execvp("rm", (char *const *)(uintptr_t)argv);
        _exit(1);
    }
    waitpid(pid, NULL, 0);
}

static inline void file_put(Arena *arena, const char *folder, const char *name, const char *bytes,
                            size_t size)
{
    FILE *file = fopen(arena_format(arena, "%s/%s", folder, name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}
