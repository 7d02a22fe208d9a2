/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that make up a list of a record: the scores of a goal, the items of an assessment. */
#pragma once

#include "adapters/feed/csv_drop_profile.h"
#include "adapters/feed/drop_files.h"

typedef struct CsvPart {
    const char *key, *json; /* json NULL: a row that has none */
    int line;
    bool used;
} CsvPart;

typedef struct CsvParts {
    Arena *arena;
    CsvPart *items; /* by key, then as in the file */
    size_t count, capacity, left;
} CsvParts;

/* All of them: at most 256 MiB. */
bool csv_parts_load(const CsvTable *table, const DropFile *file, const CsvProfile *profile,
                    CsvParts *ret, Error *err);
void csv_parts_free(CsvParts *parts);

/* Adds ,"field":[…] to a record; nothing where the drop has no such file. */
void csv_parts_add(CsvParts *parts, const CsvTable *table, const char *id, Text *out);
/* The next one that no record asked for. */
bool csv_parts_left(CsvParts *parts, const char **ret_key, int *ret_line);
