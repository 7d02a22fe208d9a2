/* SPDX-License-Identifier: Apache-2.0 */
/* Our inbox. */
#include "adapters/submit/mesh_inbox.h"

#include "adapters/submit/mesh_state.h"
#include "daemon/base/text.h"

#include <string.h>

#define PAGES 100
#define MESSAGE_LIMIT ((size_t)64 << 10) /* a report or an answer; what is larger is not ours */

typedef struct Drain {
    const MeshClient *client;
    const char *state;
    Arena *arena;
    bool whole;
    SubmitAnswer *answer;
} Drain;

static bool gave_up(Drain *drain, const MeshReply *reply)
{
    *drain->answer = mesh_refusal(reply, true);
    drain->whole = false;
    return true;
}

static bool acknowledge(Drain *drain, const char *id, Error *err)
{
    MeshCall call = {.method = "PUT",
                     .path = arena_format(drain->arena,
                                          "/messageexchange/%s/inbox/%s/status/acknowledged",
                                          drain->client->mailbox, id)};
    MeshReply reply;
    /* Not acknowledged, it comes again: kept once more, with the same words. */
    return mesh_call(drain->client, &call, drain->arena, &reply, err);
}

/* Whose it is: the local id that we gave, or the message that it is about. */
static const char *key_of(const Drain *drain, const MeshMessage *message)
{
    if (mesh_is_key(message->local_id))
        return message->local_id;
    return message->linked_id ? mesh_state_key_of(drain->state, message->linked_id, drain->arena)
                              : NULL;
}

static bool take(Drain *drain, const char *id, const MeshReply *reply, Error *err)
{
    MeshMessage message;
    mesh_message_read(&reply->response, drain->arena, &message);
    const char *key = key_of(drain, &message);
    bool answer = text_equal(message.workflow, drain->client->ack_workflow);
    if (!key || (!message.report && !answer))
        return true;
    MeshKeptAnswer kept = {message.report ? (message.status_code ? message.status_code : "") : NULL,
                           reply->response.body, reply->response.body_size};
    return mesh_state_keep_answer(drain->state, key, &kept, drain->arena, err) &&
           acknowledge(drain, id, err);
}

static bool look_at(Drain *drain, const char *id, Error *err)
{
    MeshCall call = {.method = "GET",
                     .path = arena_format(drain->arena, "/messageexchange/%s/inbox/%s",
                                          drain->client->mailbox, id),
                     .answer_limit = MESSAGE_LIMIT};
    MeshReply reply;
    if (!mesh_call(drain->client, &call, drain->arena, &reply, err))
        return false;
    if (reply.failed && reply.failure.kind == HTTP_FAILED_TOO_LARGE)
        return true;
    if (reply.failed)
        return gave_up(drain, &reply);
    /* 206: more chunks follow; 403, 404, 410: somebody else's, or gone meanwhile. */
    return reply.response.status != 200 || take(drain, id, &reply, err);
}

bool mesh_inbox_drain(const MeshClient *client, const char *state, Arena *arena, bool *ret_whole,
                      SubmitAnswer *ret, Error *err)
{
    Drain drain = {client, state, arena, true, ret};
    const char *prefix = arena_format(arena, "/messageexchange/%s/inbox", client->mailbox);
    const char *path = prefix;
    for (int page = 0; path && drain.whole && page < PAGES; page++) {
        MeshCall call = {.method = "GET", .path = path};
        MeshInboxPage listed;
        MeshReply reply;
        if (!mesh_call(client, &call, arena, &reply, err))
            return false;
        if (reply.failed || reply.response.status != 200 ||
            !mesh_inbox_read(reply.response.body, reply.response.body_size, prefix, arena,
                             &listed)) {
            gave_up(&drain, &reply);
            break;
        }
        for (size_t i = 0; i < listed.count && drain.whole; i++)
            if (!arena_check(arena, err) || !look_at(&drain, listed.ids[i], err))
                return false;
        path = listed.next;
    }
    *ret_whole = drain.whole;
    return true;
}
