/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer, or the lack of one, means for a submission: two tables and nothing else.
 *
 * The first row that fits decides.  A document is final only when the receiver says
 * so in the words of the contract; whatever else follows a success status is
 * UNKNOWN and asked about, because a proxy's page with status 200 is no receipt. */
#pragma once

#include "adapters/adapter.h"
#include "daemon/net/http.h"

typedef enum Asked { ASKED_SUBMIT = 1, ASKED_INQUIRE = 2, ASKED_ANY = 3 } Asked;

typedef struct StatusRow {
    Asked asked;
    int from, to;          /* HTTP status, both ends included */
    const char *word;      /* the body's "status", or a problem's "code"; NULL: whatever it says */
    bool reference_needed; /* else the row does not fit */
    Verdict verdict;
    const char *code;
    bool stop_route;
    const char *reason;
} StatusRow;
extern const StatusRow status_rows[];
extern const size_t status_row_count;

typedef struct FailureRow {
    HttpFailureKind kind;
    HttpLeft left;
    Verdict verdict; /* of a submission; a question that failed is always LATER */
    const char *code;
    bool stop_route;
    const char *reason;
} FailureRow;
extern const FailureRow failure_rows[];
extern const size_t failure_row_count;

/* There is a row for every status and every failure. */
const StatusRow *verdict_of_status(Asked asked, int status, const char *word, bool has_reference);
const FailureRow *verdict_of_failure(HttpFailureKind kind, HttpLeft left);
