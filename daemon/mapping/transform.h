/* SPDX-License-Identifier: Apache-2.0 */
/* The named transforms of transform.def, for the table that binds them and for their tests. */
#pragma once

#include "daemon/mapping/row.h"

#define TRANSFORM(name, function, sees_nothing, help)                                              \
    Transformed function(TransformCall *call, const char **ret);
#include "daemon/mapping/transform.def"
#undef TRANSFORM

#define LOCAL_ID_MAX 20 /* "max an20" of every local identifier */

/* Pure parts, tested on their own.  Each is false when the text has not the form. */
bool format_time(const char *text, char ret[9]); /* HH:MM:SS */
bool format_score(const char *text, Arena *arena,
                  const char **ret); /* no leading zeros, one decimal */
bool format_postcode(const char *text, Arena *arena, const char **ret); /* "BD7 1AZ" */
bool format_nhs_number(const char *text, char ret[11]); /* ten digits, check digit right */
/* A London wall time with its offset; `offset` chooses in the hour that comes twice ("+01:00"
 * first). */
bool format_timestamp(const char *date, const char *time, const char *offset, char ret[26]);
