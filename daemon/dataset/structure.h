/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that come from outside, and how their tables and columns may differ from the data set.
 *
 * The national structure check (MHSREJ001) refuses a file whose tables or columns
 * are not exactly the specification's; readers report each difference here and
 * read on, so that a person sees all of them at once. */
#pragma once

#include "daemon/dataset/dataset.h"

typedef enum StructureKind {
    STRUCTURE_TABLE_UNKNOWN,
    STRUCTURE_TABLE_MISSING,
    STRUCTURE_TABLE_ORDER, /* a table stands after one that follows it in the data set */
    STRUCTURE_COLUMN_UNKNOWN,
    STRUCTURE_COLUMN_MISSING,
    STRUCTURE_COLUMN_ORDER,
    STRUCTURE_COLUMN_AGAIN,
} StructureKind;

typedef struct StructureFault {
    StructureKind kind;
    const Table *table;     /* NULL: not known */
    const Element *element; /* NULL: not known, or the table as a whole */
    const char *name;       /* what stands there instead; from outside: may be a person's data */
    const char *near;       /* the known name that it is most like, or NULL */
    const char *file;       /* file name inside the folder, or the document */
    int line, column;       /* 0: none; column counts columns of a table */
} StructureFault;

typedef bool (*RowSink)(void *context, const Row *row, Error *err);
typedef bool (*StructureSink)(void *context, const StructureFault *fault, Error *err);

/* One sentence about it.  Names from outside only with `show`. */
const char *structure_text(const StructureFault *fault, bool show, Arena *arena);
