/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of findings, and a list in which each finding stands once. */
#include "daemon/mapping/finding.h"

#include <string.h>

const FindingKind finding_kinds[FINDING_COUNT] = {
#define FINDING(name, code, source, severity, message, remedy)                                     \
    [FINDING_##name] = {code, MAP_FINDING_FROM_##source, severity, message, remedy},
#include "daemon/mapping/finding.def"
#undef FINDING
};

const FindingKind *finding_kind(const char *code)
{
    for (size_t i = 0; i < FINDING_COUNT; i++)
        if (strcmp(finding_kinds[i].code, code) == 0)
            return &finding_kinds[i];
    return NULL;
}

const char *map_finding_source_name(MapFindingSource source)
{
    static const char *const names[] = {[MAP_FINDING_FROM_MAPPING] = "mapping",
                                        [MAP_FINDING_FROM_POLICY] = "policy",
                                        [MAP_FINDING_FROM_GATE] = "gate"};
    return names[source];
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

void map_finding_add(MapFindings *findings, Arena *arena, const MapFinding *finding)
{
    for (size_t i = findings->count; i > 0; i--) {
        const MapFinding *old = &findings->items[i - 1];
        if (old->kind == finding->kind && old->provider == finding->provider &&
            old->record == finding->record && old->element == finding->element &&
            same_text(old->field, finding->field))
            return;
    }
    findings->items = arena_grow(arena, findings->items, findings->count, &findings->capacity,
                                 sizeof *findings->items);
    findings->items[findings->count++] = *finding;
}
