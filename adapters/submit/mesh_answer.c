/* SPDX-License-Identifier: Apache-2.0 */
/* What MESH says, taken by its shape. */
#include "adapters/submit/mesh_answer.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/json.h"
#include "daemon/base/text.h"

#include <ctype.h>
#include <string.h>

#define ID_LIMIT 64
#define WORD_LIMIT 300
#define PAGE_LIMIT 5000

static bool has_shape(const char *text, size_t limit, const char *extra)
{
    size_t size = text ? strlen(text) : 0;
    if (size == 0 || size > limit)
        return false;
    for (const char *c = text; *c; c++)
        if (!isascii((unsigned char)*c) || (!isalnum((unsigned char)*c) && !strchr(extra, *c)))
            return false;
    return true;
}

bool mesh_is_id(const char *text)
{
    return has_shape(text, ID_LIMIT, "_-");
}

static const char *first_text(const json_t *object, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = json_get_text(object, names[i]);
        if (text)
            return text;
    }
    return NULL;
}
#define FIRST(object, ...)                                                                         \
    first_text(object, (const char *const[]){__VA_ARGS__},                                         \
               COUNT_OF(((const char *const[]){__VA_ARGS__})))

static MeshStatus status_of(const char *word)
{
    static const struct {
        const char *word;
        MeshStatus status;
    } words[] = {{"uploading", MESH_STATUS_UPLOADING},
                 {"accepted", MESH_STATUS_ACCEPTED},
                 {"acknowledged", MESH_STATUS_ACKNOWLEDGED},
                 {"undeliverable", MESH_STATUS_UNDELIVERABLE},
                 {"error", MESH_STATUS_ERROR}};
    for (size_t i = 0; word && i < COUNT_OF(words); i++)
        if (strcasecmp(words[i].word, word) == 0) /* version 1 writes "Accepted" */
            return words[i].status;
    return MESH_STATUS_NONE;
}

static const char *keep(const char *text, size_t limit, const char *extra, Arena *arena)
{
    return has_shape(text, limit, extra) ? arena_text(arena, text) : NULL;
}

void mesh_body_read(const char *bytes, size_t size, Arena *arena, MeshBody *ret)
{
    _cleanup_json_ json_t *root = NULL;
    Error ignored = {0};
    *ret = (MeshBody){0};
    if (!size || !json_parse(bytes, size, &root, &ignored) || !json_is_object(root))
        return;
    const json_t *detail = json_object_get(root, "detail");
    const json_t *first = json_is_array(detail) ? json_array_get(detail, 0) : NULL;
    const char *code = first ? json_get_text(first, "code") : json_get_text(root, "errorCode");
    const char *words = first                    ? json_get_text(first, "msg")
                        : json_is_string(detail) ? json_string_value(detail)
                                                 : json_get_text(root, "errorDescription");
    const char *id = FIRST(root, "message_id", "messageId", "messageID");
    const char *status = json_get_text(root, "status");
    ret->message_id = keep(id, ID_LIMIT, "_-", arena);
    ret->error = keep(code, ID_LIMIT, "_- ", arena);
    ret->words = words && strlen(words) <= WORD_LIMIT ? arena_text(arena, words) : NULL;
    ret->status = status_of(status);
    ret->is_mesh = id || code || words || detail || ret->status != MESH_STATUS_NONE ||
                   json_object_get(root, "errorEvent");
}

bool mesh_inbox_read(const char *bytes, size_t size, const char *prefix, Arena *arena,
                     MeshInboxPage *ret)
{
    _cleanup_json_ json_t *root = NULL;
    Error ignored = {0};
    if (!size || !json_parse(bytes, size, &root, &ignored))
        return false;
    const json_t *messages = json_object_get(root, "messages");
    const char *next = json_get_text(json_object_get(root, "links"), "next");
    size_t count = json_array_size(messages);
    if (!json_is_array(messages) || count > PAGE_LIMIT)
        return false;
    *ret = (MeshInboxPage){.ids = arena_array(arena, count + 1, sizeof *ret->ids)};
    for (size_t i = 0; i < count; i++) {
        const char *id = json_string_value(json_array_get(messages, i));
        if (mesh_is_id(id))
            ret->ids[ret->count++] = arena_text(arena, id);
    }
    /* Only below our own inbox, whatever it says. */
    if (next && text_starts(next, prefix) && has_shape(next, 2000, "/?&=%._-~+!*") &&
        !strstr(next, ".."))
        ret->next = arena_text(arena, next);
    return true;
}

void mesh_message_read(const HttpResponse *response, Arena *arena, MeshMessage *ret)
{
    const char *type = http_header(response, "mex-messagetype");
    *ret = (MeshMessage){
        .report = type && strcasecmp(type, "REPORT") == 0,
        .local_id = keep(http_header(response, "mex-localid"), ID_LIMIT, "_-", arena),
        .linked_id = keep(http_header(response, "mex-linkedmsgid"), ID_LIMIT, "_-", arena),
        .workflow = keep(http_header(response, "mex-workflowid"), WORD_LIMIT, "_-. /:", arena),
        .status_code = keep(http_header(response, "mex-statuscode"), ID_LIMIT, "_-", arena),
    };
}
