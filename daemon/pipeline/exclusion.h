/* SPDX-License-Identifier: Apache-2.0 */
/* What the whole-file check takes out of a month: rows by number, people by key, each with its
 * rule. */
#pragma once

#include "daemon/dataset/checker.h"

/* One thing that falls, and why.  A row's number is its id in the database. */
typedef struct Exclusion {
    uint64_t row;
    CheckFinding finding;
} Exclusion;

typedef struct ExcludedPerson {
    const char *key;
    const Exclusion *cause;
} ExcludedPerson;

typedef struct Exclusions {
    Arena *arena;
    const Table *header; /* what rejects its row refuses the file: it is never taken out */
    Exclusion *rows;     /* sorted by row up to `sorted`; what this pass found follows */
    size_t count, sorted, capacity;
    ExcludedPerson *people; /* sorted by key; found anew in each pass */
    size_t person_count, person_capacity;
    CheckFinding *file; /* findings of the file as a whole: nobody to take out */
    size_t file_count, file_capacity;
    bool refused; /* one of them refuses the file */
} Exclusions;

Exclusions exclusions_new(const Table *header, Arena *arena);
/* A CheckSink: keeps what rejects a row or speaks of the whole file. */
void exclusions_add(void *context, const CheckFinding *finding);
/* After a pass: true when it found something new to take out.  File findings of this pass stay only
 * if not. */
bool exclusions_settle(Exclusions *exclusions);
void exclusions_start_pass(Exclusions *exclusions);

const Exclusion *exclusions_row(const Exclusions *exclusions, uint64_t row); /* NULL: stays */
void exclusions_add_person(Exclusions *exclusions, const char *key, const Exclusion *cause);
const Exclusion *exclusions_person(const Exclusions *exclusions, const char *key);
