/* SPDX-License-Identifier: Apache-2.0 */
/* Where a feed of drops stands, as the text that the cursor keeps. */
#pragma once

#include "daemon/base/arena.h"

#include <stdint.h>

/* One drop: its name, what is in it, and its place in the order of drops. */
typedef struct DropRef {
    const char *name; /* NULL: none */
    const char *digest;
    int64_t seq;
} DropRef;

/* How many rows each file of the last full drop had. */
typedef struct DropCount {
    const char *file;
    int64_t rows;
} DropCount;

typedef struct DropPlace {
    DropRef taken;   /* the last one that is in, whole */
    DropRef reading; /* the one that is half in */
    DropRef refused; /* one that is to go to quarantine */
    int64_t at;      /* how many changes of `reading` are in */
    bool full;       /* a full drop was taken in */
    DropCount *counts;
    size_t count;
} DropPlace;

/* NULL or "" is the beginning.  CONFIG "drop.place" when it is no place of ours. */
bool drop_place_read(const char *text, Arena *arena, DropPlace *ret, Error *err);
const char *drop_place_write(const DropPlace *place, Arena *arena);
