/* SPDX-License-Identifier: Apache-2.0 */
/* A MEF/1 server over HTTP: one request, its answer sorted by what it means for us. */
#pragma once

#include "adapters/feed/mef_manifest.h"
#include "adapters/feed/mef_page.h"
#include "adapters/feed/mef_problem.h"
#include "daemon/net/authorization.h"

typedef struct MefServer {
    HttpClient *client;
    const char *base; /* https://host/export/v1 */
    Authorization *authorization;
    size_t page_limit; /* inflated bytes */
    bool json;         /* the server cannot do NDJSON */
} MefServer;

typedef enum MefOutcome { MEF_GOT, MEF_NOT_MODIFIED, MEF_BEGIN_ANEW } MefOutcome;

typedef struct MefAsk {
    const char *path_and_query; /* "/changes?limit=2000" */
    const char *etag;           /* If-None-Match; or NULL */
    int64_t wait_ms;            /* long poll; 0: none */
    bool snapshot;
} MefAsk;

typedef struct MefAnswer {
    MefOutcome outcome;
    MefPage page;     /* MEF_GOT */
    const char *etag; /* of the answer; or NULL */
    const char *why;  /* MEF_BEGIN_ANEW: our word for it */
    int64_t skew_ms;  /* the server's clock less ours; 0 when it does not say */
} MefAnswer;

/* One page.  False: *err, and *ret_wait_ms if the server said when to come again.  The credential
 * is read again once when the server no longer knows it; the other form is asked for once when it
 * cannot do this one. */
bool mef_ask_page(MefServer *server, Arena *arena, const MefAsk *ask, MefAnswer *ret,
                  int64_t *ret_wait_ms, Error *err);

/* The bytes of a JSON answer that is whole, at most `limit` of them. */
bool mef_ask_json(MefServer *server, Arena *arena, const char *path_and_query, size_t limit,
                  char **ret_bytes, size_t *ret_size, int64_t *ret_skew_ms, int64_t *ret_wait_ms,
                  Error *err);
