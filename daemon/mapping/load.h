/* SPDX-License-Identifier: Apache-2.0 */
/* Between the two halves of the loader: the file with its blocks, and the lines of an item. */
#pragma once

#include "daemon/mapping/plan.h"

bool load_check_item_words(const YamlNode *map, Error *err);

/* One line, or a list of lines of which the first that holds counts. */
bool load_item(Mapping *mapping, const Block *block, const YamlNode *node, Arena *arena, Item *item,
               Error *err);
