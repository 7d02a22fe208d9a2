/* SPDX-License-Identifier: Apache-2.0 */
/* One delivery, from claimed to settled. */
#include "daemon/pipeline/deliver.h"

#include "daemon/base/clock.h"
#include "daemon/base/fault.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "daemon/dataset/table_folder.h"
#include "daemon/net/http.h"
#include "daemon/pipeline/build.h"
#include "daemon/pipeline/deliver_step.h"

#include <string.h>

#define SETTLE_TRIES 3
#define BROKEN_WAIT_MS INT64_C(3600000) /* a document that cannot be made: a person must look */

/* ---- the signer ---- */

static bool signer_key_of(void *data, Arena *arena, const char **ret, Error *err)
{
    DeliverSigner *signer = data;
    if (!sign_client_key(signer->socket_path, &signer->seen, err))
        return false;
    *ret = arena_text(arena, signer->seen.key_id);
    return true;
}

static bool sign_base(void *data, Arena *arena, const char *key_id, const char *base, size_t size,
                      const uint8_t **ret, size_t *ret_size, Error *err)
{
    const DeliverSigner *signer = data;
    return sign_client_request(signer->socket_path, signer->submission, key_id, base, size, arena,
                               ret, ret_size, err);
}

void deliver_signer_open(DeliverSigner *signer, const char *socket_path)
{
    *signer =
        (DeliverSigner){.requests = {signer, signer_key_of, sign_base}, .socket_path = socket_path};
}

/* ---- keeping the lease while a transfer runs ---- */

typedef struct Transfer {
    const DeliverTools *tools;
    const SubmissionClaim *claim;
    int64_t renewed; /* steady */
} Transfer;

static bool while_it_runs(void *data, int64_t sent, int64_t received)
{
    Transfer *transfer = data;
    const DeliverTools *tools = transfer->tools;
    if (tools->progress && !tools->progress(tools->progress_data, sent + received))
        return false;
    int64_t now = clock_steady();
    if (now - transfer->renewed < DELIVER_RENEW_MS * 1000)
        return true;
    transfer->renewed = now;
    Error err = {0};
    /* The connection is free: no transaction is open while bytes move.  A database that is away is
     * no reason to stop, a lost lease is. */
    return submission_renew(tools->store, transfer->claim->info.id, transfer->claim->fence,
                            DELIVER_LEASE_MS, &err) ||
           !text_equal(err.code, "submission.fence");
}

Submission deliver_document(const SubmissionClaim *claim, const char *path, Arena *arena)
{
    const SubmissionInfo *info = &claim->info;
    char period[CIVIL_TEXT_SIZE];
    return (Submission){
        .id = info->id,
        .data_set = info->data_set,
        .provider = info->provider,
        .period = arena_text(arena, civil_format_month(info->period, period)),
        .revision = info->revision,
        .idempotency_key = info->idempotency_key,
        .document_path = path,
        .document_size = info->document_size,
        .digest = info->document_digest,
        .signature = info->signature,
        .signature_size = info->signature_size,
    };
}

bool deliver_ask(const DeliverTools *tools, DeliverRoute *route, const SubmissionClaim *claim,
                 const Submission *document, bool question, Arena *arena, SubmitAnswer *ret,
                 Error *err)
{
    Transfer transfer = {tools, claim, clock_steady()};
    tools->signer->submission = claim->info.id;
    http_on_progress(while_it_runs, &transfer);
    bool answered = question ? route->adapter->inquire(route->self, arena, document, ret, err)
                             : route->adapter->submit(route->self, arena, document, ret, err);
    http_on_progress(NULL, NULL);
    return answered;
}

/* ---- what an answer does to its route ---- */

void deliver_note_route(DeliverRoute *route, const SubmitAnswer *answer, Delivered *ret)
{
    /* No status: the other side was not reached, or went away. */
    if (answer->status == 0 && !answer->stop_route)
        ret->breaker_changed = breaker_failed(&route->breaker, clock_steady(), retry_random());
    else if (answer->status != 0)
        ret->breaker_changed = breaker_worked(&route->breaker);
    ret->route_stopped = answer->stop_route && !route->stopped;
    route->stopped = route->stopped || answer->stop_route;
    if (ret->breaker_changed || ret->route_stopped)
        route->code = answer->code;
}

/* ---- settling ---- */

static int64_t ms_to_deadline(const SubmissionInfo *info)
{
    return info->deadline ? (info->deadline - clock_wall()) / 1000 : 0;
}

bool deliver_settle(const DeliverTools *tools, const SubmissionClaim *claim, bool asked,
                    Arena *arena, Delivered *ret, Error *err)
{
    Settlement settlement = deliver_settlement(&ret->answer, &claim->info, asked,
                                               ms_to_deadline(&claim->info), retry_random(), arena);
    ret->end = DELIVER_SETTLED;
    ret->wait_ms = settlement.next_in_ms;
    /* An answer in hand is worth a second connection; after that the sweep makes it unsure and
     * asks. */
    for (int tries = 0; tries < SETTLE_TRIES; tries++) {
        if (submission_settle(tools->store, claim->info.id, claim->fence, &settlement, &ret->state,
                              err))
            return true;
        if (err->kind != ERROR_LATER || text_equal(err->code, "submission.fence") ||
            !store_ensure(tools->store, &(Error){0}))
            return false;
    }
    return false;
}

/* ---- before the intent ---- */

static bool give_back(const DeliverTools *tools, const SubmissionClaim *claim, int64_t wait_ms,
                      Delivered *ret, Error *err)
{
    ret->end = DELIVER_GIVEN_BACK;
    ret->state = SUBMISSION_READY;
    ret->wait_ms = wait_ms;
    return submission_give_back(tools->store, claim->info.id, claim->fence, ret->failure.code,
                                wait_ms, err);
}

/* Once in the submission's life: what is stored is what every attempt sends. */
static bool sign_once(const DeliverTools *tools, SubmissionClaim *claim, Arena *arena, Error *err)
{
    SubmissionInfo *info = &claim->info;
    const uint8_t *signature;
    size_t size;
    if (info->signature)
        return true;
    if (!sign_client_document(tools->signer->socket_path, info->id, info->document_digest, arena,
                              &signature, &size, err) ||
        !submission_store_signature(tools->store, info->id, claim->fence, signature, size, err))
        return false;
    info->signature = signature;
    info->signature_size = size;
    FAULT(SUBMIT_AFTER_SIGN);
    return true;
}

static bool is_store_error(const Error *err)
{
    return text_starts(err->code, "store.") || text_starts(err->code, "submission.");
}

/* False in *ret_ready: given back, or closed by the gate. */
static bool prepare(const DeliverTools *tools, SubmissionClaim *claim, Arena *arena,
                    const char **ret_path, bool *ret_ready, Delivered *ret, Error *err)
{
    int64_t began = clock_steady();
    *ret_ready = false;
    *ret_path = NULL;
    if (!spool_ensure(tools->store, tools->dataset, tools->spool, &claim->info, arena, ret_path,
                      &ret->failure)) {
        /* Purged rows: the gate has the last word on it, and no document is needed to ask. */
        bool purged = text_equal(ret->failure.code, "submission.purged");
        if (!purged && text_starts(ret->failure.code, "store.")) {
            *err = ret->failure;
            return false;
        }
        if (!purged)
            return give_back(tools, claim,
                             ret->failure.kind == ERROR_LATER
                                 ? retry_wait_ms(1, 0, 0, retry_random())
                                 : BROKEN_WAIT_MS,
                             ret, err);
        *ret_ready = true;
        return true;
    }
    error_clear(&ret->failure);
    if (!sign_once(tools, claim, arena, &ret->failure)) {
        if (is_store_error(&ret->failure)) {
            *err = ret->failure;
            return false;
        }
        return give_back(tools, claim, retry_wait_ms(1, 0, 0, retry_random()), ret, err);
    }
    *ret_ready = true;
    /* A document that took long to make again must not go out on the last second of a lease. */
    return clock_steady() - began < DELIVER_RENEW_MS * 1000 ||
           submission_renew(tools->store, claim->info.id, claim->fence, DELIVER_LEASE_MS, err);
}

/* Our own fault, before any byte left, stands for an answer. */
static SubmitAnswer own_fault(const Error *failure)
{
    return (SubmitAnswer){
        .verdict = VERDICT_LATER,
        .ours = true,
        .code = failure->code,
        .reason = "nothing left this machine",
    };
}

/* The rows of a document as tables, beside it in the spool; a rest from before goes first. */
static bool write_tables(const DeliverTools *tools, Submission *document, Arena *arena, Error *err)
{
    const char *folder = arena_format(arena, "%s.tables", document->document_path);
    if (!file_remove_folder(folder, err))
        return false;
    document->tables_path = folder;
    return table_folder_write(tools->dataset, document->document_path, folder, err);
}

static bool send(const DeliverTools *tools, DeliverRoute *route, const SubmissionClaim *claim,
                 const char *path, Arena *arena, Delivered *ret, Error *err)
{
    Submission document = deliver_document(claim, path, arena);
    if (!path ||
        (route->adapter->wants_tables && !write_tables(tools, &document, arena, &ret->failure))) {
        ret->answer = own_fault(&ret->failure);
    } else if (!deliver_ask(tools, route, claim, &document, false, arena, &ret->answer,
                            &ret->failure)) {
        ret->answer = own_fault(&ret->failure);
    } else {
        FAULT(SUBMIT_AFTER_ANSWER);
        deliver_note_route(route, &ret->answer, ret);
    }
    if (document.tables_path)
        file_remove_folder(document.tables_path, &(Error){0}); /* else the next attempt does */
    return deliver_settle(tools, claim, false, arena, ret, err);
}

bool deliver(const DeliverTools *tools, DeliverRoute *route, const SubmissionClaim *claim,
             Arena *arena, Delivered *ret, Error *err)
{
    SubmissionClaim own = *claim; /* gains its signature here */
    const char *path;
    bool ready, open;
    *ret = (Delivered){.state = SUBMISSION_SENDING};
    FAULT(SUBMIT_AFTER_CLAIM);
    if (!prepare(tools, &own, arena, &path, &ready, ret, err))
        return error_wrap(err, "deliver submission %lld", (long long)own.info.id);
    if (!ready)
        return true;
    if (!submission_intent(tools->store, own.info.id, own.fence, &open, &ret->attempt, err))
        return error_wrap(err, "commit the intent to send submission %lld", (long long)own.info.id);
    if (!open) {
        ret->end = DELIVER_GATE_CLOSED;
        ret->state = SUBMISSION_SUPERSEDED;
        error_clear(&ret->failure);
        return true;
    }
    return send(tools, route, &own, path, arena, ret, err) ||
           error_wrap(err, "settle submission %lld", (long long)own.info.id);
}
