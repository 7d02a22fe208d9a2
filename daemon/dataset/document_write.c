/* SPDX-License-Identifier: Apache-2.0 */
/* Writing rows as XML: one line per row, nothing held back. */
#include "daemon/dataset/document.h"

#include <string.h>

/* One row as text: 31 elements of 64 KiB, all escaped, is the worst. */
#define FRAGMENT_LIMIT ((size_t)16 << 20)

/* XML 1.0 carries no control characters but tab and line ends, and not U+FFFE, U+FFFF. */
static bool xml_can_carry(const char *value, size_t size)
{
    return text_is_utf8(value, size) && !memmem(value, size, "\xef\xbf\xbe", 3) &&
           !memmem(value, size, "\xef\xbf\xbf", 3);
}

bool row_fragment(const Row *row, Text *text, Error *err)
{
    const Table *table = row->table;
    text_addf(text, "<%s>", table->name);
    for (size_t i = 0; i < table->count; i++) {
        const char *value = row->values[i], *name = table->elements[i].name;
        if (!value || !*value)
            continue;
        if (!xml_can_carry(value, strlen(value)))
            return error_set(err, ERROR_DATA, "document.character",
                             "%s of %s holds a character that XML cannot carry", name, table->name);
        text_addf(text, "<%s>", name);
        text_add_xml(text, value);
        text_addf(text, "</%s>", name);
    }
    text_addf(text, "</%s>\n", table->name);
    return text_ok(text) || error_set(err, ERROR_DATA, "document.size",
                                      "a row of %s is larger than a row may be", table->name);
}

static bool put(const DocumentWriter *writer, const char *bytes, Error *err)
{
    return writer->sink(writer->context, bytes, strlen(bytes), err);
}

bool document_begin(DocumentWriter *ret, const Dataset *dataset, DocumentSink sink, void *context,
                    Error *err)
{
    *ret = (DocumentWriter){.dataset = dataset, .sink = sink, .context = context};
    return put(ret, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<", err) &&
           put(ret, dataset->root, err) && put(ret, " xmlns=\"", err) &&
           put(ret, dataset->namespace, err) && put(ret, "\" version=\"", err) &&
           put(ret, dataset->version, err) && put(ret, "\">\n", err);
}

bool document_fragment(DocumentWriter *writer, const Table *table, const char *bytes, size_t size,
                       Error *err)
{
    if (table->index < writer->table)
        return error_set(err, ERROR_BUG, "document.order", "a row of %s came too late",
                         table->name);
    writer->table = table->index;
    return writer->sink(writer->context, bytes, size, err);
}

bool document_row(DocumentWriter *writer, const Row *row, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(FRAGMENT_LIMIT * 2);
    Text text = text_new(arena, FRAGMENT_LIMIT);
    return row_fragment(row, &text, err) &&
           document_fragment(writer, row->table, text.bytes, text.size, err);
}

bool document_end(DocumentWriter *writer, Error *err)
{
    return put(writer, "</", err) && put(writer, writer->dataset->root, err) &&
           put(writer, ">\n", err);
}

bool document_sink_text(void *context, const char *bytes, size_t size, Error *err)
{
    Text *text = context;
    text_add_bytes(text, bytes, size);
    return text_ok(text) || error_set(err, ERROR_DATA, "document.size",
                                      "the document is larger than its buffer may be");
}
