/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what a referral leads to: goals, assessments, care plan; and what surrounds it: diagnosis,
 * circumstances, onward, needs. */
#include <string.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/caseload_case.h"
#include "tests/sandbox/caseload_tables.h"
#include "tests/sandbox/json_writer.h"

enum { F_HAS, F_THEME, F_FIRST, F_LAST, F_TOOL, F_KIND, F_ACTIONS, F_CODE };

static uint32_t open_record(Case *c, RecordType type, char letter, uint32_t which, int number,
                            char referral[RECORD_ID_SIZE])
{
    Buffer text = {0};
    buffer_format(&text, "R%07u%c", c->draw.index + 1, 'A' + (int)which);
    memcpy(referral, text.data, text.length + 1);
    buffer_clear(&text);
    buffer_format(&text, "%c%07u%c%d", letter, c->draw.index + 1, 'A' + (int)which, number);
    uint32_t slot = case_slot(c, type, text.data);
    buffer_free(&text);
    return slot;
}

static int32_t clamp_day(int32_t day, int32_t end)
{
    return day < end ? day : end;
}

static void write_score(Buffer *out, int32_t day, int score, const char *point)
{
    put_open(out, NULL, '{');
    put_day(out, "date", day);
    put_number(out, "score", score);
    put_text(out, "point", point);
    put_close(out, '}');
}

/* First scores lie around 3, last ones around 6. */
static void write_goal(Case *c, uint32_t which, int32_t set, int32_t last, bool paired, int64_t ms)
{
    char referral[RECORD_ID_SIZE];
    uint32_t slot = open_record(c, TYPE_GOAL, 'G', which, 1, referral);
    for (int pass = 0; pass <= paired; pass++) {
        Buffer *out = case_begin(c, slot);
        put_text(out, "referral", referral);
        put_number(out, "number", 1);
        put_text(out, "theme",
                 RANDOM_PICK(case_draw(c, TYPE_GOAL, which, F_THEME), goal_theme_table));
        put_bool(out, "text_present", true);
        put_day(out, "set_date", set);
        put_text(out, "status", pass == 1 ? "achieved" : "open");
        if (pass == 1)
            put_day(out, "closed_date", last);
        else
            put_null(out, "closed_date");
        put_open(out, "scores", '[');
        write_score(out, set, 1 + (int)case_below(c, TYPE_GOAL, which, F_FIRST, 5), "initial");
        if (pass == 1)
            write_score(out, last, 4 + (int)case_below(c, TYPE_GOAL, which, F_LAST, 6), "final");
        put_close(out, ']');
        case_end(c, slot, pass == 0 ? ms : case_instant(c, last, 18 * 60 + 30));
    }
}

static void write_assessment(Case *c, uint32_t which, int number, int32_t day)
{
    char referral[RECORD_ID_SIZE];
    uint32_t slot = open_record(c, TYPE_ASSESSMENT, 'A', which, number, referral);
    uint32_t item = which * 8 + (uint32_t)number;
    bool dialog = case_below(c, TYPE_ASSESSMENT, which, F_TOOL, 10) < 6;
    int better = number == 1 ? 0 : 1;
    Buffer *out = case_begin(c, slot);
    put_text(out, "referral", referral);
    put_null(out, "contact");
    put_text(out, "tool", dialog ? "dialog" : "reqol10");
    put_open(out, "completed_at", '{');
    put_day(out, "date", day);
    put_time(out, "time", 600 + (int)case_below(c, TYPE_ASSESSMENT, item, F_FIRST + 50, 300));
    put_close(out, '}');
    put_text(out, "rater", "person");
    if (dialog) {
        put_open(out, "items", '[');
        for (uint32_t question = 1; question <= 11; question++) {
            put_open(out, NULL, '{');
            put_number(out, "item", question);
            put_number(
                out, "score",
                1 + better +
                    (int64_t)case_below(c, TYPE_ASSESSMENT, item, F_FIRST + question + 100, 6));
            put_close(out, '}');
        }
        put_close(out, ']');
        put_null(out, "total");
    } else {
        put_number(out, "total",
                   8 + better * 5 + (int64_t)case_below(c, TYPE_ASSESSMENT, item, F_FIRST, 19));
    }
    case_end(c, slot, case_instant(c, day, 18 * 60 + 40));
}

static void write_care_plan(Case *c, uint32_t which, int32_t created)
{
    char referral[RECORD_ID_SIZE];
    uint32_t slot = open_record(c, TYPE_CARE_PLAN, 'L', which, 1, referral);
    Buffer *out = case_begin(c, slot);
    put_text(out, "person", c->person_id);
    put_text(out, "referral", referral);
    put_text(out, "type", "10");
    put_day(out, "created_date", created);
    put_day(out, "updated_date", created);
    put_open(out, "agreed_by", '[');
    if (case_below(c, TYPE_CARE_PLAN, which, F_KIND, 10) < 8) {
        put_open(out, NULL, '{');
        put_text(out, "who", "person");
        put_day(out, "date", created);
        put_close(out, '}');
    }
    put_close(out, ']');
    put_day(out, "review_date", created + 90);
    put_number(out, "actions_total", 2 + case_below(c, TYPE_CARE_PLAN, which, F_ACTIONS, 4));
    put_number(out, "actions_done", 1);
    case_end(c, slot, case_instant(c, created, 18 * 60 + 50));
}

void case_outcomes(Case *c, uint32_t which, int32_t received, int32_t end, bool ended)
{
    int32_t first = clamp_day(received + 7, end);
    if (end < received)
        return;
    if (case_below(c, TYPE_GOAL, which, F_HAS, 100) < 45)
        write_goal(c, which, first, end,
                   ended && end > first && case_below(c, TYPE_GOAL, which, F_HAS + 50, 100) < 60,
                   case_instant(c, first, 18 * 60 + 20));
    if (case_below(c, TYPE_ASSESSMENT, which, F_HAS, 100) < 45) {
        write_assessment(c, which, 1, first);
        if (ended && end > first + 14)
            write_assessment(c, which, 2, end);
    }
    if (case_below(c, TYPE_CARE_PLAN, which, F_HAS, 100) < 50)
        write_care_plan(c, which, first);
}

static void write_diagnosis(Case *c, uint32_t which, int32_t day)
{
    char referral[RECORD_ID_SIZE];
    uint32_t slot = open_record(c, TYPE_DIAGNOSIS, 'D', which, 1, referral);
    Buffer *out = case_begin(c, slot);
    put_text(out, "person", c->person_id);
    put_text(out, "referral", referral);
    put_text(out, "source",
             case_below(c, TYPE_DIAGNOSIS, which, F_KIND, 10) < 7 ? "self_reported" : "referrer");
    put_text(out, "scheme", "snomed");
    put_text(out, "code",
             RANDOM_PICK(case_draw(c, TYPE_DIAGNOSIS, which, F_CODE), diagnosis_table));
    put_day(out, "diagnosed_on", day);
    put_bool(out, "primary", true);
    case_end(c, slot, case_instant(c, day, 18 * 60 + 55));
}

static void write_circumstance(Case *c, uint32_t which, int32_t day)
{
    char referral[RECORD_ID_SIZE];
    char factor[24] = {0};
    uint32_t slot = open_record(c, TYPE_CIRCUMSTANCE, 'S', which, 1, referral);
    const char *both =
        RANDOM_PICK(case_draw(c, TYPE_CIRCUMSTANCE, which, F_CODE), circumstance_table);
    const char *bar = strchr(both, '|');
    memcpy(factor, both, (size_t)(bar - both));
    Buffer *out = case_begin(c, slot);
    put_text(out, "person", c->person_id);
    put_text(out, "referral", referral);
    put_text(out, "factor", factor);
    put_text(out, "snomed", bar[1] != '\0' ? bar + 1 : NULL);
    put_day(out, "noted_on", day);
    put_null(out, "resolved_on");
    put_bool(out, "exacerbating", case_below(c, TYPE_CIRCUMSTANCE, which, F_KIND, 2) == 0);
    case_end(c, slot, case_instant(c, day, 18 * 60 + 56));
}

static void write_onward(Case *c, uint32_t which, int32_t day)
{
    char referral[RECORD_ID_SIZE];
    uint32_t slot = open_record(c, TYPE_ONWARD, 'N', which, 1, referral);
    bool up = case_below(c, TYPE_ONWARD, which, F_KIND, 3) == 0;
    Buffer *out = case_begin(c, slot);
    put_text(out, "referral", referral);
    put_day(out, "date", day);
    put_text(out, "to_kind", up ? "statutory_mh" : "primary_care");
    put_text(out, "to_org", up ? "O-T1" : NULL);
    put_text(out, "direction", up ? "step_up" : "step_down");
    put_text(out, "reason", "04");
    put_null(out, "outcome");
    case_end(c, slot, case_instant(c, day, 18 * 60 + 57));
}

static void write_need(Case *c, uint32_t which, int32_t day)
{
    char referral[RECORD_ID_SIZE];
    uint32_t slot = open_record(c, TYPE_UNMET_NEED, 'U', which, 1, referral);
    Buffer *out = case_begin(c, slot);
    put_text(out, "referral", referral);
    put_text(out, "pcn", c->draw.pcn);
    put_day(out, "date", day);
    put_text(out, "need", RANDOM_PICK(case_draw(c, TYPE_UNMET_NEED, which, F_CODE), need_table));
    put_text(out, "cause",
             RANDOM_PICK(case_draw(c, TYPE_UNMET_NEED, which, F_KIND), need_cause_table));
    put_bool(out, "resolved", false);
    case_end(c, slot, case_instant(c, day, 18 * 60 + 58));
}

void case_context(Case *c, uint32_t which, int32_t received, int32_t end, bool ended)
{
    int32_t first = clamp_day(received + 5, end);
    if (end < received)
        return;
    if (case_below(c, TYPE_DIAGNOSIS, which, F_HAS, 100) < 35)
        write_diagnosis(c, which, first);
    if (case_below(c, TYPE_CIRCUMSTANCE, which, F_HAS, 100) < 55)
        write_circumstance(c, which, first);
    if (ended && case_below(c, TYPE_ONWARD, which, F_HAS, 100) < 20)
        write_onward(c, which, end);
    if (case_below(c, TYPE_UNMET_NEED, which, F_HAS, 100) < 8)
        write_need(c, which, first);
}
