/* SPDX-License-Identifier: Apache-2.0 */
/* One page of a source that can only say "updated since", from JSON to changes. */
#pragma once

#include "adapters/adapter.h"

typedef struct SincePage {
    Change *changes;
    size_t count;
    FeedRefusal *refused;
    size_t refused_count;
    int64_t unknown_fields;
    size_t rows;                     /* of any kind */
    bool more;                       /* the source has not said that this was the last page */
    const char *last_time, *last_id; /* of the last row, as the source wrote them; NULL: none */
} SincePage;

/* The source's clock when it was asked, and for how long a row is looked at again and again. */
typedef struct SinceClock {
    int64_t now, window; /* microseconds */
} SinceClock;

/* [{…},…] or {"data":[{…},…],"has_more":true}; a row has "id", "updated_at" (RFC 3339) and either
 * its fields or a "record" with them; "deleted": true says that it is gone.  The time, in
 * microseconds, is version and sequence number.  Below the unit in which the source writes it (a
 * second, a millisecond) the version goes on rising while the row is young, so that content that
 * changed again under the same time is taken too.  A row that is no record is set aside.  LATER
 * "feed.json" when it is no page, "feed.order" when the times go backwards. */
bool since_page_read(const char *bytes, size_t size, const char *type, const SinceClock *clock,
                     Arena *arena, SincePage *ret, Error *err);
