/* SPDX-License-Identifier: Apache-2.0 */
/* From a request to its answer: which page, who asks, may they, and what went wrong. */
#include "daemon/base/clock.h"
#include "daemon/console/pages.h"

#include <string.h>

#define PAGE_LIMIT ((size_t)4 << 20)

const PageInfo page_infos[] = {
#define PAGE(method, path, title, roles, group, render) {method, path, title, roles, group, render},
#include "daemon/console/page.def"
#undef PAGE
};
const size_t page_info_count = sizeof page_infos / sizeof *page_infos;

/* *ret_path: the path is there, if only for another method. */
static const PageInfo *find_page(const Request *request, bool *ret_path)
{
    *ret_path = false;
    for (size_t i = 0; i < page_info_count; i++) {
        if (!text_equal(page_infos[i].path, request->path))
            continue;
        *ret_path = true;
        if (page_infos[i].method == request->method)
            return &page_infos[i];
    }
    return NULL;
}

const char *page_value(const Page *page, const char *name)
{
    const Request *request = page->request;
    for (size_t i = 0; i < request->value_count; i++)
        if (text_equal(request->values[i].name, name))
            return *request->values[i].value ? request->values[i].value : NULL;
    return NULL;
}

int64_t page_number(const Page *page, const char *name)
{
    const char *text = page_value(page, name);
    int64_t number;
    return text && text_to_int64(text, &number) && number > 0 ? number : 0;
}

bool page_wrong(Error *err, const char *what)
{
    return error_set(err, ERROR_DATA, "console.request", "%s", what);
}

void page_redirect(Page *page, const char *path)
{
    page->answer.status = 303;
    page->answer.location = path;
}

/* A page that says why there is nothing else to show. */
static void refuse(Page *page, int status, const char *title, const char *text)
{
    page->html = html_new(page->arena, PAGE_LIMIT);
    page->title = title;
    page->answer = (Answer){.status = status, .cookie = page->answer.cookie};
    layout_begin(page);
    html_say(&page->html, "h1", title);
    html_say(&page->html, "p", text);
    if (page->role) {
        html_open(&page->html, "p");
        html_say(&page->html, "a", "Go to Today", {"href", "/"});
        html_close(&page->html);
    }
    layout_end(page);
}

static void refuse_error(Page *page, const Error *err)
{
    if (err->kind == ERROR_DATA && text_equal(err->code, "submission.unknown"))
        refuse(page, 404, "Not found", "There is no such submission.");
    else if (err->kind == ERROR_DATA)
        refuse(page, 400, "That cannot be done", err->cause);
    else if (err->kind == ERROR_LATER)
        refuse(page, 503, "The database is away",
               "mhsflow cannot reach its database just now. Nothing is lost. Try again in a "
               "minute.");
    else
        refuse(page, 500, "Something went wrong",
               "This page could not be made. The journal says why.");
}

static void finish(Page *page)
{
    Answer *answer = &page->answer;
    if (!answer->status)
        answer->status = 200;
    if (answer->body || answer->more || answer->location)
        return;
    answer->type = "text/html; charset=utf-8";
    answer->body = html_finish(&page->html);
    if (!answer->body) {
        answer->status = 500;
        answer->body = "too long\n";
        answer->type = "text/plain; charset=utf-8";
    }
    answer->size = strlen(answer->body);
}

static bool admit(Page *page)
{
    const PageInfo *info = page->info;
    if (info->roles && !page->role) {
        if (info->method == GET)
            page_redirect(page, "/sign-in");
        else
            refuse(page, 403, "You are not signed in", "Your session has ended. Sign in again.");
        return false;
    }
    if (info->roles && !(info->roles & (int)page->role)) {
        refuse(page, 403, "Not for your role",
               "Your role may not see this page or do this. Nothing was done.");
        return false;
    }
    if (info->method == POST &&
        (!session_same_origin(page->request) || (info->roles && !session_proven(page)))) {
        refuse(
            page, 403, "This form is out of date",
            "It did not come from a page of your session. Nothing was done. Open the page again.");
        return false;
    }
    return true;
}

static void render(Page *page)
{
    ConsoleState *state = page->state;
    Error err = {0};
    bool wants_store = page->info->roles || page->info->method == POST;
    if (wants_store && (!page->store || !session_find(page, &err))) {
        if (page->store)
            state->failed(state->data, page->info->path, &err);
        else
            error_set(&err, ERROR_LATER, "console.database", "could not reach the database");
        refuse_error(page, &err);
        return;
    }
    if (!admit(page))
        return;
    layout_begin(page);
    if (!page->info->render(page, &err)) {
        if (err.kind != ERROR_DATA)
            state->failed(state->data, page->info->path, &err);
        refuse_error(page, &err);
        return;
    }
    if (!page->answer.body && !page->answer.more && !page->answer.location)
        layout_end(page);
}

void console_answer(ConsoleState *state, const Request *request, Arena *arena, Answer *ret)
{
    Page page = {.arena = arena,
                 .state = state,
                 .store = state->store && store_connected(state->store) ? state->store : NULL,
                 .request = request,
                 .now = clock_wall(),
                 .html = html_new(arena, PAGE_LIMIT)};
    bool is_path;
    page.info = find_page(request, &is_path);
    page.title = page.info ? page.info->title : "Not found";
    if (!limit_take(state->requests, request->peer, clock_steady())) {
        refuse(&page, 429, "Too many requests", "Wait a moment, then try again.");
        page.answer.retry_after = "5";
    } else if (request->values_bad) {
        refuse(&page, 400, "That cannot be read", "What was sent is no form of ours.");
    } else if (!page.info) {
        refuse(&page, is_path ? 405 : 404, is_path ? "Not here" : "Not found",
               "There is no such page.");
    } else {
        render(&page);
    }
    finish(&page);
    *ret = page.answer;
}
