/* SPDX-License-Identifier: Apache-2.0 */
/* The command that serves feed, receiver and control until SIGTERM. Returns the exit code. */
#ifndef SANDBOX_SERVE_H
#define SANDBOX_SERVE_H

#include "tests/sandbox/options.h"

int serve_run(const Options *options);

#endif
