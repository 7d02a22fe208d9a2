/* SPDX-License-Identifier: Apache-2.0 */
/* A CSV drop looked at as a whole, before anything of it is taken in.
 *
 * The manifest and the files must say the same; every row of every file must be
 * readable.  What is wrong becomes a problem with file, row and column. */
#pragma once

#include "adapters/feed/csv_drop_table.h"
#include "adapters/feed/drop_feed.h"

typedef struct CsvChecked {
    const CsvTable *table; /* NULL: deletions.csv */
    const DropFile *file;
    bool part;        /* rows of the table's parts only */
    uint64_t *passed; /* rows that another one of the same id stands for, by number, in order */
    size_t passed_count, passed_capacity;
} CsvChecked;

typedef struct CsvDrop {
    const DropFeed *feed;
    DropOpened *opened;
    const char *generated_at; /* RFC 3339 */
    CsvChecked *files;        /* as in csv_drop.def, deletions last */
    size_t count;
} CsvDrop;

/* What a drop's name says: mef1_FEED_full|delta_YYYYMMDDTHHMMSSZ_N, with .zip or as a folder.
 * `order` is YYYYMMDDHHMMSSNNN. */
typedef struct CsvDropName {
    char feed[64];
    bool full;
    int64_t order;
} CsvDropName;
bool csv_drop_name_read(const char *name, CsvDropName *ret);

/* True also with problems. */
bool csv_drop_check(CsvDrop *drop, Error *err);
