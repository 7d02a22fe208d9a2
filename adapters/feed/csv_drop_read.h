/* SPDX-License-Identifier: Apache-2.0 */
/* The changes of a CSV drop that was found to be in order, one after the other. */
#pragma once

#include "adapters/feed/csv_drop_check.h"

typedef struct CsvDropReader CsvDropReader;

bool csv_drop_reader_new(const DropFeed *feed, DropOpened *opened, CsvDropReader **ret, Error *err);
bool csv_drop_reader_next(CsvDropReader *reader, Arena *arena, DropItem *ret, Error *err);
void csv_drop_reader_free(CsvDropReader *reader);
