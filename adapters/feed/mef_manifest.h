/* SPDX-License-Identifier: Apache-2.0 */
/* What a MEF/1 server says about itself: version, epoch, head, record types. */
#pragma once

#include "daemon/base/arena.h"

#include <stdint.h>

#define MEF_SCHEMA 1

typedef struct MefManifest {
    const char *epoch;
    int64_t head_seq;
    const char **types; /* those we know, parents before children */
    size_t type_count;
    int64_t unknown_types;
    int64_t page_most; /* the server's own limit for `limit`; 0: not said */
} MefManifest;

/* `wanted`: types to read, NULL for all that are known.  CONFIG "feed.schema" when the server
 * speaks another major version, "feed.types" when nothing is left to read; LATER when it is no
 * manifest. */
bool mef_manifest_read(const char *bytes, size_t size, const char *const *wanted,
                       size_t wanted_count, Arena *arena, MefManifest *ret, Error *err);
