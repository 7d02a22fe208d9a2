/* SPDX-License-Identifier: Apache-2.0 */
/* A document on its way: asked about first, then sent whole or in chunks, each packed on its own.
 *
 * The first chunk makes the message, and is never sent twice on a guess: the local
 * id (the submission's key) is looked up before.  Later chunks may be sent again
 * while the message is still uploading; the message reaches the recipient only
 * after the last one. */
#pragma once

#include "adapters/submit/mesh_call.h"

/* Asks MESH about a key: by message id where it is known here, else by local id. */
bool mesh_track(const MeshClient *client, const char *state, const char *key, Arena *arena,
                MeshReply *ret, Error *err);

bool mesh_upload(const MeshClient *client, const char *state, const Submission *submission,
                 Arena *arena, SubmitAnswer *ret, Error *err);

/* One piece of a file, as it is or as a gzip stream of its own; `*ret` is malloc memory. */
bool mesh_piece(int fd, int64_t offset, int64_t size, bool compress, char **ret, size_t *ret_size,
                Error *err);
