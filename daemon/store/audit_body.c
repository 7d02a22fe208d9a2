/* SPDX-License-Identifier: Apache-2.0 */
/* An audit event as the bytes that are hashed. */
#include "daemon/base/text.h"
#include "daemon/store/audit.h"

#include <string.h>

#define BODY_LIMIT ((size_t)64 << 10)

static void add_number(Text *text, int64_t value)
{
    char digits[24], *at = digits + sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--at = '-';
    text_add_bytes(text, at, (size_t)(digits + sizeof digits - at));
}

/* 0x00 and the body. */
static Text leaf_of(const AuditRecord *record, Arena *arena)
{
    Text text = text_new(arena, BODY_LIMIT);
    char hex[DIGEST_HEX_SIZE];
    text_add_bytes(&text, "\0{\"at\":\"", 8);
    text_add(&text, record->at);
    text_add(&text, "\",\"event\":");
    text_add_json(&text, record->event);
    text_add(&text, ",\"fields\":");
    text_add(&text, record->fields);
    text_add(&text, ",\"previous\":\"");
    text_add(&text, digest_hex(record->previous, hex));
    text_add(&text, "\",\"seq\":");
    add_number(&text, record->seq);
    text_add(&text, ",\"writer\":");
    text_add_json(&text, record->writer);
    text_add(&text, "}");
    return text;
}

char *audit_body(const AuditRecord *record, Arena *arena)
{
    return leaf_of(record, arena).bytes + 1;
}

void audit_hash(const AuditRecord *record, Arena *arena, uint8_t ret[DIGEST_SIZE])
{
    Text text = leaf_of(record, arena);
    digest_bytes(text.bytes, text.size, ret);
}
