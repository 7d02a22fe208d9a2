/* SPDX-License-Identifier: Apache-2.0 */
/* One submission: what it is, its life, its rows beside the ones before, and what may be done. */
#include "daemon/console/deed.h"
#include "daemon/console/pages.h"
#include "daemon/store/audit.h"
#include "daemon/store/tally.h"

static const char *state_meaning(SubmissionState state)
{
    static const char *const meanings[] = {
#define STATE(name, text, meaning) meaning,
#include "daemon/store/states.def"
#undef STATE
    };
    return meanings[state];
}

static void show_facts(Page *page, const SubmissionInfo *info)
{
    char hex[DIGEST_HEX_SIZE];
    Arena *arena = page->arena;
    page_facts(page);
    page_fact(page, "Provider", info->provider);
    page_fact(page, "Month", page_month(page, info->period));
    page_fact(page, "Revision", arena_format(arena, "%d", info->revision));
    page_fact(page, "To be in by", page_time(page, info->deadline));
    page_fact(page, "People", number_text(arena, info->counts.people));
    page_fact(page, "Referrals", number_text(arena, info->counts.referrals));
    page_fact(page, "Contacts", number_text(arena, info->counts.contacts));
    page_fact(page, "Rows", number_text(arena, info->counts.rows));
    page_fact(page, "Rows left out", number_text(arena, info->left_out));
    page_fact(page, "Legal basis", info->legal_basis);
    page_fact(page, "Built", page_time(page, info->created_at));
    page_fact(page, "Route", info->route);
    page_fact(page, "Receiver's reference", info->reference);
    page_fact(page, "Released by", info->released_by);
    page_fact(page, "Cancelled by", info->cancelled_by);
    page_fact(page, "Signature", info->signature ? "kept with the submission" : "not signed yet");
    page_fact(page, "SHA-256 of the document",
              arena_text(arena, digest_hex(info->document_digest, hex)));
    page_fact(page, "Size",
              arena_format(arena, "%s bytes", number_text(arena, info->document_size)));
    page_fact(page, "Mapping", info->mapping_version);
    page_fact(page, "Made by", arena_format(arena, "mhsflow %s", info->program_version));
    page_facts_end(page);
}

/* A person's own words are for those who work with people's records. */
static void show_state(Page *page, const SubmissionInfo *info)
{
    Html *html = &page->html;
    html_open(html, "p");
    page_tag(page, submission_state_name(info->state));
    html_text(html, arena_format(page->arena, " %s.", state_meaning(info->state)));
    html_close(html);
    if (info->state == SUBMISSION_HELD)
        page_notice(page, "warning", held_words(info->held_reason),
                    info->held_by ? arena_format(page->arena, "Held by %s.", info->held_by)
                                  : "Look at what changed below, then release or cancel it.");
    if (info->state == SUBMISSION_REJECTED)
        page_notice(page, "warning", "The receiver refused it",
                    info->last_reason ? info->last_reason : info->last_code);
    if (info->person_reason && page->role == MANAGER)
        page_notice(page, "quiet", "Reason given", info->person_reason);
    if (info->purged)
        page_notice(page, "quiet", "A purge touched it",
                    "Rows of it were erased, so the document cannot be made again. Its digest, "
                    "signature and audit remain.");
}

static void show_deeds(Page *page, const SubmissionInfo *info)
{
    Html *html = &page->html;
    if (page->role != MANAGER)
        return;
    bool any = false;
    for (int deed = 0; deed < DEED_COUNT; deed++) {
        if (!deed_allowed((Deed)deed, info->state))
            continue;
        if (!any)
            html_open(html, "p");
        any = true;
        html_say(html, "a", deed_title((Deed)deed, info),
                 {"class", deed == DEED_RELEASE ? "button" : "button second"},
                 {"href", url_of(page->arena, "/submission/confirm",
                                 {"id", arena_format(page->arena, "%lld", (long long)info->id)},
                                 {"deed", deed_name((Deed)deed)})});
    }
    if (any)
        html_close(html);
}

static bool show_tables(Page *page, const SubmissionInfo *info, Error *err)
{
    static const PageColumn columns[] = {
        {"Table", false}, {"Rows", true}, {"Revision before", true}, {"Difference", true}};
    SubmissionPart part = {.provider = info->provider, .period = info->period, .limit = 1000};
    SubmissionInfo *list;
    TableTally *tables;
    size_t count, table_count;
    int64_t before = 0;
    if (!submission_part(page->store, &part, page->arena, &list, &count, err))
        return false;
    for (size_t i = 0; i < count && !before;
         i++) /* newest first: the next older is the one before */
        if (list[i].revision < info->revision)
            before = list[i].id;
    if (!tally_tables(page->store, info->id, before, page->arena, &tables, &table_count, err))
        return false;
    html_say(&page->html, "h2", "Rows by table");
    if (!table_count) {
        html_say(&page->html, "p", "Not counted yet: look again in a minute.", {"class", "quiet"});
        return true;
    }
    page_table(page, "Rows by table, beside the revision before", columns, before ? 4 : 2);
    for (size_t i = 0; i < table_count; i++) {
        int64_t difference = tables[i].rows - tables[i].before;
        page_row(page);
        page_cell_head(page, tables[i].table, NULL);
        page_cell_number(page, tables[i].rows);
        if (before) {
            page_cell_number(page, tables[i].before);
            page_cell_look(page,
                           arena_format(page->arena, "%s%s", difference > 0 ? "+" : "",
                                        number_text(page->arena, difference)),
                           difference < 0 ? "number less" : "number");
        }
        html_close(&page->html);
    }
    page_table_end(page);
    return true;
}

static const char *event_text(const Page *page, const SubmissionEvent *event)
{
    Text text = text_new(page->arena, 2048);
    if (event->from && event->to)
        text_addf(&text, "%s → %s. ", event->from, event->to);
    else if (event->to)
        text_addf(&text, "→ %s. ", event->to);
    if (event->attempt)
        text_addf(&text, "Attempt %d. ", event->attempt);
    if (event->status)
        text_addf(&text, "Status %d. ", event->status);
    if (event->code)
        text_addf(&text, "%s. ", event->code);
    if (event->reference)
        text_addf(&text, "Reference %s. ", event->reference);
    if (event->actor)
        text_addf(&text, "By %s. ", event->actor);
    if (event->reason && page->role == MANAGER)
        text_add(&text, event->reason);
    return text_get(&text);
}

static const char *event_title(const SubmissionEvent *event)
{
    if (text_equal(event->kind, "audit"))
        return audit_event_meaning(event->event);
    if (text_equal(event->kind, "attempt"))
        return text_equal(event->event, "sent") ? "an attempt to send it began"
                                                : "the receiver was asked about it";
    return "the receiver's answer was kept";
}

static bool show_life(Page *page, const SubmissionInfo *info, Error *err)
{
    static const PageColumn columns[] = {{"When", false}, {"What", false}, {"Details", false}};
    SubmissionEvent *events;
    size_t count;
    if (!submission_events(page->store, info->id, page->arena, &events, &count, err))
        return false;
    html_say(&page->html, "h2", "Its life so far");
    page_table(page, "Events, attempts and answers, the first on top", columns, 3);
    for (size_t i = 0; i < count; i++) {
        page_row(page);
        page_cell_time(page, events[i].at);
        page_cell_open(page, NULL);
        html_text(&page->html, event_title(&events[i]));
        html_void(&page->html, "br");
        html_say(&page->html, "span",
                 arena_format(page->arena, "%s: %s", events[i].kind, events[i].event),
                 {"class", "quiet"});
        html_close(&page->html);
        page_cell(page, event_text(page, &events[i]));
        html_close(&page->html);
    }
    page_table_end(page);
    return true;
}

bool page_submission(Page *page, Error *err)
{
    SubmissionInfo info;
    if (!submission_get(page->store, page_number(page, "id"), page->arena, &info, err))
        return false;
    html_say(&page->html, "h1",
             arena_format(page->arena, "%s, %s, revision %d", page_month(page, info.period),
                          info.provider, info.revision));
    show_state(page, &info);
    show_deeds(page, &info);
    if (page_value(page, "done"))
        page_notice(page, "good", "Done", "Your name was kept with it.");
    show_facts(page, &info);
    return show_tables(page, &info, err) && show_life(page, &info, err);
}
