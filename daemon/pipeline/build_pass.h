/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over a frozen month: rows from the database to a document, judged as a whole file.
 *
 * A pass writes everything that `exclusions` lets stand, and adds to them what the
 * national checks make fall.  The rows without a person (header, group sessions,
 * workers and teams) are made from what the pass really wrote. */
#pragma once

#include "daemon/pipeline/build.h"
#include "daemon/pipeline/exclusion.h"
#include "daemon/pipeline/spool_file.h"

typedef struct BuildPass {
    const BuildTools *tools;
    const ProviderSettings *provider;
    Month month;
    int64_t generation;
    const char *created_at; /* "CCYY-MM-DDThh:mm:ss", London */
    Exclusions *exclusions;
    const char *const *closed; /* people whose rows hold and who may not leave: all out */
    size_t closed_count;
    Arena *arena; /* the results live here */

    /* results */
    uint8_t document_digest[DIGEST_SIZE], content_digest[DIGEST_SIZE];
    SubmissionCounts counts;
    SubmissionRow *rows; /* those without a person */
    size_t row_count, row_capacity;
    LeftOut *left_out;
    size_t left_out_count, left_out_capacity;
    MapFindings findings; /* about the rows without a person */
} BuildPass;

/* Writes the whole document to `file`, which is open; finishes it, does not rename it. */
bool build_pass(BuildPass *pass, SpoolFile *file, Error *err);
