/* SPDX-License-Identifier: Apache-2.0 */
/* Short words for tests of the seal: a key, a folder for the copy, histories with several writers.
 */
#pragma once

#include "daemon/pipeline/seal.h"
#include "daemon/pipeline/seal_verify.h"
#include "tests/component/store_case.h"

typedef struct SealSite {
    char folder[64];
    NoteKey *key;
    SealerSettings settings;
} SealSite;

void site_open(SealSite *site); /* on `store`; a fresh key */
void site_close(SealSite *site);
void site_rekey(SealSite *site); /* from the next sealer on */

extern int64_t clock_step; /* microseconds by which this process's wall clock is wrong */

void write_events(Store *on, int count); /* each in a transaction of its own */
void seal_now(const SealSite *site);     /* a sealer that opens, seals all that waits, and ends */
SealVerdict look(const SealSite *site);
