/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its answer, as a page sees them.
 *
 * A page is a row of page.def and a function.  Before the function runs, the
 * session, the role and, for a POST, where it came from have been checked; it
 * writes the content of <main> into page->html, or sets another kind of answer.
 * False with *err set becomes a page that says so in plain words. */
#pragma once

#include "daemon/config/calendar.h"
#include "daemon/config/config.h"
#include "daemon/console/html.h"
#include "daemon/console/limit.h"
#include "daemon/report/health.h"
#include "daemon/store/access.h"

typedef enum PageRole { ANYONE = 0, VIEWER = 1, MANAGER = 2, AUDITOR = 4 } PageRole;
typedef enum PageMethod { GET, POST } PageMethod;

typedef struct Request {
    PageMethod method;
    const char *path, *peer;
    const char *cookie, *host, *origin, *fetch_site, *forwarded_proto; /* headers; NULL: not sent */
    const char *proxy_name, *proxy_secret;
    UrlValue *values; /* of the query, or of the form of a POST */
    size_t value_count;
    bool values_bad; /* what came is no such encoding */
} Request;

typedef struct Page Page;

/* More of an answer that is too long to keep: adds to `out`; *ret_more false: that was the end. */
typedef bool (*AnswerMore)(void *data, Store *store, Text *out, bool *ret_more, Error *err);

typedef struct Answer {
    int status;
    const char *type, *body;
    size_t size;
    const char *location;    /* of a redirect; always a path here */
    const char *cookie;      /* a whole Set-Cookie value */
    const char *filename;    /* to be saved under this name */
    const char *retry_after; /* seconds */
    AnswerMore more;         /* NULL: the body is all */
    void *data;              /* of more; lives in the answer's arena */
} Answer;

typedef struct PageColumn {
    const char *title;
    bool number;
} PageColumn;

typedef struct PageInfo {
    PageMethod method;
    const char *path, *title;
    int roles;
    const char *group;
    bool (*render)(Page *page, Error *err);
} PageInfo;

/* What the console keeps between requests. */
typedef struct ConsoleState {
    const Config *config;
    const Calendar *calendar;
    Store *store; /* NULL: away */
    const char *proxy_secret;
    bool secure; /* its own TLS */
    Limit *requests, *sign_ins;
    void (*failed)(void *data, const char *page, const Error *err);
    void *data;
} ConsoleState;

struct Page {
    Arena *arena;
    ConsoleState *state;
    Store *store;
    const PageInfo *info;
    const Request *request;
    AccessSession session;
    PageRole role;
    const char *title; /* of the page; the table's until a page knows better */
    const char *csrf;
    int64_t now;
    Html html;
    const PageColumn *columns; /* of the table that is being written */
    size_t column_count, column;
    Answer answer;
};

extern const PageInfo page_infos[];
extern const size_t page_info_count;

/* The whole way from a request to an answer; never fails. */
void console_answer(ConsoleState *state, const Request *request, Arena *arena, Answer *ret);

/* ---- for pages ---- */

const char *page_value(const Page *page, const char *name); /* NULL when not sent or empty */
/* A number above 0, or 0 when it is not there or none. */
int64_t page_number(const Page *page, const char *name);
bool page_wrong(Error *err,
                const char *what); /* DATA "console.request": what was asked for is wrong */
void page_redirect(Page *page, const char *path);

/* Starts a form with the session's proof in it; the caller closes it. */
void page_form(Page *page, const char *action);
void page_hidden(Page *page, const char *name, const char *value);
void page_button(Page *page, const char *text,
                 const char *look); /* look: "plain", "warning", "link" */
void page_field(Page *page, const char *name, const char *label, const char *hint,
                const char *value, const char *type);

/* A table that a narrow screen can scroll, with its caption; the caller writes rows and ends with
 * page_table_end(). */
void page_table(Page *page, const char *caption, const PageColumn *columns, size_t count);
void page_table_end(Page *page);
void page_row(Page *page); /* closed by html_close(), as is an open cell */
void page_cell(Page *page, const char *text);
void page_cell_look(Page *page, const char *text, const char *look);
void page_cell_open(Page *page, const char *look);
void page_cell_number(Page *page, int64_t number);
void page_cell_time(Page *page, int64_t us);
void page_cell_head(Page *page, const char *text,
                    const char *url); /* the row's heading; url or NULL */

/* One thing as a list of names and values. */
void page_facts(Page *page);
void page_fact(Page *page, const char *name, const char *value); /* NULL leaves it out */
void page_facts_end(Page *page);

/* A state in words and colour. */
void page_tag(Page *page, const char *state);
/* A box that says what is so. look: "warning", "good", "quiet". */
void page_notice(Page *page, const char *look, const char *title, const char *text);

const char *page_time(const Page *page, int64_t us);         /* "23 Nov 2026, 2:20am", London */
const char *page_month(const Page *page, Month month);       /* "October 2026" */
const char *page_month_value(const Page *page, Month month); /* "2026-10" */
const char *page_ago(const Page *page, int64_t us);          /* "5 minutes ago" */
const char *page_count(const Page *page, int64_t number, const char *one, const char *many);

/* The frame of every page (layout.c). */
void layout_begin(Page *page);
void layout_end(Page *page);
extern const char layout_style[];
extern const size_t layout_style_size;

/* ---- sessions (session.c) ---- */

/* Finds who asks: page->session and page->role, or neither. */
bool session_find(Page *page, Error *err);
/* A POST is believed only with the session's proof, and from a page of ours. */
bool session_same_origin(const Request *request);
bool session_proven(const Page *page);

/* Audits that personal data was shown; call it before it is. */
bool page_looked(Page *page, const char *what, const char *feed, const char *person,
                 int64_t records, Error *err);
