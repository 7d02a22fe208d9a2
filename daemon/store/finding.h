/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong, where, and what to do: each leads back to a record and a field, none holds a
 * value.
 *
 * A person's findings of mapping, check, policy and gate are replaced with the
 * person's rows (rows.h) and hold, like rows, from a generation to a generation.
 * Those of a build and a receiver belong to a submission.  Those of feed and work
 * stand until they are cleared. */
#pragma once

#include "daemon/base/civil.h"
#include "daemon/store/store.h"

typedef enum FindingSource {
#define FINDING_SOURCE(name, text, meaning) FINDING_##name,
#include "daemon/store/finding.def"
#undef FINDING_SOURCE
    FINDING_SOURCE_COUNT
} FindingSource;
const char *finding_source_name(FindingSource source);

/* NULL and 0 where not known.  All texts are our own words, codes and ids. */
typedef struct Finding {
    int64_t id; /* read only */
    FindingSource source;
    const char *rule;     /* "MHS10108", or a stable word: "unmapped_code", "withheld_refused" */
    const char *severity; /* "file rejected" … "warning", or "note" */
    const char *provider; /* NULL: not of one provider */
    Month first_month, last_month;                      /* 0: every month */
    const char *feed, *record_type, *record_id, *field; /* what to correct */
    const char *person;                                 /* as the feed has it */
    const char *record_feed; /* whose record it is, where it is not `feed` (match.h); or NULL */
    const char *org;         /* organisation whose fix list it belongs to */
    const char *table, *element, *row_key;
    const char *cause_rule, *cause_table,
        *cause_key;               /* what it fell with; NULL: it is its own cause */
    bool left_out;                /* something was left out because of it */
    const char *message, *remedy; /* one sentence each, without values */
    int64_t submission;           /* build, receiver */
    int64_t found_at;             /* read only: microseconds */
} Finding;

/* In a transaction: findings of feed, work, build or receiver.  The same finding twice is kept
 * once. */
bool finding_add(Store *store, const Finding *findings, size_t count, Error *err);
bool finding_clear(Store *store, FindingSource source, const char *feed, const char *person,
                   Error *err);

typedef struct FindingFilter {
    const char *provider, *source, *rule, *person, *feed, *org; /* NULL: any */
    const char *record_type, *record_id;
    Month month;        /* 0: any */
    int64_t submission; /* 0: any */
    bool only_left_out;
    bool past; /* also those that no longer hold */
} FindingFilter;

typedef bool (*FindingSink)(void *context, const Finding *finding, Error *err);
/* Streams in order of organisation, rule, record; memory is flat.  The finding is valid during the
 * call. */
bool finding_list(Store *store, const FindingFilter *filter, FindingSink sink, void *context,
                  Error *err);

/* Root causes first by how many they touch; consequences are counted with their cause. */
typedef struct FindingGroup {
    FindingSource source;
    const char *rule, *severity, *table, *element, *message, *remedy;
    int64_t findings, people, records, left_out;
} FindingGroup;
bool finding_groups(Store *store, const FindingFilter *filter, Arena *arena, FindingGroup **ret,
                    size_t *ret_count, Error *err);

/* ---- for pages: a part at a time, by an index ---- */

/* Where the part before ended; NULL texts at the start. */
typedef struct FindingPlace {
    const char *org, *cause;
    int64_t id;
} FindingPlace;

typedef struct FindingPart {
    const char *cause, *org; /* NULL: any; org "" is those of no organisation */
    const char *source;      /* NULL: any */
    FindingPlace after;
    size_t limit;
} FindingPart;

/* Findings that hold, in order of organisation, cause and age; memory is that of one part.
 * *ret_next: give it as `after` for the next part. */
bool finding_part(Store *store, const FindingPart *part, Arena *arena, Finding **ret,
                  size_t *ret_count, FindingPlace *ret_next, Error *err);
