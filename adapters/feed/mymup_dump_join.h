/* SPDX-License-Identifier: Apache-2.0 */
/* From the rows of a MYMUP dump to records: who belongs to whom, and ids that stay.
 *
 * The dump has ids for clients only.  A referral's id is made from client,
 * franchise and day; a goal's from its referral and number; a contact's from its
 * whole row, so that an edited contact is another one and the old one is swept.
 * A contact, score, closure or rejection goes to the latest referral of its client
 * (and franchise, where the row names one) that begins on or before its day. */
#pragma once

#include "adapters/feed/drop_feed.h"
#include "adapters/feed/mymup_dump_table.h"

typedef struct MymupSettings {
    const char **franchises, **codes; /* franchise to ODS code */
    size_t franchise_count;
    const char *team_type, *age_group;
    bool children; /* goal scores are those of the scale for children */
} MymupSettings;

typedef struct MymupDump {
    DropItem *items; /* all that there is, parents before children */
    size_t count, capacity;
} MymupDump;

/* `day`: YYYYMMDD, of the dump; what is dated later is kept, and said. */
void mymup_join(const MymupTable tables[MYMUP_FILE_COUNT], const MymupSettings *settings,
                int64_t seq, int64_t day, Arena *arena, MymupDump *ret);
