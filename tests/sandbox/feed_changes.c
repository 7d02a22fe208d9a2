/* SPDX-License-Identifier: Apache-2.0 */
/* GET /changes: the ordered change log by cursor, with ETag, 304 and long poll at the head. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sandbox/cursor.h"
#include "tests/sandbox/feed.h"
#include "tests/sandbox/json_writer.h"

static bool parse_types(const char *text, uint32_t *ret_types)
{
    uint32_t types = 0;
    while (text != NULL && *text != '\0') {
        char word[32];
        size_t length = strcspn(text, ",");
        if (length == 0 || length >= sizeof word)
            return false;
        memcpy(word, text, length);
        word[length] = '\0';
        RecordType type = record_type_find(word);
        if (type == TYPE_COUNT)
            return false;
        types |= 1U << type;
        text += length + (text[length] == ',');
    }
    *ret_types = types;
    return true;
}

/* Where to begin. False: the answer is a problem. */
static bool find_start(Feed *feed, const HttpRequest *request, const FeedView *view,
                       HttpAnswer *answer, uint32_t *ret_types, uint32_t *ret_start)
{
    const char *text = http_query(request, "cursor");
    Cursor cursor = {.kind = CURSOR_CHANGES, .epoch = view->epoch, .position = view->expired};
    if (!parse_types(http_query(request, "types"), ret_types)) {
        http_problem(answer, 400, "bad_request", "types names an unknown record type", NULL);
        return false;
    }
    if (text != NULL && text[0] != '\0' &&
        (!cursor_read(text, feed->binding, &cursor) || cursor.kind != CURSOR_CHANGES ||
         (cursor.types != 0 && cursor.types != *ret_types))) {
        http_problem(answer, 400, "bad_cursor",
                     "The cursor is not one of this feed and these types", NULL);
        return false;
    }
    if (cursor.epoch != view->epoch || cursor.position > view->revealed) {
        http_problem(answer, 409, "epoch_changed", "The feed was restored: take a snapshot", NULL);
        return false;
    }
    if (cursor.position < view->expired) {
        http_problem(answer, 410, "cursor_expired", "The cursor is older than what is kept", NULL);
        return false;
    }
    *ret_start = cursor.position;
    return true;
}

static uint32_t wait_seconds(const HttpRequest *request)
{
    const char *prefer = http_header(request, "Prefer");
    const char *wait = prefer != NULL ? strstr(prefer, "wait=") : NULL;
    if (wait == NULL)
        return 0;
    unsigned long seconds = strtoul(wait + 5, NULL, 10);
    return seconds > FEED_WAIT_MOST ? FEED_WAIT_MOST : (uint32_t)seconds;
}

/* At the head a client may ask to be answered only when something has come, or the wait is over. */
static void wait_for_more(Feed *feed, uint32_t start, uint32_t seconds, FeedView *view)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    (void)pthread_mutex_lock(&feed->lock);
    while (!feed->stopping && feed->revealed <= start && feed->epoch == view->epoch)
        if (pthread_cond_timedwait(&feed->moved, &feed->lock, &until) != 0)
            break;
    if (feed->epoch == view->epoch)
        view->revealed = feed->revealed;
    (void)pthread_mutex_unlock(&feed->lock);
}

static bool not_modified(const HttpRequest *request, const Buffer *tag, HttpAnswer *answer)
{
    const char *known = http_header(request, "If-None-Match");
    if (known == NULL || strstr(known, tag->data) == NULL)
        return false;
    answer->status = 304;
    answer->content_type = NULL;
    answer->compress = false;
    buffer_clear(&answer->body);
    return true;
}

void feed_changes(Feed *feed, const HttpRequest *request, HttpAnswer *answer)
{
    FeedView view = feed_view(feed);
    FeedPage page;
    uint32_t types;
    uint32_t start;
    if (!find_start(feed, request, &view, answer, &types, &start) ||
        !feed_page_begin(request, answer, &page))
        return;
    if (start == view.revealed && wait_seconds(request) > 0)
        wait_for_more(feed, start, wait_seconds(request), &view);
    BUFFER_AUTO tag = {0};
    buffer_format(&tag, "\"c%u-%u-%x\"", view.epoch, view.revealed, types);
    http_add_header(answer, "ETag", tag.data);
    if (start == view.revealed && not_modified(request, &tag, answer))
        return;
    uint32_t at = start;
    for (; at < view.revealed; at++) {
        const LogEntry *entry = &feed->log->entries[at];
        if (types != 0 && (types & 1U << entry->type) == 0)
            continue;
        if (feed_page_full(&page, entry))
            break;
        feed_page_add(&page, feed->log, at);
    }
    BUFFER_AUTO next = {0};
    Cursor cursor = {.kind = CURSOR_CHANGES, .epoch = view.epoch, .types = types, .position = at};
    cursor_write(&cursor, feed->binding, &next);
    feed_page_trailer(feed, &page, &view, answer);
    if (page.count > 0) {
        put_number(page.body, "from_seq", page.from_seq);
        put_number(page.body, "to_seq", page.to_seq);
    } else {
        put_null(page.body, "from_seq");
        put_null(page.body, "to_seq");
    }
    put_text(page.body, "next_cursor", next.data);
    put_bool(page.body, "has_more", at < view.revealed);
    feed_page_end(&page);
}
