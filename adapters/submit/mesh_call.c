/* SPDX-License-Identifier: Apache-2.0 */
/* One call to MESH. */
#include "adapters/submit/mesh_call.h"

#include "adapters/submit/mesh_token.h"
#include "adapters/submit/verdict.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "daemon/net/retry_after.h"

#include <string.h>

typedef struct ErrorRow {
    int from, to;
    const char *error, *words;
    Verdict verdict;
    bool stop;
    const char *code, *reason;
} ErrorRow;

static const ErrorRow rows[] = {
#define MESH_ERROR(from, to, error, words, verdict, stop, code, reason)                            \
    {from, to, error, words, VERDICT_##verdict, stop, code, reason},
#include "adapters/submit/mesh_error.def"
#undef MESH_ERROR
};

void mesh_call_header(MeshCall *call, const char *name, const char *value)
{
    call->headers[call->header_count++] = (HttpHeader){name, value};
}

bool mesh_call(const MeshClient *client, const MeshCall *call, Arena *arena, MeshReply *ret,
               Error *err)
{
    MeshCall own = *call;
    *ret = (MeshReply){0};
    mesh_call_header(&own, "Authorization",
                     mesh_token_now(client->mailbox, client->password, client->key, arena));
    mesh_call_header(&own, "Accept", "application/vnd.mesh.v2+json");
    HttpRequest request = {
        .method = own.method,
        .url = arena_format(arena, "%s%s", client->base, own.path),
        .headers = own.headers,
        .header_count = own.header_count,
        .body = own.body,
        .body_size = own.body_size,
        .accept_gzip = strcmp(own.method, "GET") == 0,
        .response_limit = own.answer_limit ? own.answer_limit : MESH_ANSWER_LIMIT,
        .upload_faults = own.faults,
    };
    if (http_exchange(client->http, arena, &request, &ret->response, &ret->failure, err)) {
        mesh_body_read(ret->response.body, ret->response.body_size, arena, &ret->body);
        return true;
    }
    if (ret->failure.kind == HTTP_FAILED_LOCAL && ret->failure.left == HTTP_NOTHING_LEFT)
        return false;
    ret->failed = true;
    error_clear(err);
    return true;
}

static const ErrorRow *row_of(int status, const char *error, const char *words)
{
    const ErrorRow *row = rows;
    for (; row < rows + COUNT_OF(rows) - 1; row++)
        if (status >= row->from && status <= row->to &&
            (!row->error || text_equal(row->error, error)) &&
            (!row->words || (words && strstr(words, row->words))))
            break;
    return row;
}

SubmitAnswer mesh_refusal(const MeshReply *reply, bool question)
{
    SubmitAnswer answer;
    if (reply->failed) {
        const FailureRow *row = verdict_of_failure(reply->failure.kind, reply->failure.left);
        answer = (SubmitAnswer){.verdict = row->verdict,
                                .status = reply->failure.status,
                                .stop_route = row->stop_route,
                                .code = row->code,
                                .reason = row->reason};
    } else {
        const HttpResponse *response = &reply->response;
        const ErrorRow *row = row_of(response->status, reply->body.error, reply->body.words);
        answer = (SubmitAnswer){
            .verdict = row->verdict,
            .wait_ms = retry_after_ms(http_header(response, "retry-after"), clock_wall()),
            .status = response->status,
            .stop_route = row->stop,
            .code = row->code,
            .reason = row->reason};
    }
    if (question)
        answer.verdict = VERDICT_LATER;
    return answer;
}

SubmitAnswer mesh_report_answer(const char *code)
{
    const ErrorRow *row = row_of(400, code, NULL);
    bool known = row->error;
    return (SubmitAnswer){
        .verdict = VERDICT_REJECTED,
        .status = 200,
        .code = known ? row->code : "report",
        .reason = known ? row->reason : "MESH reported that the message could not be delivered"};
}
