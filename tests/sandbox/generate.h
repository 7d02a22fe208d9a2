/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that print a caseload. Each returns the exit code. */
#ifndef SANDBOX_GENERATE_H
#define SANDBOX_GENERATE_H

#include "tests/sandbox/options.h"

int generate_run(const Options *options);
/* Counts everything, the late changes too, unless --tail says how many to leave out. */
int truth_run(const Options *options);

#endif
