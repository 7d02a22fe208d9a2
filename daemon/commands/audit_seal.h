/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of `mhsflow audit` that know the seal, and what they share. */
#pragma once

#include "daemon/base/json.h"
#include "daemon/commands/command.h"
#include "daemon/pipeline/merkle.h"
#include "daemon/store/seal.h"

int audit_run_verify(CommandContext *context, Error *err);
int audit_run_prove(CommandContext *context, Error *err);
int audit_run_export(CommandContext *context, Error *err);
int audit_run_restored(CommandContext *context, Error *err);

/* The filter options of list and export. */
bool audit_read_filter(const CommandContext *context, int64_t newest, AuditFilter *ret, Error *err);

/* The whole seal in memory: the tree, which event has which place, the newest note. */
typedef struct AuditPlace {
    int64_t number, leaf;
} AuditPlace;
typedef struct AuditTree {
    MerkleTree *tree;
    AuditPlace *places; /* by number */
    size_t count, capacity;
    int64_t covered; /* by the newest checkpoint */
    char note[1024]; /* "" without one */
} AuditTree;
bool audit_tree_read(Store *store, Arena *arena, AuditTree *ret, Error *err);
/* The event's place, or -1. */
int64_t audit_tree_place(const AuditTree *tree, int64_t number);
/* Its path to the newest checkpoint as a JSON list of hashes. */
json_t *audit_tree_proof(const AuditTree *tree, int64_t leaf);

/* One event as a FHIR R4 AuditEvent (audit_fhir.c). */
json_t *audit_fhir_event(const AuditRecord *record, int64_t leaf, json_t *proof);
json_t *audit_fhir_checkpoint(Arena *arena, const char *note);
