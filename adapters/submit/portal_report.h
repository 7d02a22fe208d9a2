/* SPDX-License-Identifier: Apache-2.0 */
/* The portal's Summary Reports: a zip with aggregation, data_quality, diagnostics and validations.
 *
 * Somebody else's files, brought in by a person: read with limits, and what is
 * kept as a code has a code's shape.  Values may be a patient's data: they are for
 * finding a row and go nowhere else. */
#pragma once

#include "daemon/base/arena.h"

#include <stdint.h>

typedef enum PortalReportKind {
#define PORTAL_REPORT(name, file, required) PORTAL_REPORT_##name,
#include "adapters/submit/portal_report.def"
#undef PORTAL_REPORT
    PORTAL_REPORT_COUNT
} PortalReportKind;
const char *portal_report_file(PortalReportKind kind); /* "validations.csv" */

#define PORTAL_ITEM_LIMIT 10

typedef struct PortalItem {
    const char *id;      /* "M001901", or NULL */
    const char *element; /* "LocalPatientID", or NULL */
    const char *value;   /* "" for blank */
} PortalItem;

typedef struct PortalLine {
    PortalReportKind kind;
    int line;                       /* of its file */
    const char *code;               /* "MHS10108", "MHSARV101", "MHSDAG001" */
    int64_t numerator, denominator; /* -1: not said */
    PortalItem items[PORTAL_ITEM_LIMIT];
    size_t item_count;
} PortalLine;

typedef struct PortalReports {
    PortalLine *lines;
    size_t count, capacity;
    bool present[PORTAL_REPORT_COUNT];
    int64_t unreadable; /* lines whose code is none */
} PortalReports;

/* All lines in the arena.  DATA "report.…" with the file and line; never a value. */
bool portal_reports_read(const char *path, Arena *arena, PortalReports *ret, Error *err);

/* One of the files. */
bool portal_report_add(PortalReports *reports, PortalReportKind kind, const char *bytes,
                       size_t size, Arena *arena, Error *err);
