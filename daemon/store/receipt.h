/* SPDX-License-Identifier: Apache-2.0 */
/* What a person says that the receiver said: for receivers whose answers come by hand.
 *
 * Only a submission that may lie with its receiver (waiting, unsure) is settled
 * so; one that is settled takes the reference and findings, and keeps its state.
 * The name goes into the audit with the change of state, in one transaction; where
 * nothing changes the event is "submission_receipt". */
#pragma once

#include "daemon/store/submission.h"

typedef struct PersonReceipt {
    const char *actor;
    const char *reference; /* NULL: as it is */
    Outcome outcome;    /* ACCEPTED, REJECTED, WAITING: nothing is decided, NEVER_SEEN: it was not
                           uploaded */
    const char *code;   /* our word for how it came: "by_hand", "reports" */
    const char *reason; /* one sentence of ours */
    const Finding *findings; /* of source receiver; the submission's own are replaced */
    size_t finding_count;
    bool has_findings; /* false: those there are stay */
} PersonReceipt;

/* A transaction of its own.  DATA "submission.state" when nothing was sent yet, or when it
 * contradicts what is final. */
bool submission_receipt(Store *store, int64_t id, const PersonReceipt *receipt,
                        SubmissionState *ret_state, Error *err);
