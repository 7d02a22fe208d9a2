/* SPDX-License-Identifier: Apache-2.0 */
/* One person, all open months: records to gated, checked rows with the months for which each holds.
 *
 * No database: records and consent come in, rows and findings go out.  In each
 * month the national rules run over the person's rows, and what they would drop
 * is left out with its cause: the row with all that hangs on it, the whole person
 * when their MHS001, MHS002 or MHS101 falls.  Equal neighbouring months are one
 * row.  What only the whole file can tell (an NHS number shared with another
 * person) is the build's to find. */
#pragma once

#include "daemon/pipeline/tools.h"
#include "daemon/store/rows.h"
#include "daemon/store/source.h"

/* Keeps what all persons share: the compiled rules for each provider, the open months. */
typedef struct Mapper Mapper;

/* `tools` must outlive it.  The months are those open on `today`. */
Mapper *mapper_new(const Tools *tools, Day today);
void mapper_free(Mapper *mapper);
static inline void mapper_freep(Mapper **mapper)
{
    mapper_free(*mapper);
}
#define _cleanup_mapper_ __attribute__((cleanup(mapper_freep)))

/* Which months: for the fingerprint of what made all rows. */
size_t mapper_months(const Mapper *mapper, const Month **ret);

typedef struct PersonIn {
    const char *feed, *person; /* as the feed has it */
    const RecordList *records; /* live; the survivor's and the merged persons' */
    const PersonBasis *basis;
    const References *references;
} PersonIn;

/* Everything returned lives in `arena` or in the records.  DATA "arena.cap" when the person is too
 * large. */
bool map_person(Mapper *mapper, const PersonIn *in, Arena *arena, PersonRows *ret, Error *err);
