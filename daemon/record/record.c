/* SPDX-License-Identifier: Apache-2.0 */
/* Turns a feed's JSON into a tree of fields that keeps every kind of "no value" apart. */
#include "daemon/record/record.h"

#include "daemon/base/cleanup.h"

#include <string.h>

static const Field absent = {.kind = FIELD_ABSENT};

static bool only_keys(const json_t *object, const char *const *allowed, size_t count)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        bool known = false;
        for (size_t i = 0; i < count; i++)
            known = known || strcmp(key, allowed[i]) == 0;
        if (!known)
            return false;
    }
    return true;
}

/* {"nv":"declined"}: a reason instead of a value.  A reason that we do not know is still no value.
 */
static bool read_no_value(const json_t *object, Field *ret)
{
    static const char *const allowed[] = {"nv"};
    const char *reason = json_get_text(object, "nv");
    if (!reason || !only_keys(object, allowed, COUNT_OF(allowed)))
        return false;
    if (strcmp(reason, "declined") == 0)
        ret->kind = FIELD_DECLINED;
    else if (strcmp(reason, "not_asked") == 0)
        ret->kind = FIELD_NOT_ASKED;
    else
        ret->kind = FIELD_NOT_KNOWN;
    return true;
}

/* {"code":"J","system":"…","label":"…"}: text that knows where it comes from.  An object with more
 * in it (a disability with its impact) stays an object. */
static bool read_coded(const json_t *object, Arena *arena, Field *ret)
{
    static const char *const allowed[] = {"code", "system", "label"};
    const json_t *code = json_object_get(object, "code");
    if (!code || !only_keys(object, allowed, COUNT_OF(allowed)))
        return false;
    if (json_is_string(code))
        ret->text = arena_text(arena, json_string_value(code));
    else if (json_is_number(code))
        ret->text = json_number_text(arena, code);
    else
        return false;
    ret->kind = FIELD_TEXT;
    ret->system = arena_text(arena, json_get_text(object, "system"));
    ret->label = arena_text(arena, json_get_text(object, "label"));
    return true;
}

static void read_field(const json_t *value, Arena *arena, Field *ret);

static void read_object(const json_t *object, Arena *arena, Field *ret)
{
    ret->kind = FIELD_OBJECT;
    size_t size = json_object_size(object);
    ret->items = arena_array(arena, size, sizeof *ret->items);
    ret->names = arena_array(arena, size, sizeof *ret->names);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        ret->names[ret->count] = arena_text(arena, key);
        read_field(value, arena, &ret->items[ret->count++]);
    }
}

static void read_list(const json_t *list, Arena *arena, Field *ret)
{
    ret->kind = FIELD_LIST;
    ret->count = json_array_size(list);
    ret->items = arena_array(arena, ret->count, sizeof *ret->items);
    for (size_t i = 0; i < ret->count; i++)
        read_field(json_array_get(list, i), arena, &ret->items[i]);
}

/* json_parse() has bounded the depth already. */
static void read_field(const json_t *value, Arena *arena, Field *ret)
{
    ret->kind = FIELD_TEXT;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        if (!read_no_value(value, ret) && !read_coded(value, arena, ret))
            read_object(value, arena, ret);
        break;
    case JSON_ARRAY:
        read_list(value, arena, ret);
        break;
    case JSON_STRING:
        ret->text = arena_text(arena, json_string_value(value));
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        ret->text = json_number_text(arena, value);
        break;
    case JSON_TRUE:
        ret->text = "true";
        break;
    case JSON_FALSE:
        ret->text = "false";
        break;
    case JSON_NULL:
        ret->kind = FIELD_NULL;
        break;
    }
}

bool record_from_json(const json_t *object, Arena *arena, const Field **ret, Error *err)
{
    if (!json_is_object(object))
        return error_set(err, ERROR_DATA, "record.shape", "a record must be a JSON object");
    Field *root = arena_alloc(arena, sizeof *root);
    read_object(object, arena, root);
    *ret = root;
    return true;
}

bool record_parse(const char *json, size_t size, Arena *arena, const Field **ret, Error *err)
{
    _cleanup_json_ json_t *object = NULL;
    if (!json_parse(json, size, &object, err))
        return false;
    return record_from_json(object, arena, ret, err);
}

static const Field *get_member(const Field *object, const char *name, size_t length)
{
    if (object->kind != FIELD_OBJECT)
        return &absent;
    for (size_t i = 0; i < object->count; i++)
        if (strncmp(object->names[i], name, length) == 0 && object->names[i][length] == '\0')
            return &object->items[i];
    return &absent;
}

const Field *field_get(const Field *object, const char *path)
{
    const Field *at = object ? object : &absent;
    while (true) {
        size_t length = strcspn(path, ".");
        at = get_member(at, path, length);
        if (path[length] == '\0')
            return at;
        path += length + 1;
    }
}

const char *field_text(const Field *object, const char *path)
{
    const Field *field = field_get(object, path);
    return field->kind == FIELD_TEXT && field->text[0] ? field->text : NULL;
}

bool field_is(const Field *object, const char *path, const char *text)
{
    const char *value = field_text(object, path);
    return value && strcmp(value, text) == 0;
}

const char *field_kind_name(FieldKind kind)
{
    static const char *const names[] = {
        [FIELD_ABSENT] = "absent",       [FIELD_NULL] = "null",
        [FIELD_DECLINED] = "declined",   [FIELD_NOT_KNOWN] = "not_known",
        [FIELD_NOT_ASKED] = "not_asked", [FIELD_TEXT] = "text",
        [FIELD_LIST] = "list",           [FIELD_OBJECT] = "object",
    };
    return names[kind];
}

void record_list_add(RecordList *list, Record *record, Arena *arena)
{
    list->items = arena_grow(arena, list->items, list->count, &list->capacity, sizeof *list->items);
    list->items[list->count++] = record;
}
