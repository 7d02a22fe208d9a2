/* SPDX-License-Identifier: Apache-2.0 */
/* What the mapping could not carry over, and each policy that stood in for a gap.
 *
 * A finding names the record and the field a person must correct, never a value.
 * Kinds are declared once, in finding.def. */
#pragma once

#include "daemon/dataset/dataset.h"
#include "daemon/mapping/settings.h"
#include "daemon/record/record.h"

typedef enum MapFindingSource {
    MAP_FINDING_FROM_MAPPING,
    MAP_FINDING_FROM_POLICY,
    MAP_FINDING_FROM_GATE
} MapFindingSource;

typedef struct FindingKind {
    const char *code; /* stable: "unmapped_code" */
    MapFindingSource source;
    Severity severity;
    const char *message, *remedy;
} FindingKind;

typedef enum MapFindingId {
#define FINDING(name, code, source, severity, message, remedy) FINDING_##name,
#include "daemon/mapping/finding.def"
#undef FINDING
    FINDING_COUNT
} MapFindingId;

extern const FindingKind finding_kinds[FINDING_COUNT];
const FindingKind *finding_kind(const char *code);            /* NULL when there is none */
const char *map_finding_source_name(MapFindingSource source); /* "mapping", "policy", "gate" */

typedef struct MapFinding {
    const FindingKind *kind;
    const ProviderSettings *provider; /* NULL: of no provider, or of all */
    const Record *record;             /* NULL: the person as a whole */
    const char *field;                /* path in the record; NULL: the record as a whole */
    const Table *table;               /* NULL where there is none */
    const Element *element;
} MapFinding;

typedef struct MapFindings {
    MapFinding *items;
    size_t count, capacity;
} MapFindings;

/* The same finding twice (kind, provider, record, field, element) is one. */
void map_finding_add(MapFindings *findings, Arena *arena, const MapFinding *finding);
