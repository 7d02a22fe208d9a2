/* SPDX-License-Identifier: Apache-2.0 */
/* What is the same for every answer of `explain`: feeds, roles, work, months, submissions and
 * routes. */
#pragma once

#include "daemon/pipeline/explain.h"
#include "daemon/store/source.h"
#include "daemon/store/work.h"

typedef struct World {
    const ExplainTools *tools;
    int64_t now;
    Day today;
    FeedState *feeds;
    size_t feed_count;
    Presence *presences;
    size_t presence_count;
    WorkState work;
    SubmissionInfo *submissions;
    size_t submission_count;
    ProviderMonth *dirty;
    size_t dirty_count;
    RouteState *routes;
    size_t route_count;
} World;

bool world_read(const ExplainTools *tools, World *ret, Error *err);
/* The highest revision, and the last accepted one; NULL: none. */
const SubmissionInfo *world_newest(const World *world, const char *provider, Month month);
const SubmissionInfo *world_accepted(const World *world, const char *provider, Month month);

/* Fill in what belongs to a month (0: to none), and to a submission. */
void world_month(const World *world, const char *provider, Month month, ExplainFacts *facts);
bool world_submission(const World *world, const SubmissionInfo *info, ExplainFacts *facts,
                      Error *err);
/* The answer to the facts, in words; `info` NULL: no submission. */
void world_describe(const World *world, const ExplainFacts *facts, const SubmissionInfo *info,
                    Explanation *ret);
