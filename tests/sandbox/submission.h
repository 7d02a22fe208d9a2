/* SPDX-License-Identifier: Apache-2.0 */
/* What the headers of an upload say. */
#ifndef SANDBOX_SUBMISSION_H
#define SANDBOX_SUBMISSION_H

#include "tests/sandbox/http.h"
#include "tests/sandbox/journal.h"

/* One submission on its way through the checks. */
typedef struct Submission {
    JournalEntry entry; /* filled as far as known */
    Buffer signature;   /* the detached CMS */
} Submission;

bool submission_is_key(const char *text);
/* NULL = all there; else what is missing or malformed, as a static text. */
const char *submission_read(const HttpRequest *request, Submission *s);
/* The body's SHA-256 as hex; true when Content-Digest says the same. */
bool submission_digest(const HttpRequest *request, char hex[JOURNAL_KEY]);

#endif
