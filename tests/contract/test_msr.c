/* SPDX-License-Identifier: Apache-2.0 */
/* MSR/1 on the wire: what the https adapter sends, read as a receiver would. */
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/net/content_digest.h"
#include "tests/contract/submit_site.h"
#include "tests/unit/suite.h"

#include <string.h>

static const PeerStep accepts[] = {
    {PEER_ACCEPT},
    {PEER_EXPECT, "POST /msr/v1/submissions HTTP/1.1\r\n"},
    {PEER_ANSWER, "201", "{\"status\":\"accepted\",\"reference\":\"R-1\"}"},
    {PEER_ACCEPT},
    {PEER_EXPECT, "GET /msr/v1/submissions/" SUBMIT_KEY " HTTP/1.1\r\n"},
    {PEER_ANSWER, "200", "{\"status\":\"accepted\",\"reference\":\"R-1\"}"},
    {PEER_EXPECT, "GET /msr/v1/health HTTP/1.1\r\n"},
    {PEER_ANSWER, "200", "{\"status\":\"ok\"}"},
};

static char *header(Peer *peer, size_t index, const char *name, Arena *arena)
{
    char *found = peer_request_header(peer, index, name);
    char *copy = found ? arena_text(arena, found) : NULL;
    free(found);
    return copy;
}

static const char *value_of(Peer *peer, size_t index, const char *name, Arena *arena)
{
    if (strcmp(name, "@method") == 0)
        return index == 0 ? "POST" : "GET";
    if (strcmp(name, "@path") == 0)
        return index == 0 ? "/msr/v1/submissions" : "/msr/v1/submissions/" SUBMIT_KEY;
    if (strcmp(name, "@authority") == 0)
        return header(peer, index, "Host", arena);
    return header(peer, index, name, arena);
}

/* The base as a receiver makes it: from the request's own fields, by the list in Signature-Input.
 */
static const char *receivers_base(Peer *peer, size_t index, Arena *arena)
{
    const char *input = header(peer, index, "Signature-Input", arena);
    ck_assert_ptr_nonnull(input);
    ck_assert(text_starts(input, "sig1=("));
    const char *list = input + strlen("sig1=");
    Text base = text_new(arena, 65536);
    char *names = arena_copy(arena, list + 1, strcspn(list, ")") - 1), *rest = NULL;
    for (char *name = strtok_r(names, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        char *bare = arena_copy(arena, name + 1, strlen(name) - 2);
        const char *value = value_of(peer, index, bare, arena);
        ck_assert_msg(value, "%s is covered and not there", bare);
        text_addf(&base, "%s: %s\n", name, value);
    }
    text_addf(&base, "\"@signature-params\": %s", list);
    return text_get(&base);
}

START_TEST(a_submission_says_what_the_contract_asks)
{
    Peer *peer = peer_start(PEER_TLS_GOOD, accepts, COUNT_OF(accepts));
    SubmitSite *site = submit_site_new(submit_adapter("https"), peer);
    Arena *arena = site->work;
    ck_assert(
        site->adapter->submit(site->self, arena, &site->submission, &site->answer, &site->err));
    ck_assert_str_eq(site->answer.reference, "R-1");
    ck_assert_str_eq(header(peer, 0, "Content-Type", arena), "application/xml");
    ck_assert_str_eq(header(peer, 0, "Content-Digest", arena), content_digest(arena, site->digest));
    ck_assert_str_eq(header(peer, 0, "Idempotency-Key", arena), "\"" SUBMIT_KEY "\"");
    ck_assert_str_eq(header(peer, 0, "Submission-Data-Set", arena), "mhsds-6.0");
    ck_assert_str_eq(header(peer, 0, "Submission-Provider", arena), "V9X01");
    ck_assert_str_eq(header(peer, 0, "Submission-Period", arena), "2026-10");
    ck_assert_str_eq(header(peer, 0, "Submission-Revision", arena), "3");
    ck_assert_str_eq(header(peer, 0, "Document-Signature", arena), ":MAMCAQE=:");
    ck_assert_str_eq(header(peer, 0, "Signature", arena), "sig1=:c2lnbmF0dXJl:");
    const PeerRequest *request = peer_request(peer, 0);
    ck_assert_str_eq(request->body, site->document);

    const char *base = receivers_base(peer, 0, arena);
    ck_assert_str_eq(base, site->signed_base);
    static const char covered[] =
        "sig1=(\"@method\" \"@authority\" \"@path\" \"content-digest\" \"content-length\" "
        "\"content-type\" "
        "\"idempotency-key\" \"submission-data-set\" \"submission-provider\" \"submission-period\" "
        "\"submission-revision\" \"document-signature\");created=";
    ck_assert(text_starts(header(peer, 0, "Signature-Input", arena), covered));
    ck_assert_ptr_nonnull(strstr(base, ";keyid=\"0123456789abcdef\";nonce=\""));
    ck_assert_ptr_nonnull(strstr(base, ";tag=\"mhsflow\""));

    /* the status question, and the probe that says nothing about anybody */
    ck_assert(
        site->adapter->inquire(site->self, arena, &site->submission, &site->answer, &site->err));
    ck_assert_int_eq(site->answer.verdict, VERDICT_ACCEPTED);
    ck_assert_str_eq(receivers_base(peer, 1, arena), site->signed_base);
    ck_assert(site->adapter->probe(site->self, arena, &site->answer, &site->err));
    ck_assert_ptr_null(header(peer, 2, "Signature", arena));
    ck_assert_msg(!peer_problem(peer), "%s", peer_problem(peer));
    submit_site_free(site);
    peer_stop(peer);
}
END_TEST

SUITE("contract/msr", a_submission_says_what_the_contract_asks);
