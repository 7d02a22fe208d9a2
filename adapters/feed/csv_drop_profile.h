/* SPDX-License-Identifier: Apache-2.0 */
/* How one site's CSV differs from the contract's: names of files and columns, delimiter, dates.
 *
 *   delimiter: ";"                  # , ; | or tab
 *   dates: dd/mm/yyyy               # see csv_drop_profile.def
 *   lists: ","                      # what separates the entries of a list
 *   files:
 *     people:                       # the contract's name
 *       file: Clients.csv           # as the site writes it; people.csv when not said
 *       columns: {id: Client Ref, birth_date: DOB}
 *
 * What a profile does not say is as in the contract; so are manifest.csv and
 * deletions.csv, which are no export but its cover.  A column that it renames is
 * known by the site's name only. */
#pragma once

#include "adapters/feed/csv_drop_table.h"
#include "adapters/feed/drop_files.h"

typedef struct CsvRenamed {
    const char *column, *said; /* the contract's and the site's name */
} CsvRenamed;

typedef struct CsvProfileFile {
    const char *file, *said; /* "people.csv", "Clients.csv" */
    CsvRenamed *columns;
    size_t count;
} CsvProfileFile;

typedef struct CsvProfile {
    CsvDialect dialect;
    char delimiter;
    CsvProfileFile *files;
    size_t count;
} CsvProfile;

/* `path` NULL: the contract itself.  CONFIG with file, line and column for what a profile cannot
 * say. */
bool csv_profile_load(const char *path, Arena *arena, const CsvProfile **ret, Error *err);

/* The contract's name of a file of the drop, and the site's name of a column in it. */
const char *csv_profile_file(const CsvProfile *profile, const char *said);
const char *csv_profile_column(const CsvProfile *profile, const char *said_file,
                               const char *column);

/* Opens a file of the drop; its header then has the contract's names. */
bool csv_profile_open(const CsvProfile *profile, const DropFile *file, Arena *arena,
                      CsvReader **ret, Error *err);
/* Is a column that the profile names not in the file?  By the site's name; NULL: all are. */
const char *csv_profile_missing(const CsvProfile *profile, const DropFile *file,
                                const CsvReader *reader, size_t *place);
