/* SPDX-License-Identifier: Apache-2.0 */
/* One page of MEF/1, from bytes to changes. */
#include "adapters/feed/mef_page.h"

#include "adapters/feed/mef_change.h"

#include <string.h>

struct MefReader {
    Arena *arena;
    bool snapshot;
    char *line; /* what came of a line so far */
    size_t line_size, line_capacity;
    bool skipping; /* the line is too long: the rest of it goes */
    int line_number;
    size_t lines; /* data lines */
    bool ended;   /* the trailer was there */
    MefPage page;
    size_t change_capacity, refused_capacity;
};

bool mef_cursor_is(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-=.";
    size_t size = text ? strlen(text) : 0;
    return size >= 1 && size <= MEF_CURSOR_LIMIT && strspn(text, allowed) == size;
}

MefReader *mef_reader_new(Arena *arena, bool snapshot)
{
    MefReader *reader = arena_alloc(arena, sizeof *reader);
    reader->arena = arena;
    reader->snapshot = snapshot;
    return reader;
}

static void refuse(MefReader *reader, MefRefusal refusal, const Change *hint)
{
    MefPage *page = &reader->page;
    page->refused = arena_grow(reader->arena, page->refused, page->refused_count,
                               &reader->refused_capacity, sizeof *page->refused);
    page->refused[page->refused_count++] = (FeedRefusal){.line = reader->line_number,
                                                         .seq = hint->seq,
                                                         .type = hint->type,
                                                         .id = hint->id,
                                                         .code = mef_refusal_code(refusal),
                                                         .text = mef_refusal_text(refusal)};
}

static void take_change(MefReader *reader, const json_t *object, const char *line, size_t size)
{
    MefPage *page = &reader->page;
    Change change;
    reader->lines++;
    MefRefusal refusal = mef_change_read(object, line, size, reader->snapshot, reader->arena,
                                         &change, &page->unknown_fields);
    if (refusal) {
        refuse(reader, refusal, &change);
    } else if (!change.type) {
        page->unknown_types++;
    } else {
        page->changes = arena_grow(reader->arena, page->changes, page->count,
                                   &reader->change_capacity, sizeof *page->changes);
        page->changes[page->count++] = change;
    }
}

static bool take_trailer(MefReader *reader, const json_t *page, Error *err)
{
    MefTrailer *trailer = &reader->page.trailer;
    const char *next = json_get_text(page, "next_cursor"), *epoch = json_get_text(page, "epoch");
    const char *changes = json_get_text(page, "changes_cursor");
    const json_t *more = json_object_get(page, "has_more");
    *trailer = (MefTrailer){.to_seq = -1, .as_of_seq = -1, .has_more = json_is_true(more)};
    if (!json_is_boolean(more) || !json_get_int(page, "count", &trailer->count))
        return error_set(err, ERROR_LATER, "feed.trailer", "the page's trailer is not complete");
    if (!mef_cursor_is(next) || (changes && !mef_cursor_is(changes)))
        return error_set(err, ERROR_LATER, "feed.cursor", "the page's cursor is not a cursor");
    if (epoch && strlen(epoch) > 200)
        return error_set(err, ERROR_LATER, "feed.trailer", "the page's epoch is too long");
    json_get_int(page, "to_seq", &trailer->to_seq);
    json_get_int(page, "as_of_seq", &trailer->as_of_seq);
    trailer->next_cursor = arena_text(reader->arena, next);
    trailer->changes_cursor = arena_text(reader->arena, changes);
    trailer->epoch = arena_text(reader->arena, epoch);
    reader->ended = true;
    return true;
}

/* Markup is somebody else's page, not a broken line of ours. */
static bool looks_like_markup(const MefReader *reader, const char *line, size_t size)
{
    size_t blank = strspn(line, " \t\r");
    return reader->line_number == 1 && blank < size && line[blank] == '<';
}

/* `line` has a byte after its end that may be read (line feed or NUL). */
static bool take_line(MefReader *reader, const char *line, size_t size, Error *err)
{
    reader->line_number++;
    if (reader->line_number == 1 && size >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
        line += 3;
        size -= 3;
    }
    if (strspn(line, " \t\r") >= size)
        return true;
    if (reader->ended)
        return error_set(err, ERROR_LATER, "feed.trailer", "the page goes on after its trailer");
    if (looks_like_markup(reader, line, size))
        return error_set(err, ERROR_LATER, "feed.html",
                         "the answer is markup, not records; a proxy may stand between");
    if (!arena_check(reader->arena, err))
        return false;
    Error syntax = {0};
    _cleanup_json_ json_t *object = NULL;
    if (!json_parse(line, size, &object, &syntax)) {
        reader->lines++;
        refuse(reader, MEF_REFUSED_JSON, &(Change){0});
        return true;
    }
    const json_t *page = json_object_get(object, "_page");
    if (page)
        return take_trailer(reader, page, err);
    take_change(reader, object, line, size);
    return true;
}

/* Keeps a piece of a line; a line over the limit is let go. */
static void keep(MefReader *reader, const char *bytes, size_t size)
{
    if (reader->skipping || reader->line_size + size > MEF_LINE_LIMIT) {
        reader->skipping = true;
        return;
    }
    size_t wanted = reader->line_size + size + 1; /* and the NUL */
    if (wanted > reader->line_capacity) {
        size_t capacity = wanted < 2048 ? 4096 : wanted * 2;
        char *line = arena_alloc(reader->arena, capacity);
        if (reader->line_size)
            memcpy(line, reader->line, reader->line_size);
        reader->line = line;
        reader->line_capacity = capacity;
    }
    memcpy(reader->line + reader->line_size, bytes, size);
    reader->line_size += size;
}

static bool end_kept_line(MefReader *reader, Error *err)
{
    size_t size = reader->line_size;
    reader->line_size = 0;
    if (reader->skipping) {
        reader->skipping = false;
        reader->line_number++;
        reader->lines++;
        refuse(reader, MEF_REFUSED_LENGTH, &(Change){0});
        return true;
    }
    reader->line[size] = '\0';
    return take_line(reader, reader->line, size, err);
}

bool mef_reader_add(void *data, const char *bytes, size_t size, Error *err)
{
    MefReader *reader = data;
    while (size) {
        const char *feed = memchr(bytes, '\n', size);
        size_t length = feed ? (size_t)(feed - bytes) : size;
        bool whole = feed && !reader->line_size && !reader->skipping && length <= MEF_LINE_LIMIT;
        if (whole) {
            if (!take_line(reader, bytes, length, err))
                return false;
        } else {
            keep(reader, bytes, length);
            if (feed && !end_kept_line(reader, err))
                return false;
        }
        bytes += length + (feed ? 1 : 0);
        size -= length + (feed ? 1 : 0);
    }
    return true;
}

static bool settle(MefReader *reader, MefPage *ret, Error *err)
{
    if (!reader->ended)
        return error_set(err, ERROR_LATER, "feed.trailer",
                         "the page ended without its trailer after %zu lines", reader->lines);
    MefPage *page = &reader->page;
    if (page->trailer.count != (int64_t)reader->lines)
        return error_set(err, ERROR_LATER, "feed.count",
                         "the page has %zu lines, its trailer says %lld", reader->lines,
                         (long long)page->trailer.count);
    if (reader->snapshot) {
        if (page->trailer.as_of_seq < 0)
            page->trailer.as_of_seq = page->trailer.to_seq;
        if (page->trailer.as_of_seq < 0)
            return error_set(err, ERROR_LATER, "feed.trailer",
                             "the snapshot does not say which sequence number it stands for");
        for (size_t i = 0; i < page->count; i++)
            if (!page->changes[i].seq)
                page->changes[i].seq = page->trailer.as_of_seq;
    }
    *ret = *page;
    return true;
}

bool mef_reader_finish(MefReader *reader, MefPage *ret, Error *err)
{
    if ((reader->line_size || reader->skipping) && !end_kept_line(reader, err))
        return false;
    return settle(reader, ret, err);
}

bool mef_page_from_json(const char *bytes, size_t size, bool snapshot, Arena *arena, MefPage *ret,
                        Error *err)
{
    _cleanup_json_ json_t *root = NULL;
    Error syntax = {0};
    MefReader *reader = mef_reader_new(arena, snapshot);
    if (!json_parse(bytes, size, &root, &syntax))
        return error_set(err, ERROR_LATER, "feed.json", "the page is not valid JSON");
    const json_t *page = json_object_get(root, "page"), *data = json_object_get(root, "data");
    if (!json_is_object(page) || !json_is_array(data))
        return error_set(err, ERROR_LATER, "feed.json", "the page has no \"page\" and \"data\"");
    for (size_t i = 0; i < json_array_size(data); i++) {
        reader->line_number++;
        if (!arena_check(arena, err))
            return false;
        take_change(reader, json_array_get(data, i), NULL, 0);
    }
    return take_trailer(reader, page, err) && settle(reader, ret, err);
}
