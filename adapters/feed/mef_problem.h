/* SPDX-License-Identifier: Apache-2.0 */
/* What to do when a MEF/1 server refuses: mef_problem.def, and a rule for each class of status. */
#pragma once

#include "daemon/base/error.h"

typedef enum MefAction { MEF_STOP, MEF_REFRESH, MEF_RESYNC, MEF_JSON, MEF_BACKOFF } MefAction;

typedef struct MefProblem {
    int status; /* 0: none of the table's */
    const char *problem;
    MefAction action;
    const char *code, *text;
} MefProblem;

/* `problem` is the code of the problem document, or NULL. */
const MefProblem *mef_problem(int status, const char *problem);

/* Sets *err as the action says (LATER for BACKOFF, CONFIG for STOP and REFRESH).  Always false. */
bool mef_problem_error(const MefProblem *problem, int status, Error *err);
