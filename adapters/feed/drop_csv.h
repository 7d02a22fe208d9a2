/* SPDX-License-Identifier: Apache-2.0 */
/* A drop's file read as CSV: what is wrong with it becomes a problem with its row and column. */
#pragma once

#include "adapters/feed/csv_drop_profile.h"
#include "daemon/base/csv.h"

/* True with *ret NULL: a problem was added. */
bool drop_csv_open(const CsvProfile *profile, const DropFile *file, DropProblems *problems,
                   CsvReader **ret, Error *err);
/* True with *ret_row NULL: the end, or a problem was added. */
bool drop_csv_next(CsvReader *reader, const DropFile *file, DropProblems *problems,
                   const CsvRow **ret_row, Error *err);
