/* SPDX-License-Identifier: Apache-2.0 */
/* Where the signer and those who ask it meet, from the settings. */
#pragma once

#include "daemon/config/config.h"

static inline const char *signing_socket(const Config *config, Arena *arena)
{
    const char *path = section_text(config->signing, "socket");
    return path ? path : config_state_path(config, arena, "run/sign/sign.sock");
}

static inline const char *signing_log(const Config *config, Arena *arena)
{
    const char *path = section_text(config->signing, "log");
    return path ? path : config_state_path(config, arena, "sign/signed.log");
}
