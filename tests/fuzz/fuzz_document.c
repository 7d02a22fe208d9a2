/* SPDX-License-Identifier: Apache-2.0 */
/* Documents from outside: an error with a code, or rows that, written, are read again as they were.
 */
#include "daemon/dataset/document.h"
#include "tests/fuzz/fuzz_dataset.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT ((size_t)8 << 20)

/* Rows as lines; what is written from them; whether tables came in order. */
typedef struct Seen {
    Text lines, document;
    DocumentWriter writer;
    bool writing, disorder;
} Seen;

static bool on_row(void *context, const Row *row, Error *err)
{
    Seen *seen = context;
    if (!row_fragment(row, &seen->lines, err))
        abort(); /* what was read can be written */
    if (!seen->writing || seen->disorder)
        return true;
    return document_row(&seen->writer, row, err);
}

static bool on_fault(void *context, const StructureFault *fault, Error *err)
{
    Seen *seen = context;
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    (void)err;
    seen->disorder |= fault->kind == STRUCTURE_TABLE_ORDER;
    if (!*structure_text(fault, true, arena))
        abort();
    return true;
}

static bool read_again(const Seen *first, Arena *arena)
{
    Seen again = {.lines = text_new(arena, LIMIT)};
    Error err = {0};
    return document_read_bytes(fuzz_dataset(), "again", first->document.bytes, first->document.size,
                               on_row, NULL, &again, &err) &&
           text_equal(text_get(&first->lines), text_get(&again.lines));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_arena_ Arena *arena = arena_new(LIMIT * 8);
    Seen seen = {.lines = text_new(arena, LIMIT), .document = text_new(arena, LIMIT)};
    Error err = {0};
    if (size > LIMIT / 16)
        return 0;
    seen.writing = true;
    if (!document_begin(&seen.writer, fuzz_dataset(), document_sink_text, &seen.document, &err))
        abort();
    if (!document_read_bytes(fuzz_dataset(), "fuzz", (const char *)data, size, on_row, on_fault,
                             &seen, &err))
        return err.code ? 0 : (abort(), 0);
    if (!document_end(&seen.writer, &err))
        abort();
    if (!seen.disorder && !read_again(&seen, arena))
        abort();
    return 0;
}
