/* SPDX-License-Identifier: Apache-2.0 */
/* After a feed was read anew: what it no longer has goes here too, unless that is too much. */
#pragma once

#include "daemon/store/source.h"

/* Of all live records; more than this share waits for a person's word. */
#define INGEST_MISSING_PERCENT 2

/* In the transaction of a page after which the feed is complete.  Does nothing, for the price of
 * one row, when the feed was not read anew since the last time.  Adds what it deletes to `counts`.
 */
bool ingest_settle_round(Store *store, const char *feed, SourceCounts *counts, Error *err);
