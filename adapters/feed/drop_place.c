/* SPDX-License-Identifier: Apache-2.0 */
/* Where a feed of drops stands, as the text that the cursor keeps. */
#include "adapters/feed/drop_place.h"

#include "daemon/base/json.h"

#include <string.h>

static DropRef read_ref(const json_t *place, const char *key, Arena *arena)
{
    const json_t *object = json_object_get(place, key);
    DropRef ref = {.name = arena_text(arena, json_get_text(object, "name")),
                   .digest = arena_text(arena, json_get_text(object, "digest"))};
    if (!ref.name || !ref.digest || !json_get_int(object, "seq", &ref.seq))
        return (DropRef){0};
    return ref;
}

bool drop_place_read(const char *text, Arena *arena, DropPlace *ret, Error *err)
{
    _cleanup_json_ json_t *place = NULL;
    *ret = (DropPlace){0};
    if (!text || !*text)
        return true;
    if (!json_parse(text, strlen(text), &place, err) || !json_is_object(place))
        return error_set(err, ERROR_CONFIG, "drop.place",
                         "cannot go on from a cursor that this adapter did not make: begin anew "
                         "with `mhsflow feed resync`");
    ret->taken = read_ref(place, "taken", arena);
    ret->reading = read_ref(place, "reading", arena);
    ret->refused = read_ref(place, "refused", arena);
    json_get_int(place, "at", &ret->at);
    ret->full = json_is_true(json_object_get(place, "full"));
    json_t *counts = json_object_get(place, "counts"), *rows;
    const char *file;
    ret->counts = arena_array(arena, json_object_size(counts) + 1, sizeof *ret->counts);
    json_object_foreach(counts, file, rows) ret->counts[ret->count++] =
        (DropCount){.file = arena_text(arena, file), .rows = json_integer_value(rows)};
    return true;
}

static void write_ref(json_t *place, const char *key, const DropRef *ref)
{
    if (!ref->name)
        return;
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(ref->name));
    json_object_set_new(object, "digest", json_string(ref->digest));
    json_object_set_new(object, "seq", json_integer(ref->seq));
    json_object_set_new(place, key, object);
}

const char *drop_place_write(const DropPlace *place, Arena *arena)
{
    _cleanup_json_ json_t *object = json_object();
    json_t *counts = json_object();
    write_ref(object, "taken", &place->taken);
    write_ref(object, "reading", &place->reading);
    write_ref(object, "refused", &place->refused);
    if (place->reading.name)
        json_object_set_new(object, "at", json_integer(place->at));
    json_object_set_new(object, "full", json_boolean(place->full));
    for (size_t i = 0; i < place->count; i++)
        json_object_set_new(counts, place->counts[i].file, json_integer(place->counts[i].rows));
    json_object_set_new(object, "counts", counts);
    return json_canonical(arena, object);
}
