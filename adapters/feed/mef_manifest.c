/* SPDX-License-Identifier: Apache-2.0 */
/* What a MEF/1 server says about itself. */
#include "adapters/feed/mef_manifest.h"

#include "adapters/feed/mef_type.h"
#include "daemon/base/json.h"
#include "daemon/base/text.h"

#include <string.h>

#define MOST_TYPES 64
#define EPOCH_LIMIT 200

/* The schema is written as 1, "1" or "1.4": additions inside a major version are welcome. */
static bool speaks_our_version(const json_t *root)
{
    const json_t *schema = json_object_get(root, "schema");
    if (!schema)
        schema = json_object_get(root, "schema_version");
    if (json_is_integer(schema))
        return json_integer_value(schema) == MEF_SCHEMA;
    const char *text = json_string_value(schema);
    return text && text[0] == '0' + MEF_SCHEMA && (!text[1] || text[1] == '.');
}

static void mark(bool present[MOST_TYPES], MefManifest *ret, const char *type)
{
    int index = type ? mef_type_index(type) : -1;
    if (index >= 0 && index < MOST_TYPES)
        present[index] = true;
    else
        ret->unknown_types++;
}

/* Either {"person":600,…} or [{"type":"person","count":600},…] or ["person",…]. */
static void read_types(const json_t *types, bool present[MOST_TYPES], MefManifest *ret)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)types, name, value)
    {
        mark(present, ret, name);
    }
    for (size_t i = 0; i < json_array_size(types); i++) {
        const json_t *item = json_array_get(types, i);
        const char *text = json_string_value(item);
        if (!text)
            text = json_get_text(item, "type");
        mark(present, ret, text ? text : json_get_text(item, "name"));
    }
}

static bool is_wanted(const char *type, const char *const *wanted, size_t count)
{
    if (!count)
        return true;
    for (size_t i = 0; i < count; i++)
        if (strcmp(wanted[i], type) == 0)
            return true;
    return false;
}

bool mef_manifest_read(const char *bytes, size_t size, const char *const *wanted,
                       size_t wanted_count, Arena *arena, MefManifest *ret, Error *err)
{
    _cleanup_json_ json_t *root = NULL;
    Error syntax = {0};
    bool present[MOST_TYPES] = {false};
    *ret = (MefManifest){0};
    if (!json_parse(bytes, size, &root, &syntax) || !json_is_object(root))
        return error_set(err, ERROR_LATER, "feed.manifest",
                         "the feed's manifest is not valid JSON");
    if (!speaks_our_version(root))
        return error_set(err, ERROR_CONFIG, "feed.schema",
                         "the feed does not speak version %d of the export contract", MEF_SCHEMA);
    const char *epoch = json_get_text(root, "epoch");
    if (!epoch || !*epoch || strlen(epoch) > EPOCH_LIMIT ||
        !json_get_int(root, "head_seq", &ret->head_seq))
        return error_set(err, ERROR_LATER, "feed.manifest",
                         "the feed's manifest has no epoch or no head sequence number");
    ret->epoch = arena_text(arena, epoch);
    const json_t *types = json_object_get(root, "types");
    read_types(types ? types : json_object_get(root, "record_types"), present, ret);
    const json_t *limits = json_object_get(root, "limits");
    json_get_int(limits, "page_max", &ret->page_most);
    ret->types = arena_array(arena, MOST_TYPES, sizeof *ret->types);
    for (int i = 0; mef_type_name(i); i++)
        if (present[i] && is_wanted(mef_type_name(i), wanted, wanted_count))
            ret->types[ret->type_count++] = mef_type_name(i);
    if (!ret->type_count)
        return error_set(err, ERROR_CONFIG, "feed.types",
                         "the feed offers no record type that is read");
    return true;
}
