/* SPDX-License-Identifier: Apache-2.0 */
/* One value of one option, as written or by default. */
#pragma once

#include "daemon/config/option.h"

typedef struct OptionValue {
    const OptionDecl *decl;
    const YamlNode *node; /* NULL: the default */
    const char *text;     /* as written; a path resolved; NULL: not set */
    int64_t number;       /* COUNT, DURATION in milliseconds, SIZE in bytes, BOOL */
    const char **keys;    /* MAP: beside items */
    const char **items;   /* LIST, MAP */
    size_t count;
} OptionValue;

/* `node` NULL reads the default; a default that breaks its own bounds ends the process. */
bool option_value_read(const OptionDecl *decl, const YamlNode *node, Arena *arena, OptionValue *ret,
                       Error *err);

/* "FILE:LINE: NAME" of the first option that differs and cannot change in a running role, or NULL.
 */
const char *section_restart(const Section *old, const Section *fresh, Arena *arena);
