/* SPDX-License-Identifier: Apache-2.0 */
/* The real pack, opened once, for the fuzz targets of the mapping. */
#pragma once

#include "daemon/dataset/dataset.h"

#include <stdio.h>
#include <stdlib.h>

static const char *pack_root(void)
{
    const char *root = getenv("MHSFLOW_SOURCE_ROOT");
    return root ? root : ".";
}

static const Dataset *pack_open(void)
{
    static const Dataset *dataset;
    static Arena *arena;
    Error err = {0};
    char path[512];
    if (dataset)
        return dataset;
    arena = arena_new((size_t)64 << 20);
    snprintf(path, sizeof path, "%s/mappings/mhsds-6.0", pack_root());
    if (!dataset_open(path, arena, &dataset, &err))
        abort();
    return dataset;
}
