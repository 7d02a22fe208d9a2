/* SPDX-License-Identifier: Apache-2.0 */
/* Which pack a command works with. */
#include "daemon/commands/dataset_pack.h"

#include <unistd.h>

bool command_dataset(CommandContext *context, const Dataset **ret, Error *err)
{
    const Config *config;
    const char *folder = context->option(context, "--dataset");
    if (!folder &&
        (context->option(context, "--config") || access(context->config_path, F_OK) == 0)) {
        if (!command_config(context, &config, err))
            return false;
        folder = section_text(config->main, "dataset");
    }
    return dataset_open(folder ? folder : MHSFLOW_DATADIR "/mappings/mhsds-6.0", context->arena,
                        ret, err);
}
