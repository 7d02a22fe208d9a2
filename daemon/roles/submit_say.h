/* SPDX-License-Identifier: Apache-2.0 */
/* What the submit role tells the journal, and that it tells it once. */
#pragma once

#include "daemon/pipeline/deliver.h"

/* After a delivery (`asked` false) or a question. */
void submit_say(const SubmissionClaim *claim, const Delivered *delivered, bool asked);
void submit_say_route(const DeliverRoute *route); /* its state changed */
void submit_say_stopped(const char *route, const Error *failure);
void submit_say_awaiting(const char *what); /* NULL: nothing any more */
void submit_say_trouble(const Error *err);  /* of the database, not its connection */
