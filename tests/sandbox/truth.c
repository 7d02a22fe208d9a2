/* SPDX-License-Identifier: Apache-2.0 */
/* Counts a caseload from its own change log by reading the lines back, not by asking the generator.
 */
#include "tests/sandbox/truth.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/json_writer.h"

enum { MONTHS_MOST = CASELOAD_MONTHS_MOST + 1, PROVIDERS = 2 };

static const char *const providers[PROVIDERS] = {"V9X01", "V9X02"};

typedef struct Cell {
    uint32_t people, referrals, contacts, attended; /* whoever they are of */
    uint32_t people_consented, referrals_consented,
        contacts_consented; /* of people whose consent for mhsds stands */
} Cell;

typedef struct ReferralFact {
    uint32_t person; /* record number of the person */
    int provider;
    int32_t received;
    int32_t ended; /* 0 = open */
} ReferralFact;

typedef struct Truth {
    const ChangeLog *log;
    uint32_t upto;
    int months;
    Cell cells[PROVIDERS][MONTHS_MOST];
    int32_t month_start[MONTHS_MOST + 1];
    char *consent; /* per person record: 0 nothing, 'g' given, other = its status' first letter */
    int32_t *consent_from;   /* of the decision in force */
    ReferralFact *referrals; /* per referral record */
    uint64_t *seen;          /* per person record: bit per provider and month */
    uint32_t live[TYPE_COUNT];
} Truth;

static const char *text_of(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));
    return text != NULL ? text : "";
}

static int32_t day_of(const json_t *record, const char *key)
{
    int32_t day = 0;
    (void)calendar_parse(text_of(record, key), &day);
    return day;
}

typedef void Visit(Truth *t, uint32_t index, const json_t *record);

static void each(Truth *t, RecordType type, Visit *visit)
{
    for (uint32_t i = 0; i < t->log->records[type].count; i++) {
        bool gone;
        uint32_t at = change_log_state(t->log, type, i, t->upto, &gone);
        if (at == LOG_NONE)
            continue;
        t->live[type]++;
        if (visit == NULL)
            continue;
        const LogEntry *entry = &t->log->entries[at];
        json_t *line =
            json_loadb(t->log->text.data + entry->line_start, entry->line_length, 0, NULL);
        if (line == NULL)
            abort(); /* the generator wrote something that is not JSON */
        visit(t, i, json_object_get(line, "record"));
        json_decref(line);
    }
}

/* The latest decision for mhsds whose valid_from has come; on the same day the refusal wins. */
static void visit_consent(Truth *t, uint32_t index, const json_t *record)
{
    (void)index;
    uint32_t person = change_log_find(t->log, TYPE_PERSON, text_of(record, "person"));
    int32_t from = day_of(record, "valid_from");
    const char *status = text_of(record, "status");
    if (strcmp(text_of(record, "purpose"), "mhsds") != 0 || from > t->log->plan.today ||
        person == LOG_NONE)
        return;
    bool newer = t->consent[person] == 0 || from > t->consent_from[person];
    bool tie = from == t->consent_from[person] && t->consent[person] == 'g';
    if (newer || tie) {
        t->consent[person] = status[0];
        t->consent_from[person] = from;
    }
}

static void note(Truth *t, uint32_t person, int provider, int month)
{
    uint64_t bit = UINT64_C(1) << (provider * MONTHS_MOST + month);
    if (person == LOG_NONE || (t->seen[person] & bit) != 0)
        return;
    t->seen[person] |= bit;
    t->cells[provider][month].people++;
    t->cells[provider][month].people_consented += t->consent[person] == 'g';
}

static void visit_referral(Truth *t, uint32_t index, const json_t *record)
{
    ReferralFact *fact = &t->referrals[index];
    fact->person = change_log_find(t->log, TYPE_PERSON, text_of(record, "person"));
    fact->provider = strcmp(text_of(record, "org"), "O-L2") == 0;
    fact->received = day_of(record, "received_date");
    fact->ended = day_of(record, "support_end_date");
    if (fact->ended == 0)
        fact->ended = day_of(record, "rejected_date");
    for (int month = 0; month < t->months; month++) {
        if (fact->received >= t->month_start[month + 1] ||
            (fact->ended != 0 && fact->ended < t->month_start[month]))
            continue;
        t->cells[fact->provider][month].referrals++;
        t->cells[fact->provider][month].referrals_consented +=
            fact->person != LOG_NONE && t->consent[fact->person] == 'g';
        note(t, fact->person, fact->provider, month);
    }
}

static void visit_contact(Truth *t, uint32_t index, const json_t *record)
{
    (void)index;
    uint32_t referral = change_log_find(t->log, TYPE_REFERRAL, text_of(record, "referral"));
    int32_t day = day_of(record, "date");
    if (referral == LOG_NONE)
        return;
    const ReferralFact *fact = &t->referrals[referral];
    for (int month = 0; month < t->months; month++) {
        if (day < t->month_start[month] || day >= t->month_start[month + 1])
            continue;
        Cell *cell = &t->cells[fact->provider][month];
        cell->contacts++;
        cell->attended += strcmp(text_of(record, "attendance"), "Attended") == 0;
        cell->contacts_consented += fact->person != LOG_NONE && t->consent[fact->person] == 'g';
    }
}

static void write_cell(const Truth *t, int provider, int month, Buffer *out)
{
    const Cell *cell = &t->cells[provider][month];
    char name[8];
    calendar_write_month(name, t->month_start[month]);
    put_open(out, NULL, '{');
    put_text(out, "provider", providers[provider]);
    put_text(out, "month", name);
    put_bool(out, "complete", month < t->months - 1);
    put_number(out, "people", cell->people);
    put_number(out, "people_consented", cell->people_consented);
    put_number(out, "referrals", cell->referrals);
    put_number(out, "referrals_consented", cell->referrals_consented);
    put_number(out, "contacts", cell->contacts);
    put_number(out, "contacts_attended", cell->attended);
    put_number(out, "contacts_consented", cell->contacts_consented);
    put_close(out, '}');
}

static void write_consents(const Truth *t, Buffer *out)
{
    static const char kinds[] = {'g', 'r', 'w', 'n', 'l', 0};
    static const char *const names[] = {"given",     "refused",        "withdrawn",
                                        "not_asked", "lacks_capacity", "not_recorded"};
    put_open(out, "consent_mhsds", '{');
    for (size_t kind = 0; kind < sizeof kinds; kind++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < t->log->records[TYPE_PERSON].count; i++) {
            bool gone;
            if (change_log_state(t->log, TYPE_PERSON, i, t->upto, &gone) != LOG_NONE)
                count += t->consent[i] == kinds[kind];
        }
        put_number(out, names[kind], count);
    }
    put_close(out, '}');
}

/* Whoever has not given consent: none of these may be found in any document. */
static void write_withheld(const Truth *t, Buffer *out)
{
    put_open(out, "withheld", '[');
    for (uint32_t i = 0; i < t->log->records[TYPE_PERSON].count; i++) {
        bool gone;
        if (t->consent[i] != 'g' &&
            change_log_state(t->log, TYPE_PERSON, i, t->upto, &gone) != LOG_NONE)
            put_text(out, NULL, t->log->records[TYPE_PERSON].items[i].id);
    }
    put_close(out, ']');
}

static void write_fault(void *user, const char *fault, RecordType type, const char *id)
{
    Buffer *out = user;
    put_open(out, NULL, '{');
    put_text(out, "fault", fault);
    put_text(out, "type", record_type_names[type]);
    put_text(out, "id", id);
    put_close(out, '}');
}

static void ignore_change(void *user, const CaseloadChange *change)
{
    (void)user;
    (void)change;
}

static void write_truth(Truth *t, Buffer *out)
{
    put_open(out, NULL, '{');
    put_number(out, "seed", (int64_t)t->log->plan.seed);
    put_day(out, "today", t->log->plan.today);
    put_text(out, "profile", caseload_profile_names[t->log->plan.profile]);
    put_number(out, "changes", t->upto);
    put_number(out, "changes_hidden", t->log->count - t->upto);
    put_number(out, "head_seq", t->upto > 0 ? change_log_seq(t->upto - 1) : 0);
    put_number(out, "people", t->live[TYPE_PERSON]);
    write_consents(t, out);
    put_open(out, "records", '{');
    for (int type = 0; type < TYPE_COUNT; type++)
        put_number(out, record_type_names[type], t->live[type]);
    put_close(out, '}');
    put_open(out, "months", '[');
    for (int provider = 0; provider < PROVIDERS; provider++)
        for (int month = 0; month < t->months; month++)
            write_cell(t, provider, month, out);
    put_close(out, ']');
    write_withheld(t, out);
    put_open(out, "planted", '[');
    for (uint32_t i = 0; i < t->log->plan.people; i++)
        caseload_person(&t->log->plan, i, ignore_change, write_fault, out);
    put_close(out, ']');
    put_close(out, '}');
    buffer_char(out, '\n');
}

void truth_write(const ChangeLog *log, uint32_t upto, Buffer *out)
{
    Truth t = {.log = log, .upto = upto};
    t.months = (int)caseload_months(&log->plan) + 1;
    for (int month = 0; month <= t.months; month++)
        t.month_start[month] = calendar_month_start(log->plan.today, month - (t.months - 1));
    uint32_t people = log->records[TYPE_PERSON].count;
    t.consent = memory_or_die(calloc(people + 1, 1));
    t.consent_from = memory_or_die(calloc(people + 1, sizeof *t.consent_from));
    t.seen = memory_or_die(calloc(people + 1, sizeof *t.seen));
    t.referrals = memory_or_die(calloc(log->records[TYPE_REFERRAL].count + 1, sizeof *t.referrals));
    each(&t, TYPE_CONSENT, visit_consent);
    each(&t, TYPE_REFERRAL, visit_referral);
    each(&t, TYPE_CONTACT, visit_contact);
    for (int type = 0; type < TYPE_COUNT; type++)
        if (type != TYPE_CONSENT && type != TYPE_REFERRAL && type != TYPE_CONTACT)
            each(&t, (RecordType)type, NULL);
    write_truth(&t, out);
    free(t.consent);
    free(t.consent_from);
    free(t.seen);
    free(t.referrals);
}
