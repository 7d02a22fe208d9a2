/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that a delivery and a question share; for deliver.c and reconcile.c. */
#pragma once

#include "daemon/pipeline/deliver.h"

Submission deliver_document(const SubmissionClaim *claim, const char *path, Arena *arena);

/* Adapter's submit or inquire, with the lease kept meanwhile. */
bool deliver_ask(const DeliverTools *tools, DeliverRoute *route, const SubmissionClaim *claim,
                 const Submission *document, bool question, Arena *arena, SubmitAnswer *ret,
                 Error *err);

/* Breaker and stop, from an answer. */
void deliver_note_route(DeliverRoute *route, const SubmitAnswer *answer, Delivered *ret);

/* Store ret->answer; fills state and wait. */
bool deliver_settle(const DeliverTools *tools, const SubmissionClaim *claim, bool asked,
                    Arena *arena, Delivered *ret, Error *err);
