/* SPDX-License-Identifier: Apache-2.0 */
/* Streams a document past the contract's shape and past the schema. */
#include "tests/sandbox/document.h"

#include <libxml/xmlreader.h>
#include <libxml/xmlschemas.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_TABLE = 1, DEPTH_ELEMENT = 2 };

typedef struct Check {
    DocumentReport *report;
    const char *provider;
    const char *period;
    uint32_t row;
    char element[DOCUMENT_NAME];
    bool provider_seen;
    bool period_seen;
    bool schema_said; /* the schema objects once per document element at most */
} Check;

static void copy_name(char to[DOCUMENT_NAME], const char *name)
{
    size_t length = name != NULL ? strnlen(name, DOCUMENT_NAME - 1) : 0;
    memcpy(to, name != NULL ? name : "", length);
    to[length] = '\0';
}

static void object(Check *check, const char *rule)
{
    DocumentReport *report = check->report;
    if (report->finding_count == DOCUMENT_FINDINGS)
        return;
    DocumentFinding *finding = &report->findings[report->finding_count++];
    *finding = (DocumentFinding){.rule = rule, .row = check->row};
    if (report->table_count > 0)
        copy_name(finding->table, report->tables[report->table_count - 1].name);
    copy_name(finding->element, check->element);
}

/* The message of the library is not kept: it quotes values. */
static void on_schema_error(void *user, xmlErrorPtr error)
{
    Check *check = user;
    if (error->domain == XML_FROM_SCHEMASV && !check->schema_said)
        object(check, "XSD");
    check->schema_said = true;
}

static void on_root(Check *check, xmlTextReaderPtr reader)
{
    const char *name = (const char *)xmlTextReaderConstLocalName(reader);
    const char *space = (const char *)xmlTextReaderConstNamespaceUri(reader);
    xmlChar *version = xmlTextReaderGetAttribute(reader, (const xmlChar *)"version");
    if (strcmp(name, "MHSDS") != 0 || space == NULL || strcmp(space, DOCUMENT_NAMESPACE) != 0 ||
        version == NULL || strcmp((const char *)version, "6.0") != 0)
        object(check, "MSR-ROOT");
    xmlFree(version);
}

static bool table_known(const DocumentReport *report, const char *name)
{
    for (size_t i = 0; i < report->table_count; i++)
        if (strcmp(report->tables[i].name, name) == 0)
            return true;
    return false;
}

static void on_row(Check *check, xmlTextReaderPtr reader)
{
    DocumentReport *report = check->report;
    const char *name = (const char *)xmlTextReaderConstLocalName(reader);
    DocumentTable *last = report->table_count > 0 ? &report->tables[report->table_count - 1] : NULL;
    check->element[0] = '\0';
    if (last == NULL && strcmp(name, "MHS000Header") != 0)
        object(check, "MSR-HEADER-FIRST");
    if (last != NULL && strncmp(last->name, name, DOCUMENT_NAME - 1) == 0) {
        check->row = ++last->rows;
        if (strcmp(name, "MHS000Header") == 0)
            object(check, "MSR-HEADER-ONCE");
        return;
    }
    check->row = 1;
    /* Tables come in the order of their codes, each in one run. */
    if (strncmp(name, "MHS", 3) != 0 || table_known(report, name) ||
        (last != NULL && strncmp(last->name, name, 6) >= 0) ||
        report->table_count == DOCUMENT_TABLES)
        object(check, "MSR-TABLE-ORDER");
    if (report->table_count < DOCUMENT_TABLES) {
        copy_name(report->tables[report->table_count].name, name);
        report->tables[report->table_count++].rows = 1;
    }
}

static bool in_header(const Check *check)
{
    return check->report->table_count == 1;
}

static void on_text(Check *check, const char *text)
{
    if (!in_header(check))
        return;
    if (strcmp(check->element, "OrgIDProvider") == 0) {
        check->provider_seen = true;
        if (strcmp(text, check->provider) != 0)
            object(check, "MSR-PROVIDER");
    } else if (strcmp(check->element, "ReportingPeriodStartDate") == 0) {
        check->period_seen = true;
        if (strncmp(text, check->period, 7) != 0 || strcmp(text + 7, "-01") != 0)
            object(check, "MSR-PERIOD");
    }
}

static void on_element(Check *check, xmlTextReaderPtr reader)
{
    int depth = xmlTextReaderDepth(reader);
    const char *space = (const char *)xmlTextReaderConstNamespaceUri(reader);
    check->schema_said = false;
    if (depth == 0) {
        on_root(check, reader);
        return;
    }
    if (space == NULL || strcmp(space, DOCUMENT_NAMESPACE) != 0)
        object(check, "MSR-NAMESPACE");
    if (xmlTextReaderHasAttributes(reader) == 1)
        object(check, "MSR-ATTRIBUTE");
    if (depth == DEPTH_TABLE)
        on_row(check, reader);
    else if (depth == DEPTH_ELEMENT)
        copy_name(check->element, (const char *)xmlTextReaderConstLocalName(reader));
    else
        object(check, "MSR-NESTING");
}

/* False: not well-formed, or refused on sight. */
static bool stream(Check *check, xmlTextReaderPtr reader)
{
    int got;
    while ((got = xmlTextReaderRead(reader)) == 1) {
        int type = xmlTextReaderNodeType(reader);
        if (type == XML_READER_TYPE_DOCUMENT_TYPE || type == XML_READER_TYPE_ENTITY_REFERENCE ||
            type == XML_READER_TYPE_PROCESSING_INSTRUCTION)
            return false;
        if (type == XML_READER_TYPE_ELEMENT)
            on_element(check, reader);
        else if (type == XML_READER_TYPE_TEXT && xmlTextReaderDepth(reader) == DEPTH_ELEMENT + 1)
            on_text(check, (const char *)xmlTextReaderConstValue(reader));
        else if (type == XML_READER_TYPE_TEXT)
            object(check, "MSR-TEXT");
    }
    return got == 0;
}

/* In UTF-8 with its declaration, and without the word that opens a document type anywhere. */
static bool opens_well(const Buffer *document)
{
    return document->length > 5 && memcmp(document->data, "<?xml", 5) == 0 &&
           memmem(document->data, document->length, "<!DOCTYPE", 9) == NULL;
}

static xmlSchemaPtr load_schema(const char *path)
{
    xmlSchemaParserCtxtPtr context = xmlSchemaNewParserCtxt(path);
    xmlSchemaPtr schema = context != NULL ? xmlSchemaParse(context) : NULL;
    xmlSchemaFreeParserCtxt(context);
    return schema;
}

/* The handler sits on the schema's own context: one set on the reader is called with a wrong
 * pointer by libxml2 2.9.14 when a document that is being validated is not well-formed. */
static xmlSchemaValidCtxtPtr watch_schema(Check *check, xmlTextReaderPtr reader,
                                          xmlSchemaPtr schema)
{
    xmlSchemaValidCtxtPtr context = xmlSchemaNewValidCtxt(schema);
    if (context == NULL)
        return NULL;
    xmlSchemaSetValidStructuredErrors(context, on_schema_error, check);
    if (xmlTextReaderSchemaValidateCtxt(reader, context, 0) != 0)
        object(check, "MSR-SCHEMA");
    return context;
}

static void check_stream(Check *check, const Buffer *document, xmlSchemaPtr schema)
{
    xmlTextReaderPtr reader =
        xmlReaderForMemory(document->data, (int)document->length, NULL, NULL,
                           XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (reader == NULL) {
        object(check, "MSR-XML");
        return;
    }
    xmlSchemaValidCtxtPtr context = schema != NULL ? watch_schema(check, reader, schema) : NULL;
    if (!stream(check, reader))
        object(check, "MSR-XML");
    else if (context != NULL && xmlTextReaderIsValid(reader) != 1 &&
             check->report->finding_count == 0)
        object(check, "XSD");
    xmlFreeTextReader(reader);
    xmlSchemaFreeValidCtxt(context);
}

bool document_check(const Buffer *document, const char *provider, const char *period,
                    const char *schema_path, DocumentReport *ret_report)
{
    *ret_report = (DocumentReport){0};
    Check check = {.report = ret_report, .provider = provider, .period = period};
    if (!opens_well(document) || document->length > INT32_MAX) {
        object(&check, "MSR-XML");
        return false;
    }
    xmlSchemaPtr schema = schema_path != NULL ? load_schema(schema_path) : NULL;
    if (schema_path != NULL && schema == NULL)
        object(&check, "MSR-SCHEMA");
    else
        check_stream(&check, document, schema);
    xmlSchemaFree(schema);
    if (!check.provider_seen || !check.period_seen)
        object(&check, "MSR-HEADER");
    return ret_report->finding_count == 0;
}
