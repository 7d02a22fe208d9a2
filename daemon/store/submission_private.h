/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a submission's columns, and moving it between states; shared by the submission files. */
#pragma once

#include "daemon/store/audit.h"
#include "daemon/store/store_private.h"
#include "daemon/store/submission.h"

/* From "submission s join submission_queue q using (id)". */
#define SUBMISSION_COLUMNS_BESIDE(signature)                                                       \
    "s.id, s.data_set, s.provider, s.period, s.revision, q.state, s.generation, s.held_reason, "   \
    "s.held_by, s.released_by, s.cancelled_by, s.person_reason, s.route, s.legal_basis, "          \
    "us(s.deadline), "                                                                             \
    "us(s.created_at), us(q.next_at), s.document_created, s.document_digest, s.content_digest, "   \
    "s.document_size, s.rows, s.people, s.referrals, s.contacts, s.pack_version, "                 \
    "s.format_version, "                                                                           \
    "s.mapping_version, s.program_version, s.spool_name, s.idempotency_key, " signature ", "       \
    "s.reference, "                                                                                \
    "q.attempts, q.questions, s.purged, us(q.lease_until), q.lease_by, s.last_code, "              \
    "s.last_reason, "                                                                              \
    "s.left_out"
#define SUBMISSION_COLUMNS SUBMISSION_COLUMNS_BESIDE("s.signature")
/* For lists: whether there is a signature, without its bytes. */
#define SUBMISSION_COLUMNS_LIGHT                                                                   \
    SUBMISSION_COLUMNS_BESIDE("case when s.signature is not null then ''::bytea end")
#define SUBMISSION_COLUMN_COUNT 41

SubmissionInfo submission_read(const PGresult *result, int row, Arena *arena);

/* The row of the queue, locked; false with "submission.unknown" when there is none. */
typedef struct SubmissionLock {
    SubmissionState state;
    bool intent, leased; /* leased: the lease has not run out */
    int64_t fence, month_id;
    int attempts;
    bool newer; /* a newer revision of the month exists */
    bool purged;
    const char *provider, *legal_basis;
    Month period;
    int64_t generation;
    uint8_t document_digest[DIGEST_SIZE];
} SubmissionLock;
bool submission_lock(Store *store, int64_t id, Arena *arena, SubmissionLock *ret, Error *err);
/* The same, and the fence must be ours and the lease still running. */
bool submission_lock_fenced(Store *store, int64_t id, int64_t fence, Arena *arena,
                            SubmissionLock *ret, Error *err);

/* One move with its one event.  The lease ends; next_at is now plus `next_in_ms`.  `fields` may
 * carry attempt, code, actor, people and digest; submission, from and to are filled in. */
bool submission_move(Store *store, int64_t id, SubmissionState from, SubmissionState to,
                     AuditEvent event, int64_t next_in_ms, AuditFields fields, Error *err);

/* The claiming statement, for the test that pins its plan. */
const char *submission_claim_statement(bool from_mark);
