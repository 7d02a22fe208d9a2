/* SPDX-License-Identifier: Apache-2.0 */
/* A person's findings on their way to the store: each leads to a record and a field, and
 * neighbouring months of the same finding are one. */
#pragma once

#include "daemon/dataset/checker.h"
#include "daemon/mapping/mapping.h"
#include "daemon/store/finding.h"

typedef struct PersonCheck {
    Arena *arena;
    const char *feed, *person;
    /* the month and provider that are being judged */
    const ProviderSettings *provider;
    const MappedRow **rows; /* by table and number: as in the checker */
    size_t row_limit;
    Month month;
    bool refuses_file;
    Finding *findings;
    size_t count, capacity;
} PersonCheck;

void person_check_month(PersonCheck *check, const ProviderSettings *provider,
                        const MappedRows *rows, Month month);
void person_check_add(PersonCheck *check, const CheckFinding *finding);
/* A finding of this month would refuse the whole file. */
bool person_check_refuses_file(const PersonCheck *check);

void person_check_mapping(PersonCheck *check, const MapFinding *finding);
void person_check_gate(PersonCheck *check, const FindingKind *reason,
                       const ProviderSettings *provider);

const Finding *person_check_findings(const PersonCheck *check, size_t *ret_count);
