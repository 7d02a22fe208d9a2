/* SPDX-License-Identifier: Apache-2.0 */
/* NHS MESH as a client: a message to the recipient's mailbox, and its answer from ours.
 *
 * No MESH route for MHSDS is published; mailboxes and workflow ids are agreed
 * between sender and recipient.  See MESH.md. */
#include "adapters/submit/mesh_inbox.h"
#include "adapters/submit/mesh_state.h"
#include "adapters/submit/mesh_upload.h"
#include "adapters/submit/receipt.h"
#include "adapters/submit/submits.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "daemon/net/connection.h"

#include <ctype.h>
#include <string.h>

#define SETTINGS_CAP ((size_t)256 << 10)
#define HANDSHAKE_EVERY (INT64_C(24) * 3600 * CLOCK_SECOND)

typedef struct Mesh {
    MeshClient client;
    Arena *settings;
    const char *state;
    bool collected_is_accepted;
    int64_t inbox_interval_ms;
    int64_t shaken, drained; /* steady; 0: not yet */
} Mesh;

static const OptionDecl options[] = {
    {"url", OPTION_URL, NULL, NULL, NULL, NULL, true, OPTION_RELOAD,
     "Where MESH is, for example https://msg.intspineservices.nhs.uk."},
    {"mailbox", OPTION_TEXT, NULL, NULL, NULL, NULL, true, OPTION_RELOAD, "Our mailbox's id."},
    {"password", OPTION_SECRET, NULL, NULL, NULL, NULL, true, OPTION_RELOAD,
     "Our mailbox's password."},
    {"shared_key", OPTION_SECRET, NULL, NULL, NULL, NULL, true, OPTION_RELOAD,
     "The environment's shared key."},
    {"to", OPTION_TEXT, NULL, NULL, NULL, NULL, true, OPTION_RELOAD, "The recipient's mailbox id."},
    {"workflow_id", OPTION_TEXT, NULL, NULL, NULL, NULL, true, OPTION_RELOAD,
     "The workflow id agreed with the recipient.  None is published for MHSDS."},
    {"ack_workflow_id", OPTION_TEXT, NULL, NULL, NULL, NULL, false, OPTION_RELOAD,
     "The workflow id of the recipient's answers; workflow_id with _ACK when not set."},
    {"accepted_when", OPTION_CHOICE, "answered", NULL, NULL, "answered|collected", false,
     OPTION_RELOAD,
     "answered: the recipient's answer says so; collected: the recipient has collected the "
     "message, "
     "where no answers are sent."},
    {"state", OPTION_PATH, NULL, NULL, NULL, NULL, true, OPTION_RELOAD,
     "A folder for uploads under way and answers that were acknowledged; on shared storage where "
     "several machines run this route."},
    {"chunk_size", OPTION_SIZE, "19MiB", "5MiB", "95MiB", NULL, false, OPTION_RELOAD,
     "The most that is sent in one request, before packing.  Change it only while nothing is on "
     "its "
     "way."},
    {"compress", OPTION_BOOL, "yes", NULL, NULL, NULL, false, OPTION_RELOAD,
     "Pack each chunk with gzip."},
    {"inbox_interval", OPTION_DURATION, "5m", "0s", "24h", NULL, false, OPTION_RELOAD,
     "How long to wait between two looks into the inbox."},
    CONNECTION_OPTIONS,
    CONNECTION_TIMES("10m"),
    {0},
};

static void mesh_close(void *self)
{
    Mesh *mesh = self;
    if (!mesh)
        return;
    http_client_free(mesh->client.http);
    arena_free(mesh->settings);
    free(mesh);
}

/* ---- opening ---- */

/* What goes into a header or a path: no control characters, and MESH refuses URLs. */
static bool plain(const char *name, const char *value, size_t limit, const char *extra, Error *err)
{
    bool fine = *value && strlen(value) <= limit;
    for (const char *c = value; *c; c++)
        fine =
            fine && isascii((unsigned char)*c) && (isalnum((unsigned char)*c) || strchr(extra, *c));
    return fine || error_set(err, ERROR_CONFIG, "mesh.settings",
                             "%s must have 1 to %zu letters, digits or \"%s\"", name, limit, extra);
}

static bool take_names(Mesh *mesh, const Section *section, Error *err)
{
    MeshClient *client = &mesh->client;
    Arena *arena = mesh->settings;
    char *mailbox = arena_text(arena, section_text(section, "mailbox"));
    for (char *c = mailbox; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    client->mailbox = mailbox;
    client->to = arena_text(arena, section_text(section, "to"));
    client->workflow = arena_text(arena, section_text(section, "workflow_id"));
    const char *ack = section_text(section, "ack_workflow_id");
    client->ack_workflow =
        ack ? arena_text(arena, ack) : arena_format(arena, "%s_ACK", client->workflow);
    return plain("mailbox", client->mailbox, 40, "_-", err) &&
           plain("to", client->to, 100, "_-", err) &&
           plain("workflow_id", client->workflow, 300, "_-. ", err) &&
           plain("ack_workflow_id", client->ack_workflow, 300, "_-. ", err);
}

static bool take_secrets(Mesh *mesh, const Section *section, Error *err)
{
    char *password, *key;
    if (!file_secret(section_text(section, "password"), mesh->settings, &password, err) ||
        !file_secret(section_text(section, "shared_key"), mesh->settings, &key, err))
        return false;
    mesh->client.password = password;
    mesh->client.key = key;
    return true;
}

static bool take_settings(Mesh *mesh, const Section *section, Error *err)
{
    Arena *arena = mesh->settings;
    char *base = arena_text(arena, section_text(section, "url"));
    while (*base && base[strlen(base) - 1] == '/')
        base[strlen(base) - 1] = '\0';
    mesh->client.base = base;
    mesh->client.chunk_size = section_number(section, "chunk_size");
    mesh->client.compress = section_bool(section, "compress");
    mesh->state = arena_text(arena, section_text(section, "state"));
    mesh->inbox_interval_ms = section_number(section, "inbox_interval");
    mesh->collected_is_accepted = text_equal(section_text(section, "accepted_when"), "collected");
    HttpSettings settings = connection_settings_timed(section, arena);
    return take_names(mesh, section, err) && take_secrets(mesh, section, err) &&
           file_make_folder(mesh->state, 0700, err) &&
           http_client_new(&settings, &mesh->client.http, err);
}

static bool mesh_open(const char *name, const Section *section, RequestSigner *signer,
                      void **ret_self, Error *err)
{
    (void)signer; /* MESH asks for no signature: TLS on both sides and a token */
    Mesh *mesh = calloc(1, sizeof *mesh);
    if (!mesh)
        abort();
    mesh->settings = arena_new(SETTINGS_CAP);
    if (!take_settings(mesh, section, err)) {
        mesh_close(mesh);
        return error_wrap(err, "opening route \"%s\"", name);
    }
    *ret_self = mesh;
    return true;
}

/* ---- the contract's three calls ---- */

static bool shake_hands(Mesh *mesh, Arena *arena, bool *ret_done, SubmitAnswer *ret, Error *err)
{
    MeshCall call = {.method = "POST",
                     .path = arena_format(arena, "/messageexchange/%s", mesh->client.mailbox)};
    MeshReply reply;
    mesh_call_header(&call, "mex-clientversion", "mhsflow/" MHSFLOW_VERSION);
    mesh_call_header(&call, "mex-osname", "Linux");
    mesh_call_header(&call, "mex-osversion", "unknown");
    if (!mesh_call(&mesh->client, &call, arena, &reply, err))
        return false;
    *ret_done = !reply.failed && reply.response.status == 200;
    if (*ret_done)
        mesh->shaken = clock_steady();
    else
        *ret = mesh_refusal(&reply, true);
    return true;
}

static bool mesh_submit(void *self, Arena *arena, const Submission *submission, SubmitAnswer *ret,
                        Error *err)
{
    Mesh *mesh = self;
    bool done = mesh->shaken && clock_steady() - mesh->shaken < HANDSHAKE_EVERY;
    if (!done && !shake_hands(mesh, arena, &done, ret, err))
        return false;
    return !done || mesh_upload(&mesh->client, mesh->state, submission, arena, ret, err);
}

/* An answer that was taken from the inbox. */
static void judge_kept(const MeshKeptAnswer *kept, Arena *arena, SubmitAnswer *ret)
{
    Receipt receipt;
    if (kept->report_code) {
        *ret = mesh_report_answer(kept->report_code);
        return;
    }
    receipt_read(kept->body, kept->body_size, arena, &receipt);
    bool yes = text_equal(receipt.word, "accepted"), no = text_equal(receipt.word, "rejected");
    *ret = (SubmitAnswer){
        .verdict = yes  ? VERDICT_ACCEPTED
                   : no ? VERDICT_REJECTED
                        : VERDICT_PENDING,
        .status = 200,
        .code = yes  ? "accepted"
                : no ? "rejected"
                     : "answer_not_understood",
        .reference = receipt.reference,
        .reason = yes  ? "the recipient answered that it accepted it"
                  : no ? "the recipient answered that it refused it"
                       : "the recipient answered in words that we do not know: a person must look",
        .findings = no ? receipt.findings : NULL,
        .finding_count = no ? receipt.finding_count : 0,
    };
}

static void judge_track(const Mesh *mesh, const MeshReply *reply, SubmitAnswer *ret)
{
    static const struct {
        MeshStatus status;
        Verdict answered, collected;
        const char *code, *reason;
    } rows[] = {
#define MESH_TRACK(status, answered, collected, code, reason)                                      \
    {MESH_STATUS_##status, VERDICT_##answered, VERDICT_##collected, code, reason},
#include "adapters/submit/mesh_track.def"
#undef MESH_TRACK
    };
    const MeshBody *body = &reply->body;
    *ret = mesh_refusal(reply, true);
    if (reply->failed)
        return;
    if (reply->response.status == 404 && body->is_mesh)
        *ret = (SubmitAnswer){.verdict = VERDICT_NEVER_SEEN,
                              .status = 404,
                              .code = "never_seen",
                              .reason = "MESH has no message under this local id"};
    if (reply->response.status == 300)
        *ret = (SubmitAnswer){.verdict = VERDICT_LATER,
                              .status = 300,
                              .code = "local_id_not_unique",
                              .reason = "MESH has several messages under this local id: only an "
                                        "answer, or a person, can tell"};
    if (reply->response.status != 200)
        return;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].status == body->status)
            *ret = (SubmitAnswer){.verdict = mesh->collected_is_accepted ? rows[i].collected
                                                                         : rows[i].answered,
                                  .status = 200,
                                  .code = rows[i].code,
                                  .reference = body->message_id,
                                  .reason = rows[i].reason};
}

static bool drain(Mesh *mesh, Arena *arena, bool *ret_whole, SubmitAnswer *ret, Error *err)
{
    *ret_whole = true;
    if (mesh->drained && (clock_steady() - mesh->drained) / 1000 < mesh->inbox_interval_ms)
        return true;
    if (!mesh_inbox_drain(&mesh->client, mesh->state, arena, ret_whole, ret, err))
        return false;
    if (*ret_whole)
        mesh->drained = clock_steady();
    return true;
}

static bool mesh_inquire(void *self, Arena *arena, const Submission *submission, SubmitAnswer *ret,
                         Error *err)
{
    Mesh *mesh = self;
    const char *key = submission->idempotency_key;
    MeshKeptAnswer kept;
    MeshReply reply;
    bool whole;
    if (!drain(mesh, arena, &whole, ret, err))
        return false;
    if (mesh_state_answer(mesh->state, key, arena, &kept)) {
        judge_kept(&kept, arena, ret);
    } else if (whole) {
        if (!mesh_track(&mesh->client, mesh->state, key, arena, &reply, err))
            return false;
        judge_track(mesh, &reply, ret);
    }
    if (ret->verdict == VERDICT_PENDING)
        ret->wait_ms = mesh->inbox_interval_ms;
    return true;
}

static bool mesh_probe(void *self, Arena *arena, SubmitAnswer *ret, Error *err)
{
    bool done;
    if (!shake_hands(self, arena, &done, ret, err))
        return false;
    if (done)
        *ret = (SubmitAnswer){.verdict = VERDICT_ACCEPTED,
                              .status = 200,
                              .code = "alive",
                              .reason = "MESH knows our mailbox"};
    return true;
}

const SubmitAdapter submit_mesh = {
    .name = "mesh",
    .summary = "a message over NHS MESH, where sender and recipient have agreed on it",
    .options = options,
    .open = mesh_open,
    .submit = mesh_submit,
    .inquire = mesh_inquire,
    .probe = mesh_probe,
    .knock = mesh_probe, /* the handshake carries our token */
    .close = mesh_close,
};
