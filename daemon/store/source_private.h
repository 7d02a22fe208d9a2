/* SPDX-License-Identifier: Apache-2.0 */
/* One page being taken in; shared by the files that do it. */
#pragma once

#include "daemon/store/match.h"
#include "daemon/store/source.h"
#include "daemon/store/store_private.h"

typedef struct Names {
    const char **items;
    size_t count, capacity;
} Names;

typedef struct Apply {
    Store *store;
    const char *feed;
    int64_t round;
    bool has_purges;
    bool has_old_merges; /* of a reading before this one */
    Arena *arena;
    Names people;                    /* to be mapped again; may repeat */
    Names other_feeds, other_people; /* the same, of other feeds */
    MatchRule rule;
    Names identities; /* people whose own record changed, or whose records are another's now */
    Names references; /* "type:id" of reference records whose content changed */
    int64_t live;     /* change in the number of live records */
    SourceCounts counts;
} Apply;

void names_add(Names *names, const char *name,
               Arena *arena); /* NULL adds nothing; keeps the pointer */
SqlList names_list(const Names *names, Arena *arena);

/* A change of a page that is not a record: merge, unmerge, purge, restrict, unrestrict. */
bool source_apply_merge(Apply *apply, const Change *change, Error *err);
/* These people came as records of their own, read anew: a merge from before that is no more. */
bool source_part_again(Apply *apply, const Names *people, Error *err);
bool source_apply_restrict(Apply *apply, const Change *change, Error *err);
bool source_apply_purge(Apply *apply, const Change *change, Error *err);

/* Who was set aside gets another try, alone, for the records may be better now. */
#define ON_QUEUED_AGAIN                                                                            \
    " on conflict (feed, person) do update set changed = work.changed + 1,"                        \
    " due_at = least(work.due_at, excluded.due_at), quarantined = false,"                          \
    " crash_count = least(work.crash_count, 1), attempts = 0"

/* Before source_queue(): who of `identities` is one with people of other feeds. */
bool source_match(Apply *apply, Error *err);
bool source_queue(Apply *apply, Error *err); /* people for mapping */

ConsentDecision source_decision(const char *status, bool holds);
bool source_bases(Store *store, const SqlList *feeds, const SqlList *people, const char *purpose,
                  Arena *arena, PersonBasis *ret, size_t count, Error *err);
/* Columns: type, id, version, org, record. */
bool source_read_record(const PGresult *result, int row, const char *feed, Arena *arena,
                        Record **ret, Error *err);

/* The statement that stores a page, for the test that pins its plan. */
extern const char source_store_statement[];
