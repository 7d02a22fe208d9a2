/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV files of one drop, a folder or a zip file, as private working copies in UTF-8.
 *
 * A copy has no name (it is gone with the process) and lies in the drop's own
 * file system, so what was checked is what is read, whoever touches the drop
 * meanwhile.  A byte order mark stays for the CSV reader; Windows-1252 becomes
 * UTF-8 and is noted.  Unpacking is bounded by `size_limit` over all files. */
#pragma once

#include "adapters/feed/drop_problem.h"
#include "daemon/base/digest.h"

#include <stdint.h>

typedef struct DropFile {
    const char *name; /* "people.csv" */
    const char *path; /* of the working copy, while the drop is open */
    int fd;
    int64_t size;
    char sha256[DIGEST_HEX_SIZE]; /* of the bytes as they came */
} DropFile;

typedef struct DropFiles {
    DropFile *items; /* in order of name */
    size_t count, capacity;
    char digest[DIGEST_HEX_SIZE]; /* of all names and contents */
} DropFiles;

/* What is wrong with the drop is a problem, not an error; the files are then those read so far.
 * `sha256`: what the file beside says, of the zip file or of the folder's manifest.csv; NULL: none.
 * Close in any case. */
bool drop_files_open(const char *path, const char *sha256, int64_t size_limit, Arena *arena,
                     DropProblems *problems, DropFiles *ret, Error *err);
void drop_files_close(DropFiles *files);
const DropFile *drop_files_find(const DropFiles *files, const char *name); /* or NULL */
