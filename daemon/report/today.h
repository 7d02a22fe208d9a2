/* SPDX-License-Identifier: Apache-2.0 */
/* What a data manager looks at first: which months are due and how they stand, and what needs a
 * person, the most urgent first. */
#pragma once

#include "daemon/config/calendar.h"
#include "daemon/config/config.h"
#include "daemon/store/rows.h"
#include "daemon/store/source.h"
#include "daemon/store/submission.h"
#include "daemon/store/work.h"

typedef struct TodayMonth {
    const char *provider;
    Month month;
    int64_t cutoff;
    int days; /* until the cut-off; negative: since it */
    bool to_build;
    int64_t dirty_since;          /* microseconds; 0: nothing waits to be built */
    const SubmissionInfo *newest; /* NULL: none was built */
} TodayMonth;

typedef enum NeedKind {
#define NEED(name, title, remedy) NEED_##name,
#include "daemon/report/need.def"
#undef NEED
    NEED_COUNT
} NeedKind;

typedef struct Need {
    NeedKind kind;
    const char *subject; /* a role, feed, route or provider: never a person */
    Month period;        /* 0: none */
    const char *detail;  /* our own words, or NULL */
    int64_t submission;  /* 0: none */
    const TodayMonth *month;
} Need;
const char *need_title(NeedKind kind);
const char *need_remedy(NeedKind kind);

typedef struct Today {
    int64_t now;
    TodayMonth *months;
    size_t month_count;
    FeedState *feeds;
    size_t feed_count;
    Presence *presences;
    size_t presence_count;
    RouteState *routes;
    size_t route_count;
    WorkState work;
    SubmissionInfo *attention; /* held and refused, newest month first, at most TODAY_ATTENTION */
    size_t attention_count;
    Need *needs;
    size_t need_count, need_capacity;
} Today;

enum { TODAY_ATTENTION = 50 };

bool today_read(Store *store, const Config *config, const Calendar *calendar, Arena *arena,
                Today *ret, Error *err);
bool today_role_alive(const Today *today, const char *role);

/* Why a submission waits for a person, in words; never NULL. */
const char *held_words(const char *reason);
