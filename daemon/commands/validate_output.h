/* SPDX-License-Identifier: Apache-2.0 */
/* Findings of `validate` for people (grouped by root cause), for programs (JSON lines) and for a
 * spreadsheet (a fix list).
 *
 * JSON and CSV go out finding by finding; for people only groups are kept, so
 * memory does not grow with what is wrong.  Values come only if the caller has them. */
#pragma once

#include "daemon/commands/command.h"
#include "daemon/dataset/checker.h"

typedef enum OutputForm { OUTPUT_PEOPLE, OUTPUT_JSON, OUTPUT_CSV } OutputForm;

typedef struct Output Output;

typedef struct OutputFinding {
    CheckFinding found;
    const char *detail; /* in place of the rule's message: what differs in structure; or NULL */
    const char *value;  /* NULL: none, or not to be shown */
} OutputFinding;

void output_free(Output *output); /* NULL is fine */
Output *output_new(CommandContext *context, const Dataset *dataset, OutputForm form);
void output_finding(Output *output, const OutputFinding *finding);

/* People: the groups, then what was read, and what was not judged and why. */
void output_end(Output *output, const CheckSummary *summary, const CheckContext *check);

static inline void output_freep(Output **output)
{
    output_free(*output);
}
#define _cleanup_output_ __attribute__((cleanup(output_freep)))
