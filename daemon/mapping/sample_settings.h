/* SPDX-License-Identifier: Apache-2.0 */
/* The "settings" of a sample: providers with their policies, feeds with their prefixes. */
#pragma once

#include "daemon/base/json.h"
#include "daemon/mapping/settings.h"

/* NULL: any provider, all policies at their defaults. */
bool sample_settings(const json_t *object, Arena *arena, const MappingSettings **ret, Error *err);
