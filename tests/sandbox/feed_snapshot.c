/* SPDX-License-Identifier: Apache-2.0 */
/* GET /snapshot/{type}, /{type}/{id}, /digest/{type}, /manifest: the state that the change log has
 * led to. */
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/cursor.h"
#include "tests/sandbox/feed.h"
#include "tests/sandbox/json_writer.h"

/* Begins at the pinned state of the cursor, or pins the state of now. False: the answer is a
 * problem. */
static bool find_start(Feed *feed, const HttpRequest *request, RecordType type,
                       const FeedView *view, HttpAnswer *answer, Cursor *ret_cursor)
{
    const char *text = http_query(request, "cursor");
    *ret_cursor = (Cursor){.kind = CURSOR_SNAPSHOT,
                           .epoch = view->epoch,
                           .types = 1U << type,
                           .as_of = view->revealed};
    if (text == NULL || text[0] == '\0')
        return true;
    if (!cursor_read(text, feed->binding, ret_cursor) || ret_cursor->kind != CURSOR_SNAPSHOT ||
        ret_cursor->types != 1U << type) {
        http_problem(answer, 400, "bad_cursor", "The cursor is not one of this snapshot", NULL);
        return false;
    }
    if (ret_cursor->epoch != view->epoch || ret_cursor->as_of > view->revealed) {
        http_problem(answer, 409, "epoch_changed", "The feed was restored: begin again", NULL);
        return false;
    }
    return true;
}

static int64_t seq_of(uint32_t count)
{
    return count > 0 ? change_log_seq(count - 1) : 0;
}

void feed_snapshot(Feed *feed, const HttpRequest *request, RecordType type, HttpAnswer *answer)
{
    FeedView view = feed_view(feed);
    FeedPage page;
    Cursor cursor;
    if (!find_start(feed, request, type, &view, answer, &cursor) ||
        !feed_page_begin(request, answer, &page))
        return;
    const LogRecords *records = &feed->log->records[type];
    bool more = false;
    for (; cursor.position < records->count; cursor.position++) {
        bool gone;
        uint32_t at = change_log_state(feed->log, type, cursor.position, cursor.as_of, &gone);
        if (at == LOG_NONE)
            continue;
        more = feed_page_full(&page, &feed->log->entries[at]);
        if (more)
            break;
        feed_page_add(&page, feed->log, at);
    }
    BUFFER_AUTO changes = {0};
    BUFFER_AUTO next = {0};
    Cursor follow = {.kind = CURSOR_CHANGES, .epoch = cursor.epoch, .position = cursor.as_of};
    cursor_write(&follow, feed->binding, &changes);
    cursor_write(more ? &cursor : &follow, feed->binding, &next);
    feed_page_trailer(feed, &page, &view, answer);
    put_text(page.body, "type", record_type_names[type]);
    put_number(page.body, "as_of_seq", seq_of(cursor.as_of));
    put_text(page.body, "next_cursor", next.data);
    put_text(page.body, "changes_cursor", changes.data);
    put_bool(page.body, "has_more", more);
    feed_page_end(&page);
}

void feed_record(Feed *feed, const HttpRequest *request, RecordType type, const char *id,
                 HttpAnswer *answer)
{
    FeedView view = feed_view(feed);
    uint32_t record = change_log_find(feed->log, type, id);
    bool gone = false;
    uint32_t at = LOG_NONE;
    if (record != LOG_NONE)
        at = change_log_state(feed->log, type, record, view.revealed, &gone);
    if (at == LOG_NONE) {
        http_problem(answer, gone ? 410 : 404, gone ? "deleted" : "unknown_id",
                     gone ? "The record was deleted" : "There never was such a record", NULL);
        return;
    }
    const LogEntry *entry = &feed->log->entries[at];
    BUFFER_AUTO tag = {0};
    buffer_format(&tag, "\"v%u\"", entry->version);
    http_add_header(answer, "ETag", tag.data);
    const char *known = http_header(request, "If-None-Match");
    if (known != NULL && strstr(known, tag.data) != NULL) {
        answer->status = 304;
        answer->content_type = NULL;
        return;
    }
    buffer_add(&answer->body, feed->log->text.data + entry->line_start, entry->line_length);
}

enum { BUCKETS = 256 };

typedef struct Bucket {
    uint32_t count;
    unsigned char xor [SHA256_DIGEST_LENGTH];
} Bucket;

static void put_hex(Buffer *out, const char *key, const unsigned char *bytes, size_t length)
{
    BUFFER_AUTO text = {0};
    for (size_t i = 0; i < length; i++)
        buffer_format(&text, "%02x", bytes[i]);
    put_text(out, key, text.data);
}

static void list_bucket(Buffer *out, const char *id, uint32_t version)
{
    put_open(out, NULL, '{');
    put_text(out, "id", id);
    put_number(out, "version", version);
    put_close(out, '}');
}

/* Adds each live record to its bucket; the records of bucket `listed` are written too. */
static void fill_buckets(const ChangeLog *log, RecordType type, uint32_t upto, Bucket *buckets,
                         int listed, Buffer *out)
{
    for (uint32_t i = 0; i < log->records[type].count; i++) {
        bool gone;
        const char *id = log->records[type].items[i].id;
        uint32_t at = change_log_state(log, type, i, upto, &gone);
        if (at == LOG_NONE)
            continue;
        unsigned char hash[SHA256_DIGEST_LENGTH];
        (void)SHA256((const unsigned char *)id, strlen(id), hash);
        Bucket *bucket = &buckets[hash[0]];
        if (listed == hash[0])
            list_bucket(out, id, log->entries[at].version);
        BUFFER_AUTO both = {0};
        buffer_format(&both, "%s:%u", id, log->entries[at].version);
        (void)SHA256((const unsigned char *)both.data, both.length, hash);
        bucket->count++;
        for (int k = 0; k < SHA256_DIGEST_LENGTH; k++)
            bucket->xor [k] ^= hash[k];
    }
}

void feed_digest(Feed *feed, const HttpRequest *request, RecordType type, HttpAnswer *answer)
{
    FeedView view = feed_view(feed);
    const char *wanted = http_query(request, "buckets");
    const char *one = http_query(request, "bucket");
    char *end = NULL;
    int listed = one != NULL ? (int)strtol(one, &end, 16) : -1;
    if ((wanted != NULL && strcmp(wanted, "256") != 0) ||
        (one != NULL && (strlen(one) != 2 || *end != '\0' || listed < 0))) {
        http_problem(answer, 400, "bad_request", "There are 256 buckets, named 00 to ff", NULL);
        return;
    }
    Buffer *out = &answer->body;
    BUFFER_AUTO epoch = {0};
    feed_epoch_text(feed, view.epoch, &epoch);
    Bucket *buckets = memory_or_die(calloc(BUCKETS, sizeof *buckets));
    answer->compress = true;
    put_open(out, NULL, '{');
    put_text(out, "type", record_type_names[type]);
    put_text(out, "epoch", epoch.data);
    put_number(out, "as_of_seq", seq_of(view.revealed));
    put_open(out, listed >= 0 ? "records" : "buckets", '[');
    fill_buckets(feed->log, type, view.revealed, buckets, listed, out);
    for (int i = 0; listed < 0 && i < BUCKETS; i++) {
        const unsigned char name[1] = {(unsigned char)i};
        put_open(out, NULL, '{');
        put_hex(out, "bucket", name, 1);
        put_number(out, "count", buckets[i].count);
        put_hex(out, "xor", buckets[i].xor, SHA256_DIGEST_LENGTH);
        put_close(out, '}');
    }
    put_close(out, ']');
    put_close(out, '}');
    free(buckets);
}

static uint32_t count_live(const ChangeLog *log, RecordType type, uint32_t upto)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < log->records[type].count; i++) {
        bool gone;
        count += change_log_state(log, type, i, upto, &gone) != LOG_NONE;
    }
    return count;
}

void feed_manifest(Feed *feed, HttpAnswer *answer)
{
    FeedView view = feed_view(feed);
    Buffer *out = &answer->body;
    BUFFER_AUTO epoch = {0};
    feed_epoch_text(feed, view.epoch, &epoch);
    put_open(out, NULL, '{');
    put_text(out, "feed", "sandbox");
    put_number(out, "schema", 1);
    put_text(out, "epoch", epoch.data);
    put_instant(out, "server_time", feed_now(feed));
    put_text(out, "timezone", "Europe/London");
    put_number(out, "head_seq", seq_of(view.revealed));
    put_number(out, "tail_seq", change_log_seq(view.expired));
    put_text(out, "capability", "ordered");
    put_open(out, "types", '[');
    for (int type = 0; type < TYPE_COUNT; type++) {
        put_open(out, NULL, '{');
        put_text(out, "type", record_type_names[type]);
        put_number(out, "count", count_live(feed->log, (RecordType)type, view.revealed));
        put_close(out, '}');
    }
    put_close(out, ']');
    put_open(out, "codelists", '{');
    for (const char *const *name = caseload_code_list_names; *name != NULL; name++)
        put_text(out, *name, "2026-04");
    put_close(out, '}');
    put_open(out, "limits", '{');
    put_number(out, "page_default", FEED_LIMIT_DEFAULT);
    put_number(out, "page_max", FEED_LIMIT_MOST);
    put_number(out, "page_bytes", FEED_PAGE_BYTES);
    put_number(out, "requests_per_minute", feed->rate);
    put_close(out, '}');
    put_close(out, '}');
}
