/* SPDX-License-Identifier: Apache-2.0 */
/* What `dataset describe` says, for programs: one object per line and thing. */
#pragma once

#include "daemon/commands/command.h"
#include "daemon/dataset/describe.h"

/* False when nothing is so named. */
bool dataset_json(CommandContext *context, const Dataset *dataset, const char *what,
                  DescribeFill fill, void *fill_context);
