/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a receiver's answer, read as what it is: somebody else's text.
 *
 * Only words, references, codes and numbers of the expected shape are taken; no
 * free text of the other side goes any further, so nothing of a record can come
 * back into a log that way. */
#pragma once

#include "adapters/adapter.h"

#define RECEIPT_LIMIT ((size_t)64 << 10)

typedef struct Receipt {
    const char *word;      /* "status" of an answer, "code" of a problem; NULL: neither */
    const char *reference; /* NULL: none, or not of a reference's shape */
    SubmitFinding *findings;
    size_t finding_count;
} Receipt;

/* Never fails: what is not JSON, or not an object, is an empty receipt. */
void receipt_read(const char *body, size_t size, Arena *arena, Receipt *ret);
