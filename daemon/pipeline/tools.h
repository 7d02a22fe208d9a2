/* SPDX-License-Identifier: Apache-2.0 */
/* What mapping and building work with, opened from the settings: pack, mapping, calendar, reference
 * data.
 *
 * All of it lives in the arena and never changes; a reload opens everything anew
 * in another arena and swaps. */
#pragma once

#include "daemon/config/calendar.h"
#include "daemon/config/config.h"
#include "daemon/dataset/checker.h"
#include "daemon/mapping/mapping.h"

#define TOOLS_CAP ((size_t)128 << 20)

typedef struct Tools {
    const Config *config;
    const Dataset *dataset;
    const Mapping *mapping;
    const MappingSettings *settings;
    const Calendar *calendar;
    const Reference *reference; /* NULL: none is set */
    /* Changes when anything that makes rows does: mapping, pack, policies. */
    const char *fingerprint;
} Tools;

bool tools_open(const Config *config, Arena *arena, Tools *ret, Error *err);
/* The same with another mapping file than the settings name. */
bool tools_open_with(const Config *config, const char *mapping, Arena *arena, Tools *ret,
                     Error *err);

/* The settings' policies as the mapping wants them. */
const MappingSettings *tools_settings(const Config *config, Arena *arena);
