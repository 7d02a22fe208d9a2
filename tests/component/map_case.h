/* SPDX-License-Identifier: Apache-2.0 */
/* From records to rows in a test: settings, a mapper, whole people. */
#pragma once

#include "daemon/pipeline/map_batch.h"
#include "tests/component/store_case.h"

typedef struct Bench {
    Tools tools;
    Mapper *mapper;
    References *references;
} Bench;

/* `more`: after the provider's route, ", legal_basis: public_task". */
Bench *bench_open(const char *more);
void load_references(Bench *bench);
size_t map_everyone(Bench *bench); /* everyone who waits; how many */

void take_references(const char *feed); /* an organisation and its team */
/* Person, consent, referral (September), contact (October); `more`: fields of the person. */
void take_whole_person(const char *feed, const char *id, int64_t version, const char *status,
                       const char *more);
