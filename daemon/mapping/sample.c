/* SPDX-License-Identifier: Apache-2.0 */
/* Reads records from a file and sorts them by person, as the store would. */
#include "daemon/mapping/sample.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/mapping/sample_settings.h"

#include <string.h>

#define FEED "try" /* a feed without a name in the file */

enum { BUCKETS = 1 << 16 };

typedef struct Slot {
    Record *record;
    struct Slot *next;   /* same bucket */
    struct Slot *before; /* in the order of the file */
    bool gone;
} Slot;

typedef struct Reader {
    const char *name;
    Arena *arena;
    Slot **buckets;
    Slot *last;
} Reader;

#define PLACE "place" /* as if a record: a person's place in the sample is its version */
#define MERGE "merge" /* as if a record: id the merged person, org the survivor */

static const char *const reference_types[] = {"organisation", "area", "team", "worker",
                                              "group_session"};

static bool is_reference(const char *type)
{
    for (size_t i = 0; i < COUNT_OF(reference_types); i++)
        if (strcmp(reference_types[i], type) == 0)
            return true;
    return false;
}

static size_t bucket_of(const char *feed, const char *type, const char *id)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    const char *const parts[] = {feed, type, id};
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        for (const char *at = parts[i]; *at; at++)
            hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    return (size_t)((hash ^ (hash >> 32)) % BUCKETS);
}

static Slot *find_slot(const Reader *reader, const char *feed, const char *type, const char *id)
{
    Slot *slot = reader->buckets[bucket_of(feed, type, id)];
    while (slot && !(strcmp(slot->record->id, id) == 0 && strcmp(slot->record->type, type) == 0 &&
                     strcmp(slot->record->feed, feed) == 0))
        slot = slot->next;
    return slot;
}

static Record *find_record(const Reader *reader, const char *feed, const char *type, const char *id)
{
    const Slot *slot = id ? find_slot(reader, feed, type, id) : NULL;
    return slot && !slot->gone ? slot->record : NULL;
}

static Record *add_record(Reader *reader, const char *feed, const char *type, const char *id)
{
    Slot *slot = find_slot(reader, feed, type, id);
    if (!slot) {
        Record *record = arena_alloc(reader->arena, sizeof *record);
        *record = (Record){.feed = feed};
        record->type = arena_text(reader->arena, type);
        record->id = arena_text(reader->arena, id);
        slot = arena_alloc(reader->arena, sizeof *slot);
        Slot **bucket = &reader->buckets[bucket_of(feed, type, id)];
        *slot = (Slot){record, *bucket, reader->last, false};
        *bucket = reader->last = slot;
    }
    slot->gone = false;
    return slot->record;
}

static void remove_record(Reader *reader, const char *feed, const char *type, const char *id)
{
    Slot *slot = id ? find_slot(reader, feed, type, id) : NULL;
    if (slot)
        slot->gone = true;
}

static void add_merge(Reader *reader, const char *feed, const json_t *merge)
{
    const char *survivor = json_get_text(merge, "survivor");
    const json_t *merged = json_object_get(merge, "merged");
    for (size_t i = 0; survivor && i < json_array_size(merged); i++) {
        const char *id = json_string_value(json_array_get(merged, i));
        if (!id)
            continue;
        add_record(reader, feed, MERGE, id)->org = arena_text(reader->arena, survivor);
        remove_record(reader, feed, "person", id);
    }
}

static bool add_upsert(Reader *reader, const char *feed, const json_t *change, const json_t *body,
                       Error *err)
{
    const char *type = json_get_text(change, "type"), *id = json_get_text(change, "id");
    if (!id)
        id = json_get_text(body, "id");
    if (!type || !id)
        return error_set(err, ERROR_DATA, "sample.record", "a record needs \"type\" and \"id\"");
    Record *record = add_record(reader, feed, type, id);
    if (!json_get_int(change, "version", &record->version))
        record->version = 1;
    record->org = arena_text(reader->arena, json_get_text(change, "org"));
    return record_from_json(body, reader->arena, &record->root, err);
}

static bool add_change(Reader *reader, const json_t *change, Error *err)
{
    if (!json_is_object(change))
        return error_set(err, ERROR_DATA, "sample.record", "expected a JSON object");
    if (json_object_get(change, "_page"))
        return true;
    const char *op = json_get_text(change, "op"), *type = json_get_text(change, "type");
    const char *feed = json_get_text(change, "feed");
    feed = feed ? arena_text(reader->arena, feed) : FEED;
    const json_t *body = json_object_get(change, "record");
    if (op && strcmp(op, "merge") == 0) {
        add_merge(reader, feed, json_object_get(change, "merge"));
        return true;
    }
    if (op && (strcmp(op, "delete") == 0 || strcmp(op, "purge") == 0)) {
        if (type)
            remove_record(reader, feed, type, json_get_text(change, "id"));
        return true;
    }
    if (op && strcmp(op, "upsert") != 0)
        return true;
    if (!body)
        return error_set(err, ERROR_DATA, "sample.record", "a line needs \"record\"");
    return add_upsert(reader, feed, change, body, err);
}

static bool add_list(Reader *reader, const json_t *list, Error *err)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!arena_check(reader->arena, err) || !add_change(reader, json_array_get(list, i), err))
            return error_wrap(err, "\"%s\": record %zu", reader->name, i + 1);
    return true;
}

static bool read_document(Reader *reader, const json_t *document, Sample *sample, Error *err)
{
    const char *month = json_get_text(document, "month");
    if (month && !civil_parse_month(month, &sample->month))
        return error_set(err, ERROR_DATA, "sample.month", "\"month\" must be YYYY-MM");
    sample->created_at = arena_text(reader->arena, json_get_text(document, "created_at"));
    return sample_settings(json_object_get(document, "settings"), reader->arena, &sample->settings,
                           err) &&
           add_list(reader, json_object_get(document, "records"), err);
}

/* One JSON value for the whole file, or one for each line. */
static bool read_lines(Reader *reader, const char *bytes, size_t size, Error *err)
{
    size_t line = 1;
    for (const char *end = bytes + size; bytes < end; line++) {
        const char *stop = memchr(bytes, '\n', (size_t)(end - bytes));
        size_t length = (size_t)((stop ? stop : end) - bytes);
        _cleanup_json_ json_t *change = NULL;
        if (length && (!json_parse(bytes, length, &change, err) ||
                       !add_change(reader, change, err) || !arena_check(reader->arena, err)))
            return error_wrap(err, "\"%s\" line %zu", reader->name, line);
        bytes = stop ? stop + 1 : end;
    }
    return true;
}

static const char *survivor_of(const Reader *reader, const char *feed, const char *id)
{
    for (int hops = 0; hops < 100; hops++) {
        const Record *merge = find_record(reader, feed, MERGE, id);
        if (!merge)
            break;
        id = merge->org;
    }
    return id;
}

/* Whose a record is: its own person, or its parents'. */
static const char *owner_of(const Reader *reader, const Record *record, int depth)
{
    if (strcmp(record->type, "person") == 0)
        return record->id;
    const char *person = field_text(record->root, "person");
    if (person)
        return survivor_of(reader, record->feed, person);
    const char *const parents[] = {"referral", "contact"};
    for (size_t i = 0; depth < 3 && i < COUNT_OF(parents); i++) {
        const Record *parent =
            find_record(reader, record->feed, parents[i], field_text(record->root, parents[i]));
        const char *owner = parent ? owner_of(reader, parent, depth + 1) : NULL;
        if (owner)
            return owner;
    }
    return NULL;
}

static SamplePerson *person_of(Reader *reader, Sample *sample, const char *feed, const char *id)
{
    Record *place = add_record(reader, feed, PLACE, id);
    if (!place->version) {
        sample->people = arena_grow(reader->arena, sample->people, sample->count, &sample->capacity,
                                    sizeof *sample->people);
        sample->people[sample->count] = (SamplePerson){.feed = feed, .id = id};
        place->version = (int64_t)++sample->count;
    }
    return &sample->people[place->version - 1];
}

static void sort_record(Reader *reader, Sample *sample, Record *record)
{
    if (strcmp(record->type, MERGE) == 0)
        return;
    if (is_reference(record->type)) {
        references_add(sample->references, record);
        return;
    }
    const char *owner = owner_of(reader, record, 0);
    if (!owner) {
        sample->orphans++;
        return;
    }
    SamplePerson *person = person_of(reader, sample, record->feed, owner);
    record_list_add(&person->records, record, reader->arena);
}

static bool sort_records(Reader *reader, Sample *sample, Error *err)
{
    size_t count = 0;
    for (const Slot *slot = reader->last; slot; slot = slot->before)
        count += !slot->gone;
    Record **records = arena_array(reader->arena, count, sizeof *records);
    size_t at = count;
    for (const Slot *slot = reader->last; slot; slot = slot->before)
        if (!slot->gone)
            records[--at] = slot->record;
    sample->references = references_new(reader->arena);
    for (size_t i = 0; i < count; i++)
        sort_record(reader, sample, records[i]);
    return arena_check(reader->arena, err);
}

bool sample_read(const char *name, const char *bytes, size_t size, Arena *arena, Sample *ret,
                 Error *err)
{
    Reader reader = {.name = name, .arena = arena};
    reader.buckets = arena_array(arena, BUCKETS, sizeof *reader.buckets);
    Sample sample = {0};
    Error whole = {0};
    _cleanup_json_ json_t *document = NULL;
    bool is_one = json_parse(bytes, size, &document, &whole);
    if (!sample_settings(NULL, arena, &sample.settings, err))
        return false;
    if (is_one && json_is_object(document) && json_object_get(document, "records")) {
        if (!read_document(&reader, document, &sample, err))
            return false;
    } else if (is_one && json_is_array(document)) {
        if (!add_list(&reader, document, err))
            return false;
    } else if (!read_lines(&reader, bytes, size, err)) {
        return false;
    }
    if (!sort_records(&reader, &sample, err))
        return false;
    *ret = sample;
    return true;
}
