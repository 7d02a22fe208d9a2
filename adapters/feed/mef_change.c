/* SPDX-License-Identifier: Apache-2.0 */
/* One line of a change log, from JSON to a Change. */
#include "adapters/feed/mef_change.h"

#include "adapters/feed/mef_page.h"
#include "adapters/feed/mef_type.h"
#include "daemon/base/clock.h"

#include <string.h>

#define MOST_MERGED 1000

const char *mef_refusal_code(MefRefusal refusal)
{
    static const char *const codes[] = {
        NULL,
#define MEF_REFUSAL(name, code, text) code,
#include "adapters/feed/mef_refusal.def"
#undef MEF_REFUSAL
    };
    return codes[refusal];
}

const char *mef_refusal_text(MefRefusal refusal)
{
    static const char *const texts[] = {
        NULL,
#define MEF_REFUSAL(name, code, text) text,
#include "adapters/feed/mef_refusal.def"
#undef MEF_REFUSAL
    };
    return texts[refusal];
}

bool mef_id_is(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t size = text ? strlen(text) : 0;
    return size >= 1 && size <= 20 && strspn(text, allowed) == size;
}

static bool read_op(const char *text, ChangeOp *ret)
{
    static const char *const words[] = {
#define CHANGE_OP(name, text, meaning) [CHANGE_##name] = text,
#include "daemon/record/change_op.def"
#undef CHANGE_OP
    };
    for (size_t i = 0; text && i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], text) == 0) {
            *ret = (ChangeOp)i;
            return true;
        }
    return false;
}

/* The closing quote of the string that opens at `at`, in text that is known to be valid. */
static const char *string_end(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        at += *at == '\\';
    return at;
}

/* The end of the JSON value at `at`. */
static const char *value_end(const char *at, const char *end)
{
    int depth = 0;
    for (; at < end; at++) {
        if (*at == '"') {
            at = string_end(at, end);
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            if (depth-- == 0)
                return at;
        } else if (*at == ',' && depth == 0) {
            return at;
        }
    }
    return end;
}

/* The text of the value of "record" at the top level of a valid object; NULL when the name is
 * written in another way (escapes). */
static const char *record_slice(const char *line, size_t size, size_t *ret_size)
{
    const char *end = line + size, *at = memchr(line, '{', size);
    while (at && ++at < end) {
        at += strspn(at, " \t\r\n");
        const char *name = at;
        if (name >= end || *name != '"')
            return NULL;
        const char *name_end = string_end(name, end);
        at = memchr(name_end, ':', (size_t)(end - name_end));
        if (!at)
            return NULL;
        bool wanted = name_end - name == 7 && memcmp(name, "\"record\"", 8) == 0;
        const char *stop = value_end(++at, end);
        if (wanted) {
            *ret_size = (size_t)(stop - at);
            return at;
        }
        at = stop < end && *stop == ',' ? stop : NULL;
    }
    return NULL;
}

static const char *record_text(json_t *record, const char *line, size_t size, Arena *arena)
{
    size_t length;
    const char *slice = line ? record_slice(line, size, &length) : NULL;
    return slice ? arena_copy(arena, slice, length) : json_canonical(arena, record);
}

/* {"survivor":"P1","merged":["P2"]}; the reverse may say "split_to". */
static bool read_merge(const json_t *object, Arena *arena, Change *ret)
{
    const json_t *merge = json_object_get(object, "merge");
    if (!merge)
        merge = json_object_get(object, "unmerge");
    const char *survivor = json_get_text(merge, "survivor");
    const json_t *merged = json_object_get(merge, "merged");
    if (!merged)
        merged = json_object_get(merge, "split_to");
    size_t count = json_array_size(merged);
    if (!survivor)
        survivor = ret->id;
    if (!mef_id_is(survivor) || !count || count > MOST_MERGED)
        return false;
    const char **ids = arena_array(arena, count, sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        const char *id = json_string_value(json_array_get(merged, i));
        if (!mef_id_is(id))
            return false;
        ids[i] = arena_text(arena, id);
    }
    ret->survivor = arena_text(arena, survivor);
    ret->merged = ids;
    ret->merged_count = count;
    ret->children_repointed = json_is_true(json_object_get(merge, "children_repointed"));
    return true;
}

/* What only informs, and is left out when it is not well formed. */
static void read_circumstances(const json_t *object, Arena *arena, Change *ret)
{
    const char *org = json_get_text(object, "org"), *reason = json_get_text(object, "reason");
    const char *recorded_at = json_get_text(object, "recorded_at");
    int64_t instant;
    char text[CLOCK_TEXT_SIZE];
    ret->org = mef_id_is(org) ? arena_text(arena, org) : NULL;
    if (recorded_at && clock_parse(recorded_at, &instant))
        ret->recorded_at = arena_text(arena, clock_format(instant, text));
    if (reason && strlen(reason) <= 40 &&
        strspn(reason, "abcdefghijklmnopqrstuvwxyz_") == strlen(reason))
        ret->reason = arena_text(arena, reason);
}

static MefRefusal read_content(const json_t *object, int type, const char *line, size_t size,
                               Arena *arena, Change *ret, int64_t *ret_unknown_fields)
{
    if (ret->op == CHANGE_MERGE || ret->op == CHANGE_UNMERGE)
        return read_merge(object, arena, ret) ? MEF_FINE : MEF_REFUSED_MERGE;
    if (ret->op != CHANGE_UPSERT)
        return MEF_FINE;
    json_t *record = json_object_get(object, "record");
    if (!json_is_object(record))
        return MEF_REFUSED_RECORD;
    const char *own_id = json_get_text(record, "id");
    if (!own_id || strcmp(own_id, ret->id) != 0)
        return MEF_REFUSED_RECORD_ID;
    *ret_unknown_fields += mef_type_unknown_fields(type, record);
    ret->json = record_text(record, line, size, arena);
    return MEF_FINE;
}

MefRefusal mef_change_read(const json_t *object, const char *line, size_t size, bool snapshot,
                           Arena *arena, Change *ret, int64_t *ret_unknown_fields)
{
    *ret = (Change){0};
    if (!json_is_object(object))
        return MEF_REFUSED_SHAPE;
    const char *type = json_get_text(object, "type"), *id = json_get_text(object, "id");
    const char *op = json_get_text(object, "op");
    if (!type)
        return MEF_REFUSED_TYPE;
    int index = mef_type_index(type);
    if (index < 0)
        return MEF_FINE;
    ret->type = mef_type_name(index);
    bool has_seq = json_get_int(object, "seq", &ret->seq);
    if (!mef_id_is(id))
        return MEF_REFUSED_ID;
    ret->id = arena_text(arena, id);
    if (!read_op(!op && snapshot ? "upsert" : op, &ret->op))
        return MEF_REFUSED_OP;
    if ((!has_seq && !snapshot) || ret->seq < (has_seq ? 1 : 0))
        return MEF_REFUSED_SEQ;
    if (!json_get_int(object, "version", &ret->version) || ret->version < 1)
        return MEF_REFUSED_VERSION;
    read_circumstances(object, arena, ret);
    return read_content(object, index, line, size, arena, ret, ret_unknown_fields);
}
