/* SPDX-License-Identifier: Apache-2.0 */
/* Builds a page: lines of the log, then the trailer that proves the page is whole. */
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/feed.h"
#include "tests/sandbox/json_writer.h"

enum { TRAILER_ROOM = 4096, SETTLED_BEHIND = 100 };

/* NDJSON unless only JSON is asked for. False: neither is. */
static bool choose_format(const HttpRequest *request, bool *ret_json)
{
    const char *accept = http_header(request, "Accept");
    *ret_json = false;
    if (accept == NULL || strstr(accept, "application/x-ndjson") != NULL ||
        strstr(accept, "*/*") != NULL || strstr(accept, "application/*") != NULL)
        return true;
    *ret_json = strstr(accept, "application/json") != NULL;
    return *ret_json;
}

static bool choose_limit(const HttpRequest *request, uint32_t *ret_limit)
{
    const char *text = http_query(request, "limit");
    *ret_limit = FEED_LIMIT_DEFAULT;
    if (text == NULL)
        return true;
    char *end = NULL;
    long limit = strtol(text, &end, 10);
    if (end == text || *end != '\0' || limit < 1)
        return false;
    *ret_limit = limit > FEED_LIMIT_MOST ? FEED_LIMIT_MOST : (uint32_t)limit;
    return true;
}

bool feed_page_begin(const HttpRequest *request, HttpAnswer *answer, FeedPage *ret_page)
{
    FeedPage page = {.body = &answer->body};
    if (!choose_format(request, &page.json)) {
        http_problem(answer, 406, "format_unsupported", "Neither NDJSON nor JSON is accepted",
                     NULL);
        return false;
    }
    if (!choose_limit(request, &page.limit)) {
        http_problem(answer, 400, "bad_request", "limit is not a number from 1 to 5000", NULL);
        return false;
    }
    answer->content_type = page.json ? "application/json" : "application/x-ndjson";
    answer->compress = true;
    if (page.json)
        buffer_text(page.body, "{\"data\":[");
    *ret_page = page;
    return true;
}

bool feed_page_full(const FeedPage *page, const LogEntry *next)
{
    return page->count == page->limit ||
           page->body->length + next->line_length + TRAILER_ROOM > FEED_PAGE_BYTES;
}

void feed_page_add(FeedPage *page, const ChangeLog *log, uint32_t at)
{
    const LogEntry *entry = &log->entries[at];
    if (page->json && page->count > 0)
        buffer_char(page->body, ',');
    /* In JSON the line's own LF goes. */
    buffer_add(page->body, log->text.data + entry->line_start, entry->line_length - page->json);
    if (page->count == 0)
        page->from_seq = change_log_seq(at);
    page->to_seq = change_log_seq(at);
    page->count++;
}

void feed_page_trailer(Feed *feed, FeedPage *page, const FeedView *view, HttpAnswer *answer)
{
    Buffer *out = page->body;
    BUFFER_AUTO epoch = {0};
    int64_t now = feed_now(feed);
    feed_epoch_text(feed, view->epoch, &epoch);
    if (page->json) {
        buffer_text(out, "],\"page\":{");
    } else {
        buffer_text(out, "{\"_page\":{");
    }
    put_text(out, "feed", "sandbox");
    put_number(out, "schema", 1);
    put_text(out, "epoch", epoch.data);
    put_number(out, "count", page->count);
    put_instant(out, "settled_through", now - SETTLED_BEHIND);
    put_instant(out, "server_time", now);
    (void)answer;
}

void feed_page_end(FeedPage *page)
{
    buffer_text(page->body, page->json ? "}}" : "}}\n");
}
