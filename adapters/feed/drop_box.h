/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of a feed of drops: what waits in it, and where it goes afterwards. */
#pragma once

#include "adapters/feed/drop_feed.h"

/* What is ready to be taken in, in order.  Of what lies in done/ only what comes after `taken`,
 * and at the beginning (0) only from its last full drop on. */
bool drop_box_list(const DropFeed *feed, int64_t taken, Arena *arena, DropCandidate **ret,
                   size_t *ret_count, Error *err);

/* To done/ or quarantine/, with what lies beside it.  Nothing there is replaced: a second one of
 * the name gets a number.  Not there any more is fine: it went before. */
bool drop_box_move(const DropFeed *feed, const char *name, const char *where, Arena *arena,
                   Error *err);

/* Problems of the drop, beside where it went or will go. */
bool drop_box_say(const DropFeed *feed, const char *name, const char *where,
                  const DropProblems *problems, Arena *arena, Error *err);

const char *drop_box_path(const DropFeed *feed, const DropCandidate *candidate, Arena *arena);
