/* SPDX-License-Identifier: Apache-2.0 */
/* One submission's life on one screen. */
#pragma once

#include "daemon/commands/command.h"
#include "daemon/store/submission.h"

/* Why it is where it is, in a few words; NULL when there is nothing to say. */
const char *queue_why(const CommandContext *context, const SubmissionInfo *info);

bool queue_show(CommandContext *context, Store *store, int64_t id, Error *err);
