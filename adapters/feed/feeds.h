/* SPDX-License-Identifier: Apache-2.0 */
/* The feeds that are built in; adapters/registry.c lists them. */
#pragma once

#include "adapters/adapter.h"

extern const FeedAdapter feed_mef;           /* MEF/1, the JSON change feed */
extern const FeedAdapter feed_updated_since; /* a source that only knows what changed since */
extern const FeedAdapter feed_csv_drop;      /* the same records as CSV drops */
extern const FeedAdapter feed_mymup_dump;    /* MYMUP's monthly dump of eight files */
