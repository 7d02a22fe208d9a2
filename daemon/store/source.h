/* SPDX-License-Identifier: Apache-2.0 */
/* What feeds brought: the latest version of every record, whose it is, and where each feed stands.
 *
 * Versions only go up: an equal or lower one is counted and ignored.  Every change
 * that alters content queues the record's owner, old and new, for mapping, in the
 * same transaction.  A child may come before its parent: it waits without an
 * owner, and is given one, with all that hangs on it, when the parent comes.
 * A merge gives the merged person's records to the survivor; unmerge gives them
 * back.  A purge deletes the record, what hangs on it and the rows made from it,
 * and leaves a keyed hash, time and reason.  A reference record (organisation,
 * team, worker, area, group session) queues everyone who uses it, when its content changed. */
#pragma once

#include "daemon/base/civil.h"
#include "daemon/record/change.h"
#include "daemon/record/record.h"
#include "daemon/store/store.h"

typedef struct FeedState {
    const char *name, *id_prefix;
    FeedCursor cursor;
    const char *state; /* "ok" "late" "down" "stopped" "paused"; "new" before the first answer */
    int64_t round;     /* goes up when the feed is read anew */
    int64_t next_poll; /* microseconds; when it is due */
    int64_t last_poll, last_ok; /* 0: never */
    int64_t last_news;          /* when it brought something new; 0: never */
    bool silent;                /* that was longer ago than its settings allow */
    int64_t pages, changes, stored, ignored, unknown_types, unknown_fields, refused;
    int failures;                                           /* in a row */
    const char *last_error_code, *last_error_text, *remedy; /* NULL when the last poll went well */
    int64_t missing;  /* read anew, it no longer has so many: they wait for a person's word */
    const char *held; /* or something else does: the feed's own name for it */
    int64_t records, orphans, waiting; /* feed_get and feed_list only: held, without owner, persons
                                          waiting to be mapped */
} FeedState;

/* Makes the feed's row the first time.  The prefix is permanent: CONFIG "feed.id_prefix" when it
 * differs from the one kept, or when another feed has it.  A transaction of its own. */
bool feed_register(Store *store, const char *feed, const char *id_prefix, Error *err);
bool feed_get(Store *store, const char *feed, Arena *arena, FeedState *ret,
              Error *err); /* CONFIG "feed.unknown" */
/* The same without the counts, which grow with what is held: for each page. */
bool feed_place(Store *store, const char *feed, Arena *arena, FeedState *ret, Error *err);
bool feed_list(Store *store, Arena *arena, FeedState **ret, size_t *ret_count, Error *err);
/* Counts by type, for `feed show`. */
typedef struct FeedType {
    const char *type;
    int64_t live, deleted, restricted, orphans;
} FeedType;
bool feed_types(Store *store, const char *feed, Arena *arena, FeedType **ret, size_t *ret_count,
                Error *err);

/* Is every one of these feeds complete at its head?  False names the first that is not, or was
 * never read.  The build step asks, for the feeds of the settings: one that was taken out of them
 * before it was ever read holds up nobody. */
bool feed_all_complete(Store *store, const char *const *feeds, size_t count, Arena *arena,
                       bool *ret_complete, const char **ret_feed, Error *err);

typedef struct SourceCounts {
    int64_t changes, stored, ignored; /* ignored: version equal or lower, or purged before */
    int64_t unchanged; /* of the stored: a new version with the same content; nobody is queued */
    int64_t deleted, merged, purged, restricted, orphans;
    int64_t people; /* queued for mapping */
    int64_t unknown_types, unknown_fields,
        refused; /* the caller's: passed on to feed_save_page() */
} SourceCounts;

/* In a transaction, together with feed_save_page().  One statement set per page; ids and types as
 * the adapter checked them.  A consent decision that changed is one audit event each (keyed hash,
 * no id). */
bool source_apply(Store *store, const char *feed, const Change *changes, size_t count,
                  SourceCounts *ret, Error *err);

/* In a transaction.  A full listing named all that there is: live records of the feed whose seq is
 * lower than `before` are deleted.  Adds to the counts. */
bool source_sweep(Store *store, const char *feed, int64_t before, SourceCounts *counts, Error *err);

/* When a feed is asked again.  A wish that a person uttered meanwhile goes before: `seen` is the
 * next_poll that the asker found; when another stands there by now, it stays.  0: in any case. */
typedef struct NextPoll {
    int64_t in_ms, seen;
} NextPoll;

/* In a transaction, before a page is stored: keeps others from moving the feed, and says whether it
 * still stands where `seen` was read.  If not (a person had it read anew), the page is not for it.
 */
bool feed_still_at(Store *store, const FeedState *seen, bool *ret, Error *err);
/* In a transaction.  Moves the cursor and counts; state "ok"; one audit event per page that moved
 * it. */
bool feed_save_page(Store *store, const char *feed, const FeedCursor *next,
                    const SourceCounts *counts, NextPoll next_poll, Error *err);
/* In a transaction, after feed_save_page(): `news` or none, and for how long there may be none (0:
 * for ever).  *ret_fell: silent from now on. */
bool feed_note_news(Store *store, const char *feed, bool news, int64_t silence_ms, bool *ret_fell,
                    Error *err);
/* A transaction of its own; the cursor does not move.  `state`: "down" or "stopped" (a person must
 * look); `held`: what waits for their word, or NULL.  Audited only when the state changes. */
bool feed_save_failure(Store *store, const char *feed, const char *state, const Error *failure,
                       const char *remedy, const char *held, NextPoll next_poll, Error *err);
/* Begin anew: cursor forgotten, not complete, records kept.  `actor` NULL: the feed itself asked
 * for it (epoch, expired cursor).  In the new round a record is taken when its version is higher or
 * its content differs, because a restored server counts from an older time.  In a transaction. */
bool feed_restart(Store *store, const char *feed, const char *reason, const char *actor,
                  Error *err);
/* By a person, audited; a transaction of its own each. */
bool feed_pause(Store *store, const char *feed, const char *actor, Error *err);
bool feed_resume(Store *store, const char *feed, const char *actor, Error *err);
bool feed_poll_now(Store *store, const char *feed,
                   Error *err); /* due now, stopped or not; NOTIFYs */

/* ---- consent ---- */

typedef enum ConsentDecision {
    CONSENT_NONE, /* no decision is in force */
    CONSENT_GIVEN,
    CONSENT_REFUSED,
    CONSENT_WITHDRAWN,
    CONSENT_NOT_ASKED,
    CONSENT_LACKS_CAPACITY,
    CONSENT_OTHER, /* a word we do not know: not a yes */
} ConsentDecision;
const char *consent_name(ConsentDecision decision); /* "none", "given" … */

/* The decision in force today in London: the latest valid_from that has come, among all decisions
 * of the person and of everyone merged into them; on one day the later recorded; at one instant a
 * refusal (anything but `given`) wins.  A `given` whose valid_to has passed is none.  A decision
 * without a readable valid_from counts from the day it was recorded.  The view
 * mhsflow.consent_in_force says the same in SQL and is what the intent's gate looks at. */
typedef struct PersonBasis {
    ConsentDecision decision;
    const char *consent_id; /* the deciding record, NULL for none */
    bool restricted;        /* the person must flow nowhere */
    Day recheck;            /* the next day on which the answer may change; 0: none known */
} PersonBasis;
bool source_basis(Store *store, const char *feed, const char *person, const char *purpose,
                  Arena *arena, PersonBasis *ret, Error *err);

/* ---- reading records ---- */

/* One record by reference, deleted ones too (root NULL); *ret NULL when there is none. */
bool source_get(Store *store, const char *feed, const char *type, const char *id, Arena *arena,
                Record **ret, const char **ret_person, Error *err);
/* Where a record stands, for whoever asks why it is not sent. */
typedef struct RecordStanding {
    bool held, deleted, restricted;
    bool parentless;                     /* names a parent that has not come */
    const char *person;                  /* whose it is, after merges; NULL: nobody's */
    const char *parent_type, *parent_id; /* NULL: none */
} RecordStanding;
bool source_standing(Store *store, const char *feed, const char *type, const char *id, Arena *arena,
                     RecordStanding *ret, Error *err);
/* Was it purged, in any feed?  Only a keyed hash of it is left to know it by. */
bool source_purged(Store *store, const char *type, const char *id, Arena *arena, bool *ret,
                   Error *err);
/* Feeds in which a record of that type and id is held: a reference without a feed is looked up so.
 */
bool source_feeds_of(Store *store, const char *type, const char *id, Arena *arena,
                     const char ***ret, size_t *ret_count, Error *err);

/* All live reference records of a feed (organisation, area, team, worker, group_session), and a
 * number that changes whenever one of them does: keep them until it does. */
bool source_reference_version(Store *store, const char *feed, int64_t *ret, Error *err);
bool source_reference(Store *store, const char *feed, Arena *arena, RecordList *ret,
                      int64_t *ret_version, Error *err);
