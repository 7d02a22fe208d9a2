/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of reading a pack; for dataset_open() only.
 *
 * Each fills its part of a Dataset whose folder is set.  Errors are CONFIG
 * "dataset.pack" and begin with file and line. */
#pragma once

#include "daemon/dataset/dataset.h"

/* dataset.yaml: everything but what the other three read.  Code lists are read as elements name
 * them. */
bool dataset_read_tables(Dataset *dataset, Arena *arena, Error *err);

/* codes/NAME.csv; asked again, the same list. */
bool dataset_read_codes(Dataset *dataset, Arena *arena, const char *name, const CodeList **ret,
                        Error *err);
bool dataset_read_scales(Dataset *dataset, Arena *arena, Error *err);
bool dataset_read_rules(Dataset *dataset, Arena *arena, Error *err);

/* "max an20", "an10 CCYY-MM-DD" …: kind and length.  False when it is none that we know. */
bool format_parse(const char *format, ValueKind *ret_kind, int *ret_min, int *ret_max);

/* "max n7.n2", "max n2.max n2": digits before and after the point. */
bool format_decimal(const char *format, int *ret_whole, int *ret_fraction_min,
                    int *ret_fraction_max);
