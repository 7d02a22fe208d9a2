/* SPDX-License-Identifier: Apache-2.0 */
/* The queue: every submission, newest month first. */
#include "daemon/base/civil.h"
#include "daemon/console/pages.h"

#define PART 50

static void option(Page *page, const char *value, const char *text, const char *chosen)
{
    html_say(&page->html, "option", text, {"value", value},
             {"selected", text_equal(value, chosen) ? "" : NULL});
}

static void filters(Page *page, const char *state, const char *provider)
{
    Html *html = &page->html;
    const Config *config = page->state->config;
    html_open(html, "form", {"method", "get"}, {"action", "/queue"}, {"class", "filters"});
    html_open(html, "div", {"class", "field"});
    html_say(html, "label", "State", {"for", "state"});
    html_open(html, "select", {"id", "state"}, {"name", "state"});
    option(page, "", "any", state);
    for (int i = 0; i < SUBMISSION_STATE_COUNT; i++)
        option(page, submission_state_name((SubmissionState)i),
               submission_state_name((SubmissionState)i), state);
    html_close(html);
    html_close(html);
    html_open(html, "div", {"class", "field"});
    html_say(html, "label", "Provider", {"for", "provider"});
    html_open(html, "select", {"id", "provider"}, {"name", "provider"});
    option(page, "", "any", provider);
    for (size_t i = 0; i < config->provider_count; i++)
        option(page, config->providers[i].name, config->providers[i].name, provider);
    html_close(html);
    html_close(html);
    page_field(page, "month", "Month", NULL, page_value(page, "month"), "month");
    page_button(page, "Show", "plain");
    html_close(html);
}

static void row(Page *page, const SubmissionInfo *info)
{
    Html *html = &page->html;
    const char *id = arena_format(page->arena, "%lld", (long long)info->id);
    page_row(page);
    page_cell_head(page,
                   arena_format(page->arena, "%s, revision %d", page_month(page, info->period),
                                info->revision),
                   url_of(page->arena, "/submission", {"id", id}));
    page_cell(page, info->provider);
    page_cell_open(page, NULL);
    page_tag(page, submission_state_name(info->state));
    html_close(html);
    page_cell_number(page, info->counts.people);
    page_cell_number(page, info->counts.rows);
    page_cell_number(page, info->left_out);
    page_cell_time(page, info->created_at);
    html_close(html);
}

static bool read_filter(const Page *page, SubmissionPart *part, Error *err)
{
    const char *month = page_value(page, "month"), *state = page_value(page, "state");
    bool known = !state;
    for (int i = 0; i < SUBMISSION_STATE_COUNT; i++)
        known |= text_equal(state, submission_state_name((SubmissionState)i));
    if (!known)
        return page_wrong(err, "There is no such state.");
    if (month && !civil_parse_month(month, &part->period))
        return page_wrong(err, "That is not a month. Write it as 2026-10.");
    part->state = state;
    part->provider = page_value(page, "provider");
    return true;
}

bool page_queue(Page *page, Error *err)
{
    static const PageColumn columns[] = {
        {"Submission", false}, {"Provider", false}, {"State", false}, {"People", true},
        {"Rows", true},        {"Left out", true},  {"Built", false}};
    int64_t part_number = page_number(page, "part");
    if (part_number > 100000)
        return page_wrong(err, "There is no such page.");
    SubmissionPart part = {.limit = PART + 1, .skip = (size_t)part_number * PART};
    SubmissionInfo *list;
    size_t count;
    if (!read_filter(page, &part, err) ||
        !submission_part(page->store, &part, page->arena, &list, &count, err))
        return false;
    html_say(&page->html, "h1", "Queue");
    filters(page, part.state, part.provider);
    if (!count) {
        html_say(&page->html, "p", "There is no such submission.");
        return true;
    }
    page_table(page, "Submissions, newest month first", columns, 7);
    for (size_t i = 0; i < count && i < PART; i++)
        row(page, &list[i]);
    page_table_end(page);
    if (count > PART)
        html_say(&page->html, "a", "Earlier submissions",
                 {"href",
                  url_of(page->arena, "/queue", {"state", part.state}, {"provider", part.provider},
                         {"month", page_value(page, "month")},
                         {"part", arena_format(page->arena, "%lld", (long long)part_number + 1)})});
    return true;
}
