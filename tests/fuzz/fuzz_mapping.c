/* SPDX-License-Identifier: Apache-2.0 */
/* A mapping file: any bytes end in a mapping, or in a CONFIG error with a place. */
#include "daemon/base/file.h"
#include "daemon/mapping/mapping.h"
#include "tests/fuzz/fuzz_pack.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read from a file, as it is in life; the folder's code lists are the standard mapping's. */
static bool open_in(const char *folder, const uint8_t *data, size_t size, Arena *arena, Error *err)
{
    const Mapping *mapping = NULL;
    const char *codes = arena_format(arena, "%s/mappings/mhsds-6.0/standard/codes", pack_root());
    const char *link = arena_format(arena, "%s/codes", folder);
    const char *path = arena_format(arena, "%s/m.yaml", folder);
    if (symlink(codes, link) != 0 || !file_write(path, data, size, 0600, err))
        abort();
    bool opened = mapping_open(path, pack_open(), arena, &mapping, err);
    unlink(path);
    unlink(link);
    return opened;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char folder[] = "/tmp/mhsflow-fuzz-mapping-XXXXXX";
    Error err = {0};
    Arena *arena = arena_new((size_t)64 << 20);
    if (!mkdtemp(folder))
        abort();
    if (!open_in(folder, data, size, arena, &err) && err.kind != ERROR_CONFIG &&
        err.kind != ERROR_DATA)
        abort();
    rmdir(folder);
    arena_free(arena);
    return 0;
}
