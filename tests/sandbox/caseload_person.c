/* SPDX-License-Identifier: Apache-2.0 */
/* Draws who a person is and writes the person record and the consents. */
#include <string.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/caseload_case.h"
#include "tests/sandbox/caseload_tables.h"
#include "tests/sandbox/json_writer.h"
#include "tests/sandbox/nhs_number.h"

enum { STEADY_FIRST = 6, LATE_PEOPLE = 24, NUMBERED_PEOPLE = 800000 };

const char *const organisation_ids[ORG_COUNT] = {"O-L1", "O-L2", "O-P1"};

static const LateKind late_kinds[LATE_PEOPLE] = {
    LATE_MERGE,      LATE_WITHDRAWAL, LATE_DELETION, LATE_EDIT,       LATE_NHS_NUMBER,
    LATE_CLOSURE,    LATE_CONTACT,    LATE_EDIT,     LATE_EDIT,       LATE_WITHDRAWAL,
    LATE_CONTACT,    LATE_EDIT,       LATE_DELETION, LATE_CLOSURE,    LATE_CONTACT,
    LATE_EDIT,       LATE_MERGE,      LATE_EDIT,     LATE_CLOSURE,    LATE_EDIT,
    LATE_NHS_NUMBER, LATE_CONTACT,    LATE_EDIT,     LATE_WITHDRAWAL,
};

/* Fields of a person's draw. */
enum {
    F_ORG,
    F_LOT,
    F_PCN,
    F_REGISTERED,
    F_DUPLICATE,
    F_NUMBER,
    F_AGE,
    F_BIRTH,
    F_GENDER,
    F_ETHNICITY,
    F_EXTRA,
    F_RELIGION,
    F_ORIENTATION,
    F_MARITAL,
    F_LANGUAGE,
    F_DISABLED,
    F_DISABILITY,
    F_ACCOMMODATION,
    F_EMPLOYMENT,
    F_GP,
    F_POSTCODE,
    F_OUTWARD,
    F_INWARD,
    F_CARER,
    F_FORCES,
    F_ORIENTATION_GAP,
    F_RELIGION_GAP,
    F_ETHNICITY_GAP,
    F_GP_GAP,
    F_STATUS_DATE,
    F_INTERPRETER,
    F_EDIT,
    F_BAD_NUMBER,
};

static uint64_t draw(const CaseloadPlan *plan, uint32_t index, uint32_t field)
{
    return random_field(plan->seed, TYPE_PERSON, (uint64_t)index << 20, field);
}

static uint32_t below(const CaseloadPlan *plan, uint32_t index, uint32_t field, uint32_t bound)
{
    return random_below(draw(plan, index, field), bound);
}

static bool gap(const CaseloadPlan *plan, uint32_t index, uint32_t field, uint32_t per_mille)
{
    if (plan->profile == PROFILE_CLEAN)
        return false;
    if (plan->profile >= PROFILE_DIRTY)
        per_mille = per_mille >= 333 ? 900 : per_mille * 3;
    return below(plan, index, field, 1000) < per_mille;
}

/* Late people are spread evenly over the odd indices behind the steady ones; the index before each
 * is nobody special. */
static LateKind late_kind(const CaseloadPlan *plan, uint32_t index)
{
    uint32_t room = plan->people - STEADY_FIRST;
    uint32_t count = room / 2 < LATE_PEOPLE ? room / 2 : LATE_PEOPLE;
    uint32_t stride = room / count;
    if (plan->profile == PROFILE_CLEAN || index <= STEADY_FIRST || index % 2 == 0)
        return LATE_NONE;
    uint32_t k = (index - STEADY_FIRST) / stride;
    for (uint32_t at = k > 0 ? k - 1 : 0; at <= k && at < count; at++)
        if (((STEADY_FIRST + at * stride) | 1U) == index)
            return late_kinds[at];
    return LATE_NONE;
}

/* 0 = nobody's duplicate, 1 = of the same organisation, 2 = known to another organisation too. */
static int duplicate_kind(const CaseloadPlan *plan, uint32_t index)
{
    LateKind late = late_kind(plan, index);
    if (late != LATE_NONE)
        return late == LATE_MERGE;
    if (plan->profile == PROFILE_CLEAN || index <= STEADY_FIRST || index % 2 == 0)
        return 0;
    uint32_t roll = below(plan, index, F_DUPLICATE, 1000);
    return roll < 4 ? 1 : roll < 24 ? 2 : 0;
}

static Organisation draw_organisation(const CaseloadPlan *plan, uint32_t index)
{
    if (index < STEADY_FIRST)
        return (Organisation)(index % ORG_COUNT);
    uint32_t roll = below(plan, index, F_ORG, 100);
    return roll < 50 ? ORG_LEAD_ONE : roll < 82 ? ORG_LEAD_TWO : ORG_PARTNER;
}

static void draw_place(const CaseloadPlan *plan, PersonDraw *d)
{
    static const char *const pcns[3][3] = {{"PCN4", "PCN5", "PCN6"},
                                           {"AFFINITY", "BFD_NW", "5LE"},
                                           {"WISHH", "BINGLEY_BUBBLE", "WORTH"}};
    static const char *const lots[] = {"1", "2", "3"};
    int lot = d->org == ORG_LEAD_TWO  ? 2
              : d->org == ORG_PARTNER ? 1
                                      : (int)below(plan, d->index, F_LOT, 2);
    d->lot = lots[lot];
    d->pcn = pcns[lot][below(plan, d->index, F_PCN, 3)];
}

static int32_t draw_registered(const CaseloadPlan *plan, const PersonDraw *d)
{
    int32_t first = caseload_first_day(plan);
    if (d->steady)
        return first + (int32_t)(d->index % 4);
    /* A service that has just begun: most people came in the first month. */
    uint32_t span = (uint32_t)(plan->today - first);
    uint32_t least = span;
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t drawn = below(plan, d->index, F_REGISTERED + 100 * i, span);
        least = drawn < least ? drawn : least;
    }
    int32_t day = first + (int32_t)least;
    return d->merges ? first + (day - first) / 3 : day;
}

static bool at_second_provider(const CaseloadPlan *plan, uint32_t index)
{
    return draw_organisation(plan, index) == ORG_LEAD_TWO;
}

/* There are fewer numbers than people: from NUMBERED_PEOPLE on somebody may have the number of
 * another, who is at the other provider, and only when nobody else has it here. */
static bool may_have_number(const CaseloadPlan *plan, uint32_t identity, bool shared)
{
    uint32_t first = identity % NUMBERED_PEOPLE;
    bool here = at_second_provider(plan, identity);
    if (identity < NUMBERED_PEOPLE)
        return true;
    if (shared || duplicate_kind(plan, first) != 0 || duplicate_kind(plan, first + 1) != 0)
        return false;
    for (uint32_t other = first; other < identity; other += NUMBERED_PEOPLE)
        if (at_second_provider(plan, other) == here)
            return false;
    return identity < 2 * NUMBERED_PEOPLE || duplicate_kind(plan, first + NUMBERED_PEOPLE + 1) == 0;
}

void case_person_draw(const CaseloadPlan *plan, uint32_t index, PersonDraw *ret_draw)
{
    PersonDraw d = {.index = index, .identity = index};
    d.late = late_kind(plan, index);
    int duplicate = duplicate_kind(plan, index);
    d.merges = duplicate == 1;
    d.org = draw_organisation(plan, index);
    if (duplicate != 0) {
        d.identity = index - 1;
        Organisation other = draw_organisation(plan, index - 1);
        d.org = duplicate == 1 ? other : other == ORG_LEAD_TWO ? ORG_LEAD_ONE : ORG_LEAD_TWO;
    }
    d.steady = index < STEADY_FIRST || (d.late != LATE_NONE && d.late != LATE_MERGE);
    bool shared =
        duplicate != 0 || (index + 1 < plan->people && duplicate_kind(plan, index + 1) != 0);
    d.has_number =
        may_have_number(plan, d.identity, shared) && (shared || !gap(plan, index, F_NUMBER, 350));
    if (d.late == LATE_NHS_NUMBER)
        d.has_number = false;
    if (plan->profile != PROFILE_CLEAN && !d.steady && !d.merges)
        d.planted = index % PLANTS;
    draw_place(plan, &d);
    d.registered = draw_registered(plan, &d);
    *ret_draw = d;
}

static void write_number(const CaseloadPlan *plan, const PersonDraw *d, bool number_found,
                         Buffer *out)
{
    if (!d->has_number && !number_found) {
        put_null(out, "nhs_number");
        put_text(out, "nhs_number_status", "not_found");
        return;
    }
    char number[11];
    /* 909,091 is a prime: every multiplier that is not a multiple of it visits each number once. */
    uint64_t ordinal =
        (uint64_t)(d->identity % NUMBERED_PEOPLE) * 618033 +
        random_below(random_field(plan->seed, TYPE_PERSON, 0, 9999), NHS_NUMBER_COUNT);
    nhs_number_write(number, (uint32_t)(ordinal % NHS_NUMBER_COUNT));
    if (plan->profile >= PROFILE_DIRTY && below(plan, d->identity, F_BAD_NUMBER, 1000) < 5)
        number[9] = (char)('0' + (number[9] - '0' + 1) % 10);
    put_text(out, "nhs_number", number);
    put_text(out, "nhs_number_status",
             below(plan, d->identity, F_NUMBER + 200, 10) < 8 ? "verified" : "unverified");
}

static void write_birth_date(const CaseloadPlan *plan, const PersonDraw *d, Buffer *out)
{
    const char *band = RANDOM_PICK(draw(plan, d->identity, F_AGE), age_table);
    int least = (band[0] - '0') * 10 + (band[1] - '0');
    int most = (band[2] - '0') * 10 + (band[3] - '0');
    int32_t oldest = calendar_day(calendar_civil(plan->today).year - most - 1, 1, 1);
    int32_t youngest = calendar_day(calendar_civil(plan->today).year - least - 1, 12, 31);
    put_day(out, "birth_date",
            oldest + (int32_t)below(plan, d->identity, F_BIRTH, (uint32_t)(youngest - oldest)));
}

static void write_postcode(const CaseloadPlan *plan, const PersonDraw *d, Buffer *out)
{
    static const char impossible[] = "CIKMOV";
    if (below(plan, d->identity, F_OUTWARD, 100) == 0) {
        put_text(out, "postcode_outward", "ZZ99");
        put_text(out, "postcode", "ZZ99 3VZ");
        return;
    }
    char whole[9];
    uint32_t inward = below(plan, d->identity, F_INWARD, 360);
    Buffer text = {0};
    buffer_format(&text, "BD%u", 1 + below(plan, d->identity, F_OUTWARD + 200, 22));
    put_text(out, "postcode_outward", text.data);
    buffer_format(&text, " %u%c%c", inward / 36, impossible[inward / 6 % 6],
                  impossible[inward % 6]);
    memcpy(whole, text.data, text.length + 1);
    buffer_free(&text);
    if (gap(plan, d->identity, F_POSTCODE, 600))
        put_null(out, "postcode");
    else
        put_text(out, "postcode", whole);
}

static void write_practice(const CaseloadPlan *plan, const PersonDraw *d, Buffer *out)
{
    if (gap(plan, d->identity, F_GP_GAP, 250)) {
        put_no_value(out, "gp_practice", "not_known");
        return;
    }
    char code[] = "Z9X001"; /* no practice has such a code */
    uint32_t which = below(plan, d->identity, F_GP, 24) + 1;
    code[4] = (char)('0' + which / 10);
    code[5] = (char)('0' + which % 10);
    put_text(out, "gp_practice", code);
}

static void write_ethnicity(const CaseloadPlan *plan, const PersonDraw *d, Buffer *out)
{
    uint64_t value = draw(plan, d->identity, F_ETHNICITY);
    if (gap(plan, d->identity, F_ETHNICITY_GAP, 80))
        put_no_value(out, "ethnicity", value % 2 == 0 ? "declined" : "not_known");
    else if (gap(plan, d->identity, F_EXTRA, 30))
        put_text(out, "ethnicity", RANDOM_PICK(value, extra_ethnicity_table));
    else
        put_code(out, "ethnicity", "nhs-ethnic-2001", RANDOM_PICK(value, ethnicity_table), NULL);
}

static void write_characteristics(const CaseloadPlan *plan, const PersonDraw *d, Buffer *out)
{
    uint32_t who = d->identity;
    put_code(out, "gender_identity", "nhs-gender-identity",
             RANDOM_PICK(draw(plan, who, F_GENDER), gender_table), NULL);
    put_text(out, "gender_same_as_birth", below(plan, who, F_GENDER + 300, 100) == 0 ? "N" : "Y");
    write_ethnicity(plan, d, out);
    if (gap(plan, who, F_RELIGION_GAP, 300))
        put_no_value(out, "religion", "declined");
    else
        put_text(out, "religion", RANDOM_PICK(draw(plan, who, F_RELIGION), religion_table));
    if (gap(plan, who, F_ORIENTATION_GAP, 350))
        put_no_value(out, "sexual_orientation", "not_asked");
    else
        put_text(out, "sexual_orientation",
                 RANDOM_PICK(draw(plan, who, F_ORIENTATION), orientation_table));
    put_text(out, "marital_status", RANDOM_PICK(draw(plan, who, F_MARITAL), marital_table));
}

static void write_disabilities(const CaseloadPlan *plan, const PersonDraw *d, Buffer *out)
{
    static const char *const impacts[] = {"01", "02", "03"};
    put_open(out, "disabilities", '[');
    bool twice = d->planted == PLANT_DISABILITY_TWICE;
    uint32_t count = twice ? 2 : below(plan, d->identity, F_DISABLED, 100) < 40 ? 1 : 0;
    for (uint32_t i = 0; i < count; i++) {
        put_open(out, NULL, '{');
        put_text(out, "code", RANDOM_PICK(draw(plan, d->identity, F_DISABILITY), disability_table));
        put_text(out, "impact", impacts[below(plan, d->identity, F_DISABILITY + 300, 3)]);
        put_close(out, '}');
    }
    put_close(out, ']');
}

static void write_status(const CaseloadPlan *plan, const PersonDraw *d, Buffer *out,
                         const char *key, uint32_t field, const char *code)
{
    if (gap(plan, d->identity, field + 400, 250)) {
        put_null(out, key);
        return;
    }
    put_open(out, key, '{');
    put_text(out, "code", code);
    put_day(out, "recorded_on",
            d->registered - (int32_t)below(plan, d->index, F_STATUS_DATE + field, 300));
    put_close(out, '}');
}

/* Writes the members of a person record behind its id. */
void case_write_person(const CaseloadPlan *plan, const PersonDraw *d, bool number_found,
                       Buffer *out)
{
    char global[16];
    Buffer text = {0};
    buffer_format(&text, "G%07u", d->identity + 1);
    memcpy(global, text.data, text.length + 1);
    buffer_free(&text);
    put_text(out, "global_id", global);
    write_number(plan, d, number_found && (d->has_number || d->late == LATE_NHS_NUMBER), out);
    write_birth_date(plan, d, out);
    write_postcode(plan, d, out);
    write_practice(plan, d, out);
    put_text(out, "pcn", d->pcn);
    put_text(out, "lot", d->lot);
    write_characteristics(plan, d, out);
    write_disabilities(plan, d, out);
    const char *language = RANDOM_PICK(draw(plan, d->identity, F_LANGUAGE), language_table);
    put_text(out, "main_language", language);
    put_bool(out, "interpreter_needed",
             strcmp(language, "en") != 0 && below(plan, d->identity, F_INTERPRETER, 3) == 0);
    write_status(plan, d, out, "accommodation", F_ACCOMMODATION,
                 RANDOM_PICK(draw(plan, d->identity, F_ACCOMMODATION), accommodation_table));
    write_status(plan, d, out, "employment", F_EMPLOYMENT,
                 RANDOM_PICK(draw(plan, d->identity, F_EMPLOYMENT), employment_table));
    put_text(out, "armed_forces", below(plan, d->identity, F_FORCES, 25) == 0 ? "02" : "03");
    put_bool(out, "carer", below(plan, d->identity, F_CARER, 8) == 0);
    put_null(out, "died_on");
    if (plan->profile == PROFILE_HOSTILE)
        put_text(out, "note", "\"<![CDATA[&amp;]]>'; DROP TABLE x; -- =1+1 \t\xc2\x80\xe2\x80\xae");
}

void case_person(Case *c)
{
    PersonDraw *d = &c->draw;
    uint32_t slot = case_slot(c, TYPE_PERSON, c->person_id);
    case_planted(c, PLANT_DISABILITY_TWICE, "disability_twice", TYPE_PERSON, c->person_id);
    Buffer *out = case_begin(c, slot);
    case_write_person(c->plan, d, false, out);
    case_end(c, slot, case_instant(c, d->registered, 17 * 60 + 30));
    if (d->late == LATE_NHS_NUMBER) {
        c->after_cut = true;
        out = case_begin(c, slot);
        case_write_person(c->plan, d, true, out);
        case_end(c, slot, c->cut + 5000 + d->index % 1000);
        c->after_cut = false;
    }
}

static void write_consent(Case *c, const char *suffix, const char *purpose, const char *status,
                          int32_t from, int64_t ms)
{
    Buffer id = {0};
    buffer_format(&id, "K%07u%s", c->draw.index + 1, suffix);
    uint32_t slot = case_slot(c, TYPE_CONSENT, id.data);
    buffer_free(&id);
    Buffer *out = case_begin(c, slot);
    put_text(out, "person", c->person_id);
    put_text(out, "purpose", purpose);
    put_text(out, "status", status);
    put_text(out, "basis", "consent");
    put_day(out, "valid_from", from);
    put_null(out, "valid_to");
    put_text(out, "method", case_below(c, TYPE_CONSENT, 0, 5, 2) == 0 ? "written" : "verbal");
    put_text(out, "notice_version", "2026-04");
    case_end(c, slot, ms);
}

/* The decision for mhsds: one row per decision, the latest in force counts. */
void case_consents(Case *c)
{
    PersonDraw *d = &c->draw;
    int32_t day = d->registered;
    int64_t ms = case_instant(c, day, 17 * 60 + 35);
    write_consent(c, "R", "mymup_record", "given", day, ms);
    uint32_t roll = case_below(c, TYPE_CONSENT, 0, 1, 1000);
    bool always = d->steady || d->merges || c->plan->profile == PROFILE_CLEAN ||
                  d->planted == PLANT_FUTURE_CONSENT;
    const char *status = always || roll < 880 ? "given"
                         : roll < 930         ? "refused"
                         : roll < 955         ? "not_asked"
                         : roll < 960         ? "lacks_capacity"
                                              : NULL;
    if (status != NULL)
        write_consent(c, "M", "mhsds", status, day, ms + 1000);
    if (roll % 3 != 0)
        write_consent(c, "A", "alliance_report", roll % 11 == 0 ? "refused" : "given", day,
                      ms + 2000);
    if (d->planted == PLANT_FUTURE_CONSENT) {
        case_planted(c, PLANT_FUTURE_CONSENT, "future_consent", TYPE_PERSON, c->person_id);
        write_consent(c, "F", "mhsds", "refused", c->plan->today + 400, ms + 3000);
    }
    if (!always && status != NULL && roll < 880 && case_gap(c, TYPE_CONSENT, 0, 2, 15)) {
        int32_t later = day + 10 + (int32_t)case_below(c, TYPE_CONSENT, 0, 3, 40);
        write_consent(c, "W", "mhsds", "withdrawn", later, case_instant(c, later, 10 * 60));
    }
    if (d->late == LATE_WITHDRAWAL) {
        c->after_cut = true;
        write_consent(c, "W", "mhsds", "withdrawn", c->plan->today,
                      c->cut + 8000 + d->index % 1000);
        c->after_cut = false;
    }
}
