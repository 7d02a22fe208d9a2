/* SPDX-License-Identifier: Apache-2.0 */
/* One line of a change log, from JSON to a Change. */
#pragma once

#include "adapters/adapter.h"

typedef enum MefRefusal {
    MEF_FINE,
#define MEF_REFUSAL(name, code, text) MEF_REFUSED_##name,
#include "adapters/feed/mef_refusal.def"
#undef MEF_REFUSAL
} MefRefusal;

const char *mef_refusal_code(MefRefusal refusal);
const char *mef_refusal_text(MefRefusal refusal);

/* Reads `object`, whose text is `line` (NULL: the record is written anew from the tree). Everything
 * of `ret` is copied to the arena.  For an unknown type ret->type is NULL and the rest is not
 * looked at. Also filled when refused, as far as it could be read: whoever looks for the record
 * needs a hint. */
MefRefusal mef_change_read(const json_t *object, const char *line, size_t size, bool snapshot,
                           Arena *arena, Change *ret, int64_t *ret_unknown_fields);
