/* SPDX-License-Identifier: Apache-2.0 */
/* Follows links and paths from a record, and says whether conditions hold. */
#include "daemon/mapping/row.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

#include <string.h>

static const Field nothing = {.kind = FIELD_ABSENT};

/* A person's records may be of several feeds: what a record names is its own feed's. */
const char *row_feed(const RowContext *row)
{
    return row->record && row->record->feed ? row->record->feed : row->map->feed;
}

static const Record *find_own(const RowContext *row, RecordType type, const char *id)
{
    return index_find(&row->map->index, row->record ? row->record->feed : NULL, type, id);
}

static const Record *find_reference(const RowContext *row, const char *type, const char *id)
{
    return references_find(row->map->references, row_feed(row), type, id);
}

static bool is_type(const RowContext *row, RecordType type)
{
    return row->block->type == type;
}

static const char *own(const RowContext *row, const char *field)
{
    return row->record ? field_text(row->record->root, field) : NULL;
}

static const Record *find_referral(RowContext *row)
{
    if (is_type(row, TYPE_REFERRAL))
        return row->record;
    const Record *named = find_own(row, TYPE_REFERRAL, own(row, "referral"));
    if (named)
        return named;
    const Record *contact = row_link(row, LINK_CONTACT);
    if (!contact || contact == row->record)
        return NULL;
    return find_own(row, TYPE_REFERRAL, field_text(contact->root, "referral"));
}

static const Record *find_organisation(RowContext *row)
{
    if (is_type(row, TYPE_ORGANISATION))
        return row->record;
    const Record *referral = row_link(row, LINK_REFERRAL);
    const char *id = own(row, "org");
    if (!id && referral)
        id = field_text(referral->root, "org");
    if (!id && row->record)
        id = row->record->org;
    return find_reference(row, "organisation", id);
}

static const Record *find_lead(RowContext *row)
{
    const Record *organisation = row_link(row, LINK_ORGANISATION);
    if (!organisation)
        return NULL;
    const char *id = field_text(organisation->root, "submitting_org");
    return find_reference(row, "organisation", id ? id : field_text(organisation->root, "parent"));
}

static const Record *find_team(RowContext *row)
{
    if (is_type(row, TYPE_TEAM))
        return row->record;
    const char *id = own(row, "team");
    const Record *referral = id ? NULL : row_link(row, LINK_REFERRAL);
    return find_reference(row, "team", referral ? field_text(referral->root, "team") : id);
}

static const Record *find_link(RowContext *row, Link link)
{
    switch (link) {
    case LINK_PERSON:
        return row->map->person;
    case LINK_REFERRAL:
        return find_referral(row);
    case LINK_CONTACT:
        return is_type(row, TYPE_CONTACT) ? row->record
                                          : find_own(row, TYPE_CONTACT, own(row, "contact"));
    case LINK_ORGANISATION:
        return find_organisation(row);
    case LINK_LEAD:
        return find_lead(row);
    case LINK_TEAM:
        return find_team(row);
    case LINK_WORKER:
        return is_type(row, TYPE_WORKER) ? row->record
                                         : find_reference(row, "worker", own(row, "worker"));
    case LINK_REFERRER:
        return find_reference(row, "organisation", own(row, "referrer_org"));
    case LINK_RECEIVER:
        return find_reference(row, "organisation", own(row, "to_org"));
    case LINK_PARTNER:
        return find_reference(row, "organisation", own(row, "subcontracted_to"));
    case LINK_COUNT:
        break;
    }
    return NULL;
}

const Record *row_link(RowContext *row, Link link)
{
    if (!row->known[link]) {
        row->known[link] = true;
        row->links[link] = find_link(row, link);
    }
    return row->links[link];
}

const Field *row_field(RowContext *row, const Path *path, const Record **ret_record)
{
    const Record *record = path->scope == SCOPE_LINK ? row_link(row, path->link) : row->record;
    *ret_record = record;
    if (path->scope == SCOPE_ITEM)
        return !row->item ? &nothing : path->path[0] ? field_get(row->item, path->path) : row->item;
    return record ? field_get(record->root, path->path) : &nothing;
}

const char *row_text(RowContext *row, const Path *path)
{
    const Record *record;
    const Field *field = row_field(row, path, &record);
    return field->kind == FIELD_TEXT && field->text[0] ? field->text : NULL;
}

static bool has_children(RowContext *row, RecordType type)
{
    const PersonIndex *index = &row->map->index;
    for (size_t i = 0; i < index->counts[type]; i++)
        if (field_is(index->by_type[type][i]->root, row->record->type, row->record->id) &&
            text_equal(index->by_type[type][i]->feed, row->record->feed))
            return true;
    return false;
}

static bool condition_holds(RowContext *row, const Condition *condition)
{
    bool holds = false;
    const char *text = NULL;
    switch (condition->kind) {
    case CONDITION_GIVEN:
        holds = row_text(row, &condition->path) != NULL;
        break;
    case CONDITION_IS:
        text = row_text(row, &condition->path);
        for (size_t i = 0; text && i < condition->word_count; i++)
            holds = holds || strcmp(condition->words[i], text) == 0;
        break;
    case CONDITION_HAS:
        holds = row->record && has_children(row, condition->type);
        break;
    }
    return holds != condition->not ;
}

bool row_conditions_hold(RowContext *row, const Conditions *conditions)
{
    for (size_t i = 0; i < conditions->count; i++)
        if (!condition_holds(row, &conditions->items[i]))
            return false;
    return true;
}
