/* SPDX-License-Identifier: Apache-2.0 */
/* Turns what mapping, gate and checker found into findings that name a record to correct. */
#include "daemon/pipeline/map_findings.h"

#include "daemon/base/text.h"

#include <string.h>

void person_check_month(PersonCheck *check, const ProviderSettings *provider,
                        const MappedRows *rows, Month month)
{
    check->provider = provider;
    check->month = month;
    check->refuses_file = false;
    size_t limit = 0;
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i]->row.number > limit)
            limit = rows->items[i]->row.number;
    if (limit > check->row_limit || !check->rows)
        check->rows = arena_array(check->arena, limit + 1, sizeof *check->rows);
    check->row_limit = limit;
    memset(check->rows, 0, (limit + 1) * sizeof *check->rows);
    for (size_t i = 0; i < rows->count; i++)
        check->rows[rows->items[i]->row.number] = rows->items[i];
}

bool person_check_refuses_file(const PersonCheck *check)
{
    return check->refuses_file;
}

static const MappedRow *row_of(const PersonCheck *check, uint64_t number)
{
    return number <= check->row_limit ? check->rows[number] : NULL;
}

static bool same_finding(const Finding *a, const Finding *b)
{
    return text_equal(a->rule, b->rule) && text_equal(a->provider, b->provider) &&
           text_equal(a->table, b->table) && text_equal(a->row_key, b->row_key) &&
           text_equal(a->element, b->element) && text_equal(a->record_id, b->record_id) &&
           text_equal(a->record_feed, b->record_feed) && text_equal(a->field, b->field) &&
           text_equal(a->cause_rule, b->cause_rule) && text_equal(a->cause_key, b->cause_key);
}

/* A finding of last month that is still so lasts a month longer. */
static void keep(PersonCheck *check, const Finding *finding)
{
    for (size_t i = check->count; i > 0; i--) {
        Finding *old = &check->findings[i - 1];
        if (!same_finding(old, finding))
            continue;
        if (old->last_month == finding->last_month)
            return;
        if (old->last_month == finding->first_month - 1) {
            old->last_month = finding->last_month;
            return;
        }
    }
    check->findings = arena_grow(check->arena, check->findings, check->count, &check->capacity,
                                 sizeof *check->findings);
    check->findings[check->count++] = *finding;
}

/* For a value: the field it came from.  For a row: the record that it was made of. */
static void lead_home(const PersonCheck *check, const MappedRow *row, const Element *element,
                      Finding *ret)
{
    const Origin *origin = row && element ? &row->origins[element->index] : NULL;
    const Record *record = origin && origin->record ? origin->record : row ? row->record : NULL;
    ret->feed = check->feed;
    ret->person = check->person;
    ret->row_key = row ? row->key : NULL;
    if (!record)
        return;
    ret->record_feed = text_equal(record->feed, check->feed) ? NULL : record->feed;
    ret->record_type = record->type;
    ret->record_id = record->id;
    ret->org = record->org;
    ret->field = origin ? origin->field : NULL;
}

void person_check_add(PersonCheck *check, const CheckFinding *found)
{
    const MappedRow *cause = found->cause_rule ? row_of(check, found->cause_row) : NULL;
    Finding finding = {.source = FINDING_CHECK,
                       .rule = found->rule->id,
                       .severity = severity_name(found->rule->severity),
                       .provider = check->provider->code,
                       .first_month = check->month,
                       .last_month = check->month,
                       .table = found->table ? found->table->code : NULL,
                       .element = found->element ? found->element->name : NULL,
                       .cause_rule = found->cause_rule ? found->cause_rule->id : NULL,
                       .cause_table = found->cause_table ? found->cause_table->code : NULL,
                       .cause_key = cause ? cause->key : NULL,
                       .left_out = severity_rejects(found->rule->severity),
                       .message = found->rule->message,
                       .remedy = found->rule->remedy};
    lead_home(check, row_of(check, found->row), found->element, &finding);
    check->refuses_file = check->refuses_file || found->rule->severity == SEVERITY_FILE_REJECTED;
    keep(check, &finding);
}

static FindingSource source_of(const FindingKind *kind)
{
    switch (kind->source) {
    case MAP_FINDING_FROM_POLICY:
        return FINDING_POLICY;
    case MAP_FINDING_FROM_GATE:
        return FINDING_GATE;
    case MAP_FINDING_FROM_MAPPING:
        break;
    }
    return FINDING_MAPPING;
}

void person_check_mapping(PersonCheck *check, const MapFinding *found)
{
    const Record *record = found->record;
    Finding finding = {.source = source_of(found->kind),
                       .rule = found->kind->code,
                       .severity = severity_name(found->kind->severity),
                       .provider = found->provider ? found->provider->code : NULL,
                       .feed = check->feed,
                       .person = check->person,
                       .record_feed =
                           record && !text_equal(record->feed, check->feed) ? record->feed : NULL,
                       .record_type = record ? record->type : NULL,
                       .record_id = record ? record->id : NULL,
                       .org = record ? record->org : NULL,
                       .field = found->field,
                       .table = found->table ? found->table->code : NULL,
                       .element = found->element ? found->element->name : NULL,
                       .left_out = severity_rejects(found->kind->severity),
                       .message = found->kind->message,
                       .remedy = found->kind->remedy};
    keep(check, &finding);
}

void person_check_gate(PersonCheck *check, const FindingKind *reason,
                       const ProviderSettings *provider)
{
    Finding finding = {.source = FINDING_GATE,
                       .rule = reason->code,
                       .severity = severity_name(reason->severity),
                       .provider = provider->code,
                       .feed = check->feed,
                       .person = check->person,
                       .record_type = "person",
                       .record_id = check->person,
                       .left_out = true,
                       .message = reason->message,
                       .remedy = reason->remedy};
    keep(check, &finding);
}

const Finding *person_check_findings(const PersonCheck *check, size_t *ret_count)
{
    *ret_count = check->count;
    return check->findings;
}
