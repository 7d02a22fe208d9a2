/* SPDX-License-Identifier: Apache-2.0 */
/* Organisations, teams, workers and areas by feed, type and id: what person records point at. */
#pragma once

#include "daemon/record/record.h"

typedef struct References References;

References *references_new(Arena *arena);
void references_add(References *references, Record *record); /* a later one of the same name wins */
const Record *references_find(const References *references, const char *feed, const char *type,
                              const char *id); /* NULL when there is none; id may be NULL */
size_t references_count(const References *references);
const Record *references_at(const References *references, size_t index); /* in the order added */
