/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the records that belong to no person: organisations, areas, teams, workers, group
 * sessions. */
#include <stdio.h>
#include <string.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/caseload_case.h"
#include "tests/sandbox/json_writer.h"

enum { WORKERS_PER_ORGANISATION = 6 };

typedef struct Reference {
    CaseloadSink *sink;
    void *user;
    int64_t ms;
    Buffer line;
    CaseloadChange change;
} Reference;

static Buffer *reference_begin(Reference *ref, RecordType type, const char *id, const char *org)
{
    ref->change =
        (CaseloadChange){.recorded_at = ref->ms, .type = type, .op = CHANGE_UPSERT, .version = 1};
    snprintf(ref->change.id, RECORD_ID_SIZE, "%s", id);
    buffer_clear(&ref->line);
    put_text(&ref->line, "op", "upsert");
    put_text(&ref->line, "type", record_type_names[type]);
    put_text(&ref->line, "id", id);
    put_number(&ref->line, "version", 1);
    put_instant(&ref->line, "recorded_at", ref->ms);
    put_text(&ref->line, "org", org);
    put_open(&ref->line, "record", '{');
    put_text(&ref->line, "id", id);
    return &ref->line;
}

static void reference_end(Reference *ref)
{
    buffer_text(&ref->line, "}}");
    ref->change.text = ref->line.data;
    ref->change.length = ref->line.length;
    ref->sink(ref->user, &ref->change);
    ref->ms += 10;
}

typedef struct OrganisationRow {
    const char *id, *name, *ods_code, *role, *parent, *lots;
    bool submits;
    const char *submitting_org;
} OrganisationRow;

/* None of these codes is, or can be taken for, a real organisation's. */
static const OrganisationRow organisation_rows[] = {
    {"O-L1", "Sandbox Lead One", "V9X01", "lead_provider", NULL, "12", true, "O-L1"},
    {"O-L2", "Sandbox Lead Two", "V9X02", "lead_provider", NULL, "3", true, "O-L2"},
    {"O-P1", "Sandbox Partner", NULL, "partner", "O-L1", "2", false, "O-L1"},
    {"O-C1", "Sandbox Commissioner", "V9C01", "commissioner", NULL, "", false, NULL},
    {"O-A1", "Sandbox Alliance", NULL, "alliance", NULL, "123", false, NULL},
    {"O-T1", "Sandbox Trust", "V9T01", "trust", NULL, "", false, NULL},
};

static void organisations(Reference *ref, int32_t since)
{
    for (size_t i = 0; i < sizeof organisation_rows / sizeof organisation_rows[0]; i++) {
        const OrganisationRow *row = &organisation_rows[i];
        Buffer *out = reference_begin(ref, TYPE_ORGANISATION, row->id, row->id);
        put_text(out, "name", row->name);
        put_text(out, "ods_code", row->ods_code);
        put_text(out, "role", row->role);
        put_text(out, "parent", row->parent);
        put_open(out, "lots", '[');
        for (const char *lot = row->lots; *lot != '\0'; lot++)
            put_text(out, NULL, (char[]){*lot, '\0'});
        put_close(out, ']');
        put_bool(out, "submits_mhsds", row->submits);
        put_text(out, "submitting_org", row->submitting_org);
        put_day(out, "active_from", since);
        put_null(out, "active_to");
        reference_end(ref);
    }
}

static void area(Reference *ref, const char *id, const char *kind, const char *name,
                 const char *lot, int population)
{
    Buffer *out = reference_begin(ref, TYPE_AREA, id, "O-A1");
    put_text(out, "kind", kind);
    put_text(out, "name", name);
    put_text(out, "lot", lot);
    put_number(out, "population", population);
    reference_end(ref);
}

static void areas(Reference *ref)
{
    static const char *const lots[] = {"1", "2", "3"};
    static const int people[] = {161723, 174038, 117108};
    static const char *const pcns[3][3] = {{"PCN4", "PCN5", "PCN6"},
                                           {"AFFINITY", "BFD_NW", "5LE"},
                                           {"WISHH", "BINGLEY_BUBBLE", "WORTH"}};
    for (int lot = 0; lot < 3; lot++) {
        area(ref, (const char *[]){"LOT1", "LOT2", "LOT3"}[lot], "lot",
             (const char *[]){"Lot 1", "Lot 2", "Lot 3"}[lot], lots[lot], people[lot]);
        for (int pcn = 0; pcn < 3; pcn++)
            area(ref, pcns[lot][pcn], "pcn", pcns[lot][pcn], lots[lot], people[lot] / 3);
    }
}

typedef struct TeamRow {
    const char *id, *org, *type;
} TeamRow;

static const TeamRow team_rows[] = {
    {"T-L1-A", "O-L1", "A06"}, {"T-L1-B", "O-L1", "A05"}, {"T-L2-A", "O-L2", "A06"},
    {"T-L2-B", "O-L2", "A13"}, {"T-P1-A", "O-P1", "A05"}, {"T-P1-B", "O-P1", "D05"},
};

static void teams(Reference *ref)
{
    for (size_t i = 0; i < sizeof team_rows / sizeof team_rows[0]; i++) {
        Buffer *out = reference_begin(ref, TYPE_TEAM, team_rows[i].id, team_rows[i].org);
        put_text(out, "org", team_rows[i].org);
        put_text(out, "name", team_rows[i].id);
        put_text(out, "mh_team_type", team_rows[i].type);
        put_text(out, "age_group", "03");
        put_null(out, "area");
        reference_end(ref);
    }
}

static void workers(Reference *ref)
{
    static const char *const groups[] = {"06", "98", "98", "09", "98", "06"};
    for (int org = 0; org < ORG_COUNT; org++) {
        for (int i = 0; i < WORKERS_PER_ORGANISATION; i++) {
            char id[] = "W-L1-01";
            memcpy(id + 2, organisation_ids[org] + 2, 2);
            id[6] = (char)('1' + i);
            Buffer *out = reference_begin(ref, TYPE_WORKER, id, organisation_ids[org]);
            put_text(out, "org", organisation_ids[org]);
            put_text(out, "job_role", "support_worker");
            put_text(out, "staff_group", groups[i]);
            put_bool(out, "lived_experience", i == 2);
            put_bool(out, "active", true);
            reference_end(ref);
        }
    }
}

/* One session every week for each organisation, entered the same evening. */
static void group_sessions(Reference *ref, const CaseloadPlan *plan)
{
    uint32_t number = 0;
    for (int32_t day = caseload_first_day(plan) + 2; day < plan->today; day += 7) {
        for (int org = 0; org < ORG_COUNT; org++, number++) {
            Buffer id = {0};
            buffer_format(&id, "V%06u", number + 1);
            ref->ms = (int64_t)day * MS_PER_DAY + (int64_t)(21 * 60 + org) * MS_PER_MINUTE;
            Buffer *out = reference_begin(ref, TYPE_GROUP_SESSION, id.data, organisation_ids[org]);
            buffer_free(&id);
            put_text(out, "org", organisation_ids[org]);
            put_day(out, "date", day);
            put_number(out, "duration_min", 90);
            put_text(out, "type", "peer_support");
            put_number(
                out, "participants",
                4 + random_below(random_field(plan->seed, TYPE_GROUP_SESSION, number, 0), 9));
            reference_end(ref);
        }
    }
}

void caseload_reference(const CaseloadPlan *plan, CaseloadSink *sink, void *user)
{
    int32_t first = caseload_first_day(plan);
    Reference ref = {.sink = sink,
                     .user = user,
                     .ms = (int64_t)(first - 1) * MS_PER_DAY + 8 * 60 * (int64_t)MS_PER_MINUTE};
    organisations(&ref, first - 700);
    areas(&ref);
    teams(&ref);
    workers(&ref);
    group_sessions(&ref, plan);
    buffer_free(&ref.line);
}
