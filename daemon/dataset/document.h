/* SPDX-License-Identifier: Apache-2.0 */
/* The national rows of one provider and month as one XML document.
 *
 * The document is ours, not NHS England's, and its namespace says so:
 *
 *   <?xml version="1.0" encoding="UTF-8"?>
 *   <MHSDS xmlns="urn:mhsflow:mhsds:6.0" version="6.0">
 *   <MHS000Header><DatSetVer>6.0</DatSetVer>…</MHS000Header>
 *   …one line per row, tables in the data set's order…
 *   </MHSDS>
 *
 * A row's line is its fragment: what the database keeps and a document repeats
 * byte for byte.  Nothing is held but one row, in writing or reading.
 *
 * What is read is hostile: any DOCTYPE is refused before it is looked into, no
 * entity but the five of XML is known, nothing is loaded from anywhere, and
 * depth, tag, field and number of rows have limits. */
#pragma once

#include "daemon/base/text.h"
#include "daemon/dataset/structure.h"

#define DOCUMENT_FIELD_LIMIT ((size_t)64 << 10) /* bytes of one value */
#define DOCUMENT_TAG_LIMIT ((size_t)4 << 10)    /* bytes from < to > */
#define DOCUMENT_ROW_LIMIT ((uint64_t)20000000)

/* Where bytes go; false stops with its error. */
typedef bool (*DocumentSink)(void *context, const char *bytes, size_t size, Error *err);

typedef struct DocumentWriter {
    const Dataset *dataset;
    DocumentSink sink;
    void *context;
    size_t table; /* the last one written: tables never go back */
} DocumentWriter;

bool document_begin(DocumentWriter *ret, const Dataset *dataset, DocumentSink sink, void *context,
                    Error *err);
bool document_row(DocumentWriter *writer, const Row *row, Error *err);
/* A row that is already a fragment. */
bool document_fragment(DocumentWriter *writer, const Table *table, const char *bytes, size_t size,
                       Error *err);
bool document_end(DocumentWriter *writer, Error *err);

/* `context` is a Text. */
bool document_sink_text(void *context, const char *bytes, size_t size, Error *err);

/* Add the row's line.  NULL and "" are left out.  ERROR_DATA "document.character" when a value
 * holds what XML cannot carry, "document.size" when the text is full; names the element, never the
 * value. */
bool row_fragment(const Row *row, Text *text, Error *err);

/* Read a document and give each row; row and values are the reader's, until the next one.  Numbers
 * count each table's rows from 1.  Differences of structure go to `faults` (may be NULL: then the
 * first is an error); what is no document of this data set at all is ERROR_DATA "document.…" with
 * FILE:LINE. */
bool document_read(const Dataset *dataset, const char *path, RowSink rows, StructureSink faults,
                   void *context, Error *err);
/* The same from memory; `name` stands for the path in errors. */
bool document_read_bytes(const Dataset *dataset, const char *name, const char *bytes, size_t size,
                         RowSink rows, StructureSink faults, void *context, Error *err);

/* Check a document against an XSD, streaming, with the same refusals.  ERROR_DATA "document.schema"
 * with FILE:LINE and the kind of fault. */
bool schema_validate_file(const char *xsd, const char *path, Error *err);
