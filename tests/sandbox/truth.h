/* SPDX-License-Identifier: Apache-2.0 */
/* What is true of a caseload: the counts that a test holds the daemon's answers against. */
#ifndef SANDBOX_TRUTH_H
#define SANDBOX_TRUTH_H

#include "tests/sandbox/change_log.h"

/* Folds the first `upto` entries of the log and appends one JSON object (see README.md). */
void truth_write(const ChangeLog *log, uint32_t upto, Buffer *out);

#endif
