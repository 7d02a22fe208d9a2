/* SPDX-License-Identifier: Apache-2.0 */
/* What to do when a MEF/1 server refuses. */
#include "adapters/feed/mef_problem.h"

#include <string.h>

static const MefProblem problems[] = {
#define MEF_PROBLEM(status, problem, action, code, text)                                           \
    {status, problem, MEF_##action, code, text},
#include "adapters/feed/mef_problem.def"
#undef MEF_PROBLEM
};

const MefProblem *mef_problem(int status, const char *problem)
{
    static const MefProblem redirect = {
        0, NULL, MEF_STOP, "feed.redirect",
        "the feed answers with a redirect, which is never followed"};
    static const MefProblem odd = {0, NULL, MEF_BACKOFF, "feed.status",
                                   "the feed's answer is no page"};
    static const MefProblem refused = {0, NULL, MEF_STOP, "feed.refused", "the feed refuses us"};
    static const MefProblem broken = {0, NULL, MEF_BACKOFF, "feed.internal",
                                      "the feed has a fault of its own"};
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        const MefProblem *row = &problems[i];
        if (row->status == status &&
            (!row->problem || (problem && strcmp(row->problem, problem) == 0)))
            return row;
    }
    if (status >= 500)
        return &broken;
    if (status >= 400)
        return &refused;
    return status >= 300 ? &redirect : &odd;
}

bool mef_problem_error(const MefProblem *problem, int status, Error *err)
{
    bool later = problem->action == MEF_BACKOFF || problem->action == MEF_RESYNC ||
                 problem->action == MEF_JSON;
    return error_set(err, later ? ERROR_LATER : ERROR_CONFIG, problem->code, "%s (status %d)",
                     problem->text, status);
}
