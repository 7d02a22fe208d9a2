/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps what the feed shows, and leads each request to its route. */
#include "tests/sandbox/feed.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/json_writer.h"
#include "tests/sandbox/random.h"

static const int64_t MS_PER_DAY = 86400000;

static uint64_t fingerprint(const ChangeLog *log)
{
    uint64_t hash = random_mix(log->plan.seed + 1);
    hash = random_mix(hash ^ log->plan.people);
    hash = random_mix(hash ^ (uint64_t)(uint32_t)log->plan.today);
    return random_mix(hash ^ (uint64_t)log->plan.profile) ^ log->count;
}

static void state_path(const Feed *feed, Buffer *out)
{
    buffer_format(out, "%s/feed.json", feed->state);
}

/* Called with the lock held. */
static bool keep(const Feed *feed)
{
    BUFFER_AUTO path = {0};
    BUFFER_AUTO text = {0};
    state_path(feed, &path);
    buffer_format(&text, "{\"caseload\":\"%016llx\",\"epoch\":%u,\"revealed\":%u,\"expired\":%u}\n",
                  (unsigned long long)feed->binding, feed->epoch, feed->revealed, feed->expired);
    return buffer_write_file(path.data, 0600, text.data, text.length);
}

static void resume(Feed *feed)
{
    BUFFER_AUTO path = {0};
    BUFFER_AUTO text = {0};
    BUFFER_AUTO own = {0};
    state_path(feed, &path);
    buffer_format(&own, "%016llx", (unsigned long long)feed->binding);
    if (!buffer_read_file(&text, path.data, 4096))
        return;
    json_t *root = json_loadb(text.data, text.length, 0, NULL);
    const char *caseload = json_string_value(json_object_get(root, "caseload"));
    uint32_t epoch = (uint32_t)json_integer_value(json_object_get(root, "epoch"));
    json_int_t revealed = json_integer_value(json_object_get(root, "revealed"));
    if (caseload != NULL && strcmp(caseload, own.data) == 0 && revealed <= feed->log->count) {
        feed->epoch = epoch;
        feed->revealed = (uint32_t)revealed;
        feed->expired = (uint32_t)json_integer_value(json_object_get(root, "expired"));
    } else if (caseload != NULL) {
        feed->epoch = epoch + 1;
    }
    json_decref(root);
}

bool feed_start(Feed *feed, const ChangeLog *log, uint32_t tail, uint32_t rate, const char *state,
                bool today_given)
{
    *feed = (Feed){.log = log, .rate = rate, .state = state, .epoch = 1};
    (void)pthread_mutex_init(&feed->lock, NULL);
    (void)pthread_cond_init(&feed->moved, NULL);
    feed->binding = fingerprint(log);
    feed->revealed = tail == UINT32_MAX ? log->late : tail < log->count ? log->count - tail : 0;
    if (today_given)
        feed->clock_offset =
            (int64_t)log->plan.today * MS_PER_DAY + MS_PER_DAY / 2 - calendar_now();
    resume(feed);
    return keep(feed);
}

void feed_wake(Feed *feed)
{
    (void)pthread_mutex_lock(&feed->lock);
    feed->stopping = true;
    (void)pthread_cond_broadcast(&feed->moved);
    (void)pthread_mutex_unlock(&feed->lock);
}

void feed_stop(Feed *feed)
{
    free(feed->token);
    (void)pthread_mutex_destroy(&feed->lock);
    (void)pthread_cond_destroy(&feed->moved);
}

static void moved(Feed *feed)
{
    (void)keep(feed);
    (void)pthread_cond_broadcast(&feed->moved);
    (void)pthread_mutex_unlock(&feed->lock);
}

void feed_reveal(Feed *feed, uint32_t count)
{
    (void)pthread_mutex_lock(&feed->lock);
    uint32_t hidden = feed->log->count - feed->revealed;
    feed->revealed += count < hidden ? count : hidden;
    moved(feed);
}

void feed_new_epoch(Feed *feed, uint32_t lose)
{
    (void)pthread_mutex_lock(&feed->lock);
    feed->epoch++;
    feed->revealed -= lose < feed->revealed ? lose : feed->revealed;
    moved(feed);
}

void feed_expire(Feed *feed, uint32_t count)
{
    (void)pthread_mutex_lock(&feed->lock);
    uint32_t kept = feed->revealed - feed->expired;
    feed->expired += count < kept ? count : kept;
    moved(feed);
}

FeedView feed_view(Feed *feed)
{
    (void)pthread_mutex_lock(&feed->lock);
    FeedView view = {.epoch = feed->epoch, .revealed = feed->revealed, .expired = feed->expired};
    (void)pthread_mutex_unlock(&feed->lock);
    return view;
}

int64_t feed_now(const Feed *feed)
{
    return calendar_now() + feed->clock_offset;
}

void feed_epoch_text(const Feed *feed, uint32_t epoch, Buffer *out)
{
    char day[11];
    calendar_write(day, caseload_first_day(&feed->log->plan));
    buffer_format(out, "%sT00:00:00Z/%u", day, epoch);
}

void feed_write_state(Feed *feed, Buffer *out)
{
    FeedView view = feed_view(feed);
    BUFFER_AUTO epoch = {0};
    feed_epoch_text(feed, view.epoch, &epoch);
    put_open(out, "feed", '{');
    put_text(out, "epoch", epoch.data);
    put_number(out, "changes", feed->log->count);
    put_number(out, "revealed", view.revealed);
    put_number(out, "hidden", feed->log->count - view.revealed);
    put_number(out, "expired", view.expired);
    put_number(out, "head_seq", view.revealed > 0 ? change_log_seq(view.revealed - 1) : 0);
    put_close(out, '}');
}

static bool authorised(const Feed *feed, const HttpRequest *request, HttpAnswer *answer)
{
    const char *given = http_header(request, "Authorization");
    if (given != NULL && strncmp(given, "Bearer ", 7) == 0 && strcmp(given + 7, feed->token) == 0)
        return true;
    http_problem(answer, 401, "token_invalid", "The token is missing or wrong", NULL);
    http_add_header(answer, "WWW-Authenticate", "Bearer realm=\"mef\"");
    return false;
}

static bool within_rate(Feed *feed, HttpAnswer *answer)
{
    if (feed->rate == 0)
        return true;
    int64_t now = calendar_now();
    (void)pthread_mutex_lock(&feed->lock);
    if (feed->minute != now / 60000) {
        feed->minute = now / 60000;
        feed->in_minute = 0;
    }
    bool within = feed->in_minute < feed->rate;
    feed->in_minute += within;
    (void)pthread_mutex_unlock(&feed->lock);
    if (!within) {
        BUFFER_AUTO wait = {0};
        buffer_number(&wait, 60 - now / 1000 % 60);
        http_problem(answer, 429, "rate_limited", "Too many requests", NULL);
        http_add_header(answer, "Retry-After", wait.data);
    }
    return within;
}

static void codelist(const char *name, HttpAnswer *answer)
{
    if (!caseload_code_list(name, &answer->body))
        http_problem(answer, 404, "unknown_id", "There is no such code list", NULL);
}

/* "/word" or "/word/rest". */
static bool split(const char *path, char word[32], const char **ret_rest)
{
    const char *slash = path[0] == '/' ? strchr(path + 1, '/') : NULL;
    size_t length = slash != NULL ? (size_t)(slash - path - 1) : strlen(path) - (path[0] == '/');
    if (path[0] != '/' || length == 0 || length > 31)
        return false;
    memcpy(word, path + 1, length);
    word[length] = '\0';
    *ret_rest = slash != NULL ? slash + 1 : "";
    return true;
}

static bool route(Feed *feed, const HttpRequest *request, const char *word, const char *rest,
                  HttpAnswer *answer)
{
    RecordType below = record_type_find(rest);
    RecordType type = record_type_find(word);
    if (strcmp(word, "manifest") == 0 && rest[0] == '\0')
        feed_manifest(feed, answer);
    else if (strcmp(word, "changes") == 0 && rest[0] == '\0')
        feed_changes(feed, request, answer);
    else if (strcmp(word, "snapshot") == 0 && below != TYPE_COUNT)
        feed_snapshot(feed, request, below, answer);
    else if (strcmp(word, "digest") == 0 && below != TYPE_COUNT)
        feed_digest(feed, request, below, answer);
    else if (strcmp(word, "codelists") == 0 && rest[0] != '\0')
        codelist(rest, answer);
    else if (type != TYPE_COUNT && rest[0] != '\0')
        feed_record(feed, request, type, rest, answer);
    else
        return false;
    return true;
}

void feed_handle(void *user, const HttpRequest *request, HttpAnswer *answer)
{
    Feed *feed = user;
    char word[32];
    const char *rest;
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
        http_problem(answer, 405, "bad_request", "The feed is read only", NULL);
        http_add_header(answer, "Allow", "GET, HEAD");
        return;
    }
    if (strcmp(request->relative, "/health") == 0) {
        buffer_text(&answer->body, "{\"status\":\"ok\"}");
        return;
    }
    if (!authorised(feed, request, answer) || !within_rate(feed, answer))
        return;
    if (!split(request->relative, word, &rest) || !route(feed, request, word, rest, answer))
        http_problem(answer, 404, "unknown_id", "There is nothing here", NULL);
}
