/* SPDX-License-Identifier: Apache-2.0 */
/* Collects what happens to one person's records, orders it by time, numbers the versions and hands
 * it on. */
#include "tests/sandbox/caseload_case.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/json_writer.h"
#include "tests/sandbox/nhs_number.h"

#define X(name, text) text,
const char *const record_type_names[TYPE_COUNT] = {RECORD_TYPES(X)};
const char *const caseload_profile_names[PROFILE_COUNT] = {CASELOAD_PROFILES(X)};
#undef X

RecordType record_type_find(const char *name)
{
    int type = 0;
    while (type < TYPE_COUNT && strcmp(record_type_names[type], name) != 0)
        type++;
    return (RecordType)type;
}

uint32_t caseload_months(const CaseloadPlan *plan)
{
    return plan->months == 0 ? 3 : plan->months;
}

int32_t caseload_first_day(const CaseloadPlan *plan)
{
    return calendar_month_start(plan->today, -(int)caseload_months(plan));
}

int64_t caseload_cut(const CaseloadPlan *plan)
{
    return (int64_t)plan->today * MS_PER_DAY;
}

uint64_t case_draw(const Case *c, RecordType type, uint32_t item, uint32_t field)
{
    return random_field(c->plan->seed, type, (uint64_t)c->draw.index << 20 | item, field);
}

uint32_t case_below(const Case *c, RecordType type, uint32_t item, uint32_t field, uint32_t bound)
{
    return random_below(case_draw(c, type, item, field), bound);
}

bool case_gap(const Case *c, RecordType type, uint32_t item, uint32_t field, uint32_t per_mille)
{
    if (c->plan->profile == PROFILE_CLEAN)
        return false;
    if (c->plan->profile >= PROFILE_DIRTY)
        per_mille = per_mille >= 333 ? 900 : per_mille * 3;
    return case_below(c, type, item, field, 1000) < per_mille;
}

bool case_planted(Case *c, Plant plant, const char *fault, RecordType type, const char *id)
{
    if (c->draw.planted != (uint32_t)plant)
        return false;
    if (c->faults != NULL)
        c->faults(c->user, fault, type, id);
    return true;
}

int64_t case_instant(const Case *c, int32_t day, int minutes)
{
    return (int64_t)day * MS_PER_DAY + (int64_t)minutes * MS_PER_MINUTE +
           (int64_t)((c->draw.index * 7919U) % 60000U);
}

uint32_t case_slot(Case *c, RecordType type, const char *id)
{
    if (c->slot_count == CASE_SLOTS)
        abort(); /* no case is that large: the tables bound it */
    CaseSlot *slot = &c->slots[c->slot_count];
    *slot = (CaseSlot){.type = type};
    memcpy(slot->id, id, strnlen(id, RECORD_ID_SIZE - 1));
    return c->slot_count++;
}

Buffer *case_begin(Case *c, uint32_t slot)
{
    c->slots[slot].text_start = c->text.length;
    buffer_text(&c->text, "\"record\":{"); /* no comma: it starts a text of its own */
    put_text(&c->text, "id", c->slots[slot].id);
    return &c->text;
}

static void add_step(Case *c, uint32_t slot, int64_t ms, ChangeOp op, size_t start, size_t length)
{
    if (c->step_count == c->step_capacity) {
        c->step_capacity = c->step_capacity == 0 ? 128 : c->step_capacity * 2;
        c->steps = memory_or_die(realloc(c->steps, c->step_capacity * sizeof *c->steps));
    }
    c->steps[c->step_count] = (CaseStep){.ms = ms,
                                         .order = c->step_count,
                                         .slot = slot,
                                         .op = op,
                                         .text_start = start,
                                         .text_length = length};
    c->step_count++;
}

static bool too_late(const Case *c, int64_t ms)
{
    return ms >= c->cut && !c->after_cut;
}

void case_end(Case *c, uint32_t slot, int64_t ms)
{
    put_close(&c->text, '}');
    size_t start = c->slots[slot].text_start;
    if (too_late(c, ms))
        c->text.length = start;
    else
        add_step(c, slot, ms, CHANGE_UPSERT, start, c->text.length - start);
}

void case_delete(Case *c, uint32_t slot, int64_t ms, const char *reason)
{
    if (too_late(c, ms))
        return;
    size_t start = c->text.length;
    buffer_text(&c->text, ",\"reason\":");
    put_string(&c->text, reason);
    add_step(c, slot, ms, CHANGE_DELETE, start, c->text.length - start);
}

static int compare_steps(const void *left, const void *right)
{
    const CaseStep *a = left;
    const CaseStep *b = right;
    if (a->ms != b->ms)
        return a->ms < b->ms ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Where the change is handed on: the head of a line is the same for every operation. */
typedef struct CaseOut {
    Buffer line;
    CaseloadSink *sink;
    void *user;
} CaseOut;

static void start_line(const Case *c, CaseOut *out, const CaseloadChange *change, const char *op)
{
    buffer_clear(&out->line);
    put_text(&out->line, "op", op);
    put_text(&out->line, "type", record_type_names[change->type]);
    put_text(&out->line, "id", change->id);
    put_number(&out->line, "version", change->version);
    put_instant(&out->line, "recorded_at", change->recorded_at);
    put_text(&out->line, "org", organisation_ids[c->draw.org]);
}

static void finish_line(CaseOut *out, CaseloadChange *change)
{
    put_close(&out->line, '}');
    change->text = out->line.data;
    change->length = out->line.length;
    out->sink(out->user, change);
}

/* Ids of persons have one length, so the owner can be exchanged in place. */
static void rewrite_owner(const Case *c, Buffer *line, size_t from)
{
    char member[40];
    size_t length = 0;
    memcpy(member, "\"person\":\"", 10);
    length = 10 + strlen(c->person_id);
    memcpy(member + 10, c->person_id, strlen(c->person_id) + 1);
    char *at = strstr(line->data + from, member);
    if (at != NULL)
        memcpy(at + 10, c->survivor_id, length - 10);
}

static void hand_on(Case *c, CaseOut *out, const CaseStep *step, bool merged)
{
    CaseSlot *slot = &c->slots[step->slot];
    CaseloadChange change = {
        .recorded_at = step->ms, .type = slot->type, .op = step->op, .version = ++slot->version};
    memcpy(change.id, slot->id, sizeof change.id);
    start_line(c, out, &change, step->op == CHANGE_DELETE ? "delete" : "upsert");
    size_t from = out->line.length;
    if (step->op == CHANGE_UPSERT)
        buffer_char(&out->line, ',');
    buffer_add(&out->line, c->text.data + step->text_start, step->text_length);
    if (merged)
        rewrite_owner(c, &out->line, from);
    slot->deleted = step->op == CHANGE_DELETE;
    if (step->op == CHANGE_UPSERT) {
        slot->text_start = step->text_start;
        slot->text_length = step->text_length;
    }
    finish_line(out, &change);
}

static bool has_owner(RecordType type)
{
    return type == TYPE_CONSENT || type == TYPE_REFERRAL || type == TYPE_CARE_PLAN ||
           type == TYPE_DIAGNOSIS || type == TYPE_CIRCUMSTANCE;
}

/* The merge itself, the survivor as it now stands, and every record that changes its owner by it.
 */
static void hand_on_merge(Case *c, CaseOut *out, int64_t ms)
{
    CaseloadChange change = {
        .recorded_at = ms, .type = TYPE_PERSON, .op = CHANGE_MERGE, .version = 2};
    memcpy(change.id, c->survivor_id, sizeof change.id);
    memcpy(change.merged, c->person_id, sizeof change.merged);
    start_line(c, out, &change, "merge");
    put_open(&out->line, "merge", '{');
    put_text(&out->line, "survivor", c->survivor_id);
    put_open(&out->line, "merged", '[');
    put_text(&out->line, NULL, c->person_id);
    put_close(&out->line, ']');
    put_bool(&out->line, "children_repointed", true);
    put_close(&out->line, '}');
    finish_line(out, &change);

    change = (CaseloadChange){
        .recorded_at = ms + 1, .type = TYPE_PERSON, .op = CHANGE_UPSERT, .version = 3};
    memcpy(change.id, c->survivor_id, sizeof change.id);
    PersonDraw survivor;
    case_person_draw(c->plan, c->draw.identity, &survivor);
    start_line(c, out, &change, "upsert");
    put_open(&out->line, "record", '{');
    put_text(&out->line, "id", c->survivor_id);
    case_write_person(c->plan, &survivor, true, &out->line);
    put_close(&out->line, '}');
    finish_line(out, &change);

    for (uint32_t i = 0; i < c->slot_count; i++) {
        CaseSlot *slot = &c->slots[i];
        if (!has_owner(slot->type) || slot->version == 0 || slot->deleted)
            continue;
        CaseStep again = {.ms = ms + 2 + i,
                          .slot = i,
                          .op = CHANGE_UPSERT,
                          .text_start = slot->text_start,
                          .text_length = slot->text_length};
        hand_on(c, out, &again, true);
    }
}

static void flush(Case *c, CaseOut *out)
{
    qsort(c->steps, c->step_count, sizeof *c->steps, compare_steps);
    bool merged = false;
    for (uint32_t i = 0; i < c->step_count; i++) {
        if (!merged && c->merge_ms != 0 && c->steps[i].ms >= c->merge_ms) {
            hand_on_merge(c, out, c->merge_ms);
            merged = true;
        }
        hand_on(c, out, &c->steps[i], merged);
    }
    if (!merged && c->merge_ms != 0)
        hand_on_merge(c, out, c->merge_ms);
}

static void person_id(char id[RECORD_ID_SIZE], uint32_t index)
{
    Buffer text = {0};
    buffer_format(&text, "P%07u", index + 1);
    memcpy(id, text.data, text.length + 1);
    buffer_free(&text);
}

static void decide_merge(Case *c)
{
    if (!c->draw.merges)
        return;
    if (c->draw.late == LATE_MERGE) {
        c->merge_ms = c->cut + (int64_t)(c->draw.index % 60) * 1000 + 500;
        return;
    }
    int64_t ms = case_instant(c, c->draw.registered + 21, 9 * 60) / 1000 * 1000 + 777;
    if (ms < c->cut - MS_PER_DAY)
        c->merge_ms = ms;
}

void caseload_person(const CaseloadPlan *plan, uint32_t index, CaseloadSink *sink,
                     CaseloadFaultSink *faults, void *user)
{
    nhs_number_start();
    Case c = {.plan = plan, .cut = caseload_cut(plan), .faults = faults, .user = user};
    CaseSlot *slots = memory_or_die(malloc(CASE_SLOTS * sizeof *slots)); /* filled one by one */
    c.slots = slots;
    case_person_draw(plan, index, &c.draw);
    person_id(c.person_id, index);
    person_id(c.survivor_id, c.draw.identity);
    decide_merge(&c);

    case_person(&c);
    case_consents(&c);
    case_referral(&c, 0);
    if (!c.draw.merges && case_below(&c, TYPE_REFERRAL, 1, 0, 100) < 12)
        case_referral(&c, 1);

    CaseOut out = {.sink = sink, .user = user};
    flush(&c, &out);
    buffer_free(&out.line);
    buffer_free(&c.text);
    free(c.steps);
    free(slots);
}
