/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and findings as text for people: `mhsflow try`, and the golden examples. */
#pragma once

#include "daemon/base/text.h"
#include "daemon/mapping/mapping.h"

/* A head line, then one line for each element: value, record and field, and, with `places`, the
 * lines of the mapping and of the code list.  Without `places` an edit elsewhere in the mapping
 * changes nothing here. */
void show_row(const MappedRow *row, bool places, Arena *arena, Text *out);
void show_finding(const MapFinding *finding, Text *out);
