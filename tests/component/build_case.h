/* SPDX-License-Identifier: Apache-2.0 */
/* Short words for tests of the build: a site with records, mapped rows, a spool, and its document.
 *
 * One provider, V9X01; organisation O-L1, team T-1 and worker W-1 in each feed;
 * ids carry the feed's last letter as prefix. */
#pragma once

#include "daemon/pipeline/build.h"
#include "daemon/pipeline/map_batch.h"
#include "tests/component/store_case.h"

#define OCTOBER (2026 * 12 + 9)
#define FEED "feed-b"

typedef struct Site {
    Tools tools;
    Mapper *mapper;
    References *references;
    bool (*current)(void *context, bool *ret, Error *err); /* are they?  NULL: yes */
    const char *const *feeds;
    size_t feed_count;
    char spool[64];
    BuildPolicy policy;
    BuildResult result; /* of the last build */
} Site;

/* Feeds in the order of the settings; `more` is added to the provider's settings. */
Site *site_new(const char *const *feeds, size_t feed_count, const char *more);
Site *site_plain(void); /* one feed, FEED */
void site_free(Site *site);

/* A person with consent, referral (team T-1) and one contact in October; NULL: no NHS number. */
void take_whole_person(const char *feed, int number, const char *nhs_number);
void take_people(int first, int count); /* each with an NHS number of their own */
void take_consent(const char *feed, int number, int64_t version, const char *status);
const char *nhs_number(int number); /* 999…, with the right check digit */

void map_everyone(Site *site);
BuildOutcome build_october(Site *site);
bool build_on(Site *site, Store *on, Arena *memory, BuildResult *ret, Error *err);

SubmissionInfo submission(int64_t id);
const char *spool_path(const Site *site, const SubmissionInfo *info);
const char *read_document(const Site *site, int64_t id); /* the whole spool file */
size_t count_of(const char *text, const char *word);
void accept(int64_t id); /* claimed, intended, accepted */
bool month_is_dirty(void);
