/* SPDX-License-Identifier: Apache-2.0 */
/* Answers control calls; one table says which there are. */
#include "tests/sandbox/control.h"

#include <jansson.h>
#include <string.h>

#include "tests/sandbox/json_writer.h"
#include "tests/sandbox/request_log.h"
#include "tests/sandbox/truth.h"

typedef void Call(Control *control, const HttpRequest *request, const json_t *body,
                  HttpAnswer *answer);

static uint32_t count_of(const json_t *body, const char *key, uint32_t otherwise)
{
    const json_t *value = json_object_get(body, key);
    return json_is_integer(value) && json_integer_value(value) >= 0
               ? (uint32_t)json_integer_value(value)
               : otherwise;
}

static void call_state(Control *control, const HttpRequest *request, const json_t *body,
                       HttpAnswer *answer)
{
    (void)request;
    (void)body;
    Buffer *out = &answer->body;
    put_open(out, NULL, '{');
    feed_write_state(control->feed, out);
    receiver_write_state(control->receiver, out);
    put_open(out, "requests_seen", '{');
    put_number(out, "feed", (int64_t)request_log_seen("feed"));
    put_number(out, "receiver", (int64_t)request_log_seen("receiver"));
    put_close(out, '}');
    put_number(out, "faults", (int64_t)fault_count());
    put_close(out, '}');
    buffer_char(out, '\n');
}

static void call_requests(Control *control, const HttpRequest *request, const json_t *body,
                          HttpAnswer *answer)
{
    (void)control;
    (void)request;
    (void)body;
    request_log_write(&answer->body);
    buffer_char(&answer->body, '\n');
}

static void call_truth(Control *control, const HttpRequest *request, const json_t *body,
                       HttpAnswer *answer)
{
    (void)request;
    (void)body;
    truth_write(control->feed->log, feed_view(control->feed).revealed, &answer->body);
}

static void call_add_fault(Control *control, const HttpRequest *request, const json_t *body,
                           HttpAnswer *answer)
{
    (void)control;
    (void)body;
    const char *why;
    if (fault_add(request->body->data, request->body->length, &why))
        buffer_format(&answer->body, "{\"faults\":%zu}\n", fault_count());
    else
        http_problem(answer, 400, "bad_request", "The rule is not understood", why);
}

static void call_clear_faults(Control *control, const HttpRequest *request, const json_t *body,
                              HttpAnswer *answer)
{
    (void)control;
    (void)request;
    (void)body;
    fault_clear();
    buffer_text(&answer->body, "{\"faults\":0}\n");
}

static void answer_feed(Control *control, HttpAnswer *answer)
{
    put_open(&answer->body, NULL, '{');
    feed_write_state(control->feed, &answer->body);
    put_close(&answer->body, '}');
    buffer_char(&answer->body, '\n');
}

static void call_reveal(Control *control, const HttpRequest *request, const json_t *body,
                        HttpAnswer *answer)
{
    (void)request;
    feed_reveal(control->feed, count_of(body, "count", UINT32_MAX));
    answer_feed(control, answer);
}

static void call_epoch(Control *control, const HttpRequest *request, const json_t *body,
                       HttpAnswer *answer)
{
    (void)request;
    feed_new_epoch(control->feed, count_of(body, "lose", 0));
    answer_feed(control, answer);
}

static void call_expire(Control *control, const HttpRequest *request, const json_t *body,
                        HttpAnswer *answer)
{
    (void)request;
    feed_expire(control->feed, count_of(body, "count", 0));
    answer_feed(control, answer);
}

static void call_settle(Control *control, const HttpRequest *request, const json_t *body,
                        HttpAnswer *answer)
{
    (void)request;
    const char *key = json_string_value(json_object_get(body, "key"));
    const char *status = json_string_value(json_object_get(body, "status"));
    bool accept = status == NULL || strcmp(status, "rejected") != 0;
    buffer_format(&answer->body, "{\"settled\":%u}\n",
                  receiver_settle(control->receiver, key != NULL ? key : "", accept));
}

typedef struct CallRow {
    const char *method, *path;
    Call *call;
} CallRow;

static const CallRow rows[] = {
    {"GET", "/state", call_state},           {"GET", "/requests", call_requests},
    {"GET", "/truth", call_truth},           {"POST", "/fault", call_add_fault},
    {"DELETE", "/fault", call_clear_faults}, {"POST", "/reveal", call_reveal},
    {"POST", "/epoch", call_epoch},          {"POST", "/expire", call_expire},
    {"POST", "/settle", call_settle},
};

void control_handle(void *user, const HttpRequest *request, HttpAnswer *answer)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(request->method, rows[i].method) != 0 ||
            strcmp(request->path, rows[i].path) != 0)
            continue;
        json_t *body = NULL;
        if (request->body->length > 0)
            body = json_loadb(request->body->data, request->body->length, 0, NULL);
        if (request->body->length > 0 && body == NULL)
            http_problem(answer, 400, "bad_request", "The body is not JSON", NULL);
        else
            rows[i].call(user, request, body, answer);
        json_decref(body);
        return;
    }
    http_problem(answer, 404, "unknown", "There is no such call", NULL);
}
