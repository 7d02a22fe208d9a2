/* SPDX-License-Identifier: Apache-2.0 */
/* `mhsflow feed replay`, for the table of the feed commands. */
#pragma once

#include "daemon/commands/command.h"

extern const CommandOption feed_replay_options[];
extern const char feed_replay_help[];
int feed_replay_run(CommandContext *context, Error *err);
