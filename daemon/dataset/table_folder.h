/* SPDX-License-Identifier: Apache-2.0 */
/* The national rows as a folder with one CSV file per table: MHS001MPI.csv, …
 *
 * Written, it holds every table of the data set, empty ones too, with every
 * column in the specification's order: ready for import into the template that
 * the national portal takes.  manifest.csv comes last, with each file's rows and
 * SHA-256; a folder without it is not complete.  CRLF, UTF-8, and no guard
 * against spreadsheet formulas: a mark before a value would be imported with it.
 *
 * Read, it is hostile: only files directly in the folder, only regular ones. */
#pragma once

#include "daemon/dataset/structure.h"

/* Read the tables in the data set's order, whatever order files and columns have.  Row numbers
 * count data rows from 1.  `partial`: a table that is missing is no fault.  A column that is
 * missing reads as blank.  ERROR_DATA with FILE:LINE for what is no CSV; "folder.…" for the folder
 * itself. */
bool table_folder_read(const Dataset *dataset, const char *folder, bool partial, RowSink rows,
                       StructureSink faults, void *context, Error *err);

/* Which tables have a file there: flags by table index. */
bool table_folder_tables(const Dataset *dataset, const char *folder, bool *ret_present, Error *err);

typedef struct FolderWriter FolderWriter;

/* The folder is made, or is there and empty; mode 0700, files 0600. */
bool folder_begin(const Dataset *dataset, const char *folder, FolderWriter **ret, Error *err);
bool folder_row(FolderWriter *writer, const Row *row, Error *err); /* in the tables' order */
bool folder_end(FolderWriter *writer, Error *err);
void folder_free(FolderWriter *writer);

/* A document as such a folder. */
bool table_folder_write(const Dataset *dataset, const char *document, const char *folder,
                        Error *err);

static inline void folder_freep(FolderWriter **writer)
{
    folder_free(*writer);
}
#define _cleanup_folder_ __attribute__((cleanup(folder_freep)))
