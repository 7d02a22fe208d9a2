/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a diagnosis, for `mhsflow check` and `doctor`: what was looked at, how it is, what to
 * do. */
#pragma once

#include "daemon/commands/listing.h"

typedef struct Diagnosis {
    CommandContext *context;
    Listing *listing;
    int failed; /* lines by diagnosis_bad() */
} Diagnosis;

Diagnosis diagnosis_new(CommandContext *context);
/* Printed at once; NULL leaves a part out. */
void diagnosis_good(Diagnosis *diagnosis, const char *what, const char *detail);
/* Not wrong, but a person may want to know. */
void diagnosis_note(Diagnosis *diagnosis, const char *what, const char *detail, const char *remedy);
void diagnosis_bad(Diagnosis *diagnosis, const char *what, const Error *err, const char *remedy);
