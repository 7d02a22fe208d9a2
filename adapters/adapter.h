/* SPDX-License-Identifier: Apache-2.0 */
/* The two contracts: where records come from, and where submissions go.
 *
 * An adapter is one static struct: a name, a one-line summary, its option table
 * and its functions.  It sees this header, net, record, config and base; never
 * the store, never the pipeline, never another adapter.  registry.c lists what is
 * built in. */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/config/option.h"
#include "daemon/record/change.h"
#include "daemon/record/record.h"

#include <stdint.h>

/* ---- feeds ---- */

/* A line of a page that is no change.  The rest of the page goes on; this becomes a finding. */
typedef struct FeedRefusal {
    int line;    /* of the page, from 1 */
    int64_t seq; /* 0 when it could not be read, as the two below are then NULL */
    const char *type, *id;
    const char *code;   /* stable word: "change.id" */
    const char *text;   /* one sentence of ours, without values */
    const char *remedy; /* what to do, where it is not the record that is to be corrected */
    bool note;          /* only worth saying: nothing is left out because of it */
} FeedRefusal;

#define FEED_REREAD "feed.reread" /* FeedPage.why of a restart that is the feed's routine */

typedef struct FeedPage {
    Change *changes;
    size_t count;
    FeedRefusal *refused;
    size_t refused_count;
    FeedCursor next;
    bool more;            /* ask again at once */
    bool restart;         /* the epoch changed or the cursor expired: this page begins anew */
    const char *why;      /* of a restart: our word for it, "feed.epoch_changed" */
    int64_t sweep_before; /* a full listing ends with this page: what is held with a lower seq is no
                             more there; 0: none */
    int64_t unknown_types, unknown_fields; /* counted, never fatal */
    int64_t clock_skew_ms;                 /* the other side's clock less ours */
} FeedPage;

/* What the caller should do after a failed fetch: Error.kind says LATER (wait; `wait_ms` if the
 * other side asked), CONFIG (a person must look; the feed stops until settings change, or until
 * they allow what is held back: FeedCursor.allowed is then the same text). */
typedef struct FeedWait {
    int64_t wait_ms;  /* 0: no wish */
    const char *held; /* what is held back, under a name for just this (a digest); or NULL */
} FeedWait;

typedef struct FeedAdapter {
    const char *name;
    const char *summary;
    const OptionDecl *options;
    /* What the settings name, looked at without the other side (`mhsflow check`); NULL: nothing. */
    bool (*check)(const Section *settings, Arena *arena, Error *err);
    bool (*open)(const char *name, const Section *settings, void **ret_self, Error *err);
    bool (*fetch)(void *self, Arena *arena, const FeedCursor *after, FeedPage *ret,
                  FeedWait *ret_wait, Error *err);
    void (*close)(void *self); /* NULL and half-open are fine */
} FeedAdapter;

/* ---- submissions ---- */

typedef enum Verdict {
    VERDICT_ACCEPTED,   /* final yes: `reference` holds the receipt's name */
    VERDICT_PENDING,    /* taken in, the answer comes later: ask */
    VERDICT_LATER,      /* not now: wait_ms if the other side asked.  Certainly not taken in. */
    VERDICT_REJECTED,   /* final no: a person must look */
    VERDICT_UNKNOWN,    /* bytes left us and no answer came: ask before any resend */
    VERDICT_NEVER_SEEN, /* answer to a question only: definitely not there */
    VERDICT_COUNT,
} Verdict;

typedef struct SubmitFinding {
    const char *rule, *table, *element;
    int64_t row; /* 1-based data row in that table, 0 when not said */
} SubmitFinding;

typedef struct SubmitAnswer {
    Verdict verdict;
    int64_t wait_ms;  /* Retry-After as asked, not capped */
    int status;       /* the protocol's own code */
    bool ours;        /* our own fault stands for an answer: the other side was not asked */
    bool stop_route;  /* credentials or trust: nothing more goes this way until a person looked */
    const char *code; /* stable word for the audit: "accepted", "rate_limited", "connect" … */
    const char *reference; /* the other side's id, or NULL */
    const char *reason;    /* short, ours, free of record content */
    SubmitFinding *findings;
    size_t finding_count;
} SubmitAnswer;

/* One signed document, ready to go.  The same bytes, key and signature on every attempt. */
typedef struct Submission {
    int64_t id; /* our number for it, as a person types it; never sent */
    const char *data_set, *provider, *period; /* "mhsds-6.0", "V9X01", "2026-10" */
    int revision;
    const char *idempotency_key; /* 64 hex */
    const char *document_path;   /* spool file */
    int64_t document_size;
    const uint8_t *digest;    /* SHA-256 of the document, 32 bytes */
    const uint8_t *signature; /* CMS, DER, detached */
    size_t signature_size;
    const char *tables_path; /* where the adapter wants them: a folder with a CSV for each table */
} Submission;

/* Signs a request on the adapter's behalf without showing it a key (net/message_signature.h). */
typedef struct RequestSigner RequestSigner;

typedef struct SubmitAdapter {
    const char *name;
    const char *summary;
    const OptionDecl *options;
    bool wants_tables; /* the same rows as CSVs, beside the document: for a person's hands */
    bool (*open)(const char *name, const Section *settings, RequestSigner *signer, void **ret_self,
                 Error *err);
    /* False is our own failure (no byte left).  What the other side said, or did not say, is the
     * answer. */
    bool (*submit)(void *self, Arena *arena, const Submission *submission, SubmitAnswer *ret,
                   Error *err);
    bool (*inquire)(void *self, Arena *arena, const Submission *submission, SubmitAnswer *ret,
                    Error *err);
    /* Both are cheap, send nothing of a submission, and answer ACCEPTED for yes.  probe: is anybody
     * there?  knock: asked under our own name, are we let in? */
    bool (*probe)(void *self, Arena *arena, SubmitAnswer *ret, Error *err);
    bool (*knock)(void *self, Arena *arena, SubmitAnswer *ret, Error *err);
    void (*close)(void *self);
} SubmitAdapter;

const FeedAdapter *feed_adapter(const char *name);
const SubmitAdapter *submit_adapter(const char *name);
const FeedAdapter *const *feed_adapters(size_t *ret_count);
const SubmitAdapter *const *submit_adapters(size_t *ret_count);
const OptionDecl *adapter_options(const char *kind, const char *adapter); /* for config_load */
