/* SPDX-License-Identifier: Apache-2.0 */
/* A record from a feed: any bytes end in fields of known kinds, or in a DATA error. */
#include "daemon/record/record.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_fields(const Field *field)
{
    size_t count = 1;
    if (field->kind == FIELD_TEXT && !field->text)
        abort();
    for (size_t i = 0; i < field->count; i++)
        count += count_fields(&field->items[i]);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error err = {0};
    const Field *root = NULL;
    Arena *arena = arena_new(16 << 20);
    if (record_parse((const char *)data, size, arena, &root, &err)) {
        if (root->kind != FIELD_OBJECT || !count_fields(root))
            abort();
        field_text(root, "completed_at.date");
        field_text(root, "..");
    } else if (err.kind != ERROR_DATA) {
        abort();
    }
    arena_free(arena);
    return 0;
}
