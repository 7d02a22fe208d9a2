/* SPDX-License-Identifier: Apache-2.0 */
/* What a person may do with a submission, from one table. */
#pragma once

#include "daemon/store/submission.h"

typedef enum Deed {
#define DEED(name, word, title, meaning) DEED_##name,
#include "daemon/console/deed.def"
#undef DEED
    DEED_COUNT
} Deed;

const char *deed_name(Deed deed);
const char *deed_title(Deed deed,
                       const SubmissionInfo *info); /* "Approve it" where that is meant */
const char *deed_meaning(Deed deed);
bool deed_find(const char *name, Deed *ret);
bool deed_allowed(Deed deed, SubmissionState state); /* what the store would allow just now */
bool deed_do(Store *store, Deed deed, int64_t id, const char *actor, const char *reason,
             Error *err);
