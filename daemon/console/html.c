/* SPDX-License-Identifier: Apache-2.0 */
/* Markup from literals, everything else escaped. */
#include "daemon/console/html.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Html html_new(Arena *arena, size_t limit)
{
    Html html = {.out = text_new(arena, limit), .arena = arena};
    text_add(&html.out, "<!DOCTYPE html>\n");
    return html;
}

/* Text of a page: what would be markup, and control characters that XML and HTML forbid. */
static void add_escaped(Text *out, const char *value)
{
    const char *from = value;
    for (const char *at = value; *at; at++) {
        unsigned char c = (unsigned char)*at;
        const char *stands = c == '<'                                            ? "&lt;"
                             : c == '>'                                          ? "&gt;"
                             : c == '&'                                          ? "&amp;"
                             : c == '"'                                          ? "&quot;"
                             : c == '\''                                         ? "&#39;"
                             : (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? "?"
                                                                                 : NULL;
        if (!stands)
            continue;
        text_add_bytes(out, from, (size_t)(at - from));
        text_add(out, stands);
        from = at + 1;
    }
    text_add(out, from);
}

static void add_value(Text *out, const char *value)
{
    add_escaped(out, text_is_utf8(value, strlen(value)) ? value : "?");
}

static void check_name(const char *name)
{
    if (!*name ||
        name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")])
        abort(); /* names are this program's own */
}

void html_put_open(Html *html, const char *name, const HtmlAttribute *attributes, size_t count,
                   bool is_void)
{
    check_name(name);
    text_addf(&html->out, "<%s", name);
    for (size_t i = 0; i < count; i++) {
        if (!attributes[i].name || !attributes[i].value)
            continue;
        check_name(attributes[i].name);
        text_addf(&html->out, " %s", attributes[i].name);
        if (!*attributes[i].value)
            continue;
        text_add(&html->out, "=\"");
        add_value(&html->out, attributes[i].value);
        text_add(&html->out, "\"");
    }
    text_add(&html->out, is_void ? "/>" : ">");
    if (is_void)
        return;
    if (html->depth == HTML_DEPTH_MAX)
        abort(); /* a page of ours is deeper than declared */
    html->open[html->depth++] = name;
}

void html_close(Html *html)
{
    static const char *const lines[] = {"p",  "tr", "div", "section", "table", "form",
                                        "h1", "h2", "h3",  "li",      "dl",    "header"};
    if (!html->depth)
        abort();
    const char *name = html->open[--html->depth];
    text_addf(&html->out, "</%s>", name);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (text_equal(lines[i], name))
            text_add(&html->out, "\n");
}

void html_text(Html *html, const char *text)
{
    if (text)
        add_value(&html->out, text);
}

void html_put_say(Html *html, const char *name, const char *text, const HtmlAttribute *attributes,
                  size_t count)
{
    html_put_open(html, name, attributes, count, false);
    html_text(html, text);
    html_close(html);
}

const char *number_text(Arena *arena, int64_t number)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%lld", (long long)number);
    char *text = arena_alloc(arena, 40), *to = text;
    for (int i = 0; i < size; i++) {
        *to++ = digits[i];
        int left = size - 1 - i;
        if (left && left % 3 == 0 && digits[i] != '-')
            *to++ = ',';
    }
    return text;
}

void html_number(Html *html, int64_t number)
{
    html_text(html, number_text(html->arena, number));
}

const char *html_finish(Html *html)
{
    while (html->depth)
        html_close(html);
    return text_ok(&html->out) ? text_get(&html->out) : NULL;
}

const char *url_make(Arena *arena, const char *path, const UrlValue *values, size_t count)
{
    Text text = text_new(arena, (size_t)16 << 10);
    char mark = '?';
    text_add(&text, path);
    for (size_t i = 0; i < count; i++) {
        if (!values[i].name || !values[i].value)
            continue;
        text_addf(&text, "%c%s=", mark, values[i].name);
        mark = '&';
        for (const char *at = values[i].value; *at; at++) {
            unsigned char c = (unsigned char)*at;
            if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                strchr("-_.~:", c))
                text_add_bytes(&text, at, 1);
            else
                text_addf(&text, "%%%02X", c);
        }
    }
    return text_get(&text);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *url_decode(Arena *arena, const char *text, size_t size)
{
    char *decoded = arena_alloc(arena, size + 1), *to = decoded;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '+')
            c = ' ';
        if (c == '%') {
            if (i + 2 > size - 1 || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
                return NULL;
            c = (char)(digit(text[i + 1]) << 4 | digit(text[i + 2]));
            i += 2;
        }
        if (!c)
            return NULL;
        *to++ = c;
    }
    return text_is_utf8(decoded, (size_t)(to - decoded)) ? decoded : NULL;
}
