/* SPDX-License-Identifier: Apache-2.0 */
/* A page under construction: what is written as text can never become markup.
 *
 * Names of elements are literals of this program (the macros do not compile with
 * anything else); every value and every text is escaped on its way in.  There is
 * no call that takes markup.  Elements are closed by the writer, in the order they
 * were opened. */
#pragma once

#include "daemon/base/text.h"

#define HTML_DEPTH_MAX 32

typedef struct Html {
    Text out;
    Arena *arena;
    const char *open[HTML_DEPTH_MAX];
    size_t depth;
} Html;

typedef struct HtmlAttribute {
    const char *name, *value; /* NULL leaves it out, "" writes the name alone */
} HtmlAttribute;

Html html_new(Arena *arena, size_t limit);

#define HTML_ATTRIBUTES(...)                                                                       \
    (const HtmlAttribute[]){{NULL, NULL}, ##__VA_ARGS__},                                          \
        sizeof((const HtmlAttribute[]){{NULL, NULL}, ##__VA_ARGS__}) / sizeof(HtmlAttribute)

/* html_open(html, "a", {"href", url}, {"class", "plain"}) … html_close(html) */
#define html_open(html, name, ...) html_put_open(html, "" name, HTML_ATTRIBUTES(__VA_ARGS__), false)
/* An element that is drawn or has no content, closed at once: br, input, rect. */
#define html_void(html, name, ...) html_put_open(html, "" name, HTML_ATTRIBUTES(__VA_ARGS__), true)
/* An element with one text: html_say(html, "td", value, {"class", "number"}). */
#define html_say(html, name, text, ...)                                                            \
    html_put_say(html, "" name, text, HTML_ATTRIBUTES(__VA_ARGS__))

void html_close(Html *html);
void html_text(Html *html, const char *text); /* NULL is nothing */
void html_number(Html *html, int64_t number); /* 12,345 */

void html_put_open(Html *html, const char *name, const HtmlAttribute *attributes, size_t count,
                   bool is_void);
void html_put_say(Html *html, const char *name, const char *text, const HtmlAttribute *attributes,
                  size_t count);

/* Everything closed and within its limit: the text; else NULL. */
const char *html_finish(Html *html);

/* "/findings?rule=MHS10108": values percent-encoded, pairs without a value left out. */
typedef struct UrlValue {
    const char *name, *value;
} UrlValue;
#define url_of(arena, path, ...)                                                                   \
    url_make(arena, path, (const UrlValue[]){{NULL, NULL}, ##__VA_ARGS__},                         \
             sizeof((const UrlValue[]){{NULL, NULL}, ##__VA_ARGS__}) / sizeof(UrlValue))
const char *url_make(Arena *arena, const char *path, const UrlValue *values, size_t count);
/* In the arena; NULL when it is no such encoding or holds a NUL. '+' is a space. */
const char *url_decode(Arena *arena, const char *text, size_t size);

const char *number_text(Arena *arena, int64_t number); /* "12,345" */
