/* SPDX-License-Identifier: Apache-2.0 */
/* Row sets written as one line of edits to a clean month: see rules/README.md.
 *
 * For tests of the checker.  Every helper ends the test with a message when the
 * data cannot be understood. */
#pragma once

#include "daemon/dataset/checker.h"
#include "daemon/dataset/reference.h"

#define CASE_PERIOD "2026-10"
#define CASE_PROVIDER "ZZ901"
#define CASE_SUBMITTER "ZZ902"
#define CASE_SUBMITTED_AT "2026-11-10T12:00:00"

typedef struct CaseBase {
    const Dataset *dataset;
    const Reference *reference;
    CheckContext context; /* everything known: all rules that can be are judged */
    Row **rows;           /* by table index */
    bool *template_only;
} CaseBase;

typedef struct CaseRows {
    Row **rows;
    size_t count, capacity;
    const Table *structure_table; /* "!TABLE" or "!TABLE.ELEMENT" */
    const Element *structure_element;
} CaseRows;

typedef struct CaseFindings {
    CheckFinding *list;
    size_t count, capacity;
    Arena *arena;
} CaseFindings;

const char *case_path(Arena *arena, const char *relative); /* from the source root */
char *case_text(Arena *arena, const char *path);           /* a whole file */

CaseBase *case_base(Arena *arena);

/* The clean rows that the table (NULL: none) and the edits need, with their parents and links, and
 * the edits made.  Rows are numbered from 1. */
CaseRows case_rows(const CaseBase *base, const Table *table, const char *edits, Arena *arena);
/* All the clean rows, with the edits made. */
CaseRows case_all_rows(const CaseBase *base, const char *edits, Arena *arena);
void case_add(CaseRows *rows, Row *row, Arena *arena);
Row *case_copy(const Row *row, Arena *arena);
void case_set(Row *row, const char *element, const char *value);

void case_sink(void *context, const CheckFinding *finding); /* context: CaseFindings */
CheckSummary case_run(Checker *checker, const CaseRows *rows);

/* Findings of a rule; row 0: any row. */
size_t case_count(const CaseFindings *findings, const char *rule, uint64_t row);
const CheckFinding *case_find(const CaseFindings *findings, const char *rule);

/* One line per finding, sorted: "RULE TABLE ROW ELEMENT < RULE TABLE ROW". */
char *case_print(const CaseFindings *findings, Arena *arena);
