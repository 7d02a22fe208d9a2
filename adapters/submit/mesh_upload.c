/* SPDX-License-Identifier: Apache-2.0 */
/* A document on its way. */
#include "adapters/submit/mesh_upload.h"

#include "adapters/submit/mesh_state.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <zlib.h>

#define BLOCK ((size_t)64 << 10)
#define GZIP_WINDOW (15 + 16)

typedef struct Sending {
    const MeshClient *client;
    const char *state;
    const Submission *submission;
    Arena *arena;
    int fd;
    MeshUpload upload;
} Sending;

bool mesh_track(const MeshClient *client, const char *state, const char *key, Arena *arena,
                MeshReply *ret, Error *err)
{
    MeshUpload upload;
    MeshCall call = {.method = "GET"};
    bool known = mesh_state_upload(state, key, arena, &upload);
    call.path =
        known ? arena_format(arena, "/messageexchange/%s/outbox/tracking?messageID=%s",
                             client->mailbox, upload.message_id)
              : arena_format(arena, "/messageexchange/%s/outbox/tracking/%s", client->mailbox, key);
    return mesh_call(client, &call, arena, ret, err);
}

/* ---- pieces ---- */

typedef struct Packed {
    char *bytes;
    size_t size, capacity;
} Packed;

static void make_room(Packed *packed)
{
    if (packed->capacity - packed->size >= BLOCK)
        return;
    packed->capacity = packed->capacity * 2 + BLOCK;
    packed->bytes = realloc(packed->bytes, packed->capacity);
    if (!packed->bytes)
        abort();
}

static void deflate_block(z_stream *stream, int flush, Packed *packed)
{
    do {
        make_room(packed);
        stream->next_out = (Bytef *)packed->bytes + packed->size;
        stream->avail_out = (uInt)(packed->capacity - packed->size);
        deflate(stream, flush);
        packed->size = packed->capacity - stream->avail_out;
    } while (stream->avail_out == 0);
}

static bool pack(int fd, int64_t offset, int64_t size, z_stream *stream, Packed *packed, Error *err)
{
    char block[BLOCK];
    while (size > 0) {
        size_t wanted = size < (int64_t)sizeof block ? (size_t)size : sizeof block;
        ssize_t got = pread(fd, block, wanted, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(err, ERROR_LATER, "mesh.document",
                             "could not read the document while sending it");
        offset += got;
        size -= got;
        stream->next_in = (Bytef *)block;
        stream->avail_in = (uInt)got;
        deflate_block(stream, size ? Z_NO_FLUSH : Z_FINISH, packed);
    }
    return true;
}

static bool copy_plain(int fd, int64_t offset, int64_t size, Packed *packed, Error *err)
{
    packed->capacity = (size_t)size;
    packed->bytes = malloc(packed->capacity ? packed->capacity : 1);
    if (!packed->bytes)
        abort();
    while (packed->size < packed->capacity) {
        ssize_t got = pread(fd, packed->bytes + packed->size, packed->capacity - packed->size,
                            offset + (int64_t)packed->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(err, ERROR_LATER, "mesh.document",
                             "could not read the document while sending it");
        packed->size += (size_t)got;
    }
    return true;
}

bool mesh_piece(int fd, int64_t offset, int64_t size, bool compress, char **ret, size_t *ret_size,
                Error *err)
{
    Packed packed = {0};
    z_stream stream = {0};
    bool fine;
    if (compress) {
        if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8,
                         Z_DEFAULT_STRATEGY) != Z_OK)
            abort();
        fine = pack(fd, offset, size, &stream, &packed, err);
        deflateEnd(&stream);
    } else {
        fine = copy_plain(fd, offset, size, &packed, err);
    }
    if (!fine) {
        free(packed.bytes);
        return false;
    }
    *ret = packed.bytes;
    *ret_size = packed.size;
    return true;
}

/* ---- chunks ---- */

static void describe(MeshCall *call, const Sending *sending)
{
    const Submission *submission = sending->submission;
    const MeshClient *client = sending->client;
    Arena *arena = sending->arena;
    char hex[DIGEST_HEX_SIZE];
    mesh_call_header(call, "mex-to", client->to);
    mesh_call_header(call, "mex-workflowid", client->workflow);
    mesh_call_header(call, "mex-localid", submission->idempotency_key);
    mesh_call_header(call, "mex-filename",
                     arena_format(arena, "%s_%s_%s_r%d.xml", submission->data_set,
                                  submission->provider, submission->period, submission->revision));
    mesh_call_header(call, "mex-subject",
                     arena_format(arena, "%s %s %s %d", submission->data_set, submission->provider,
                                  submission->period, submission->revision));
    /* For the recipient; MESH does not look at it.  Hex, as it takes no base64. */
    mesh_call_header(call, "mex-content-checksum",
                     arena_format(arena, "sha256:%s", digest_hex(submission->digest, hex)));
    mesh_call_header(call, "Content-Type", "application/xml");
    mesh_call_header(call, "mex-content-type", "application/xml");
}

static bool send_chunk(const Sending *sending, int64_t number, MeshReply *ret, Error *err)
{
    const MeshClient *client = sending->client;
    const MeshUpload *upload = &sending->upload;
    int64_t offset = (number - 1) * upload->chunk_size;
    int64_t left = sending->submission->document_size - offset;
    int64_t size = left < upload->chunk_size ? left : upload->chunk_size;
    _cleanup_free_ char *bytes = NULL;
    MeshCall call = {.method = "POST", .faults = number == 1};
    if (!mesh_piece(sending->fd, offset, size, client->compress, &bytes, &call.body_size, err))
        return false;
    call.body = bytes;
    call.path = number == 1
                    ? arena_format(sending->arena, "/messageexchange/%s/outbox", client->mailbox)
                    : arena_format(sending->arena, "/messageexchange/%s/outbox/%s/%" PRId64,
                                   client->mailbox, upload->message_id, number);
    mesh_call_header(&call, "mex-chunk-range",
                     arena_format(sending->arena, "%" PRId64 ":%" PRId64, number, upload->chunks));
    if (client->compress)
        mesh_call_header(&call, "Content-Encoding", "gzip");
    if (number == 1)
        describe(&call, sending);
    else
        mesh_call_header(&call, "Content-Type", "application/octet-stream");
    return mesh_call(client, &call, sending->arena, ret, err);
}

static SubmitAnswer sent(const Sending *sending)
{
    return (SubmitAnswer){.verdict = VERDICT_PENDING,
                          .status = 202,
                          .code = "in_mesh",
                          .reference = sending->upload.message_id,
                          .reason = "MESH has the whole message; the recipient's answer comes "
                                    "later"};
}

/* What a chunk that was not taken means.  Before the last one nothing can have been taken in. */
static SubmitAnswer broken_off(const Sending *sending, int64_t number, const MeshReply *reply)
{
    SubmitAnswer answer = mesh_refusal(reply, false);
    bool could_complete = number == sending->upload.chunks;
    if (number > 1 && !reply->failed && reply->response.status == 423)
        return sent(sending); /* it had the last one already */
    if (number > 1 && !(could_complete && answer.verdict == VERDICT_UNKNOWN))
        answer.verdict = VERDICT_LATER;
    return answer;
}

static void keep(const Sending *sending)
{
    Error ignored = {0};
    /* Without it MESH is asked by local id, and chunks are sent from the second on. */
    mesh_state_keep_upload(sending->state, sending->submission->idempotency_key, &sending->upload,
                           sending->arena, &ignored);
}

/* upload.next is 2 afterwards when the message is made. */
static bool send_first(Sending *sending, SubmitAnswer *ret, Error *err)
{
    MeshReply reply;
    mesh_state_forget_answer(sending->state, sending->submission->idempotency_key, sending->arena);
    if (!send_chunk(sending, 1, &reply, err))
        return false;
    if (reply.failed || reply.response.status < 200 || reply.response.status > 299) {
        *ret = broken_off(sending, 1, &reply);
        return true;
    }
    if (reply.response.status != 202 || !reply.body.message_id) {
        *ret = (SubmitAnswer){.verdict = VERDICT_UNKNOWN,
                              .status = reply.response.status,
                              .code = "malformed_answer",
                              .reason = "somebody answered with success, but not in MESH's words"};
        return true;
    }
    sending->upload.message_id = reply.body.message_id;
    sending->upload.next = 2;
    keep(sending);
    return true;
}

static bool send_rest(Sending *sending, SubmitAnswer *ret, Error *err)
{
    MeshUpload *upload = &sending->upload;
    for (; upload->next <= upload->chunks; upload->next++) {
        MeshReply reply;
        if (!arena_check(sending->arena, err) || !send_chunk(sending, upload->next, &reply, err))
            return false;
        if (reply.failed || reply.response.status != 202) {
            keep(sending);
            *ret = broken_off(sending, upload->next, &reply);
            return true;
        }
        if (upload->next < upload->chunks)
            keep(sending);
    }
    keep(sending);
    *ret = sent(sending);
    return true;
}

/* ---- from where ---- */

typedef enum Start { START_NEW, START_RESUME, START_NOT } Start;

static Start judge_track(Sending *sending, const MeshReply *reply, SubmitAnswer *ret)
{
    const MeshBody *body = &reply->body;
    MeshUpload kept;
    if (!reply->failed && reply->response.status == 404 && body->is_mesh)
        return START_NEW;
    if (reply->failed || reply->response.status != 200 || body->status == MESH_STATUS_NONE ||
        !body->message_id) {
        *ret = mesh_refusal(reply, true);
        return START_NOT;
    }
    sending->upload.message_id = body->message_id;
    if (body->status == MESH_STATUS_UNDELIVERABLE || body->status == MESH_STATUS_ERROR)
        return START_NEW; /* a person sent it again */
    if (body->status != MESH_STATUS_UPLOADING) {
        *ret = sent(sending);
        return START_NOT;
    }
    sending->upload.next = 2;
    if (mesh_state_upload(sending->state, sending->submission->idempotency_key, sending->arena,
                          &kept))
        sending->upload = kept; /* with the chunk size it was begun with */
    return START_RESUME;
}

static bool open_document(Sending *sending, Error *err)
{
    const Submission *submission = sending->submission;
    int64_t size = sending->client->chunk_size;
    struct stat info;
    sending->fd = open(submission->document_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (sending->fd < 0)
        return error_errno(err, errno, "mesh.document", "could not open the document");
    if (fstat(sending->fd, &info) < 0 || info.st_size != submission->document_size ||
        info.st_size == 0)
        return error_set(err, ERROR_LATER, "mesh.document", "the document does not have its size");
    sending->upload = (MeshUpload){
        .next = 1, .chunks = (submission->document_size + size - 1) / size, .chunk_size = size};
    return true;
}

bool mesh_upload(const MeshClient *client, const char *state, const Submission *submission,
                 Arena *arena, SubmitAnswer *ret, Error *err)
{
    Sending sending = {client, state, submission, arena, -1, {0}};
    MeshReply reply;
    bool fine = open_document(&sending, err) &&
                mesh_track(client, state, submission->idempotency_key, arena, &reply, err);
    Start start = fine ? judge_track(&sending, &reply, ret) : START_NOT;
    if (start == START_NEW)
        fine = send_first(&sending, ret, err);
    if (fine && (start == START_RESUME || sending.upload.next > 1) && start != START_NOT)
        fine = send_rest(&sending, ret, err);
    if (sending.fd >= 0)
        close(sending.fd);
    return fine;
}
