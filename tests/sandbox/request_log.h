/* SPDX-License-Identifier: Apache-2.0 */
/* Remembers the latest requests: what was asked and answered, never a body. */
#ifndef SANDBOX_REQUEST_LOG_H
#define SANDBOX_REQUEST_LOG_H

#include "tests/sandbox/buffer.h"

/* `status` 0 = no answer was given. */
void request_log_add(const char *target, const char *method, const char *path, unsigned status,
                     const char *fault);
/* Appends {"seen":N,"requests":[…]} with the latest ones, oldest first. */
void request_log_write(Buffer *out);
uint64_t request_log_seen(const char *target);

#endif
