/* SPDX-License-Identifier: Apache-2.0 */
/* A batch of persons from the queue to stored rows, in one transaction.
 *
 * Rows, findings and the end of the work are one commit: a process that dies
 * anywhere before it has changed nothing, and the lease brings the persons back.
 * A person who cannot be mapped is set aside with a finding; the others of the
 * batch go on. */
#pragma once

#include "daemon/pipeline/map_person.h"
#include "daemon/store/work.h"

typedef struct MapTools {
    Store *store;
    Mapper *mapper;
    const Tools *tools;
    const References *references;
    size_t person_cap;               /* bytes that one person may take */
    void (*progress)(void *context); /* after each person; or NULL */
    void *progress_context;
} MapTools;

typedef struct MapCounts {
    size_t people, failed;
    RowCounts rows;
} MapCounts;

/* Map the claimed persons and commit.  LATER "work.stale": others have some of them by now; nothing
 * was stored. */
bool map_batch(const MapTools *tools, const WorkItem *items, size_t count, MapCounts *ret,
               Error *err);
