/* SPDX-License-Identifier: Apache-2.0 */
/* The XSD of a data set, made from its pack.
 *
 * Formats become simple types; code lists only where the national check refuses a
 * row for its code; tables and elements in order.  No keys and no large finite
 * maxOccurs: what is unique and what belongs to what is the rule checker's, which
 * needs a tenth of the memory. */
#pragma once

#include "daemon/base/text.h"
#include "daemon/dataset/dataset.h"

void schema_write(const Dataset *dataset, Text *text);
