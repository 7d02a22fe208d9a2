/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of every page: head, navigation for the role, foot. */
#include "daemon/console/page.h"
#include "daemon/console/pages.h"

static void head(Page *page)
{
    Html *html = &page->html;
    html_open(html, "html", {"lang", "en-GB"});
    html_open(html, "head");
    html_void(html, "meta", {"charset", "utf-8"});
    html_void(html, "meta", {"name", "viewport"},
              {"content", "width=device-width, initial-scale=1"});
    html_say(html, "title", arena_format(page->arena, "%s – mhsflow", page->title));
    html_void(html, "link", {"rel", "stylesheet"}, {"href", "/style.css"});
    html_void(html, "link", {"rel", "icon"}, {"href", "data:,"});
    html_close(html);
}

static void who(Page *page)
{
    Html *html = &page->html;
    html_open(html, "header");
    html_open(html, "div", {"class", "wide"});
    html_say(html, "a", "mhsflow", {"class", "brand"}, {"href", "/"});
    if (page->role) {
        page_form(page, "/sign-out");
        html_say(html, "span",
                 arena_format(page->arena, "%s, %s", page->session.name, page->session.role));
        html_say(html, "button", "Sign out", {"type", "submit"});
        html_close(html);
    }
    html_close(html);
    html_close(html);
}

/* The first page of each group that the role may see. */
static void navigation(Page *page)
{
    Html *html = &page->html;
    const char *last = NULL;
    if (!page->role)
        return;
    html_open(html, "nav", {"class", "pages"}, {"aria-label", "Pages"});
    html_open(html, "ul");
    for (size_t i = 0; i < page_info_count; i++) {
        const PageInfo *info = &page_infos[i];
        if (!info->group || text_equal(info->group, last))
            continue;
        last = info->group;
        if (!(info->roles & (int)page->role))
            continue;
        html_open(html, "li");
        html_say(html, "a", info->group, {"href", info->path},
                 {"aria-current",
                  page->info && text_equal(page->info->group, info->group) ? "page" : NULL});
        html_close(html);
    }
    html_close(html);
    html_close(html);
}

void layout_begin(Page *page)
{
    Html *html = &page->html;
    head(page);
    html_open(html, "body");
    html_say(html, "a", "Skip to the content", {"class", "skip"}, {"href", "#content"});
    who(page);
    navigation(page);
    html_open(html, "main", {"id", "content"});
    html_open(html, "div", {"class", "wide"});
}

void layout_end(Page *page)
{
    Html *html = &page->html;
    html_close(html);
    html_close(html);
    html_open(html, "footer");
    html_open(html, "div", {"class", "wide"});
    html_text(html, arena_format(page->arena, "mhsflow %s. Times are those of London. ",
                                 MHSFLOW_VERSION));
    html_text(html, "This page was made at ");
    html_text(html, page_time(page, page->now));
    html_text(html, ".");
    html_close(html);
    html_close(html);
}

bool page_style(Page *page, Error *err)
{
    (void)err;
    page->answer.type = "text/css; charset=utf-8";
    page->answer.body = layout_style;
    page->answer.size = layout_style_size;
    return true;
}
