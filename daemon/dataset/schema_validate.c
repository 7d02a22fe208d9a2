/* SPDX-License-Identifier: Apache-2.0 */
/* A document against an XSD: libxml2's schema machine hung between parser and nothing. */
#include "daemon/dataset/document.h"
#include "daemon/dataset/document_xml.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/file.h"

#include <libxml/xmlschemas.h>

#define SCHEMA_LIMIT ((size_t)4 << 20)

DEFINE_CLEANUP(xmlSchema *, xmlSchemaFree, schema);
DEFINE_CLEANUP(xmlSchemaParserCtxt *, xmlSchemaFreeParserCtxt, schema_parser);
DEFINE_CLEANUP(xmlSchemaValidCtxt *, xmlSchemaFreeValidCtxt, schema_valid);

typedef struct Validation {
    XmlInput xml; /* first */
} Validation;

static const char *reason(int code)
{
    switch (code) {
    case XML_SCHEMAV_ELEMENT_CONTENT:
        return "an element that is not known, or not in its place";
    case XML_SCHEMAV_CVC_ELT_1:
        return "the root element is not the schema's";
    case XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_1:
    case XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_2:
    case XML_SCHEMAV_CVC_COMPLEX_TYPE_4:
        return "an attribute is missing or not known";
    case XML_SCHEMAV_CVC_LENGTH_VALID:
    case XML_SCHEMAV_CVC_MINLENGTH_VALID:
    case XML_SCHEMAV_CVC_MAXLENGTH_VALID:
        return "a value has a length that its format does not allow";
    case XML_SCHEMAV_CVC_PATTERN_VALID:
        return "a value is not written as its format says";
    case XML_SCHEMAV_CVC_ENUMERATION_VALID:
        return "a code that is not in its list";
    default:
        return "not as the schema says";
    }
}

static void on_invalid(void *context, xmlErrorPtr error)
{
    Validation *validation = context;
    if (error->level < XML_ERR_ERROR || validation->xml.stopped)
        return;
    xml_refuse(&validation->xml, "document.schema", "%s (%d)", reason(error->code), error->code);
}

static void be_quiet(void *context, xmlErrorPtr error)
{
    (void)context, (void)error;
}

static bool schema_load(const char *xsd, Arena *arena, xmlSchema **ret, Error *err)
{
    char *bytes;
    size_t size;
    if (!file_read(xsd, SCHEMA_LIMIT, arena, &bytes, &size, err))
        return false;
    _cleanup_(schema_parser) xmlSchemaParserCtxt *parser =
        xmlSchemaNewMemParserCtxt(bytes, (int)size);
    if (parser)
        xmlSchemaSetParserStructuredErrors(parser, be_quiet, NULL);
    *ret = parser ? xmlSchemaParse(parser) : NULL;
    return *ret || error_set(err, ERROR_CONFIG, "document.xsd", "%s is not a schema", xsd);
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int namespaces, const xmlChar **declared, int attributes, int defaulted,
                     const xmlChar **values)
{
    (void)context, (void)name, (void)prefix, (void)uri, (void)namespaces, (void)declared;
    (void)attributes, (void)defaulted, (void)values;
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    (void)context, (void)name, (void)prefix, (void)uri;
}

static void on_text(void *context, const xmlChar *bytes, int size)
{
    (void)context, (void)bytes, (void)size;
}

bool schema_validate_file(const char *xsd, const char *path, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(SCHEMA_LIMIT * 2);
    _cleanup_(schema) xmlSchema *schema = NULL;
    _cleanup_fclose_ FILE *file = NULL;
    if (!schema_load(xsd, arena, &schema, err) || !xml_open_file(path, &file, err))
        return false;
    _cleanup_(schema_valid) xmlSchemaValidCtxt *valid = xmlSchemaNewValidCtxt(schema);
    Validation validation = {.xml = {.name = path}};
    const xmlSAXHandler handler = {.initialized = XML_SAX2_MAGIC,
                                   .startElementNs = on_start,
                                   .endElementNs = on_end,
                                   .characters = on_text,
                                   .cdataBlock = on_text,
                                   .ignorableWhitespace = on_text};
    if (!xml_open(&validation.xml, &handler, err))
        return false;
    xmlSchemaSetValidStructuredErrors(valid, on_invalid, &validation);
    xmlSchemaSAXPlugPtr plug =
        xmlSchemaSAXPlug(valid, &validation.xml.parser->sax, &validation.xml.parser->userData);
    bool ok = plug && xml_feed(&validation.xml, file, NULL, 0);
    if (plug)
        xmlSchemaSAXUnplug(plug);
    xml_close(&validation.xml);
    return ok;
}
