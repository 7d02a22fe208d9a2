/* SPDX-License-Identifier: Apache-2.0 */
/* One submit adapter, opened against a scripted peer with settings as a person would write them. */
#pragma once

#include "adapters/adapter.h"
#include "daemon/base/digest.h"
#include "daemon/net/message_signature.h"
#include "tests/harness/peer.h"

/* Stands in the document: must never be seen where trust failed, nor in any word of ours. */
#define SUBMIT_MARKER "marker-of-the-document"
#define SUBMIT_KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

typedef struct SubmitSite {
    const SubmitAdapter *adapter;
    Arena *settings, *work;
    const Section *section;
    void *self;
    RequestSigner signer;
    const char *signed_base; /* what the signer was last asked to sign */
    bool signer_away;
    char folder[64]; /* for secrets and what an adapter keeps */
    char document_path[64];
    char document[256];
    uint8_t digest[DIGEST_SIZE];
    Submission submission;
    SubmitAnswer answer;
    Error err;
} SubmitSite;

/* What an adapter speaks decides which tests are its own.  One that nobody named fails the suite.
 */
typedef enum SubmitSpeech {
    SUBMIT_SPEAKS_TO_NOBODY, /* no server */
    SUBMIT_SPEAKS_HTTP,      /* a protocol of its own */
    SUBMIT_SPEAKS_MSR,
} SubmitSpeech;
SubmitSpeech submit_speech(const SubmitAdapter *adapter);

SubmitSite *submit_site_new(const SubmitAdapter *adapter, Peer *peer);
/* The same with more lines of settings. */
SubmitSite *submit_site_with(const SubmitAdapter *adapter, Peer *peer, const char *more_settings);
void submit_site_free(SubmitSite *site);
