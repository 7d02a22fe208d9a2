/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds and routes: where they stand and what is wrong with them. */
#include "daemon/console/pages.h"

static const char *place_of(const Page *page, const FeedState *feed)
{
    int64_t behind = feed->cursor.head_seq - feed->cursor.seq;
    if (feed->cursor.complete && behind <= 0)
        return "at its head";
    if (behind > 0)
        return arena_format(page->arena, "%s behind",
                            page_count(page, behind, "change", "changes"));
    return "still reading for the first time";
}

static void show_feed(Page *page, const FeedState *feed)
{
    Html *html = &page->html;
    html_say(html, "h2", feed->name);
    html_open(html, "p");
    page_tag(page, feed->state);
    html_close(html);
    if (feed->last_error_text)
        page_notice(page, "warning", feed->last_error_text, feed->remedy);
    page_facts(page);
    page_fact(page, "Place", place_of(page, feed));
    page_fact(page, "Last good answer", page_ago(page, feed->last_ok));
    page_fact(page, "Next look", page_time(page, feed->next_poll));
    page_fact(page, "Records held", number_text(page->arena, feed->records));
    page_fact(page, "Records without their parent", number_text(page->arena, feed->orphans));
    page_fact(page, "People waiting to be mapped", number_text(page->arena, feed->waiting));
    page_fact(page, "Changes taken in", number_text(page->arena, feed->changes));
    page_fact(page, "Changes set aside", number_text(page->arena, feed->refused));
    page_fact(page, "Record types we do not know", number_text(page->arena, feed->unknown_types));
    if (feed->failures)
        page_fact(page, "Failures in a row", arena_format(page->arena, "%d", feed->failures));
    page_facts_end(page);
}

static bool show_routes(Page *page, Error *err)
{
    static const PageColumn columns[] = {
        {"Route", false}, {"State", false}, {"Since", false}, {"Why", false}};
    RouteState *routes;
    size_t count;
    if (!route_list(page->store, page->arena, &routes, &count, err))
        return false;
    html_say(&page->html, "h2", "Routes to receivers");
    if (!count) {
        html_say(&page->html, "p", "Nothing was sent yet.");
        return true;
    }
    page_table(page, "Routes", columns, 4);
    for (size_t i = 0; i < count; i++) {
        page_row(page);
        page_cell_head(page, routes[i].route, NULL);
        page_cell_open(page, NULL);
        page_tag(page, routes[i].state);
        html_close(&page->html);
        page_cell_time(page, routes[i].since);
        page_cell(page, routes[i].code);
        html_close(&page->html);
    }
    page_table_end(page);
    return true;
}

static bool show_roles(Page *page, Error *err)
{
    static const PageColumn columns[] = {
        {"Part", false}, {"State", false}, {"Seen", false}, {"Version", false}};
    Presence *presences;
    size_t count;
    if (!store_presences(page->store, page->arena, &presences, &count, err))
        return false;
    html_say(&page->html, "h2", "Parts of mhsflow");
    page_table(page, "Processes seen within the last day", columns, 4);
    for (size_t i = 0; i < count; i++) {
        page_row(page);
        page_cell_head(page, presences[i].role, NULL);
        page_cell_open(page, NULL);
        page_tag(page, presences[i].alive ? "running" : "gone");
        html_close(&page->html);
        page_cell(page, page_ago(page, presences[i].seen_at));
        page_cell(page, presences[i].version);
        html_close(&page->html);
    }
    page_table_end(page);
    return true;
}

bool page_feeds(Page *page, Error *err)
{
    FeedState *feeds;
    size_t count;
    if (!feed_list(page->store, page->arena, &feeds, &count, err))
        return false;
    html_say(&page->html, "h1", "Feeds");
    for (size_t i = 0; i < count; i++)
        show_feed(page, &feeds[i]);
    if (!count)
        html_say(&page->html, "p", "No feed has been read yet.");
    return show_routes(page, err) && show_roles(page, err);
}
