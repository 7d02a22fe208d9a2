/* SPDX-License-Identifier: Apache-2.0 */
/* One page of MEF/1, from bytes to changes.
 *
 * NDJSON is read as it comes: only one line is kept beside the changes.  A page
 * is taken whole or not at all: without its trailer line, or when the trailer's
 * count is not the number of lines, finish says ERROR_LATER ("feed.trailer",
 * "feed.count", …) and nothing of it counts.  A line that is no change does not
 * spoil the page, because the count proves that the page is whole: it is set
 * aside with the code of mef_refusal.def.  A record's JSON is handed on as it was
 * written, so that no number changes its shape on the way. */
#pragma once

#include "adapters/adapter.h"

#define MEF_LINE_LIMIT ((size_t)256 << 10)
#define MEF_CURSOR_LIMIT 512

typedef struct MefTrailer {
    const char *epoch;
    const char *next_cursor;
    const char *changes_cursor;       /* snapshots may say it apart; or NULL */
    int64_t count, to_seq, as_of_seq; /* the two numbers are -1 when not said */
    bool has_more;
} MefTrailer;

typedef struct MefPage {
    Change *changes;
    size_t count;
    FeedRefusal *refused;
    size_t refused_count;
    int64_t unknown_types, unknown_fields;
    MefTrailer trailer;
} MefPage;

typedef struct MefReader MefReader;

/* Lives in `arena`, as all it returns.  A snapshot's lines may leave out op and seq. */
MefReader *mef_reader_new(Arena *arena, bool snapshot);
bool mef_reader_add(void *reader, const char *bytes, size_t size, Error *err); /* an HttpSink */
bool mef_reader_finish(MefReader *reader, MefPage *ret, Error *err);

/* The JSON form of a page: {"page":{…},"data":[…]}. */
bool mef_page_from_json(const char *bytes, size_t size, bool snapshot, Arena *arena, MefPage *ret,
                        Error *err);

bool mef_id_is(const char *text);     /* [A-Za-z0-9_-]{1,20} */
bool mef_cursor_is(const char *text); /* base64url, at most 512 */
