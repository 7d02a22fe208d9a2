/* SPDX-License-Identifier: Apache-2.0 */
/* What record types and fields MEF/1 knows (mef_type.def), for order and for counting the unknown.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

/* Place in the order of snapshots, parents first; -1 when the type is not known. */
int mef_type_index(const char *type);
const char *mef_type_name(int index); /* static text; NULL past the last */

/* How many of the object's names are not fields of that type. */
int64_t mef_type_unknown_fields(int type, const json_t *object);
