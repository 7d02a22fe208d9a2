/* SPDX-License-Identifier: Apache-2.0 */
/* Findings: by cause and organisation for everyone; record by record, and as a fix list, for who
 * corrects. */
#include "daemon/console/pages.h"
#include "daemon/console/picture.h"

#include <string.h>

#define PART 50
#define CSV_PART 500
#define DAYS_SHOWN 92

/* In addresses "-" stands for "no organisation", which the store writes as "". */
static const char *org_wanted(const Page *page)
{
    const char *org = page_value(page, "org");
    return text_equal(org, "-") ? "" : org;
}

static const char *org_shown(const char *org)
{
    return org && *org ? org : "no organisation";
}

static const char *org_address(const char *org)
{
    return org && !*org ? "-" : org;
}

static void filters(Page *page, const OrgTally *orgs, size_t count)
{
    Html *html = &page->html;
    const char *org = page_value(page, "org");
    html_open(html, "form", {"method", "get"}, {"action", "/findings"}, {"class", "filters"});
    html_open(html, "div", {"class", "field"});
    html_say(html, "label", "Organisation", {"for", "org"});
    html_open(html, "select", {"id", "org"}, {"name", "org"});
    html_say(html, "option", "all", {"value", ""});
    for (size_t i = 0; i < count && i < 500; i++)
        html_say(html, "option", org_shown(orgs[i].org), {"value", org_address(orgs[i].org)},
                 {"selected", text_equal(org, org_address(orgs[i].org)) ? "" : NULL});
    html_close(html);
    html_close(html);
    page_field(page, "rule", "Rule", "such as MHS10108", page_value(page, "rule"), "text");
    page_button(page, "Show", "plain");
    html_close(html);
}

static void group_row(Page *page, const FindingTally *tally, bool by_org)
{
    Html *html = &page->html;
    const FindingGroup *group = &tally->group;
    const char *org = by_org ? tally->org : org_wanted(page);
    page_row(page);
    if (by_org)
        page_cell_head(page, org_shown(tally->org),
                       url_of(page->arena, "/findings", {"org", org_address(tally->org)},
                              {"rule", group->rule}));
    else
        page_cell_head(
            page, group->rule,
            url_of(page->arena, "/findings", {"rule", group->rule}, {"org", org_address(org)}));
    page_cell_open(page, NULL);
    html_text(html, group->message ? group->message : group->rule);
    if (group->remedy && *group->remedy) {
        html_void(html, "br");
        html_say(html, "span", group->remedy, {"class", "quiet"});
    }
    html_close(html);
    page_cell(page, group->element ? arena_format(page->arena, "%s %s",
                                                  group->table ? group->table : "", group->element)
                                   : group->table);
    page_cell(page, group->severity);
    page_cell_number(page, group->people);
    page_cell_number(page, group->records);
    page_cell_number(page, group->left_out);
    html_close(html);
}

static void group_table(Page *page, const FindingTally *tallies, size_t count, bool by_org)
{
    const PageColumn columns[] = {{by_org ? "Organisation" : "Rule", false},
                                  {"What is wrong, and what to do", false},
                                  {"Element", false},
                                  {"Severity", false},
                                  {"People", true},
                                  {"Records", true},
                                  {"Left out", true}};
    page_table(page, by_org ? "This cause, by organisation" : "Findings by root cause", columns, 7);
    for (size_t i = 0; i < count && i < 500; i++)
        group_row(page, &tallies[i], by_org);
    page_table_end(page);
}

static void links_to_records(Page *page, const char *rule, const char *org)
{
    Html *html = &page->html;
    if (page->role != MANAGER)
        return;
    html_open(html, "p", {"class", "more"});
    html_say(html, "a", "See the records to correct",
             {"href", url_of(page->arena, "/findings/records", {"rule", rule}, {"org", org})});
    html_say(html, "a", "Download the fix list (CSV)",
             {"href", url_of(page->arena, "/findings.csv", {"rule", rule}, {"org", org})});
    html_close(html);
}

static bool show_days(Page *page, Error *err)
{
    static const PageColumn columns[] = {{"Day", false}, {"Findings", true}, {"Left out", true}};
    Day today = civil_london_day(page->now);
    DayTally *days;
    size_t count;
    char text[CIVIL_TEXT_SIZE];
    if (!tally_days(page->store, today - DAYS_SHOWN, page->arena, &days, &count, err))
        return false;
    if (!count)
        return true;
    html_say(&page->html, "h2", "Over time");
    picture_days(page, days, count);
    page_table(page, "Findings at the end of each day, newest first", columns, 3);
    for (size_t i = count; i-- > 0 && count - i <= 14;) {
        page_row(page);
        page_cell_head(page, civil_format_day(days[i].day, text), NULL);
        page_cell_number(page, days[i].findings);
        page_cell_number(page, days[i].left_out);
        html_close(&page->html);
    }
    page_table_end(page);
    return true;
}

bool page_findings(Page *page, Error *err)
{
    const char *rule = page_value(page, "rule"), *org = org_wanted(page);
    FindingTally *tallies;
    OrgTally *orgs;
    size_t count, org_count;
    int64_t at;
    if (!tally_orgs(page->store, page->arena, &orgs, &org_count, err) ||
        !tally_findings(page->store, rule, org, page->arena, &tallies, &count, &at, err))
        return false;
    html_say(&page->html, "h1", "Findings");
    html_say(&page->html, "p",
             at ? arena_format(page->arena, "Counted at %s.", page_time(page, at))
                : "Nothing was counted yet. Look again in a minute.",
             {"class", "quiet"});
    filters(page, orgs, org_count);
    if (count)
        group_table(page, tallies, count, rule && !org);
    else
        html_say(&page->html, "p", "Nothing was found.");
    if (count)
        links_to_records(page, rule, org_address(org));
    return rule || org || show_days(page, err);
}

/* ---- record by record ---- */

static const char *months_of(const Page *page, const Finding *finding)
{
    if (!finding->first_month)
        return "every month";
    if (finding->first_month == finding->last_month)
        return page_month(page, finding->first_month);
    return arena_format(page->arena, "%s to %s", page_month(page, finding->first_month),
                        page_month(page, finding->last_month));
}

static void person_form(Page *page, const Finding *finding)
{
    page_form(page, "/people");
    page_hidden(page, "feed", finding->feed);
    page_hidden(page, "id", finding->person);
    page_button(page, arena_format(page->arena, "person %s", finding->person), "link");
    html_close(&page->html);
}

static void record_row(Page *page, const Finding *finding)
{
    Html *html = &page->html;
    page_row(page);
    page_cell(page, org_shown(finding->org));
    page_cell(page, finding->rule);
    page_cell_open(page, NULL);
    html_text(html,
              arena_format(page->arena, "%s %s", finding->record_type ? finding->record_type : "",
                           finding->record_id ? finding->record_id : ""));
    if (finding->person && finding->feed)
        person_form(page, finding);
    html_close(html);
    page_cell(page, finding->field);
    page_cell_open(page, NULL);
    html_text(html, finding->message);
    if (finding->remedy && *finding->remedy) {
        html_void(html, "br");
        html_say(html, "span", finding->remedy, {"class", "quiet"});
    }
    html_close(html);
    page_cell(page, months_of(page, finding));
    page_cell(page, finding->left_out ? "yes" : "no");
    html_close(html);
}

bool page_finding_records(Page *page, Error *err)
{
    static const PageColumn columns[] = {
        {"Organisation", false}, {"Rule", false},   {"Record", false},  {"Field", false},
        {"What", false},         {"Months", false}, {"Left out", false}};
    const char *after_org = page_value(page, "after_org");
    FindingPart part = {.cause = page_value(page, "rule"),
                        .org = org_wanted(page),
                        .after = {.org = text_equal(after_org, "-") ? "" : after_org,
                                  .cause = page_value(page, "after_rule"),
                                  .id = page_number(page, "after")},
                        .limit = PART};
    FindingPlace next;
    Finding *findings;
    size_t count;
    if (!finding_part(page->store, &part, page->arena, &findings, &count, &next, err) ||
        (count && !page_looked(page, "findings/records", NULL, NULL, (int64_t)count, err)))
        return false;
    html_say(&page->html, "h1", "Records to correct");
    html_say(&page->html, "p", "Each look at this list is kept in the audit, with your name.",
             {"class", "quiet"});
    if (!count) {
        html_say(&page->html, "p", "Nothing more was found.");
        return true;
    }
    page_table(page, "Records and fields, by organisation and rule", columns, 7);
    for (size_t i = 0; i < count; i++)
        record_row(page, &findings[i]);
    page_table_end(page);
    if (count == PART)
        html_say(
            &page->html, "a", "Next records",
            {"href", url_of(page->arena, "/findings/records", {"rule", part.cause},
                            {"org", org_address(part.org)}, {"after_org", org_address(next.org)},
                            {"after_rule", next.cause},
                            {"after", arena_format(page->arena, "%lld", (long long)next.id)})});
    return true;
}

/* ---- the fix list ---- */

typedef struct FixList {
    Arena *arena; /* of the answer */
    FindingPart part;
    bool begun;
} FixList;

static void csv_month(Text *out, Month month)
{
    char text[CIVIL_TEXT_SIZE];
    text_add_csv(out, month ? civil_format_month(month, text) : "");
}

static void csv_line(Text *out, const Finding *finding)
{
    const char *const texts[] = {finding->org,    finding->rule,        finding->severity,
                                 finding->feed,   finding->record_type, finding->record_id,
                                 finding->person, finding->field};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        text_add_csv(out, texts[i] ? texts[i] : "");
        text_add(out, ",");
    }
    csv_month(out, finding->first_month);
    text_add(out, ",");
    csv_month(out, finding->last_month);
    text_addf(out, ",%s,", finding->left_out ? "yes" : "no");
    text_add_csv(out, finding->message ? finding->message : "");
    text_add(out, ",");
    text_add_csv(out, finding->remedy ? finding->remedy : "");
    text_add(out, "\r\n");
}

static bool more_fixes(void *data, Store *store, Text *out, bool *ret_more, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)8 << 20);
    FixList *list = data;
    FindingPlace next = {0};
    Finding *findings;
    size_t count;
    if (!list->begun)
        text_add(out, "organisation,rule,severity,feed,record,id,person,field,from,to,left_out,"
                      "what,remedy\r\n");
    list->begun = true;
    if (!finding_part(store, &list->part, arena, &findings, &count, &next, err))
        return false;
    for (size_t i = 0; i < count; i++)
        csv_line(out, &findings[i]);
    *ret_more = count == list->part.limit;
    list->part.after = (FindingPlace){.org = arena_text(list->arena, next.org),
                                      .cause = arena_text(list->arena, next.cause),
                                      .id = next.id};
    return true;
}

bool page_finding_csv(Page *page, Error *err)
{
    FixList *list = arena_alloc(page->arena, sizeof *list);
    *list = (FixList){
        .arena = page->arena,
        .part = {.cause = page_value(page, "rule"), .org = org_wanted(page), .limit = CSV_PART}};
    if (!page_looked(page, "findings.csv", NULL, NULL, 0, err))
        return false;
    page->answer.type = "text/csv; charset=utf-8; header=present";
    page->answer.filename = "fix-list.csv";
    page->answer.more = more_fixes;
    page->answer.data = list;
    return true;
}
