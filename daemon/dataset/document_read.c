/* SPDX-License-Identifier: Apache-2.0 */
/* Reading documents of unknown origin, row by row, by libxml2's SAX2 push parser.
 *
 * Two guards before the parser: only UTF-8, and no markup or text so long that the
 * parser would have to hold it.  Its own limits stay as they are (never HUGE). */
#include "daemon/dataset/document.h"
#include "daemon/dataset/document_xml.h"

#include "daemon/base/cleanup.h"

#include <libxml/xmlerror.h>
#include <string.h>

typedef struct Reader {
    XmlInput xml; /* first: libxml2 is given this one pointer */
    const Dataset *dataset;
    RowSink rows;
    StructureSink faults;
    void *context;
    Arena *arena;
    Text values;    /* of one row, one after the other, each with its NUL */
    size_t start;   /* of the value being read */
    size_t *places; /* of each element's value in values.bytes, plus 1; 0: none */
    Row row;        /* of the table being read */
    const Table *table, *last;
    const Element *element;
    bool skip_row, skip_value; /* not known: read over it */
    int depth;
    uint64_t total, *counts; /* rows per table */
    const char **known;      /* names of tables, for suggestions */
    /* Names of tables and elements in the parser's dictionary: compared by address. */
    const xmlChar **names, ***columns;
} Reader;

/* Report a difference and go on, unless nobody listens or the listener has had enough. */
static bool fault(Reader *reader, StructureKind kind, const Table *table, const Element *element,
                  const xmlChar *name)
{
    StructureFault found = {.kind = kind,
                            .table = table,
                            .element = element,
                            .name = (const char *)name,
                            .file = reader->xml.name,
                            .line = xml_line(&reader->xml)};
    if (kind == STRUCTURE_TABLE_UNKNOWN)
        found.near = text_nearest(found.name, reader->known, reader->dataset->table_count);
    if (reader->faults)
        return reader->faults(reader->context, &found, reader->xml.err) || xml_stop(&reader->xml);
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    error_set(reader->xml.err, ERROR_DATA, "document.structure", "%s",
              structure_text(&found, false, arena));
    return xml_stop(&reader->xml);
}

/* The names that may come, made comparable by address. */
static void intern(Reader *reader, xmlParserCtxt *parser)
{
    const Dataset *dataset = reader->dataset;
    reader->names = arena_array(reader->arena, dataset->table_count, sizeof(const xmlChar *));
    reader->known = arena_array(reader->arena, dataset->table_count, sizeof(const char *));
    reader->columns = arena_array(reader->arena, dataset->table_count, sizeof(const xmlChar **));
    for (size_t i = 0; i < dataset->table_count; i++) {
        const Table *table = &dataset->tables[i];
        reader->known[i] = table->name;
        reader->names[i] = xmlDictLookup(parser->dict, (const xmlChar *)table->name, -1);
        reader->columns[i] = arena_array(reader->arena, table->count, sizeof(const xmlChar *));
        for (size_t j = 0; j < table->count; j++)
            reader->columns[i][j] =
                xmlDictLookup(parser->dict, (const xmlChar *)table->elements[j].name, -1);
    }
}

/* The root element: this data set's, and its version. */
static void start_root(Reader *reader, const xmlChar *name, const xmlChar *uri, int attributes,
                       const xmlChar **values)
{
    const Dataset *dataset = reader->dataset;
    if (!uri || !text_equal((const char *)uri, dataset->namespace) ||
        !text_equal((const char *)name, dataset->root)) {
        xml_refuse(&reader->xml, "document.root", "the root element is not %s of namespace %s",
                   dataset->root, dataset->namespace);
        return;
    }
    for (int i = 0; i < attributes; i++) {
        const xmlChar **at = &values[i * 5]; /* local name, prefix, URI, begin, end */
        size_t size = (size_t)(at[4] - at[3]);
        if (at[1] || !text_equal((const char *)at[0], "version"))
            continue;
        if (size != strlen(dataset->version) || memcmp(at[3], dataset->version, size) != 0)
            xml_refuse(&reader->xml, "document.version", "the document is not of version %s",
                       dataset->version);
        return;
    }
    xml_refuse(&reader->xml, "document.version", "the root element does not say its version");
}

static void start_row(Reader *reader, const xmlChar *name)
{
    const Dataset *dataset = reader->dataset;
    const Table *table =
        reader->last && reader->names[reader->last->index] == name ? reader->last : NULL;
    for (size_t i = 0; !table && i < dataset->table_count; i++)
        if (reader->names[i] == name)
            table = &dataset->tables[i];
    reader->table = table;
    reader->skip_row = !table;
    if (!table) {
        fault(reader, STRUCTURE_TABLE_UNKNOWN, NULL, NULL, name);
        return;
    }
    if (reader->last && table->index < reader->last->index &&
        !fault(reader, STRUCTURE_TABLE_ORDER, table, NULL, NULL))
        return;
    if (++reader->total > DOCUMENT_ROW_LIMIT) {
        xml_refuse(&reader->xml, "document.rows", "more than %llu rows",
                   (unsigned long long)DOCUMENT_ROW_LIMIT);
        return;
    }
    reader->last = table;
    reader->element = NULL;
    reader->row.table = table;
    reader->row.number = ++reader->counts[table->index];
    text_clear(&reader->values);
    memset(reader->places, 0, table->count * sizeof *reader->places);
}

static void start_value(Reader *reader, const xmlChar *name)
{
    const Table *table = reader->table;
    const xmlChar **columns = reader->columns[table->index];
    const Element *before = reader->element, *element = NULL;
    size_t first = before ? before->index + 1 : 0;
    for (size_t i = 0; i < table->count && !element; i++) {
        size_t at = (first + i) % table->count;
        if (columns[at] == name)
            element = &table->elements[at];
    }
    reader->skip_value = !element;
    if (!element) {
        fault(reader, STRUCTURE_COLUMN_UNKNOWN, table, NULL, name);
        return;
    }
    if (reader->places[element->index]) {
        reader->skip_value = true;
        fault(reader, STRUCTURE_COLUMN_AGAIN, table, element, NULL);
        return;
    }
    if (before && element->index < before->index &&
        !fault(reader, STRUCTURE_COLUMN_ORDER, table, element, NULL))
        return;
    reader->element = element;
    reader->start = reader->values.size;
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int namespaces, const xmlChar **declared, int attributes, int defaulted,
                     const xmlChar **values)
{
    Reader *reader = context;
    (void)prefix, (void)declared, (void)defaulted;
    if (reader->xml.stopped)
        return;
    reader->depth++;
    if (reader->depth == 1) {
        start_root(reader, name, uri, attributes, values);
        return;
    }
    if (reader->depth > 3)
        xml_refuse(&reader->xml, "document.depth", "a value holds an element");
    else if (attributes || namespaces)
        xml_refuse(&reader->xml, "document.attribute", "an attribute where none may be");
    else if (!uri || !text_equal((const char *)uri, reader->dataset->namespace))
        xml_refuse(&reader->xml, "document.namespace", "an element of another namespace");
    else if (reader->depth == 2)
        start_row(reader, name);
    else if (!reader->skip_row)
        start_value(reader, name);
}

static void row_finish(Reader *reader)
{
    for (size_t i = 0; i < reader->table->count; i++)
        reader->row.values[i] =
            reader->places[i] ? reader->values.bytes + reader->places[i] - 1 : NULL;
    if (!reader->rows(reader->context, &reader->row, reader->xml.err))
        xml_stop(&reader->xml);
}

/* The library lets through what is no UTF-8 in CDATA, and the DEL that tables and people cannot
 * take. */
static void value_finish(Reader *reader)
{
    Text *values = &reader->values;
    size_t size = values->size - reader->start;
    if (!size) /* blank is null */
        return;
    if (!text_is_utf8(values->bytes + reader->start, size)) {
        xml_refuse(&reader->xml, "document.character",
                   "a value holds a control character, or is not UTF-8");
        return;
    }
    text_add_bytes(values, "", 1);
    reader->places[reader->element->index] = reader->start + 1;
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    Reader *reader = context;
    (void)name, (void)prefix, (void)uri;
    if (reader->xml.stopped)
        return;
    if (reader->depth == 3 && !reader->skip_row && !reader->skip_value)
        value_finish(reader);
    else if (reader->depth == 2 && !reader->skip_row)
        row_finish(reader);
    reader->skip_value = false;
    reader->depth--;
}

static void on_text(void *context, const xmlChar *bytes, int size)
{
    Reader *reader = context;
    if (reader->xml.stopped)
        return;
    if (reader->depth < 3) {
        for (int i = 0; i < size; i++)
            if (!strchr(" \t\r\n", bytes[i])) {
                xml_refuse(&reader->xml, "document.text", "text that is in no element");
                return;
            }
        return;
    }
    if (reader->skip_row || reader->skip_value)
        return;
    if (reader->values.size - reader->start + (size_t)size > DOCUMENT_FIELD_LIMIT) {
        xml_refuse(&reader->xml, "document.field", "a value is longer than %zu bytes",
                   DOCUMENT_FIELD_LIMIT);
        return;
    }
    text_add_bytes(&reader->values, bytes, (size_t)size);
}

static bool reader_run(Reader *reader, FILE *file, const char *bytes, size_t size, Error *err)
{
    const Dataset *dataset = reader->dataset;
    size_t most = 0;
    for (size_t i = 0; i < dataset->table_count; i++)
        most = dataset->tables[i].count > most ? dataset->tables[i].count : most;
    reader->values = text_new(reader->arena, most * (DOCUMENT_FIELD_LIMIT + 1));
    reader->places = arena_array(reader->arena, most, sizeof *reader->places);
    reader->row.values = arena_array(reader->arena, most, sizeof(const char *));
    reader->counts = arena_array(reader->arena, dataset->table_count, sizeof *reader->counts);
    xmlSAXHandler handler = {.initialized = XML_SAX2_MAGIC,
                             .startElementNs = on_start,
                             .endElementNs = on_end,
                             .characters = on_text,
                             .cdataBlock = on_text,
                             .ignorableWhitespace = on_text};
    if (!xml_open(&reader->xml, &handler, err))
        return false;
    intern(reader, reader->xml.parser);
    bool ok = xml_feed(&reader->xml, file, bytes, size);
    xml_close(&reader->xml);
    return ok;
}

static bool read_document(const Dataset *dataset, const char *name, FILE *file, const char *bytes,
                          size_t size, RowSink rows, StructureSink faults, void *context,
                          Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)32 << 20);
    Reader reader = {.xml = {.name = name},
                     .dataset = dataset,
                     .rows = rows,
                     .faults = faults,
                     .context = context,
                     .arena = arena};
    return reader_run(&reader, file, bytes, size, err);
}

bool document_read(const Dataset *dataset, const char *path, RowSink rows, StructureSink faults,
                   void *context, Error *err)
{
    _cleanup_fclose_ FILE *file = NULL;
    return xml_open_file(path, &file, err) &&
           read_document(dataset, path, file, NULL, 0, rows, faults, context, err);
}

bool document_read_bytes(const Dataset *dataset, const char *name, const char *bytes, size_t size,
                         RowSink rows, StructureSink faults, void *context, Error *err)
{
    return read_document(dataset, name, NULL, bytes, size, rows, faults, context, err);
}
