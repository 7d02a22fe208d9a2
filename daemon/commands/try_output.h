/* SPDX-License-Identifier: Apache-2.0 */
/* What `mhsflow try` prints: rows with origins and findings, for people or as JSON lines. */
#pragma once

#include "daemon/commands/command.h"
#include "daemon/dataset/checker.h"
#include "daemon/mapping/mapping.h"

typedef struct TryOutput TryOutput;

TryOutput *try_output_new(CommandContext *context, const Mapping *mapping, Month month);
void try_person_head(TryOutput *output, const char *id, const FindingKind *withheld);
void try_reference_head(TryOutput *output);
void try_row(TryOutput *output, const MappedRow *row, Arena *arena);
void try_finding(TryOutput *output, const MapFinding *finding, Arena *arena);
/* `row` NULL: of the whole table. */
void try_check(TryOutput *output, const CheckFinding *found, const MappedRow *row,
               const ProviderSettings *provider, Arena *arena);
/* True when something would be left out. */
bool try_output_end(TryOutput *output, size_t people, size_t orphans);
