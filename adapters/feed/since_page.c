/* SPDX-License-Identifier: Apache-2.0 */
/* One page of a source that can only say "updated since". */
#include "adapters/feed/since_page.h"

#include "adapters/feed/mef_change.h"
#include "adapters/feed/mef_page.h"
#include "daemon/base/clock.h"
#include "daemon/base/json.h"

#include <string.h>

#define TIME_LIMIT 40

typedef struct Rows {
    SincePage *page;
    const char *type;
    Arena *arena;
    const SinceClock *clock;
    int64_t time; /* of the row before */
    size_t change_room, refused_room;
} Rows;

static void refuse(Rows *rows, MefRefusal refusal, const Change *hint)
{
    SincePage *page = rows->page;
    page->refused = arena_grow(rows->arena, page->refused, page->refused_count, &rows->refused_room,
                               sizeof *page->refused);
    page->refused[page->refused_count++] = (FeedRefusal){.line = (int)page->rows,
                                                         .type = rows->type,
                                                         .id = hint->id,
                                                         .code = mef_refusal_code(refusal),
                                                         .text = mef_refusal_text(refusal)};
}

static bool time_of(const json_t *row, const char **ret_text, int64_t *ret)
{
    static const char allowed[] = "0123456789TZtz:.+-";
    const char *text = json_get_text(row, "updated_at");
    size_t size = text ? strlen(text) : 0;
    *ret_text = text;
    return size && size <= TIME_LIMIT && strspn(text, allowed) == size && clock_parse(text, ret) &&
           *ret > 0;
}

static int64_t version_of(const Rows *rows, int64_t time)
{
    const SinceClock *clock = rows->clock;
    int64_t unit = time % CLOCK_SECOND == 0 ? CLOCK_SECOND : time % 1000 == 0 ? 1000 : 1;
    int64_t age = clock->now - time;
    age = age < 0 ? 0 : age > clock->window ? clock->window : age;
    return time + (int64_t)((double)age / (double)clock->window * (double)(unit - 1));
}

/* The row as a line of a change log. */
static json_t *line_of(const Rows *rows, json_t *row, const char *time, int64_t version)
{
    bool gone = json_is_true(json_object_get(row, "deleted"));
    json_t *record = json_object_get(row, "record");
    json_t *line = json_pack("{s:s,s:s,s:O,s:I,s:I,s:s}", "op", gone ? "delete" : "upsert", "type",
                             rows->type, "id", json_object_get(row, "id"), "version",
                             (json_int_t)version, "seq", (json_int_t)version, "recorded_at", time);
    if (json_is_object(record)) {
        json_object_set(line, "record", record);
        return line;
    }
    json_t *bare = json_copy(row);
    json_object_del(bare, "updated_at");
    json_object_del(bare, "deleted");
    json_object_set_new(line, "record", bare);
    return line;
}

static void take(Rows *rows, json_t *line)
{
    SincePage *page = rows->page;
    Change change;
    MefRefusal refusal =
        mef_change_read(line, NULL, 0, false, rows->arena, &change, &page->unknown_fields);
    if (refusal) {
        refuse(rows, refusal, &change);
        return;
    }
    page->changes = arena_grow(rows->arena, page->changes, page->count, &rows->change_room,
                               sizeof *page->changes);
    page->changes[page->count++] = change;
}

static bool take_row(Rows *rows, json_t *row, Error *err)
{
    SincePage *page = rows->page;
    const char *id = json_get_text(row, "id"), *text;
    int64_t time;
    page->rows++;
    if (!arena_check(rows->arena, err))
        return false;
    if (!mef_id_is(id) || !time_of(row, &text, &time)) {
        refuse(rows, mef_id_is(id) ? MEF_REFUSED_TIME : MEF_REFUSED_ID, &(Change){0});
        return true;
    }
    if (time < rows->time)
        return error_set(err, ERROR_LATER, "feed.order",
                         "the feed's records are not in the order of their times");
    rows->time = time;
    page->last_id = arena_text(rows->arena, id);
    page->last_time = arena_text(rows->arena, text);
    _cleanup_json_ json_t *line = line_of(rows, row, text, version_of(rows, time));
    take(rows, line);
    return true;
}

bool since_page_read(const char *bytes, size_t size, const char *type, const SinceClock *clock,
                     Arena *arena, SincePage *ret, Error *err)
{
    _cleanup_json_ json_t *root = NULL;
    Error syntax = {0};
    Rows rows = {.page = ret, .type = type, .clock = clock, .arena = arena};
    *ret = (SincePage){0};
    if (!json_parse(bytes, size, &root, &syntax))
        return error_set(err, ERROR_LATER, "feed.json", "the page is not valid JSON");
    const json_t *data = json_is_array(root) ? root : json_object_get(root, "data");
    if (!json_is_array(data))
        return error_set(err, ERROR_LATER, "feed.json", "the page has no list of records");
    ret->more = !json_is_false(json_object_get(root, "has_more"));
    for (size_t i = 0; i < json_array_size(data); i++)
        if (!take_row(&rows, json_array_get(data, i), err))
            return false;
    return true;
}
