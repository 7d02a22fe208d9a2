/* SPDX-License-Identifier: Apache-2.0 */
/* After a feed was read anew: what it no longer has goes here too, unless that is too much. */
#pragma once

#include "daemon/store/source.h"

/* In the transaction of a page after which the feed is complete.  More than `fall` per cent of all
 * live records wait for a person's word.  Does nothing, for the price of
 * one row, when the feed was not read anew since the last time.  Adds what it deletes to `counts`;
 * *ret_waiting is how many wait now.
 */
bool ingest_settle_round(Store *store, const char *feed, int64_t fall, SourceCounts *counts,
                         int64_t *ret_waiting, Error *err);
