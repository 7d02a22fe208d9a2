/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile MYMUP dump: eight files in one input, each after a NUL; what comes out is records that
 * may be kept. */
#include "adapters/feed/mymup_dump_join.h"
#include "daemon/base/json.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const MymupDump *dump)
{
    for (size_t i = 0; i < dump->count; i++) {
        const DropItem *item = &dump->items[i];
        Error err = {0};
        json_t *value = NULL;
        if (item->what == DROP_ITEM_REFUSAL) {
            if (!item->refusal.code || !item->refusal.text)
                abort();
            continue;
        }
        if (!drop_id_is(item->change.id) || strlen(item->change.id) > 16 ||
            !json_parse(item->change.json, strlen(item->change.json), &value, &err) ||
            !json_is_object(value))
            abort();
        json_decref(value);
    }
}

static bool read_file(MymupTable *table, MymupFile kind, const uint8_t *bytes, size_t size,
                      Arena *arena, DropProblems *problems)
{
    Error err = {0};
    DropFile *file = arena_alloc(arena, sizeof *file); /* rows name it as long as they live */
    *file = (DropFile){.name = mymup_file_part(kind), .fd = memfd_create("dump", MFD_CLOEXEC)};
    if (file->fd < 0 || write(file->fd, bytes, size) != (ssize_t)size)
        abort();
    file->path = arena_format(arena, "/proc/self/fd/%d", file->fd);
    bool done = mymup_table_read(table, kind, file, arena, problems, &err);
    close(file->fd);
    mymup_table_unite(table);
    return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena *arena = arena_new(64 << 20);
    DropProblems problems = {.arena = arena};
    MymupTable tables[MYMUP_FILE_COUNT] = {0};
    MymupSettings settings = {.team_type = "C02", .age_group = "02", .children = true};
    MymupDump dump = {0};
    bool done = true;
    for (int kind = 0; kind < MYMUP_FILE_COUNT && done; kind++) {
        const uint8_t *end = size ? memchr(data, 0, size) : NULL;
        size_t length = end ? (size_t)(end - data) : size;
        done = read_file(&tables[kind], (MymupFile)kind, data, length, arena, &problems);
        data += length + (end != NULL);
        size -= length + (end != NULL);
    }
    if (done && !problems.refused) {
        mymup_join(tables, &settings, 1, 20261031, arena, &dump);
        check(&dump);
    }
    arena_free(arena);
    return 0;
}
