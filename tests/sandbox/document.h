/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a received document: its outer shape by our own reading of the contract, and the schema
 * where one is given.
 *
 * The document is hostile: it is streamed, nothing is expanded, any DOCTYPE refuses it. */
#ifndef SANDBOX_DOCUMENT_H
#define SANDBOX_DOCUMENT_H

#include "tests/sandbox/buffer.h"

#define DOCUMENT_NAMESPACE "urn:mhsflow:mhsds:6.0"

enum { DOCUMENT_FINDINGS = 20, DOCUMENT_TABLES = 80, DOCUMENT_NAME = 48 };

/* Never a value: where it is, and which rule it breaks ("XSD" or "MSR…"). */
typedef struct DocumentFinding {
    const char *rule;
    char table[DOCUMENT_NAME];
    uint32_t row;
    char element[DOCUMENT_NAME];
} DocumentFinding;

typedef struct DocumentTable {
    char name[DOCUMENT_NAME];
    uint32_t rows;
} DocumentTable;

typedef struct DocumentReport {
    size_t finding_count;
    DocumentFinding findings[DOCUMENT_FINDINGS];
    size_t table_count;
    DocumentTable tables[DOCUMENT_TABLES];
} DocumentReport;

/* `period` is YYYY-MM; `schema` is a path or NULL. True when there is nothing to object to. */
bool document_check(const Buffer *document, const char *provider, const char *period,
                    const char *schema, DocumentReport *ret_report);

#endif
