/* SPDX-License-Identifier: Apache-2.0 */
/* A receiver's answer: whatever it says, what we take of it is short, plain and bounded. */
#include "adapters/submit/receipt.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, size_t limit)
{
    if (!text)
        return;
    if (strlen(text) > limit || !*text)
        abort();
    for (const char *c = text; *c; c++)
        if (!isgraph((unsigned char)*c) || *c == '"' || *c == '<' || *c == '\\')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena *arena = arena_new(16 << 20);
    Receipt receipt;
    receipt_read((const char *)data, size, arena, &receipt);
    check(receipt.word, 40);
    check(receipt.reference, 100);
    for (size_t i = 0; i < receipt.finding_count; i++) {
        const SubmitFinding *finding = &receipt.findings[i];
        if (!finding->rule || finding->row < 0)
            abort();
        check(finding->rule, 64);
        check(finding->table, 64);
        check(finding->element, 64);
    }
    arena_free(arena);
    return 0;
}
