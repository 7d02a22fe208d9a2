/* SPDX-License-Identifier: Apache-2.0 */
/* Audit: the newest events first, found by time, kind, who did it, what and whom it was about; and
 * the seal's state. */
#include "daemon/base/clock.h"
#include "daemon/base/json.h"
#include "daemon/console/pages.h"
#include "daemon/store/audit.h"

#define PART 50

static void kind_field(Page *page, const char *chosen)
{
    const char *const *names = audit_event_names();
    Html *html = &page->html;
    html_open(html, "div", {"class", "field"});
    html_say(html, "label", "What happened", {"for", "event"});
    html_open(html, "select", {"id", "event"}, {"name", "event"});
    html_say(html, "option", "anything", {"value", ""});
    for (size_t i = 0; names[i]; i++)
        html_say(html, "option", names[i], {"value", names[i]},
                 {"selected", text_equal(names[i], chosen) ? "" : NULL});
    html_close(html);
    html_close(html);
}

static void search_form(Page *page)
{
    Html *html = &page->html;
    html_open(html, "form", {"method", "get"}, {"action", "/audit"}, {"class", "filters"});
    page_field(page, "from", "From day", NULL, page_value(page, "from"), "date");
    page_field(page, "to", "To day", NULL, page_value(page, "to"), "date");
    kind_field(page, page_value(page, "event"));
    page_field(page, "actor", "Who did it", NULL, page_value(page, "actor"), "text");
    page_field(page, "submission", "Submission", "its number", page_value(page, "submission"),
               "text");
    page_field(page, "subject", "Subject", "the 64 digits of an event", page_value(page, "subject"),
               "text");
    page_button(page, "Search", "plain");
    html_close(html);
}

/* A day begins and ends at midnight in London. */
static bool read_day(const Page *page, const char *name, int later, int64_t *ret, Error *err)
{
    const char *text = page_value(page, name);
    Day day;
    if (!text)
        return true;
    if (!civil_parse_day(text, &day))
        return page_wrong(err, "That is not a day. Write it as 2026-11-23.");
    *ret = civil_london_instant(day + later, 0, true);
    return true;
}

static bool read_search(const Page *page, AuditSearch *ret, uint8_t subject[DIGEST_SIZE],
                        Error *err)
{
    const char *words = page_value(page, "subject");
    *ret = (AuditSearch){.event = page_value(page, "event"),
                         .actor = page_value(page, "actor"),
                         .submission = page_number(page, "submission"),
                         .before_at = page_number(page, "before_at"),
                         .before = page_number(page, "before"),
                         .limit = PART};
    if (words && !digest_from_hex(words, subject))
        return page_wrong(err, "A subject is 64 digits and letters, as an event shows it.");
    if (words)
        ret->subject = subject;
    return read_day(page, "from", 0, &ret->from, err) && read_day(page, "to", 1, &ret->to, err);
}

static bool show_seal(Page *page, Error *err)
{
    AuditSealed sealed;
    if (!audit_sealed(page->store, &sealed, err))
        return false;
    if (!sealed.checkpoint) {
        page_notice(page, "warning", "The audit is not sealed",
                    "Its chains show what was edited or taken out, but nobody outside can hold "
                    "them to it. Set seal_key.");
        return true;
    }
    page_facts(page);
    page_fact(page, "Sealed",
              arena_format(page->arena, "%s, %s", page_time(page, sealed.checkpoint_at),
                           page_ago(page, sealed.checkpoint_at)));
    page_fact(page, "Checkpoint", number_text(page->arena, sealed.checkpoint));
    page_fact(page, "Events under it", number_text(page->arena, sealed.sealed));
    page_fact(page, "To verify",
              "mhsflow audit verify, or with somebody else's tools on the file "
              "of mhsflow audit export");
    page_facts_end(page);
    return true;
}

static const char *fields_text(const Page *page, const char *fields)
{
    _cleanup_json_ json_t *object = json_loads(fields, 0, NULL);
    Text text = text_new(page->arena, (size_t)8 << 10);
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        text_addf(&text, "%s%s ", text.size ? ", " : "", key);
        if (json_is_string(value))
            text_add(&text, json_string_value(value));
        else
            text_addf(&text, "%lld", (long long)json_integer_value(value));
    }
    return text_get(&text);
}

static void event_row(Page *page, const AuditFound *found)
{
    Html *html = &page->html;
    const char *meaning = audit_event_meaning(found->record.event);
    page_row(page);
    page_cell_time(page, found->at_us);
    page_cell_open(page, NULL);
    html_say(html, "strong", found->record.event);
    if (meaning) {
        html_void(html, "br");
        html_say(html, "span", meaning, {"class", "quiet"});
    }
    html_close(html);
    page_cell_look(page, fields_text(page, found->record.fields), "hash");
    page_cell(page, found->leaf >= 0 ? arena_format(page->arena, "place %s",
                                                    number_text(page->arena, found->leaf))
                                     : "not yet");
    html_close(html);
}

/* Who reads the audit is in the audit too. */
static bool audit_read(Page *page, const AuditSearch *search, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    return store_begin(page->store, &transaction, err) &&
           audit_append(page->store, AUDIT_AUDIT_READ,
                        &(AuditFields){.actor = page->session.name,
                                       .page = "audit",
                                       .submission = search->submission,
                                       .subject = search->subject,
                                       .code = search->event},
                        err) &&
           store_commit(&transaction, err);
}

static bool known_event(const char *event)
{
    for (const char *const *name = audit_event_names(); *name; name++)
        if (text_equal(*name, event))
            return true;
    return false;
}

bool page_audit(Page *page, Error *err)
{
    static const PageColumn columns[] = {
        {"When", false}, {"What", false}, {"Details", false}, {"Sealed", false}};
    uint8_t subject[DIGEST_SIZE];
    AuditSearch search;
    AuditFound *found;
    size_t count;
    if (!read_search(page, &search, subject, err))
        return false;
    if (search.event && !known_event(search.event))
        return page_wrong(err, "There is no such event.");
    if (!audit_search(page->store, &search, page->arena, &found, &count, err) ||
        !audit_read(page, &search, err))
        return false;
    html_say(&page->html, "h1", "Audit");
    if (!show_seal(page, err))
        return false;
    search_form(page);
    if (!count) {
        html_say(&page->html, "p", "Nothing was found.");
        return true;
    }
    page_table(page, "Events, newest first; none holds personal data", columns, 4);
    for (size_t i = 0; i < count; i++)
        event_row(page, &found[i]);
    page_table_end(page);
    if (count == PART)
        html_say(
            &page->html, "a", "Earlier events",
            {"href", url_of(page->arena, "/audit", {"from", page_value(page, "from")},
                            {"to", page_value(page, "to")}, {"event", search.event},
                            {"actor", search.actor}, {"submission", page_value(page, "submission")},
                            {"subject", page_value(page, "subject")},
                            {"before_at",
                             arena_format(page->arena, "%lld", (long long)found[count - 1].at_us)},
                            {"before", arena_format(page->arena, "%lld",
                                                    (long long)found[count - 1].record.number)})});
    return true;
}
