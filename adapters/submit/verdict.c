/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer means. */
#include "adapters/submit/verdict.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

/* clang-format off */
const StatusRow status_rows[] = {
    /* asked         from to   word                 ref    verdict             code                   stop   reason */
    {ASKED_SUBMIT,  201, 201, "accepted",          true,  VERDICT_ACCEPTED,   "accepted",            false, "the receiver accepted it"},
    {ASKED_SUBMIT,  202, 202, "waiting",           true,  VERDICT_PENDING,    "waiting",             false, "the receiver took it in and answers later"},
    {ASKED_SUBMIT,  200, 299, NULL,                false, VERDICT_UNKNOWN,    "malformed_answer",    false, "the receiver answered with success, but not in the words of the contract"},
    {ASKED_INQUIRE, 200, 200, "accepted",          true,  VERDICT_ACCEPTED,   "accepted",            false, "the receiver says that it accepted it"},
    {ASKED_INQUIRE, 200, 200, "waiting",           true,  VERDICT_PENDING,    "waiting",             false, "the receiver has it and answers later"},
    {ASKED_INQUIRE, 200, 200, "rejected",          false, VERDICT_REJECTED,   "rejected",            false, "the receiver says that it refused it"},
    {ASKED_INQUIRE, 200, 299, NULL,                false, VERDICT_UNKNOWN,    "malformed_answer",    false, "the receiver's answer is not in the words of the contract"},
    {ASKED_INQUIRE, 404, 404, "unknown",           false, VERDICT_NEVER_SEEN, "never_seen",          false, "the receiver has never seen it"},
    {ASKED_INQUIRE, 404, 404, NULL,                false, VERDICT_UNKNOWN,    "not_found",           false, "somebody answered that the page does not exist, which is not the receiver's word"},
    {ASKED_INQUIRE, 409, 409, "superseded",        false, VERDICT_REJECTED,   "superseded",          false, "the receiver has accepted a newer revision of this month"},
    {ASKED_INQUIRE, 409, 409, "in_progress",       false, VERDICT_PENDING,    "in_progress",         false, "the receiver is still at work on it"},
    {ASKED_ANY,     300, 399, NULL,                false, VERDICT_LATER,      "redirect",            true,  "the receiver points elsewhere, and redirects are never followed: correct the route's url"},
    {ASKED_ANY,     401, 401, "signature_invalid", false, VERDICT_LATER,      "signature_invalid",   true,  "the receiver refused our signature"},
    {ASKED_ANY,     403, 403, "signature_invalid", false, VERDICT_LATER,      "signature_invalid",   true,  "the receiver refused our signature"},
    {ASKED_ANY,     401, 401, "sender_unknown",    false, VERDICT_LATER,      "sender_unknown",      true,  "the receiver does not know us by this certificate"},
    {ASKED_ANY,     403, 403, "sender_unknown",    false, VERDICT_LATER,      "sender_unknown",      true,  "the receiver does not know us by this certificate"},
    {ASKED_ANY,     401, 401, NULL,                false, VERDICT_LATER,      "unauthorised",        true,  "the receiver refused our credentials"},
    {ASKED_ANY,     403, 403, NULL,                false, VERDICT_LATER,      "forbidden",           true,  "the receiver does not let us in"},
    {ASKED_ANY,     407, 407, NULL,                false, VERDICT_LATER,      "proxy_refused",       true,  "the proxy refused us"},
    {ASKED_SUBMIT,  404, 405, NULL,                false, VERDICT_LATER,      "not_found",           true,  "nothing takes submissions at this address: correct the route's url"},
    {ASKED_ANY,     408, 408, NULL,                false, VERDICT_LATER,      "request_timeout",     false, "the receiver gave up waiting for us"},
    {ASKED_SUBMIT,  409, 409, "in_progress",       false, VERDICT_PENDING,    "in_progress",         false, "the receiver is still at work on it"},
    {ASKED_SUBMIT,  409, 409, "superseded",        false, VERDICT_REJECTED,   "superseded",          false, "the receiver has accepted a newer revision of this month"},
    {ASKED_SUBMIT,  409, 409, NULL,                false, VERDICT_UNKNOWN,    "conflict",            false, "the receiver reports a conflict that the contract does not know"},
    {ASKED_ANY,     421, 421, NULL,                false, VERDICT_LATER,      "misdirected",         false, "the receiver says that another machine is meant"},
    {ASKED_ANY,     425, 425, NULL,                false, VERDICT_LATER,      "too_early",           false, "the receiver asks us to come again"},
    {ASKED_ANY,     429, 429, NULL,                false, VERDICT_LATER,      "rate_limited",        false, "the receiver asks us to slow down"},
    {ASKED_SUBMIT,  413, 413, NULL,                false, VERDICT_REJECTED,   "too_large",           false, "the document is larger than the receiver takes"},
    {ASKED_SUBMIT,  415, 415, NULL,                false, VERDICT_REJECTED,   "unsupported_type",    false, "the receiver does not take this kind of document"},
    {ASKED_SUBMIT,  422, 422, "rejected",          false, VERDICT_REJECTED,   "rejected",            false, "the receiver refused the document"},
    {ASKED_SUBMIT,  422, 422, "key_reused",        false, VERDICT_REJECTED,   "key_reused",          false, "the receiver has another document under this key"},
    {ASKED_SUBMIT,  400, 499, NULL,                false, VERDICT_REJECTED,   "refused",             false, "the receiver refused the request"},
    {ASKED_SUBMIT,  502, 502, NULL,                false, VERDICT_UNKNOWN,    "bad_gateway",         false, "a gateway lost the receiver's answer"},
    {ASKED_SUBMIT,  504, 504, NULL,                false, VERDICT_UNKNOWN,    "gateway_timeout",     false, "a gateway gave up waiting for the receiver's answer"},
    {ASKED_ANY,     503, 503, NULL,                false, VERDICT_LATER,      "unavailable",         false, "the receiver is not available now"},
    {ASKED_ANY,     500, 599, NULL,                false, VERDICT_LATER,      "server_error",        false, "the receiver has a fault of its own"},
    {ASKED_SUBMIT,  0,   999, NULL,                false, VERDICT_UNKNOWN,    "unexpected_status",   false, "the receiver answered with a status that the contract does not know"},
    {ASKED_INQUIRE, 0,   999, NULL,                false, VERDICT_LATER,      "unexpected_status",   false, "the receiver answered with a status that the contract does not know"},
};

const FailureRow failure_rows[] = {
    {HTTP_FAILED_LOCAL,     HTTP_NOTHING_LEFT,  VERDICT_LATER,   "local",         false, "nothing could be sent from this machine"},
    {HTTP_FAILED_LOCAL,     HTTP_MAY_HAVE_LEFT, VERDICT_UNKNOWN, "local",         false, "sending stopped on this machine in the middle"},
    {HTTP_FAILED_RESOLVE,   HTTP_NOTHING_LEFT,  VERDICT_LATER,   "resolve",       false, "the receiver's name could not be resolved"},
    {HTTP_FAILED_CONNECT,   HTTP_NOTHING_LEFT,  VERDICT_LATER,   "connect",       false, "the receiver could not be reached"},
    {HTTP_FAILED_TLS,       HTTP_NOTHING_LEFT,  VERDICT_LATER,   "tls",           false, "no secure connection with the receiver came about"},
    {HTTP_FAILED_TRUST,     HTTP_NOTHING_LEFT,  VERDICT_LATER,   "trust",         true,  "the receiver could not prove who it is"},
    {HTTP_FAILED_TIMEOUT,   HTTP_NOTHING_LEFT,  VERDICT_LATER,   "timeout",       false, "the receiver did not answer the connection in time"},
    {HTTP_FAILED_STOPPED,   HTTP_NOTHING_LEFT,  VERDICT_LATER,   "stopped",       false, "sending was stopped before it began"},
    {HTTP_FAILED_TIMEOUT,   HTTP_MAY_HAVE_LEFT, VERDICT_UNKNOWN, "timeout",       false, "no answer came in time"},
    {HTTP_FAILED_SEND,      HTTP_MAY_HAVE_LEFT, VERDICT_UNKNOWN, "send",          false, "the connection broke while the document was on its way"},
    {HTTP_FAILED_RECEIVE,   HTTP_MAY_HAVE_LEFT, VERDICT_UNKNOWN, "receive",       false, "the connection broke before a whole answer came"},
    {HTTP_FAILED_TLS,       HTTP_MAY_HAVE_LEFT, VERDICT_UNKNOWN, "tls",           false, "the secure connection broke before a whole answer came"},
    {HTTP_FAILED_TOO_LARGE, HTTP_MAY_HAVE_LEFT, VERDICT_UNKNOWN, "answer_too_large", false, "the answer was larger than an answer can be"},
    {HTTP_FAILED_ENCODING,  HTTP_MAY_HAVE_LEFT, VERDICT_UNKNOWN, "answer_encoding", false, "the answer could not be unpacked"},
    {HTTP_FAILED_STOPPED,   HTTP_MAY_HAVE_LEFT, VERDICT_UNKNOWN, "stopped",       false, "sending was stopped in the middle"},
};
/* clang-format on */
const size_t status_row_count = COUNT_OF(status_rows);
const size_t failure_row_count = COUNT_OF(failure_rows);

static const FailureRow no_answer = {
    HTTP_FAILED_RECEIVE,   HTTP_MAY_HAVE_LEFT, VERDICT_UNKNOWN, "no_answer", false,
    "no whole answer came"};
static const FailureRow not_sent = {HTTP_FAILED_RECEIVE,
                                    HTTP_NOTHING_LEFT,
                                    VERDICT_LATER,
                                    "not_sent",
                                    false,
                                    "the connection broke before anything was sent"};

static bool fits(const StatusRow *row, Asked asked, int status, const char *word,
                 bool has_reference)
{
    return (row->asked & asked) && status >= row->from && status <= row->to &&
           (!row->word || text_equal(row->word, word)) && (has_reference || !row->reference_needed);
}

const StatusRow *verdict_of_status(Asked asked, int status, const char *word, bool has_reference)
{
    for (size_t i = 0; i + 1 < status_row_count; i++)
        if (fits(&status_rows[i], asked, status, word, has_reference))
            return &status_rows[i];
    return &status_rows[status_row_count - 1];
}

const FailureRow *verdict_of_failure(HttpFailureKind kind, HttpLeft left)
{
    for (size_t i = 0; i < failure_row_count; i++)
        if (failure_rows[i].kind == kind && failure_rows[i].left == left)
            return &failure_rows[i];
    return left == HTTP_NOTHING_LEFT ? &not_sent : &no_answer;
}
