/* SPDX-License-Identifier: Apache-2.0 */
/* People: one person by local id, masked; a value is shown after a reason, and the audit keeps who,
 * why and which. */
#include "daemon/console/pages.h"
#include "daemon/store/audit.h"

#include <string.h>

static const struct {
    const char *word, *text;
} reasons[] = {
#define REASON(name, word, text) {word, text},
#include "daemon/console/reason.def"
#undef REASON
};

static void search_form(Page *page, const char *problem)
{
    Html *html = &page->html;
    const Config *config = page->state->config;
    html_say(html, "h1", "People");
    if (problem)
        page_notice(page, "warning", "Not found", problem);
    html_say(html, "p",
             "Look for one person by the id that the case-management system gave them. Values stay "
             "masked until you give a reason. Each look is kept in the audit, with your name.");
    page_form(page, "/people");
    html_open(html, "div", {"class", "field"});
    html_say(html, "label", "Feed", {"for", "feed"});
    html_open(html, "select", {"id", "feed"}, {"name", "feed"});
    for (size_t i = 0; i < config->feed_count; i++)
        html_say(html, "option", config->feeds[i].name, {"value", config->feeds[i].name});
    html_close(html);
    html_close(html);
    page_field(page, "id", "Local id", "As the feed has it, without our prefix", NULL, "text");
    page_button(page, "Look", "plain");
    html_close(html);
}

bool page_people(Page *page, Error *err)
{
    (void)err;
    search_form(page, NULL);
    return true;
}

typedef struct Person {
    const char *feed, *id, *survivor;
    Record *record;
} Person;

/* *ret_found false: a form that says so was written. */
static bool find_person(Page *page, Person *ret, bool *ret_found, Error *err)
{
    Person person = {.feed = page_value(page, "feed"), .id = page_value(page, "id")};
    *ret_found = false;
    if (!person.feed || !person.id || !config_feed(page->state->config, person.feed)) {
        search_form(page, "Give the feed and the id of one person.");
        return true;
    }
    if (!source_get(page->store, person.feed, "person", person.id, page->arena, &person.record,
                    &person.survivor, err))
        return false;
    if (!person.record)
        search_form(page, "The feed has nobody of that id, or they were erased.");
    *ret_found = person.record != NULL;
    *ret = person;
    return true;
}

static void ask_button(Page *page, const Person *person, const char *field)
{
    page_form(page, "/people/ask");
    page_hidden(page, "feed", person->feed);
    page_hidden(page, "id", person->id);
    page_hidden(page, "field", field);
    html_open(&page->html, "button", {"type", "submit"}, {"class", "link"});
    html_text(&page->html, arena_format(page->arena, "Show %s", field));
    html_close(&page->html);
    html_close(&page->html);
}

static const char *value_text(const Page *page, const Field *field)
{
    if (field->kind == FIELD_TEXT)
        return field->label ? arena_format(page->arena, "%s (%s)", field->text, field->label)
                            : field->text;
    return field_kind_name(field->kind);
}

static void show_fields(Page *page, const Person *person, const char *revealed)
{
    static const PageColumn columns[] = {{"Field", false}, {"Value", false}, {"To see it", false}};
    const Field *root = person->record->root;
    html_say(&page->html, "h2", "The person's record");
    if (!root) {
        html_say(&page->html, "p", "The feed has deleted this record.");
        return;
    }
    page_table(page, "Fields of the record", columns, 3);
    for (size_t i = 0; i < root->count; i++) {
        bool shown = text_equal(root->names[i], revealed);
        bool blank = root->items[i].kind == FIELD_NULL;
        page_row(page);
        page_cell_head(page, root->names[i], NULL);
        if (shown || blank)
            page_cell_look(page, blank ? "left blank" : value_text(page, &root->items[i]),
                           shown ? "shown" : NULL);
        else
            page_cell_look(page, "masked", "mask");
        page_cell_open(page, NULL);
        if (!shown && !blank)
            ask_button(page, person, root->names[i]);
        html_close(&page->html);
        html_close(&page->html);
    }
    page_table_end(page);
}

typedef struct Found {
    Page *page;
    size_t count;
} Found;

static bool finding_row(void *data, const Finding *finding, Error *err)
{
    Found *found = data;
    Page *page = found->page;
    (void)err;
    if (found->count++ >= 200)
        return true;
    page_row(page);
    page_cell(page, finding->rule);
    page_cell(page,
              arena_format(page->arena, "%s %s", finding->record_type ? finding->record_type : "",
                           finding->record_id ? finding->record_id : ""));
    page_cell(page, finding->field);
    page_cell(page, finding->message);
    page_cell(page, finding->remedy);
    page_cell(page, finding->left_out ? "yes" : "no");
    html_close(&page->html);
    return true;
}

static bool show_findings(Page *page, const Person *person, Error *err)
{
    static const PageColumn columns[] = {{"Rule", false},       {"Record", false},
                                         {"Field", false},      {"What", false},
                                         {"What to do", false}, {"Left out", false}};
    FindingFilter filter = {.feed = person->feed,
                            .person = person->survivor ? person->survivor : person->id};
    Found found = {.page = page};
    html_say(&page->html, "h2", "What is wrong");
    page_table(page, "Findings about this person's records", columns, 6);
    if (!finding_list(page->store, &filter, finding_row, &found, err))
        return false;
    page_table_end(page);
    return true;
}

static bool show_basis(Page *page, const Person *person, Error *err)
{
    PersonBasis basis;
    if (!source_basis(page->store, person->feed, person->survivor ? person->survivor : person->id,
                      "mhsds", page->arena, &basis, err))
        return false;
    page_facts(page);
    page_fact(page, "Feed", person->feed);
    page_fact(page, "Local id", person->id);
    if (person->survivor && !text_equal(person->survivor, person->id))
        page_fact(page, "Merged into", person->survivor);
    page_fact(page, "Consent in force", consent_name(basis.decision));
    page_fact(page, "Restricted", basis.restricted ? "yes: flows nowhere" : "no");
    page_facts_end(page);
    return true;
}

static bool show_person(Page *page, const Person *person, const char *revealed, Error *err)
{
    html_say(&page->html, "h1", arena_format(page->arena, "Person %s", person->id));
    if (!show_basis(page, person, err))
        return false;
    show_fields(page, person, revealed);
    return show_findings(page, person, err);
}

bool page_person(Page *page, Error *err)
{
    Person person;
    bool found;
    if (!find_person(page, &person, &found, err))
        return false;
    return !found || (page_looked(page, "people", person.feed, person.id, 0, err) &&
                      show_person(page, &person, NULL, err));
}

static bool field_of(const Person *person, const char *name)
{
    const Field *root = person->record->root;
    for (size_t i = 0; root && i < root->count; i++)
        if (text_equal(root->names[i], name))
            return true;
    return false;
}

bool page_ask(Page *page, Error *err)
{
    const char *field = page_value(page, "field");
    Html *html = &page->html;
    Person person;
    bool found;
    if (!find_person(page, &person, &found, err))
        return false;
    if (!found)
        return true;
    if (!field_of(&person, field))
        return page_wrong(err, "The record has no such field.");
    html_say(html, "h1", arena_format(page->arena, "Show %s?", field));
    html_say(html, "p",
             arena_format(page->arena,
                          "You will see one value of person %s. The audit keeps your name, the "
                          "reason and the field, never the value.",
                          person.id));
    page_form(page, "/people/reveal");
    page_hidden(page, "feed", person.feed);
    page_hidden(page, "id", person.id);
    page_hidden(page, "field", field);
    html_open(html, "div", {"class", "field"});
    html_say(html, "label", "Why do you need it?", {"for", "reason"});
    html_open(html, "select", {"id", "reason"}, {"name", "reason"}, {"required", ""});
    html_say(html, "option", "Choose a reason", {"value", ""});
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        html_say(html, "option", reasons[i].text, {"value", reasons[i].word});
    html_close(html);
    html_close(html);
    page_button(page, "Show it", "plain");
    html_close(html);
    return true;
}

/* The audit has it before anybody sees it. */
static bool audit_reveal(Page *page, const Person *person, const char *reason, const char *field,
                         Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    uint8_t subject[DIGEST_SIZE];
    const char *code = arena_format(page->arena, "%s:%s", reason, field);
    return audit_subject(page->store, person->feed, "person", person->id, subject, err) &&
           store_begin(page->store, &transaction, err) &&
           audit_append(page->store, AUDIT_REVEALED,
                        &(AuditFields){.feed = person->feed,
                                       .subject = subject,
                                       .actor = page->session.name,
                                       .code = code},
                        err) &&
           store_commit(&transaction, err);
}

/* Field names that fit into the audit are words of a feed; nothing else is shown. */
static bool is_field_name(const char *name)
{
    return name && strlen(name) <= 40 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

bool page_reveal(Page *page, Error *err)
{
    const char *field = page_value(page, "field"), *reason = page_value(page, "reason");
    Person person;
    bool found, known = false;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        known |= text_equal(reasons[i].word, reason);
    if (!known)
        return page_wrong(err, "Choose a reason first.");
    if (!find_person(page, &person, &found, err))
        return false;
    if (!found)
        return true;
    if (!is_field_name(field) || !field_of(&person, field))
        return page_wrong(err, "The record has no such field.");
    return audit_reveal(page, &person, reason, field, err) &&
           show_person(page, &person, field, err);
}
