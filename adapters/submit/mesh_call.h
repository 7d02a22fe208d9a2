/* SPDX-License-Identifier: Apache-2.0 */
/* One call to MESH: its token, its headers, its answer, and what the answer means. */
#pragma once

#include "adapters/adapter.h"
#include "adapters/submit/mesh_answer.h"
#include "daemon/net/http.h"

#define MESH_ANSWER_LIMIT ((size_t)1 << 20)

typedef struct MeshClient {
    HttpClient *http;
    const char *base; /* without a slash at its end */
    const char *mailbox, *password, *key;
    const char *to, *workflow, *ack_workflow;
    int64_t chunk_size;
    bool compress;
} MeshClient;

typedef struct MeshCall {
    const char *method, *path; /* path from "/messageexchange" on */
    HttpHeader headers[16];
    size_t header_count;
    const void *body;
    size_t body_size;
    size_t answer_limit; /* 0: MESH_ANSWER_LIMIT */
    bool faults;         /* the call that hands a document over: reach its fault points */
} MeshCall;

typedef struct MeshReply {
    HttpResponse response;
    MeshBody body;
    bool failed; /* no whole answer: `failure` */
    HttpFailure failure;
} MeshReply;

void mesh_call_header(MeshCall *call, const char *name, const char *value);

/* False only when nothing left and the fault is our own. */
bool mesh_call(const MeshClient *client, const MeshCall *call, Arena *arena, MeshReply *ret,
               Error *err);

/* What a failed call or a refusal means for a message of which this was the first chunk, or for a
 * question (`question`: then UNKNOWN is LATER and nothing is ever REJECTED). */
SubmitAnswer mesh_refusal(const MeshReply *reply, bool question);

/* The row for a code alone, as reports give it. */
SubmitAnswer mesh_report_answer(const char *code);
