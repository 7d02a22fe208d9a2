/* SPDX-License-Identifier: Apache-2.0 */
/* Today: what needs me, which months are due and how they stand, who has what to correct. */
#include "daemon/console/pages.h"
#include "daemon/console/picture.h"

#include <string.h>

static const char *need_text(const Page *page, const Need *need)
{
    if (!need->period)
        return need->subject;
    return arena_format(page->arena, "%s, %s", need->subject, page_month(page, need->period));
}

static const char *days_text(const Page *page, const TodayMonth *month)
{
    if (month->days == 0)
        return "today";
    if (month->days > 0)
        return arena_format(page->arena, "in %s", page_count(page, month->days, "day", "days"));
    return arena_format(page->arena, "%s ago", page_count(page, -month->days, "day", "days"));
}

static void need_link(Page *page, const Need *need)
{
    Html *html = &page->html;
    if (need->submission)
        html_say(html, "a", need_text(page, need),
                 {"href",
                  url_of(page->arena, "/submission",
                         {"id", arena_format(page->arena, "%lld", (long long)need->submission)})});
    else if (need->kind == NEED_FEED_STOPPED || need->kind == NEED_FEED_DOWN ||
             need->kind == NEED_ROUTE_STOPPED || need->kind == NEED_ROLE_AWAY)
        html_say(html, "a", need_text(page, need), {"href", "/feeds"});
    else
        html_say(html, "a", need_text(page, need), {"href", "/findings"});
}

static void show_need(Page *page, const Need *need)
{
    Html *html = &page->html;
    html_open(html, "li");
    need_link(page, need);
    if (need->month)
        html_text(html, arena_format(page->arena, ": cut-off %s", days_text(page, need->month)));
    if (need->detail)
        html_text(html, arena_format(page->arena, ": %s", need->detail));
    html_close(html);
}

/* One card for each kind: what is so, what to do, and where. */
static void show_needs(Page *page, const Today *today)
{
    Html *html = &page->html;
    if (!today->need_count) {
        page_notice(page, "good", "Nothing needs you",
                    "What is due is accepted or on its way, and every part is running.");
        return;
    }
    html_say(html, "h2",
             page_count(page, (int64_t)today->need_count, "thing needs you", "things need you"));
    for (size_t i = 0; i < today->need_count;) {
        NeedKind kind = today->needs[i].kind;
        html_open(html, "div", {"class", "card urgent"});
        html_say(html, "h3", need_title(kind));
        html_open(html, "ul");
        for (; i < today->need_count && today->needs[i].kind == kind; i++)
            show_need(page, &today->needs[i]);
        html_close(html);
        html_say(html, "p", need_remedy(kind), {"class", "quiet"});
        html_close(html);
    }
}

static void show_month(Page *page, const TodayMonth *month)
{
    Html *html = &page->html;
    const SubmissionInfo *newest = month->newest;
    page_row(page);
    page_cell_head(page, page_month(page, month->month),
                   newest ? url_of(page->arena, "/submission",
                                   {"id", arena_format(page->arena, "%lld", (long long)newest->id)})
                          : NULL);
    page_cell(page, month->provider);
    page_cell_open(page, NULL);
    if (newest)
        page_tag(page, submission_state_name(newest->state));
    else
        html_text(html, month->to_build ? "to be built" : "nothing to send");
    if (newest && month->to_build)
        html_text(html, " changed since");
    html_close(html);
    page_cell(page, arena_format(page->arena, "%s (%s)", page_time(page, month->cutoff),
                                 days_text(page, month)));
    if (newest)
        page_cell_number(page, newest->counts.people);
    else
        page_cell(page, "");
    html_close(html);
}

static void show_months(Page *page, const Today *today)
{
    static const PageColumn columns[] = {{"Month", false},
                                         {"Provider", false},
                                         {"State", false},
                                         {"Cut-off", false},
                                         {"People", true}};
    html_say(&page->html, "h2", "Months");
    picture_months(page, today);
    page_table(page, "Months that are due", columns, 5);
    for (size_t i = 0; i < today->month_count; i++)
        if (today->months[i].newest || today->months[i].to_build)
            show_month(page, &today->months[i]);
    page_table_end(page);
}

static bool show_orgs(Page *page, Error *err)
{
    static const PageColumn columns[] = {
        {"Organisation", false}, {"Left out", true}, {"Findings", true}, {"Causes", true}};
    OrgTally *orgs;
    size_t count;
    if (!tally_orgs(page->store, page->arena, &orgs, &count, err))
        return false;
    html_say(&page->html, "h2", "Who has what to correct");
    if (!count) {
        html_say(&page->html, "p", "Nothing was found.");
        return true;
    }
    page_table(page, "Findings by organisation, the most that is left out first", columns, 4);
    for (size_t i = 0; i < count && i < 12; i++) {
        const char *org = *orgs[i].org ? orgs[i].org : "no organisation";
        page_row(page);
        page_cell_head(page, org,
                       url_of(page->arena, "/findings", {"org", *orgs[i].org ? orgs[i].org : "-"}));
        page_cell_number(page, orgs[i].left_out);
        page_cell_number(page, orgs[i].findings);
        page_cell_number(page, orgs[i].causes);
        html_close(&page->html);
    }
    page_table_end(page);
    return true;
}

bool page_today(Page *page, Error *err)
{
    Today today;
    if (!today_read(page->store, page->state->config, page->state->calendar, page->arena, &today,
                    err))
        return false;
    html_say(&page->html, "h1", "Today");
    show_needs(page, &today);
    show_months(page, &today);
    return show_orgs(page, err);
}
