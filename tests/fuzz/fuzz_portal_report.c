/* SPDX-License-Identifier: Apache-2.0 */
/* A file of the portal's reports: whatever it says, codes and element names have their shape. */
#include "adapters/submit/portal_report.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, size_t limit)
{
    if (!text)
        return;
    if (!*text || strlen(text) > limit)
        abort();
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena *arena = arena_new(64 << 20);
    PortalReports reports = {0};
    Error err = {0};
    portal_report_add(&reports, PORTAL_REPORT_VALIDATIONS, (const char *)data, size, arena, &err);
    for (size_t i = 0; i < reports.count; i++) {
        const PortalLine *line = &reports.lines[i];
        if (!line->code || line->numerator < -1 || line->item_count > PORTAL_ITEM_LIMIT)
            abort();
        check(line->code, 16);
        for (size_t k = 0; k < line->item_count; k++) {
            check(line->items[k].id, 16);
            check(line->items[k].element, 64);
            if (!line->items[k].value || (!line->items[k].id && !line->items[k].element))
                abort();
        }
    }
    arena_free(arena);
    return 0;
}
