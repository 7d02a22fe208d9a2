/* SPDX-License-Identifier: Apache-2.0 */
/* The data set that a command works with: `--dataset FOLDER`, else the settings' if there are any,
 * else the installed one.  Commands with DATASET_OPTION in their table may ask. */
#pragma once

#include "daemon/commands/command.h"
#include "daemon/dataset/dataset.h"

#define DATASET_OPTION                                                                             \
    {                                                                                              \
        "--dataset", "FOLDER", false, "the data set's pack, if not the one in the settings"        \
    }

bool command_dataset(CommandContext *context, const Dataset **ret, Error *err);
