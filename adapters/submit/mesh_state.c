/* SPDX-License-Identifier: Apache-2.0 */
/* What the mesh adapter keeps on disk. */
#include "adapters/submit/mesh_state.h"

#include "adapters/submit/mesh_answer.h"
#include "daemon/base/file.h"
#include "daemon/base/json.h"
#include "daemon/base/text.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define SMALL ((size_t)4096)
#define ANSWER_LIMIT ((size_t)128 << 10)
#define REPORT "report "
#define ANSWER "answer "

bool mesh_is_key(const char *text)
{
    return text && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static const char *path_of(const char *folder, const char *name, const char *suffix, Arena *arena)
{
    return arena_format(arena, "%s/%s%s", folder, name, suffix);
}

bool mesh_state_upload(const char *folder, const char *key, Arena *arena, MeshUpload *ret)
{
    _cleanup_json_ json_t *root = NULL;
    Error ignored = {0};
    char *bytes;
    size_t size;
    MeshUpload upload = {0};
    if (!file_read(path_of(folder, key, ".upload", arena), SMALL, arena, &bytes, &size, &ignored) ||
        !json_parse(bytes, size, &root, &ignored))
        return false;
    const char *id = json_get_text(root, "message_id");
    if (!mesh_is_id(id) || !json_get_int(root, "next", &upload.next) ||
        !json_get_int(root, "chunks", &upload.chunks) ||
        !json_get_int(root, "chunk_size", &upload.chunk_size) || upload.next < 1 ||
        upload.chunks < 1 || upload.chunk_size < 1)
        return false;
    upload.message_id = arena_text(arena, id);
    *ret = upload;
    return true;
}

bool mesh_state_keep_upload(const char *folder, const char *key, const MeshUpload *upload,
                            Arena *arena, Error *err)
{
    const char *text =
        arena_format(arena,
                     "{\"message_id\":\"%s\",\"next\":%" PRId64 ",\"chunks\":%" PRId64
                     ",\"chunk_size\":%" PRId64 "}\n",
                     upload->message_id, upload->next, upload->chunks, upload->chunk_size);
    return file_write(path_of(folder, key, ".upload", arena), text, strlen(text), 0600, err) &&
           (upload->next > 2 || file_write(path_of(folder, upload->message_id, ".message", arena),
                                           key, strlen(key), 0600, err));
}

const char *mesh_state_key_of(const char *folder, const char *message_id, Arena *arena)
{
    Error ignored = {0};
    char *bytes;
    size_t size;
    if (!mesh_is_id(message_id) || !file_read(path_of(folder, message_id, ".message", arena), SMALL,
                                              arena, &bytes, &size, &ignored))
        return NULL;
    return mesh_is_key(bytes) ? bytes : NULL;
}

bool mesh_state_answer(const char *folder, const char *key, Arena *arena, MeshKeptAnswer *ret)
{
    Error ignored = {0};
    char *bytes;
    size_t size;
    if (!file_read(path_of(folder, key, ".answer", arena), ANSWER_LIMIT, arena, &bytes, &size,
                   &ignored))
        return false;
    char *end = memchr(bytes, '\n', size);
    if (!end)
        return false;
    *end = '\0';
    bool report = text_starts(bytes, REPORT);
    if (!report && !text_starts(bytes, ANSWER))
        return false;
    *ret = (MeshKeptAnswer){report ? bytes + strlen(REPORT) : NULL, end + 1,
                            size - (size_t)(end + 1 - bytes)};
    return true;
}

bool mesh_state_keep_answer(const char *folder, const char *key, const MeshKeptAnswer *answer,
                            Arena *arena, Error *err)
{
    Text text = text_new(arena, ANSWER_LIMIT);
    if (answer->report_code)
        text_addf(&text, REPORT "%s\n", answer->report_code);
    else
        text_add(&text, ANSWER "\n");
    text_add_bytes(&text, answer->body, answer->body_size);
    if (!text_ok(&text))
        return error_set(err, ERROR_DATA, "mesh.answer", "an answer is larger than answers are");
    return file_write(path_of(folder, key, ".answer", arena), text_get(&text), text.size, 0600,
                      err);
}

void mesh_state_forget_answer(const char *folder, const char *key, Arena *arena)
{
    unlink(path_of(folder, key, ".answer", arena));
}
