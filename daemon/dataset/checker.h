/* SPDX-License-Identifier: Apache-2.0 */
/* The national rules, run in the national order over the rows of one provider and month.
 *
 *   1. record rules, as each row comes (tables in any order; rows in any order);
 *   2. group rules on the rows that survived: duplicates, orphans, and what falls
 *      with them, each consequence naming its cause;
 *   3. file rules.
 *
 * The order of rows does not change what is found.  Only keys, links and the few
 * values that other tables' rules look at are kept, not rows: memory grows with
 * the number of keys.  Findings never hold a value.
 *
 * Every record rule speaks of every row, also of one that another rule rejects.  A
 * copy is each of the rows that are alike, not the second only.  Rules that only
 * warn speak of each row that passed the record rules.  The texts of the context
 * stay the caller's and must outlive the checker. */
#pragma once

#include "daemon/dataset/dataset.h"

/* reference.h: ODS codes, practices, postcodes known and open. */
typedef struct Reference Reference;

typedef struct CheckContext {
    Month period;
    const char *provider;       /* the organisation the file is for (national login) */
    const char *submitter;      /* who uploads; NULL: the provider */
    const char *submitted_at;   /* "CCYY-MM-DDThh:mm:ss", London; when the upload is or would be */
    const Reference *reference; /* NULL: rules that need it are "not checked" */
    bool partial;               /* tables may be missing: what they decide is not judged */
    /* With partial: which tables are here, by their index; NULL: those with a row.  One person's
     * rows are whole for every table of persons, so that a person without any GP row is found. */
    const bool *present;
} CheckContext;

typedef struct CheckFinding {
    const Rule *rule;
    const Table *table;
    const Element *element; /* NULL: the whole row */
    uint64_t row;           /* Row.number; 0: the whole table or file */
    /* What rejected the row that this one fell with, where it all began; NULL: its own cause. */
    const Rule *cause_rule;
    const Table *cause_table;
    uint64_t cause_row;
} CheckFinding;

typedef void (*CheckSink)(void *context, const CheckFinding *finding);

typedef struct CheckSummary {
    size_t rows, rejected_rows, findings, warnings;
    bool file_rejected;
} CheckSummary;

typedef struct Checker Checker;

/* CONFIG when a rule of the pack cannot be understood: check, arguments, file and line. */
bool checker_new(const Dataset *dataset, const CheckContext *context, CheckSink sink,
                 void *sink_context, Checker **ret, Error *err);
void checker_free(Checker *checker);

bool checker_row(Checker *checker, const Row *row, Error *err);
bool checker_finish(Checker *checker, CheckSummary *ret, Error *err);

/* Forget the rows and start again with another month, everything else as it was: for person after
 * person.  Cheap. */
void checker_reset(Checker *checker, Month period);

/* For whoever reads a file: a table or column is missing, renamed or too many.  Finding of the rule
 * on the structure; either may be NULL. */
bool checker_structure(Checker *checker, const Table *table, const Element *element, Error *err);

/* After checker_finish(): was this row left standing?  A row whose finding refuses
 * the whole file still stands: leave its person out to save the file. */
bool checker_survives(Checker *checker, const Table *table, uint64_t number);

/* Why a rule is not checked with this context, in a sentence; NULL when it is. */
const char *checker_not_checked(const Dataset *dataset, const Rule *rule,
                                const CheckContext *context);

static inline void checker_freep(Checker **checker)
{
    checker_free(*checker);
}
#define _cleanup_checker_ __attribute__((cleanup(checker_freep)))
