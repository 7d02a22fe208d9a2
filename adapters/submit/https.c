/* SPDX-License-Identifier: Apache-2.0 */
/* The signed upload MSR/1: one POST per document, one question per doubt.
 *
 * Each request carries an RFC 9421 signature over everything that gives it its
 * meaning, the RFC 9530 digest of the body, and the document's own detached
 * signature.  See README.md for the contract. */
#include "adapters/submit/receipt.h"
#include "adapters/submit/submits.h"
#include "adapters/submit/verdict.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "daemon/net/authorization.h"
#include "daemon/net/connection.h"
#include "daemon/net/content_digest.h"
#include "daemon/net/message_signature.h"
#include "daemon/net/retry_after.h"
#include "daemon/net/structured.h"

#include <inttypes.h>
#include <string.h>

#define SIGNATURE_TAG "mhsflow"
#define QUESTION_TIMEOUT_MS 60000
#define SETTINGS_CAP ((size_t)64 << 10)

typedef struct Https {
    HttpClient *client;
    RequestSigner *signer;
    Authorization *authorization;
    Arena *settings;
    const char *base; /* without a slash at its end */
} Https;

static const OptionDecl options[] = {
    {"url", OPTION_URL, NULL, NULL, NULL, NULL, true, OPTION_RELOAD,
     "Where the receiver takes submissions, for example https://receiver.example/msr/v1."},
    AUTHORIZATION_OPTIONS,
    CONNECTION_OPTIONS,
    CONNECTION_TIMES("1h"),
    {0},
};

static void https_close(void *self)
{
    Https *https = self;
    if (!https)
        return;
    http_client_free(https->client);
    authorization_free(https->authorization);
    arena_free(https->settings);
    free(https);
}

static bool https_open(const char *name, const Section *section, RequestSigner *signer,
                       void **ret_self, Error *err)
{
    Https *https = calloc(1, sizeof *https);
    if (!https)
        abort();
    https->signer = signer;
    https->settings = arena_new(SETTINGS_CAP);
    char *base = arena_text(https->settings, section_text(section, "url"));
    while (*base && base[strlen(base) - 1] == '/')
        base[strlen(base) - 1] = '\0';
    https->base = base;
    HttpSettings settings = connection_settings_timed(section, https->settings);
    const char *authority, *path;
    if (!message_target(base, https->settings, &authority, &path, err) ||
        !authorization_new(section, &https->authorization, err) ||
        !http_client_new(&settings, &https->client, err)) {
        https_close(https);
        return error_wrap(err, "opening route \"%s\"", name);
    }
    *ret_self = https;
    return true;
}

/* ---- what a request says ---- */

typedef struct Draft {
    MessageComponent components[16];
    HttpHeader headers[16];
    size_t component_count, header_count;
} Draft;

static void cover(Draft *draft, const char *name, const char *value)
{
    draft->components[draft->component_count++] = (MessageComponent){.name = name, .value = value};
}

/* A header that is sent and covered by the signature. */
static void carry(Draft *draft, const char *name, const char *lower, const char *value)
{
    draft->headers[draft->header_count++] = (HttpHeader){name, value};
    cover(draft, lower, value);
}

static bool start_draft(Draft *draft, const char *method, const char *url, Arena *arena, Error *err)
{
    const char *authority, *path;
    if (!message_target(url, arena, &authority, &path, err))
        return false;
    cover(draft, "@method", method);
    cover(draft, "@authority", authority);
    cover(draft, "@path", path);
    return true;
}

static bool sign_draft(const Https *https, Draft *draft, Arena *arena, Error *err)
{
    MessageSignature signature;
    if (!message_sign(https->signer, draft->components, draft->component_count, SIGNATURE_TAG,
                      arena, &signature, err))
        return false;
    draft->headers[draft->header_count++] = (HttpHeader){"Signature-Input", signature.input};
    draft->headers[draft->header_count++] = (HttpHeader){"Signature", signature.signature};
    return true;
}

static const char *quoted(Arena *arena, const char *value)
{
    Text text = text_new(arena, 1024);
    structured_add_string(&text, value);
    return text_get(&text);
}

static bool draft_submission(const Https *https, const Submission *submission, const char *url,
                             Draft *ret, Arena *arena, Error *err)
{
    if (!start_draft(ret, "POST", url, arena, err))
        return false;
    carry(ret, "Content-Digest", "content-digest", content_digest(arena, submission->digest));
    /* curl writes Content-Length itself, from the same number. */
    cover(ret, "content-length", arena_format(arena, "%" PRId64, submission->document_size));
    carry(ret, "Content-Type", "content-type", "application/xml");
    carry(ret, "Idempotency-Key", "idempotency-key", quoted(arena, submission->idempotency_key));
    carry(ret, "Submission-Data-Set", "submission-data-set", submission->data_set);
    carry(ret, "Submission-Provider", "submission-provider", submission->provider);
    carry(ret, "Submission-Period", "submission-period", submission->period);
    carry(ret, "Submission-Revision", "submission-revision",
          arena_format(arena, "%d", submission->revision));
    carry(ret, "Document-Signature", "document-signature",
          structured_bytes(arena, submission->signature, submission->signature_size));
    return sign_draft(https, ret, arena, err);
}

/* ---- what an answer says ---- */

static void judge_answer(Asked asked, const HttpResponse *response, Arena *arena, SubmitAnswer *ret)
{
    Receipt receipt;
    receipt_read(response->body, response->body_size, arena, &receipt);
    const StatusRow *row =
        verdict_of_status(asked, response->status, receipt.word, receipt.reference);
    *ret = (SubmitAnswer){
        .verdict = row->verdict,
        .wait_ms = retry_after_ms(http_header(response, "retry-after"), clock_wall()),
        .status = response->status,
        .stop_route = row->stop_route,
        .code = row->code,
        .reference = receipt.reference,
        .reason = row->reason,
    };
    if (row->verdict == VERDICT_REJECTED) {
        ret->findings = receipt.findings;
        ret->finding_count = receipt.finding_count;
    }
}

static void judge_failure(Asked asked, const HttpFailure *failure, SubmitAnswer *ret)
{
    const FailureRow *row = verdict_of_failure(failure->kind, failure->left);
    *ret = (SubmitAnswer){
        .verdict = asked == ASKED_SUBMIT ? row->verdict : VERDICT_LATER,
        .status = failure->status,
        .stop_route = row->stop_route,
        .code = row->code,
        .reason = row->reason,
    };
}

/* False only when nothing left and the fault is our own. */
static bool exchange(const Https *https, Asked asked, const HttpRequest *request, Arena *arena,
                     SubmitAnswer *ret, Error *err)
{
    HttpResponse response;
    HttpFailure failure;
    if (http_exchange(https->client, arena, request, &response, &failure, err)) {
        judge_answer(asked, &response, arena, ret);
        return true;
    }
    if (failure.kind == HTTP_FAILED_LOCAL && failure.left == HTTP_NOTHING_LEFT)
        return false;
    judge_failure(asked, &failure, ret);
    error_clear(err);
    return true;
}

/* ---- who we are ---- */

/* Nothing left, because nobody would have believed us. */
static void judge_no_token(const Error *failure, int64_t wait_ms, Arena *arena, SubmitAnswer *ret)
{
    bool refused = failure->kind == ERROR_CONFIG;
    *ret = (SubmitAnswer){.verdict = VERDICT_LATER,
                          .wait_ms = wait_ms,
                          .stop_route = refused,
                          .code = refused ? "token_refused" : "token_unavailable",
                          .reason = arena_text(arena, failure->cause)};
}

/* Adds the Authorization header where the route has one.  False: *ret says why there is none. */
static bool authorize(const Https *https, bool renew, Draft *draft, Arena *arena, SubmitAnswer *ret)
{
    Error failure = {0};
    const char *value;
    int64_t wait_ms;
    if (!authorization_value(https->authorization, https->client, renew, &value, &wait_ms,
                             &failure)) {
        judge_no_token(&failure, wait_ms, arena, ret);
        return false;
    }
    if (value)
        draft->headers[draft->header_count++] =
            (HttpHeader){"Authorization", arena_text(arena, value)};
    return true;
}

typedef bool (*Call)(const Https *https, bool renew, Arena *arena, const Submission *submission,
                     SubmitAnswer *ret, Error *err);

/* Once more with a new token when the receiver no longer knows ours: by its own word it took
 * nothing in.  Signed anew, because a signature counts once. */
static bool call(Call one, const Https *https, Arena *arena, const Submission *submission,
                 SubmitAnswer *ret, Error *err)
{
    if (!one(https, false, arena, submission, ret, err))
        return false;
    bool token_refused = ret->status == 401 && text_equal(ret->code, "unauthorised") &&
                         authorization_is_set(https->authorization);
    return !token_refused || one(https, true, arena, submission, ret, err);
}

/* ---- the contract's three calls ---- */

static bool submit_once(const Https *https, bool renew, Arena *arena, const Submission *submission,
                        SubmitAnswer *ret, Error *err)
{
    const char *url = arena_format(arena, "%s/submissions", https->base);
    Draft draft = {0};
    if (!authorize(https, renew, &draft, arena, ret))
        return true;
    if (!draft_submission(https, submission, url, &draft, arena, err))
        return false;
    HttpRequest request = {
        .method = "POST",
        .url = url,
        .headers = draft.headers,
        .header_count = draft.header_count,
        .file_path = submission->document_path,
        .file_size = submission->document_size,
        .response_limit = RECEIPT_LIMIT,
        .upload_faults = true,
    };
    return exchange(https, ASKED_SUBMIT, &request, arena, ret, err);
}

static bool inquire_once(const Https *https, bool renew, Arena *arena, const Submission *submission,
                         SubmitAnswer *ret, Error *err)
{
    const char *url =
        arena_format(arena, "%s/submissions/%s", https->base, submission->idempotency_key);
    Draft draft = {0};
    if (!authorize(https, renew, &draft, arena, ret))
        return true;
    if (!start_draft(&draft, "GET", url, arena, err) || !sign_draft(https, &draft, arena, err))
        return false;
    HttpRequest request = {
        .method = "GET",
        .url = url,
        .headers = draft.headers,
        .header_count = draft.header_count,
        .response_limit = RECEIPT_LIMIT,
        .total_timeout_ms = QUESTION_TIMEOUT_MS,
    };
    return exchange(https, ASKED_INQUIRE, &request, arena, ret, err);
}

static bool https_submit(void *self, Arena *arena, const Submission *submission, SubmitAnswer *ret,
                         Error *err)
{
    return call(submit_once, self, arena, submission, ret, err);
}

static bool https_inquire(void *self, Arena *arena, const Submission *submission, SubmitAnswer *ret,
                          Error *err)
{
    return call(inquire_once, self, arena, submission, ret, err);
}

/* The signed question about a key that no document can have: whoever says "never seen" has checked
 * our signature and knows us. */
static bool https_knock(void *self, Arena *arena, SubmitAnswer *ret, Error *err)
{
    static const char nobody[] = "0000000000000000000000000000000000000000000000000000000000000000";
    const Submission nothing = {.idempotency_key = nobody};
    if (!call(inquire_once, self, arena, &nothing, ret, err))
        return false;
    if (ret->verdict == VERDICT_NEVER_SEEN)
        *ret = (SubmitAnswer){.verdict = VERDICT_ACCEPTED,
                              .status = ret->status,
                              .code = "let_in",
                              .reason = "the receiver knows us"};
    return true;
}

/* Somebody who answers HTTP at all is there: only a fault of its own, or "not now", says otherwise.
 */
static bool https_probe(void *self, Arena *arena, SubmitAnswer *ret, Error *err)
{
    const Https *https = self;
    HttpRequest request = {
        .method = "GET",
        .url = arena_format(arena, "%s/health", https->base),
        .response_limit = RECEIPT_LIMIT,
        .total_timeout_ms = QUESTION_TIMEOUT_MS,
    };
    if (!exchange(https, ASKED_INQUIRE, &request, arena, ret, err))
        return false;
    bool busy = ret->status == 0 || ret->status == 408 || ret->status == 429 || ret->status >= 500;
    if (!busy)
        *ret = (SubmitAnswer){.verdict = VERDICT_ACCEPTED,
                              .status = ret->status,
                              .code = "alive",
                              .reason = "the receiver answers"};
    return true;
}

const SubmitAdapter submit_https = {
    .name = "https",
    .summary = "signed upload over HTTPS (MSR/1)",
    .options = options,
    .open = https_open,
    .submit = https_submit,
    .inquire = https_inquire,
    .probe = https_probe,
    .knock = https_knock,
    .close = https_close,
};
