/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of submissions: one provider, one month, one revision each, from built to accepted.
 *
 * States and moves are declared in states.def and enforced by the database.  A
 * claim leases a submission (database clock) and raises its fence; every later
 * write compares the fence, so whoever lost the lease changes nothing
 * (ERROR_LATER "submission.fence").  At most one revision of a month is sending,
 * waiting or unsure; a newer one waits behind it.  Every change of state appends
 * exactly one audit event in the same transaction.
 *
 * The order of one delivery: submission_claim → submission_store_signature (once)
 * → submission_intent (commits before any byte leaves; checks the gate)
 * → bytes → submission_settle. */
#pragma once

#include "daemon/base/civil.h"
#include "daemon/base/digest.h"
#include "daemon/store/finding.h"

typedef enum SubmissionState {
#define STATE(name, text, meaning) SUBMISSION_##name,
#include "daemon/store/states.def"
#undef STATE
    SUBMISSION_STATE_COUNT
} SubmissionState;
const char *submission_state_name(SubmissionState state);

typedef struct SubmissionCounts {
    int64_t rows, people, referrals, contacts;
} SubmissionCounts;

/* A row of the document that belongs to no person (header, workers, teams …), kept so that the same
 * bytes can be made again. */
typedef struct SubmissionRow {
    const char *table, *row_key;
    int table_order;
    const char *fragment;
    size_t fragment_size;
} SubmissionRow;

/* A row that held but is not in the document. */
typedef struct LeftOut {
    int64_t row;     /* RowOut.id; 0: a row without a person */
    Finding finding; /* source build */
} LeftOut;

typedef struct SubmissionNew {
    const char *data_set, *provider; /* "mhsds-6.0", "V9X01" */
    Month period;
    int64_t generation;
    const char *held_reason; /* NULL: ready; else held with this word: "shrunk", "file_findings",
                                "approval" */
    const char *route, *legal_basis;
    int64_t deadline;             /* microseconds: the month's cut-off */
    const char *document_created; /* the time written in the document */
    const uint8_t *document_digest,
        *content_digest; /* 32 bytes; the second without creation time */
    int64_t document_size;
    SubmissionCounts counts;
    const char *pack_version, *format_version, *mapping_version, *program_version;
    const char *spool_name; /* file name in the spool folder */
    const SubmissionRow *rows;
    size_t row_count;
    const LeftOut *left_out;
    size_t left_out_count;
    const Finding *findings; /* of the whole file; source build */
    size_t finding_count;
} SubmissionNew;

typedef struct SubmissionInfo {
    int64_t id;
    const char *data_set, *provider;
    Month period;
    int revision;
    SubmissionState state;
    int64_t generation;
    const char *held_reason, *held_by, *released_by, *cancelled_by, *person_reason;
    const char *route, *legal_basis;
    int64_t deadline, created_at, next_at; /* microseconds */
    const char *document_created;
    uint8_t document_digest[DIGEST_SIZE], content_digest[DIGEST_SIZE];
    int64_t document_size;
    SubmissionCounts counts;
    const char *pack_version, *format_version, *mapping_version, *program_version, *spool_name;
    char idempotency_key[DIGEST_HEX_SIZE];
    const uint8_t *signature; /* CMS, DER; NULL: not signed yet */
    size_t signature_size;
    const char *reference; /* the receiver's, of the last answer that had one */
    int attempts, questions;
    bool purged; /* a purge deleted rows of it: cannot be built again */
    int64_t lease_until;
    const char *lease_by;
    const char *last_code, *last_reason; /* of the last answer */
    int64_t left_out;                    /* rows left out */
} SubmissionInfo;

/* ---- building ---- */

/* In a transaction: nobody else makes a revision of the month until it ends.  What there is by now:
 * the newest revision (0: none) and the generation last built, for whoever decided before. */
bool submission_lock_month(Store *store, const char *data_set, const char *provider, Month period,
                           int64_t *ret_newest, int64_t *ret_built, Error *err);
/* In a transaction, with month_built().  The next revision of the month; unsent older ones become
 * superseded; *ret_revision and the key (SHA-256 over data set, provider, month, revision and
 * document digest) are made here.  An older revision that is still on its way keeps this one
 * waiting. */
bool submission_insert(Store *store, const SubmissionNew *new, int64_t *ret_id, int *ret_revision,
                       Error *err);
/* The last accepted revision, and the newest of all; ids 0 when there is none. */
bool submission_last(Store *store, const char *data_set, const char *provider, Month period,
                     Arena *arena, SubmissionInfo *ret_accepted, SubmissionInfo *ret_newest,
                     Error *err);
/* Its document's rows once more, in document order, left-out rows left out, rows without a person
 * included (RowOut.person NULL, id 0).  DATA "submission.purged" when a purge touched it. */
typedef struct RowOut RowOut;
bool submission_rows(Store *store, int64_t id, bool (*sink)(void *, const struct RowOut *, Error *),
                     void *context, Error *err);

/* Was this row (RowOut.id) left out of it, although it held? */
bool submission_leaves_out(Store *store, int64_t id, int64_t row, bool *ret, Error *err);

/* ---- delivering ---- */

/* Where a claiming loop stands; zero at the start.  It lets a claim step over rows that a long
 * snapshot keeps dead (see README.md). */
typedef struct SubmissionCursor {
    int64_t deadline, id, swept_at;
    bool deferred; /* the last claim brought one that was tried before: a fresh one is next */
} SubmissionCursor;

typedef struct SubmissionClaim {
    SubmissionInfo info;
    int64_t fence;
} SubmissionClaim;

/* Transactions of their own.  Ready and due, earliest deadline first, of one route (NULL: any), no
 * month of which another revision is on its way.  Once something has failed before, every second
 * claim is for what was never tried: a bad backlog does not starve what is new. */
bool submission_claim(Store *store, SubmissionCursor *cursor, const char *route, size_t limit,
                      int64_t lease_ms, Arena *arena, SubmissionClaim **ret, size_t *ret_count,
                      Error *err);
/* Unsure or waiting, and due to be asked about. */
bool submission_claim_questions(Store *store, const char *route, size_t limit, int64_t lease_ms,
                                Arena *arena, SubmissionClaim **ret, size_t *ret_count, Error *err);
bool submission_renew(Store *store, int64_t id, int64_t fence, int64_t lease_ms, Error *err);
bool submission_store_signature(Store *store, int64_t id, int64_t fence, const uint8_t *signature,
                                size_t size, Error *err); /* a second one is ERROR_BUG */

/* Commits the intent to send; fault points SUBMIT_BEFORE_INTENT and SUBMIT_AFTER_INTENT are inside.
 * *ret_open false: somebody in it has no basis any more, is restricted or purged; it is superseded
 * and its month will be built again.  ERROR_LATER "store.commit_unknown": nothing may be sent; the
 * lease will run out. */
bool submission_intent(Store *store, int64_t id, int64_t fence, bool *ret_open, int *ret_attempt,
                       Error *err);

typedef enum Outcome {
    OUTCOME_ACCEPTED,
    OUTCOME_WAITING,
    OUTCOME_LATER, /* certainly not taken in; of a question: could not ask */
    OUTCOME_REJECTED,
    OUTCOME_UNKNOWN,
    OUTCOME_NEVER_SEEN, /* of a question only */
} Outcome;

typedef struct ReceiverFinding {
    const char *rule, *table, *element;
    int64_t row; /* 1-based row of that table in the document; 0: not said */
} ReceiverFinding;

typedef struct Settlement {
    Outcome outcome;
    int64_t next_in_ms; /* until the next try or question */
    bool uncharged;     /* the attempt does not count (nothing left, circuit open) */
    int status;         /* protocol's own */
    const char *code, *reference, *reason; /* our word; the receiver's id; our sentence */
    const ReceiverFinding *findings;
    size_t finding_count;
} Settlement;

/* A transaction of its own; fault points SUBMIT_BEFORE_SETTLE and SUBMIT_AFTER_SETTLE are inside.
 */
bool submission_settle(Store *store, int64_t id, int64_t fence, const Settlement *settlement,
                       SubmissionState *ret_state, Error *err);
/* Give back before the intent (spool missing, signer away): ready again in `next_in_ms`, no
 * attempt. */
bool submission_give_back(Store *store, int64_t id, int64_t fence, const char *code,
                          int64_t next_in_ms, Error *err);
/* Leases that ran out: before the intent ready again, after it unsure.  *ret: how many. */
bool submission_sweep(Store *store, int64_t *ret, Error *err);
/* Microseconds of the next try, question or lease end; 0: nothing waits. */
bool submission_next(Store *store, int64_t *ret_at, Error *err);

/* ---- people ---- */

/* By a named person, audited; a transaction of its own each.  ERROR_DATA "submission.state" when
 * the state does not allow it, "submission.unknown" when there is none.  `reason` may be NULL; it
 * is kept with the submission, never in the audit. */
bool submission_hold(Store *store, int64_t id, const char *actor, const char *reason, Error *err);
bool submission_release(Store *store, int64_t id, const char *actor, const char *reason,
                        Error *err);
bool submission_retry(Store *store, int64_t id, const char *actor,
                      Error *err); /* due now: try or ask; rejected: send again */
bool submission_cancel(Store *store, int64_t id, const char *actor, const char *reason, Error *err);

typedef struct SubmissionFilter {
    const char *data_set, *provider, *state; /* NULL: any */
    Month period;                            /* 0: any */
    bool open_only;                          /* leave out accepted, superseded, cancelled */
} SubmissionFilter;
bool submission_get(Store *store, int64_t id, Arena *arena, SubmissionInfo *ret, Error *err);
bool submission_list(Store *store, const SubmissionFilter *filter, Arena *arena,
                     SubmissionInfo **ret, size_t *ret_count,
                     Error *err); /* newest month first, then provider, revision */

/* For pages: without the bytes of signatures, a part at a time, newest month first. */
typedef struct SubmissionPart {
    const char *provider, *state; /* NULL: any */
    Month period, from;           /* 0: any; from: this month and later ones */
    bool newest;                  /* only the newest revision of each month */
    bool attention;               /* only those that wait for a person */
    size_t skip, limit;
} SubmissionPart;
bool submission_part(Store *store, const SubmissionPart *part, Arena *arena, SubmissionInfo **ret,
                     size_t *ret_count, Error *err);

/* Since when the first is due that could go: no other revision of its month is on its way, and its
 * route is open.  0: none. */
bool submission_overdue(Store *store, int64_t *ret_since, Error *err);

/* Months whose last accepted revision holds people who withdrew since (under consent), or whom a
 * purge took out; newest month first. */
typedef struct RecallMonth {
    const char *provider;
    Month period;
    int64_t submission;
    int revision;
    int64_t withdrawn; /* people */
    bool purged;
} RecallMonth;
bool submission_recall(Store *store, Arena *arena, RecallMonth **ret, size_t *ret_count,
                       Error *err);

/* Its biography: attempts, answers and audit events in order of time. */
typedef struct SubmissionEvent {
    int64_t at;
    const char *kind;  /* "audit", "attempt", "answer" */
    const char *event; /* audit event's name, "sent", "asked", or the outcome */
    const char *from, *to, *actor, *code, *reference, *reason, *holder;
    int attempt, status;
} SubmissionEvent;
bool submission_events(Store *store, int64_t id, Arena *arena, SubmissionEvent **ret,
                       size_t *ret_count, Error *err);

/* ---- routes ---- */

typedef struct RouteState {
    const char *route, *state;      /* "ok" "down" "stopped" */
    const char *code, *fingerprint; /* why; settings in force when it was stopped */
    int64_t since;
} RouteState;
/* A transaction of its own; audited when the state changes.  A stopped route starts again when its
 * settings' fingerprint differs or a person asks. */
bool route_save(Store *store, const char *route, const char *state, const char *code,
                const char *fingerprint, Error *err);
bool route_list(Store *store, Arena *arena, RouteState **ret, size_t *ret_count, Error *err);
