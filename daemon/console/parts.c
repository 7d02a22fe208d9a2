/* SPDX-License-Identifier: Apache-2.0 */
/* What pages are made of: forms, tables, lists of facts, tags, and words for times. */
#include "daemon/base/clock.h"
#include "daemon/console/page.h"

#include <stdlib.h>

void page_hidden(Page *page, const char *name, const char *value)
{
    html_void(&page->html, "input", {"type", "hidden"}, {"name", name},
              {"value", value ? value : ""});
}

void page_form(Page *page, const char *action)
{
    html_open(&page->html, "form", {"method", "post"}, {"action", action});
    page_hidden(page, "proof", page->csrf);
}

void page_button(Page *page, const char *text, const char *look)
{
    html_say(&page->html, "button", text, {"type", "submit"}, {"class", look});
}

void page_field(Page *page, const char *name, const char *label, const char *hint,
                const char *value, const char *type)
{
    Html *html = &page->html;
    const char *hint_id = hint ? arena_format(page->arena, "%s-hint", name) : NULL;
    html_open(html, "div", {"class", "field"});
    html_open(html, "label", {"for", name});
    html_text(html, label);
    html_close(html);
    if (hint)
        html_say(html, "span", hint, {"class", "hint"}, {"id", hint_id});
    html_void(html, "input", {"id", name}, {"name", name}, {"type", type}, {"value", value},
              {"aria-describedby", hint_id},
              {"autocomplete", text_equal(type, "password") ? "current-password" : "off"},
              {"spellcheck", "false"});
    html_close(html);
}

/* The roles are said in words, because on a narrow screen a row is laid out as a card, and browsers
 * forget then that it was one. */
void page_table(Page *page, const char *caption, const PageColumn *columns, size_t count)
{
    Html *html = &page->html;
    /* A region that can be reached by key, because it may have to be scrolled. */
    html_open(html, "div", {"class", "scroll"}, {"role", "region"}, {"aria-label", caption},
              {"tabindex", "0"});
    html_open(html, "table", {"role", "table"});
    html_say(html, "caption", caption);
    html_open(html, "thead", {"role", "rowgroup"});
    html_open(html, "tr", {"role", "row"});
    for (size_t i = 0; i < count; i++)
        html_say(html, "th", columns[i].title, {"scope", "col"}, {"role", "columnheader"},
                 {"class", columns[i].number ? "number" : NULL});
    html_close(html);
    html_close(html);
    html_open(html, "tbody", {"role", "rowgroup"});
    page->columns = columns;
    page->column_count = count;
}

void page_table_end(Page *page)
{
    html_close(&page->html);
    html_close(&page->html);
    html_close(&page->html);
}

void page_row(Page *page)
{
    page->column = 0;
    html_open(&page->html, "tr", {"role", "row"});
}

/* The column's title, which a narrow screen shows beside the value. */
static const char *next_title(Page *page)
{
    return page->column < page->column_count ? page->columns[page->column++].title : NULL;
}

void page_cell_open(Page *page, const char *look)
{
    html_open(&page->html, "td", {"role", "cell"}, {"data-title", next_title(page)},
              {"class", look});
}

void page_cell_look(Page *page, const char *text, const char *look)
{
    page_cell_open(page, look);
    html_text(&page->html, text);
    html_close(&page->html);
}

void page_cell(Page *page, const char *text)
{
    page_cell_look(page, text, NULL);
}

void page_cell_number(Page *page, int64_t number)
{
    page_cell_look(page, number_text(page->arena, number), "number");
}

void page_cell_time(Page *page, int64_t us)
{
    page_cell_look(page, page_time(page, us), "time");
}

void page_cell_head(Page *page, const char *text, const char *url)
{
    html_open(&page->html, "th", {"scope", "row"}, {"role", "rowheader"},
              {"data-title", next_title(page)});
    if (url)
        html_say(&page->html, "a", text, {"href", url});
    else
        html_text(&page->html, text);
    html_close(&page->html);
}

void page_facts(Page *page)
{
    html_open(&page->html, "dl", {"class", "facts"});
}

void page_fact(Page *page, const char *name, const char *value)
{
    if (!value)
        return;
    html_open(&page->html, "div");
    html_say(&page->html, "dt", name);
    html_say(&page->html, "dd", value);
    html_close(&page->html);
}

void page_facts_end(Page *page)
{
    html_close(&page->html);
}

void page_tag(Page *page, const char *state)
{
    static const char *const looks[][2] = {
        {"accepted", "good"}, {"ok", "good"},        {"running", "good"}, {"held", "bad"},
        {"rejected", "bad"},  {"stopped", "bad"},    {"down", "bad"},     {"not running", "bad"},
        {"sending", "busy"},  {"waiting", "busy"},   {"ready", "busy"},   {"unsure", "warning"},
        {"late", "warning"},  {"paused", "warning"},
    };
    const char *look = "tag";
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        if (text_equal(looks[i][0], state))
            look = arena_format(page->arena, "tag %s", looks[i][1]);
    html_say(&page->html, "span", text_equal(state, "rejected") ? "refused" : state,
             {"class", look});
}

void page_notice(Page *page, const char *look, const char *title, const char *text)
{
    Html *html = &page->html;
    html_open(html, "div", {"class", arena_format(page->arena, "notice %s", look)},
              {"role", text_equal(look, "warning") ? "alert" : NULL});
    html_open(html, "p");
    html_say(html, "strong", title);
    html_close(html);
    if (text)
        html_say(html, "p", text);
    html_close(html);
}

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

const char *page_time(const Page *page, int64_t us)
{
    int year, month, day;
    if (!us)
        return NULL;
    int64_t local = us + civil_london_offset_minutes(us) * 60 * CLOCK_SECOND;
    int minutes = (int)(local / (60 * CLOCK_SECOND) % 1440), hour = minutes / 60;
    civil_split(civil_london_day(us), &year, &month, &day);
    return arena_format(page->arena, "%d %.3s %d, %d:%02d%s", day, months[month - 1], year,
                        hour % 12 ? hour % 12 : 12, minutes % 60, hour < 12 ? "am" : "pm");
}

const char *page_month(const Page *page, Month month)
{
    return month ? arena_format(page->arena, "%s %d", months[month % 12], month / 12) : NULL;
}

const char *page_month_value(const Page *page, Month month)
{
    char text[CIVIL_TEXT_SIZE];
    return month ? arena_text(page->arena, civil_format_month(month, text)) : NULL;
}

const char *page_count(const Page *page, int64_t number, const char *one, const char *many)
{
    return arena_format(page->arena, "%s %s", number_text(page->arena, number),
                        number == 1 ? one : many);
}

const char *page_ago(const Page *page, int64_t us)
{
    int64_t seconds = (page->now - us) / CLOCK_SECOND;
    if (!us)
        return "never";
    if (seconds < 60)
        return "less than a minute ago";
    if (seconds < 3600)
        return arena_format(page->arena, "%s ago",
                            page_count(page, seconds / 60, "minute", "minutes"));
    if (seconds < 2 * 86400)
        return arena_format(page->arena, "%s ago",
                            page_count(page, seconds / 3600, "hour", "hours"));
    return arena_format(page->arena, "%s ago", page_count(page, seconds / 86400, "day", "days"));
}
