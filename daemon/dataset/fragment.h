/* SPDX-License-Identifier: Apache-2.0 */
/* A row's line (document.h, row_fragment) read back into values.
 *
 * This reads what we wrote and kept in the database, so it is exact: elements in
 * the table's order, no attributes, no white space, the entities that
 * row_fragment() writes.  Anything else is ERROR_BUG "fragment.form": the line in
 * the database is not one that this program makes. */
#pragma once

#include "daemon/dataset/dataset.h"

bool fragment_read(const Table *table, const char *bytes, size_t size, Arena *arena, Row **ret,
                   Error *err);
