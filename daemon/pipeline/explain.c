/* SPDX-License-Identifier: Apache-2.0 */
/* From the facts to the one answer: the first line of the table that holds. */
#include "daemon/pipeline/explain.h"

#include "daemon/base/text.h"

typedef enum ReasonId {
#define REASON(name, code, answer, when, so, remedy) REASON_##name,
#include "daemon/pipeline/explain.def"
#undef REASON
    REASON_COUNT
} ReasonId;

static const ExplainReason reasons[] = {
#define REASON(name, code, answer, when, so, remedy) {code, EXPLAIN_IS_##answer, so, remedy},
#include "daemon/pipeline/explain.def"
#undef REASON
};

const char *explain_answer_name(ExplainAnswer answer)
{
    static const char *const names[] = {"sent", "goes", "needs you", "never"};
    return names[answer];
}

const ExplainReason *explain_reasons(size_t *ret_count)
{
    *ret_count = REASON_COUNT;
    return reasons;
}

const ExplainReason *explain_judge(const ExplainFacts *f)
{
#define REASON(name, code, answer, when, so, remedy)                                               \
    if (when)                                                                                      \
        return &reasons[REASON_##name];
#include "daemon/pipeline/explain.def"
#undef REASON
    return NULL; /* the last line always holds */
}
