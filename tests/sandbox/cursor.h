/* SPDX-License-Identifier: Apache-2.0 */
/* Opaque cursors of the feed: bound to the caseload, the epoch and the record types; any altered
 * one is refused. */
#ifndef SANDBOX_CURSOR_H
#define SANDBOX_CURSOR_H

#include "tests/sandbox/buffer.h"

typedef enum CursorKind { CURSOR_CHANGES = 1, CURSOR_SNAPSHOT = 2 } CursorKind;

typedef struct Cursor {
    CursorKind kind;
    uint32_t epoch;
    uint32_t types;    /* of changes: bit per record type, 0 = all; of a snapshot: the type's bit */
    uint32_t position; /* changes: entries already delivered; snapshot: records already delivered */
    uint32_t as_of;    /* snapshot: how many entries it sees */
} Cursor;

void cursor_write(const Cursor *cursor, uint64_t binding, Buffer *out);
bool cursor_read(const char *text, uint64_t binding, Cursor *ret_cursor);

#endif
