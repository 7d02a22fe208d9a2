/* SPDX-License-Identifier: Apache-2.0 */
/* A MEF/1 server over HTTP. */
#include "adapters/feed/mef_http.h"

#include "daemon/base/clock.h"
#include "daemon/base/json.h"
#include "daemon/base/text.h"
#include "daemon/net/retry_after.h"

#include <string.h>

#define ETAG_LIMIT 256
#define TYPE_NDJSON "application/x-ndjson"
#define TYPE_JSON "application/json"

/* One exchange on the wire; what the sink made of a 2xx body is the caller's. */
typedef struct Exchange {
    const char *url, *accept, *etag;
    int64_t wait_ms;
    size_t limit;
    HttpSink sink;
    void *sink_data;
} Exchange;

static bool exchange(MefServer *server, Arena *arena, const Exchange *want, bool renew,
                     HttpResponse *ret, int64_t *ret_wait_ms, Error *err)
{
    HttpHeader headers[6];
    size_t count = 0;
    const char *authorization;
    if (!authorization_value(server->authorization, server->client, renew, &authorization,
                             ret_wait_ms, err))
        return false;
    headers[count++] = (HttpHeader){"Accept", want->accept};
    headers[count++] = (HttpHeader){"User-Agent", "mhsflow/" MHSFLOW_VERSION};
    if (authorization)
        headers[count++] = (HttpHeader){"Authorization", authorization};
    if (want->etag)
        headers[count++] = (HttpHeader){"If-None-Match", want->etag};
    if (want->wait_ms)
        headers[count++] = (HttpHeader){
            "Prefer", arena_format(arena, "wait=%lld", (long long)(want->wait_ms / 1000))};
    HttpRequest request = {.method = "GET",
                           .url = want->url,
                           .headers = headers,
                           .header_count = count,
                           .accept_gzip = true,
                           .response_limit = want->limit,
                           .sink = want->sink,
                           .sink_data = want->sink_data};
    HttpFailure failure;
    return http_exchange(server->client, arena, &request, ret, &failure, err);
}

static bool content_is(const HttpResponse *response, const char *type)
{
    const char *value = http_header(response, "content-type");
    size_t size = strlen(type);
    return value && strncasecmp(value, type, size) == 0 &&
           (!value[size] || strchr("; \t", value[size]));
}

/* The `code` of a problem document; NULL when there is none.  Only words pass: it becomes a log
 * line. */
static const char *problem_code(const HttpResponse *response, Arena *arena)
{
    _cleanup_json_ json_t *root = NULL;
    Error ignored = {0};
    if (!response->body || !json_parse(response->body, response->body_size, &root, &ignored))
        return NULL;
    return arena_text(arena, json_get_text(root, "code"));
}

static int64_t skew_of(const HttpResponse *response)
{
    int64_t theirs;
    const char *date = http_header(response, "date");
    return date && clock_parse_http(date, &theirs) ? (theirs - clock_wall()) / 1000 : 0;
}

static const char *etag_of(const HttpResponse *response, Arena *arena)
{
    const char *etag = http_header(response, "etag");
    size_t size = etag ? strlen(etag) : 0;
    if (!size || size > ETAG_LIMIT)
        return NULL;
    for (size_t i = 0; i < size; i++)
        if (etag[i] < 0x21 || etag[i] > 0x7e)
            return NULL;
    return arena_text(arena, etag);
}

static int64_t asked_wait(const HttpResponse *response)
{
    return retry_after_ms(http_header(response, "retry-after"), clock_wall());
}

/* Asks; once more with a fresh credential when the server no longer knows ours.  *ret_problem is
 * NULL for 200 and 304. */
static bool ask(MefServer *server, Arena *arena, const Exchange *want, HttpResponse *ret,
                const MefProblem **ret_problem, int64_t *ret_wait_ms, Error *err)
{
    *ret_problem = NULL;
    if (!exchange(server, arena, want, false, ret, ret_wait_ms, err) ||
        (ret->status == 401 && !exchange(server, arena, want, true, ret, ret_wait_ms, err)))
        return false;
    *ret_wait_ms = asked_wait(ret);
    if (ret->status == 200 || (ret->status == 304 && want->etag))
        return true;
    *ret_problem = mef_problem(ret->status, problem_code(ret, arena));
    return true;
}

bool mef_ask_json(MefServer *server, Arena *arena, const char *path_and_query, size_t limit,
                  char **ret_bytes, size_t *ret_size, int64_t *ret_skew_ms, int64_t *ret_wait_ms,
                  Error *err)
{
    HttpResponse response;
    const MefProblem *problem;
    Exchange want = {.url = arena_format(arena, "%s%s", server->base, path_and_query),
                     .accept = TYPE_JSON,
                     .limit = limit};
    if (!ask(server, arena, &want, &response, &problem, ret_wait_ms, err))
        return false;
    if (problem)
        return mef_problem_error(problem, response.status, err);
    if (!content_is(&response, TYPE_JSON))
        return error_set(err, ERROR_LATER, "feed.html",
                         "the answer is not JSON; a proxy may stand between");
    *ret_skew_ms = skew_of(&response);
    *ret_bytes = response.body;
    *ret_size = response.body_size;
    return true;
}

/* A 200 that is whole, in the form that was asked for. */
static bool read_page(MefServer *server, Arena *arena, const MefAsk *want, MefReader *reader,
                      const HttpResponse *response, MefPage *ret, Error *err)
{
    if (server->json) {
        if (!content_is(response, TYPE_JSON))
            return error_set(err, ERROR_LATER, "feed.html",
                             "the answer is not JSON; a proxy may stand between");
        return mef_page_from_json(response->body, response->body_size, want->snapshot, arena, ret,
                                  err);
    }
    if (content_is(response, TYPE_JSON)) {
        server->json = true;
        return error_set(err, ERROR_LATER, "feed.format",
                         "the feed sends JSON where lines were asked for");
    }
    if (!content_is(response, TYPE_NDJSON))
        return error_set(err, ERROR_LATER, "feed.html",
                         "the answer is not a page of records; a proxy may stand between");
    return mef_reader_finish(reader, ret, err);
}

static bool ask_once(MefServer *server, Arena *arena, const MefAsk *want, MefAnswer *ret,
                     int64_t *ret_wait_ms, const MefProblem **ret_problem, Error *err)
{
    HttpResponse response;
    MefReader *reader = server->json ? NULL : mef_reader_new(arena, want->snapshot);
    Exchange exchange = {.url = arena_format(arena, "%s%s", server->base, want->path_and_query),
                         .accept = server->json ? TYPE_JSON : TYPE_NDJSON,
                         .etag = want->etag,
                         .wait_ms = want->wait_ms,
                         .limit = server->page_limit,
                         .sink = reader ? mef_reader_add : NULL,
                         .sink_data = reader};
    *ret = (MefAnswer){0};
    if (!ask(server, arena, &exchange, &response, ret_problem, ret_wait_ms, err))
        return false;
    ret->skew_ms = skew_of(&response);
    if (response.status == 304) {
        ret->outcome = MEF_NOT_MODIFIED;
        return true;
    }
    if (*ret_problem && (*ret_problem)->action == MEF_RESYNC) {
        ret->outcome = MEF_BEGIN_ANEW;
        ret->why = (*ret_problem)->code;
        return true;
    }
    if (*ret_problem)
        return mef_problem_error(*ret_problem, response.status, err);
    ret->etag = etag_of(&response, arena);
    return read_page(server, arena, want, reader, &response, &ret->page, err);
}

bool mef_ask_page(MefServer *server, Arena *arena, const MefAsk *want, MefAnswer *ret,
                  int64_t *ret_wait_ms, Error *err)
{
    const MefProblem *problem = NULL;
    bool json = server->json;
    if (ask_once(server, arena, want, ret, ret_wait_ms, &problem, err))
        return true;
    if (problem && problem->action == MEF_JSON && !json)
        server->json = true;
    if (server->json == json)
        return false;
    error_clear(err);
    return ask_once(server, arena, want, ret, ret_wait_ms, &problem, err);
}
