/* SPDX-License-Identifier: Apache-2.0 */
/* Records from a file, for `mhsflow try` and the golden examples: no feed, no database.
 *
 * Understood are: the lines of a change feed (one JSON object a line; a trailer is
 * passed over), a list of them, or one object {"records": […]} that may also say
 * "month" (YYYY-MM), "created_at" and "settings" (providers and feeds, named as in
 * the settings file).  Changes are applied in order: the last upsert of a record
 * counts, a deletion removes it, a merge gives the merged person's records to the
 * survivor.  A line without "op" is a record if it has "type" and "record". */
#pragma once

#include "daemon/mapping/mapping.h"

typedef struct SamplePerson {
    const char *feed, *id;
    RecordList records;
} SamplePerson;

typedef struct Sample {
    Month month; /* 0: not said */
    const char *created_at;
    const MappingSettings *settings;
    References *references;
    SamplePerson *people; /* in the order of their first record */
    size_t count, capacity;
    size_t orphans; /* records whose person is not in the file */
} Sample;

/* DATA with the line, never its content. */
bool sample_read(const char *name, const char *bytes, size_t size, Arena *arena, Sample *ret,
                 Error *err);
