/* SPDX-License-Identifier: Apache-2.0 */
/* Streams a document past the contract's shape and past the schema. */
#include "tests/sandbox/document.h"

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_ROOT, DEPTH_ROW, DEPTH_ELEMENT, TEXT_KEPT = 16 };

/* libxml2 calls our handlers first and the schema then, so the place is always up to date. (A
 * reader would not do: the schema runs ahead of it by a chunk.) */
typedef struct Check {
    DocumentReport *report;
    const char *provider;
    const char *period;
    int depth; /* of the next element to begin */
    uint32_t row;
    char element[DOCUMENT_NAME];
    char text[TEXT_KEPT]; /* the beginning of the header's current text */
    size_t text_length;
    bool provider_seen;
    bool period_seen;
    bool refused;
    bool schema_said; /* the schema objects once per document element at most */
} Check;

static void copy_name(char to[DOCUMENT_NAME], const char *name)
{
    size_t length = strnlen(name, DOCUMENT_NAME - 1);
    memcpy(to, name, length);
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

/* Attributes come five words each: name, prefix, namespace, beginning and end of the value. */
static void on_root(Check *check, const char *name, const char *space, int count,
                    const xmlChar **attributes)
{
    bool version = count == 1 && strcmp((const char *)attributes[0], "version") == 0 &&
                   attributes[4] - attributes[3] == 3 && memcmp(attributes[3], "6.0", 3) == 0;
    if (strcmp(name, "MHSDS") != 0 || space == NULL || strcmp(space, DOCUMENT_NAMESPACE) != 0 ||
        !version)
        object(check, "MSR-ROOT");
}

static bool table_known(const DocumentReport *report, const char *name)
{
    for (size_t i = 0; i < report->table_count; i++)
        if (strcmp(report->tables[i].name, name) == 0)
            return true;
    return false;
}

static void on_row(Check *check, const char *name)
{
    DocumentReport *report = check->report;
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

static void on_start(void *user, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri,
                     int space_count, const xmlChar **spaces, int count, int defaulted,
                     const xmlChar **attributes)
{
    Check *check = user;
    const char *space = (const char *)uri;
    (void)prefix;
    (void)space_count;
    (void)spaces;
    (void)defaulted;
    check->schema_said = false;
    check->text_length = 0;
    int depth = check->depth++;
    if (depth == DEPTH_ROOT) {
        on_root(check, (const char *)local, space, count, attributes);
        return;
    }
    if (depth == DEPTH_ROW)
        on_row(check, (const char *)local);
    else if (depth == DEPTH_ELEMENT)
        copy_name(check->element, (const char *)local);
    else
        object(check, "MSR-NESTING");
    if (space == NULL || strcmp(space, DOCUMENT_NAMESPACE) != 0)
        object(check, "MSR-NAMESPACE");
    if (count > 0)
        object(check, "MSR-ATTRIBUTE");
}

static void check_header(Check *check)
{
    char text[TEXT_KEPT];
    memcpy(text, check->text, check->text_length);
    text[check->text_length] = '\0';
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

static void on_end(void *user, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
    Check *check = user;
    (void)local;
    (void)prefix;
    (void)uri;
    check->depth--;
    if (check->depth == DEPTH_ELEMENT && check->report->table_count == 1)
        check_header(check);
    if (check->depth == DEPTH_ROW)
        check->element[0] = '\0';
}

static void on_text(void *user, const xmlChar *text, int length)
{
    Check *check = user;
    if (check->depth == DEPTH_ELEMENT + 1) {
        size_t room = TEXT_KEPT - 1 - check->text_length;
        size_t kept = (size_t)length < room ? (size_t)length : room;
        memcpy(check->text + check->text_length, text, kept);
        check->text_length += kept;
        return;
    }
    for (int i = 0; i < length; i++) {
        if (strchr(" \t\r\n", text[i]) == NULL) {
            object(check, "MSR-TEXT");
            return;
        }
    }
}

static void on_instruction(void *user, const xmlChar *target, const xmlChar *data)
{
    Check *check = user;
    (void)target;
    (void)data;
    check->refused = true;
}

static void on_doctype(void *user, const xmlChar *name, const xmlChar *external,
                       const xmlChar *system)
{
    Check *check = user;
    (void)name;
    (void)external;
    (void)system;
    check->refused = true;
}

/* Declared as UTF-8, and without the word that opens a document type anywhere: in UTF-8 there is no
 * other way to write it. */
static bool opens_well(const Buffer *document)
{
    static const char *const openings[] = {"<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
                                           "<?xml version='1.0' encoding='UTF-8'?>"};
    bool declared = false;
    for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++) {
        size_t length = strlen(openings[i]);
        declared = declared ||
                   (document->length > length && memcmp(document->data, openings[i], length) == 0);
    }
    return declared && memmem(document->data, document->length, "<!DOCTYPE", 9) == NULL;
}

static xmlSchemaPtr load_schema(const char *path)
{
    xmlSchemaParserCtxtPtr context = xmlSchemaNewParserCtxt(path);
    xmlSchemaPtr schema = context != NULL ? xmlSchemaParse(context) : NULL;
    xmlSchemaFreeParserCtxt(context);
    return schema;
}

static void check_stream(Check *check, const Buffer *document, xmlSchemaPtr schema)
{
    xmlSAXHandler handler = {.initialized = XML_SAX2_MAGIC,
                             .startElementNs = on_start,
                             .endElementNs = on_end,
                             .characters = on_text,
                             .cdataBlock = on_text,
                             .processingInstruction = on_instruction,
                             .internalSubset = on_doctype};
    xmlSAXHandlerPtr handlers = &handler;
    void *user = check;
    xmlSchemaValidCtxtPtr context = schema != NULL ? xmlSchemaNewValidCtxt(schema) : NULL;
    xmlSchemaSAXPlugPtr plug = NULL;
    if (context != NULL) {
        xmlSchemaSetValidStructuredErrors(context, on_schema_error, check);
        plug = xmlSchemaSAXPlug(context, &handlers, &user);
    }
    if (schema != NULL && plug == NULL)
        object(check, "MSR-SCHEMA");
    else if (xmlSAXUserParseMemory(handlers, user, document->data, (int)document->length) != 0 ||
             check->refused)
        object(check, "MSR-XML");
    else if (context != NULL && xmlSchemaIsValid(context) != 1 && check->report->finding_count == 0)
        object(check, "XSD");
    if (plug != NULL)
        (void)xmlSchemaSAXUnplug(plug);
    xmlSchemaFreeValidCtxt(context);
}

bool document_check(const Buffer *document, const char *provider, const char *period,
                    const char *schema_path, DocumentReport *ret_report)
{
    *ret_report = (DocumentReport){0};
    Check check = {.report = ret_report, .provider = provider, .period = period};
    if (document->length > INT32_MAX || !opens_well(document)) {
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
