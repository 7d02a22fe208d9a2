/* SPDX-License-Identifier: Apache-2.0 */
/* The eight files of a MYMUP dump as clean tables in memory.
 *
 * Column names: spaces become _, lower case, outer _ cut; the known spellings of
 * one column become one; a name that stands twice gets .1 and so on.  Values:
 * HTML entities decoded, runs of blanks one, outer blanks cut, 0000-00-00 is
 * blank.  Rows that are equal in every column are one, and the rest is counted. */
#pragma once

#include "adapters/feed/drop_files.h"

typedef enum MymupFile {
#define MYMUP_FILE(name, part, columns, lost) MYMUP_##name,
#include "adapters/feed/mymup_dump.def"
#undef MYMUP_FILE
    MYMUP_FILE_COUNT
} MymupFile;

typedef struct MymupRow {
    const struct MymupSheet *sheet;
    const char **values; /* in order of the sheet's columns */
    int line;
} MymupRow;

/* One file of the dump; there may be several of a kind. */
typedef struct MymupSheet {
    const DropFile *file;
    const char **columns;
    size_t count;
} MymupSheet;

typedef struct MymupTable {
    MymupRow *rows;
    size_t count, capacity, sheets;
    int64_t again; /* rows left out because they stand there before */
} MymupTable;

/* Which of the eight a file is; MYMUP_FILE_COUNT: none. */
MymupFile mymup_file_of(const char *name);
const char *mymup_file_part(MymupFile file);
const char *mymup_file_lost(MymupFile file); /* what of it is not carried; NULL: nothing */
/* The eight digits of a name as a day YYYYMMDD, written in that order or day first; 0: none. */
int64_t mymup_file_day(const char *name);

/* Adds the file's rows.  What is wrong with it is a problem. */
bool mymup_table_read(MymupTable *table, MymupFile kind, const DropFile *file, Arena *arena,
                      DropProblems *problems, Error *err);
void mymup_table_unite(MymupTable *table); /* takes out rows that stand there twice */

const char *mymup_value(const MymupRow *row, const char *column); /* "" when blank or not there */
bool mymup_has_column(const MymupRow *row, const char *column);
/* A hash of all that the row says, for an id. */
void mymup_row_hash(const MymupRow *row, uint8_t ret[DIGEST_SIZE]);

const char *mymup_clean_value(const char *text, Arena *arena);
const char *mymup_clean_column(const char *text, Arena *arena);
/* "31/12/2026", "2026-12-31", either with a time behind it, as YYYY-MM-DD; NULL: none of them. */
const char *mymup_date(const char *text, Arena *arena);
