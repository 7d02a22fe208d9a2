/* SPDX-License-Identifier: Apache-2.0 */
/* A route of the submit role: opened from its settings, its state kept in the database.
 *
 * A stopped route stays stopped over restarts until its settings or the files they
 * name change, a reload or a retry is asked for by a person, or the receiver, asked once
 * an hour under our own name, lets us in.  None of this charges a submission an attempt. */
#pragma once

#include "daemon/config/config.h"
#include "daemon/pipeline/deliver.h"

typedef struct SubmitRoute {
    DeliverRoute route;
    SubmissionCursor cursor;
    char fingerprint[DIGEST_HEX_SIZE]; /* of its settings, the files they name, and the certificate
                                        */
    bool started;                      /* its row in the database has been looked at */
    bool asked;                        /* a reload: a person has looked */
    int64_t knock_at;                  /* steady: a stopped one is looked at again */
    const Section *section;
    RequestSigner *signer;
    Error failure; /* why it could not be opened */
} SubmitRoute;

/* Never fails: a route that cannot be opened is stopped, and the others go on. */
void submit_route_open(SubmitRoute *ret, const NamedSection *section, const Config *config,
                       RequestSigner *signer, bool asked, Arena *arena);
void submit_route_close(SubmitRoute *route);

/* The database's word on it: stopped before, or a person asks for another try. */
bool submit_route_read(Store *store, SubmitRoute *route, Arena *arena, Error *err);
bool submit_route_save(Store *store, const SubmitRoute *route, Error *err);

/* Ask the receiver for a sign of life.  True when the breaker's state changed. */
bool submit_route_probe(DeliverRoute *route, Arena *arena);
/* It was stopped just now. */
void submit_route_stopped(SubmitRoute *route);
/* Of a stopped route, when its time has come: what stopped it is tried anew.  True when it goes
 * again. */
bool submit_route_knock(SubmitRoute *route, Arena *arena);
