/* SPDX-License-Identifier: Apache-2.0 */
/* What MESH says, taken by its shape: ids, states, codes; never its free text.
 *
 * Versions 1 and 2 of the interface spell members differently, and the live
 * service and its sandbox differ in places: each member is looked for under all its
 * names, unknown ones are passed over. */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/net/http.h"

typedef enum MeshStatus {
    MESH_STATUS_NONE, /* not said, or a word that we do not know */
    MESH_STATUS_UPLOADING,
    MESH_STATUS_ACCEPTED,     /* MESH has it; the recipient has not collected it */
    MESH_STATUS_ACKNOWLEDGED, /* collected */
    MESH_STATUS_UNDELIVERABLE,
    MESH_STATUS_ERROR,
} MeshStatus;

typedef struct MeshBody {
    bool is_mesh;           /* an object with a member that MESH uses: not a proxy's page */
    const char *message_id; /* NULL: none of a message id's shape */
    const char *error;      /* "12", "EPL-151", "InvalidHeaderChunks"; NULL */
    const char *words;      /* MESH's own sentence, only to be compared; NULL */
    MeshStatus status;
} MeshBody;

/* Never fails: what is no JSON object is an empty body. */
void mesh_body_read(const char *bytes, size_t size, Arena *arena, MeshBody *ret);

typedef struct MeshInboxPage {
    const char **ids;
    size_t count;
    const char *next; /* path and query, below `prefix`; NULL: the last page */
} MeshInboxPage;

/* False when it is no inbox. */
bool mesh_inbox_read(const char *bytes, size_t size, const char *prefix, Arena *arena,
                     MeshInboxPage *ret);

typedef struct MeshMessage {
    bool report;
    const char *local_id, *linked_id, *workflow, *status_code; /* NULL: not said, or misshapen */
} MeshMessage;

void mesh_message_read(const HttpResponse *response, Arena *arena, MeshMessage *ret);

/* 1 to 64 letters, digits and "_-": it becomes part of a path and of a file's name. */
bool mesh_is_id(const char *text);
