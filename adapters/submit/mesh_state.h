/* SPDX-License-Identifier: Apache-2.0 */
/* What the mesh adapter keeps on disk: how far an upload came, and answers taken from the inbox.
 *
 * All of it can be lost without harm but for one thing: an answer that was
 * acknowledged is here and nowhere else, so it is written and synced before MESH is
 * told.  File names are keys and message ids of MESH; neither is anybody's data. */
#pragma once

#include "daemon/base/arena.h"

#include <stdint.h>

typedef struct MeshUpload {
    const char *message_id;
    int64_t next; /* chunk to send next, from 1; above `chunks`: all are sent */
    int64_t chunks, chunk_size;
} MeshUpload;

/* False: none is kept, or it cannot be read, which is the same. */
bool mesh_state_upload(const char *folder, const char *key, Arena *arena, MeshUpload *ret);
bool mesh_state_keep_upload(const char *folder, const char *key, const MeshUpload *upload,
                            Arena *arena, Error *err);

/* Whose message it was; NULL: not known here. */
const char *mesh_state_key_of(const char *folder, const char *message_id, Arena *arena);

typedef struct MeshKeptAnswer {
    const char *report_code; /* a report: MESH's code, "" when none; NULL: a business answer */
    const char *body;
    size_t body_size;
} MeshKeptAnswer;

bool mesh_state_answer(const char *folder, const char *key, Arena *arena, MeshKeptAnswer *ret);
bool mesh_state_keep_answer(const char *folder, const char *key, const MeshKeptAnswer *answer,
                            Arena *arena, Error *err);
/* It was about an earlier message under the same key. */
void mesh_state_forget_answer(const char *folder, const char *key, Arena *arena);

bool mesh_is_key(const char *text); /* 64 lower-case hex digits: a local id of ours */
