/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a person's referral and its contacts with the interventions in them. */
#include <string.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/caseload_case.h"
#include "tests/sandbox/caseload_tables.h"
#include "tests/sandbox/json_writer.h"

enum { STEADY_GAP = 7, ITEMS_PER_REFERRAL = 1000 };

/* Fields of a referral's and of a contact's draw. */
enum {
    F_TIME,
    F_SOURCE,
    F_REASON,
    F_OTHER,
    F_TEAM,
    F_COMMISSIONER,
    F_REJECTED,
    F_NEVER_SEEN,
    F_COUNT,
    F_FIRST,
    F_GAP,
    F_ENDED,
    F_END_REASON,
    F_END_GAP,
    F_WORKER,
    F_MEDIUM,
    F_ATTENDANCE,
    F_DURATION,
    F_DURATION_GAP,
    F_DELAY,
    F_EDIT,
    F_LATE_EDIT,
    F_DELETE,
    F_INTERVENTION,
    F_CODE,
    F_THEME,
    F_LOCATION,
    F_PRIORITY,
};

typedef struct Referral {
    uint32_t which;
    uint32_t slot;
    char id[RECORD_ID_SIZE];
    int32_t received;
    int32_t accepted;
    int32_t support_start; /* 0 = none yet */
    int32_t ended;         /* 0 = open */
    bool rejected;
    const char *team; /* NULL = blank */
    const char *end_reason;
} Referral;

typedef struct Contact {
    uint32_t slot;
    char id[RECORD_ID_SIZE];
    uint32_t item;
    int32_t day;
    int minutes;
    const char *utc_offset;
    const char *attendance;
    const char *medium;
    int duration;
    bool duration_known;
    int64_t recorded;
    uint32_t intervention; /* its slot; UINT32_MAX = none */
} Contact;

static void make_id(char id[RECORD_ID_SIZE], char letter, uint32_t person, char which, int number)
{
    Buffer text = {0};
    buffer_format(&text, "%c%07u%c", letter, person + 1, which);
    if (number >= 0)
        buffer_format(&text, "%03d", number);
    memcpy(id, text.data, text.length + 1);
    buffer_free(&text);
}

static const char *team_of(const Case *c, const Referral *r)
{
    static const char *const teams[ORG_COUNT][2] = {
        {"T-L1-A", "T-L1-B"}, {"T-L2-A", "T-L2-B"}, {"T-P1-A", "T-P1-B"}};
    return teams[c->draw.org][case_below(c, TYPE_REFERRAL, r->which, F_TEAM, 2)];
}

static const char *referral_status(const Referral *r, bool accepted)
{
    if (r->rejected)
        return "rejected";
    if (!accepted)
        return "processing";
    return r->ended != 0 ? "closed" : "active";
}

static void day_or_null(Buffer *out, const char *key, int32_t day)
{
    if (day == 0)
        put_null(out, key);
    else
        put_day(out, key, day);
}

static void write_referral_head(Case *c, const Referral *r, Buffer *out)
{
    uint32_t w = r->which;
    put_text(out, "person", c->person_id);
    put_text(out, "org", organisation_ids[c->draw.org]);
    put_text(out, "team", r->team);
    put_text(out, "lot", c->draw.lot);
    put_text(out, "pcn", c->draw.pcn);
    put_day(out, "received_date", r->received);
    put_time(out, "received_time", 540 + (int)case_below(c, TYPE_REFERRAL, w, F_TIME, 480));
    const char *source = RANDOM_PICK(case_draw(c, TYPE_REFERRAL, w, F_SOURCE), source_table);
    const char *reason = RANDOM_PICK(case_draw(c, TYPE_REFERRAL, w, F_REASON), reason_table);
    put_text(out, "source", case_dirty_text(c, TYPE_REFERRAL, w, F_SOURCE, source));
    put_text(out, "reason_primary", case_dirty_text(c, TYPE_REFERRAL, w, F_REASON, reason));
    put_open(out, "reasons_other", '[');
    if (case_below(c, TYPE_REFERRAL, w, F_OTHER, 4) == 0)
        put_text(out, NULL, "Employment Support");
    put_close(out, ']');
    put_text(out, "priority", case_below(c, TYPE_REFERRAL, w, F_PRIORITY, 12) == 0 ? "2" : "3");
    put_text(out, "commissioner",
             case_gap(c, TYPE_REFERRAL, w, F_COMMISSIONER, 300) ? NULL : "V9C01");
}

static void write_referral(Case *c, const Referral *r, bool accepted, int64_t ms)
{
    Buffer *out = case_begin(c, r->slot);
    write_referral_head(c, r, out);
    put_text(out, "status", referral_status(r, accepted));
    day_or_null(out, "accepted_date", accepted && !r->rejected ? r->accepted : 0);
    day_or_null(out, "rejected_date", r->rejected ? r->accepted : 0);
    put_text(out, "rejected_reason", r->rejected ? "Inappropriate Referral Request" : NULL);
    day_or_null(out, "support_start_date", r->support_start);
    day_or_null(out, "support_end_date", r->ended);
    put_text(out, "end_reason", r->ended != 0 ? r->end_reason : NULL);
    put_text(out, "end_direction", r->ended != 0 ? "none" : NULL);
    put_text(out, "subcontracted_to", NULL);
    case_end(c, r->slot, ms);
}

static void write_contact(Case *c, const Referral *r, const Contact *k, int64_t ms)
{
    static const char *const locations[] = {"A01", "H01", "J01", "C01"};
    Buffer *out = case_begin(c, k->slot);
    put_text(out, "referral", r->id);
    const char *dirty_date = case_dirty_date(c, TYPE_CONTACT, k->item, F_TIME);
    if (dirty_date != NULL)
        put_text(out, "date", dirty_date);
    else
        put_day(out, "date", k->day);
    put_time(out, "time", k->minutes);
    if (k->utc_offset != NULL)
        put_text(out, "utc_offset", k->utc_offset);
    if (k->duration_known)
        put_number(out, "duration_min",
                   case_dirty_number(c, TYPE_CONTACT, k->item, F_DURATION, k->duration));
    else
        put_null(out, "duration_min");
    put_text(out, "medium", case_dirty_text(c, TYPE_CONTACT, k->item, F_MEDIUM, k->medium));
    put_text(out, "attendance",
             case_dirty_text(c, TYPE_CONTACT, k->item, F_ATTENDANCE, k->attendance));
    bool cancelled = strncmp(k->attendance, "Cancelled", 9) == 0;
    day_or_null(out, "cancel_date", cancelled ? k->day : 0);
    put_text(out, "cancel_reason", cancelled ? "02" : NULL);
    char worker[] = "W-L1-01";
    memcpy(worker + 2, organisation_ids[c->draw.org] + 2, 2);
    worker[6] = (char)('1' + case_below(c, TYPE_CONTACT, k->item, F_WORKER, 6));
    put_text(out, "worker", worker);
    put_text(out, "team", NULL);
    put_text(out, "location_type", locations[case_below(c, TYPE_CONTACT, k->item, F_LOCATION, 4)]);
    put_bool(out, "interpreter_present", false);
    put_bool(out, "administrative", false);
    put_bool(out, "planned", true);
    put_text(out, "with", "person");
    put_open(out, "themes", '[');
    if (case_below(c, TYPE_CONTACT, k->item, F_THEME, 3) == 0)
        put_text(out, NULL,
                 RANDOM_PICK(case_draw(c, TYPE_CONTACT, k->item, F_THEME + 100), theme_table));
    put_close(out, ']');
    case_end(c, k->slot, ms);
}

static void write_intervention(Case *c, Contact *k)
{
    k->intervention = UINT32_MAX;
    if (strcmp(k->attendance, "Attended") != 0 ||
        case_below(c, TYPE_CONTACT, k->item, F_INTERVENTION, 10) >= 6)
        return;
    char id[RECORD_ID_SIZE];
    memcpy(id, k->id, sizeof id);
    id[0] = 'I';
    k->intervention = case_slot(c, TYPE_INTERVENTION, id);
    const char *both = RANDOM_PICK(case_draw(c, TYPE_CONTACT, k->item, F_CODE), intervention_table);
    const char *bar = strchr(both, '|');
    char local[24] = {0};
    memcpy(local, both, (size_t)(bar - both));
    Buffer *out = case_begin(c, k->intervention);
    put_text(out, "contact", k->id);
    put_text(out, "code", local);
    put_text(out, "snomed", bar + 1);
    put_number(out, "duration_min", k->duration_known ? k->duration : 30);
    case_end(c, k->intervention, k->recorded + 1500);
}

/* When a worker enters a contact: mostly the same evening, sometimes days later, sometimes all at
 * the end of the month. */
static int64_t recorded_when(const Case *c, const Contact *k)
{
    int64_t same_day =
        case_instant(c, k->day, 18 * 60) + (int64_t)(k->item % ITEMS_PER_REFERRAL) * 3;
    if (c->draw.steady || c->plan->profile == PROFILE_CLEAN)
        return same_day;
    uint32_t roll = case_below(c, TYPE_CONTACT, k->item, F_DELAY, 100);
    if (roll < 80)
        return same_day;
    if (roll < 92)
        return same_day + (int64_t)(1 + roll % 3) * MS_PER_DAY;
    int32_t month_end = calendar_month_start(k->day, 1) - 1;
    return same_day + (int64_t)(month_end - k->day) * MS_PER_DAY;
}

static void draw_contact(Case *c, const Referral *r, int number, int32_t day, Contact *k)
{
    *k = (Contact){.day = day,
                   .item = r->which * ITEMS_PER_REFERRAL + (uint32_t)number,
                   .intervention = UINT32_MAX};
    make_id(k->id, 'C', c->draw.index, (char)('A' + r->which), number);
    k->slot = case_slot(c, TYPE_CONTACT, k->id);
    k->minutes = 540 + 15 * (int)case_below(c, TYPE_CONTACT, k->item, F_TIME, 33);
    k->medium = RANDOM_PICK(case_draw(c, TYPE_CONTACT, k->item, F_MEDIUM), medium_table);
    k->attendance = c->draw.steady ? "Attended"
                                   : RANDOM_PICK(case_draw(c, TYPE_CONTACT, k->item, F_ATTENDANCE),
                                                 attendance_table);
    k->duration = 20 + 5 * (int)case_below(c, TYPE_CONTACT, k->item, F_DURATION, 13);
    k->duration_known = !case_gap(c, TYPE_CONTACT, k->item, F_DURATION_GAP, 50);
    k->recorded = recorded_when(c, k);
}

static void plant_in_contact(Case *c, Referral *r, int number, Contact *k)
{
    if (r->which != 0 || number != 1)
        return;
    if (case_planted(c, PLANT_UNKNOWN_ATTENDANCE, "unknown_attendance", TYPE_CONTACT, k->id))
        k->attendance = "Left before seen";
    if (case_planted(c, PLANT_EARLY_CONTACT, "contact_before_referral", TYPE_CONTACT, k->id))
        k->day = r->received - 2;
    if (case_planted(c, PLANT_MONTH_EDGE, "month_edge", TYPE_CONTACT, k->id)) {
        int32_t next = calendar_month_start(k->day, 1);
        k->day = next < c->plan->today ? next : k->day;
        k->minutes = 30;
        k->recorded = case_instant(c, k->day, 18 * 60);
    }
    if (case_planted(c, PLANT_CHILD_FIRST, "child_before_parent", TYPE_CONTACT, k->id)) {
        k->day = r->received;
        k->recorded = case_instant(c, r->received, 8 * 60 + 8);
    }
    int32_t back = calendar_clock_change(calendar_civil(c->plan->today).year, 10);
    if (back >= c->plan->today)
        back = calendar_clock_change(calendar_civil(c->plan->today).year - 1, 10);
    if (back > r->received &&
        case_planted(c, PLANT_CLOCK_BACK, "repeated_hour", TYPE_CONTACT, k->id)) {
        k->day = back;
        k->minutes = 90;
        k->utc_offset = c->draw.index / PLANTS % 2 == 0 ? "+01:00" : "+00:00";
        k->recorded = case_instant(c, back, 18 * 60);
    }
}

/* What happens to a contact after it was written: a correction, one after the month's end, or a
 * deletion. */
static void follow_up(Case *c, const Referral *r, Contact *k)
{
    if (!k->duration_known && case_below(c, TYPE_CONTACT, k->item, F_EDIT, 2) == 0) {
        k->duration_known = true;
        write_contact(c, r, k, k->recorded + MS_PER_DAY);
    }
    if (case_gap(c, TYPE_CONTACT, k->item, F_LATE_EDIT, 20)) {
        k->duration += 5;
        int32_t after = calendar_month_start(k->day, 1) + 3;
        write_contact(c, r, k, case_instant(c, after, 19 * 60) + k->item % ITEMS_PER_REFERRAL);
    } else if (!c->draw.steady && case_gap(c, TYPE_CONTACT, k->item, F_DELETE, 3)) {
        int64_t gone = k->recorded + 4 * (int64_t)MS_PER_DAY;
        if (k->intervention != UINT32_MAX)
            case_delete(c, k->intervention, gone, "entered_in_error");
        case_delete(c, k->slot, gone + 1, "entered_in_error");
    }
}

static void write_twice(Case *c, const Referral *r, const Contact *k)
{
    Contact again = *k;
    make_id(again.id, 'C', c->draw.index, 'X', 1);
    again.slot = case_slot(c, TYPE_CONTACT, again.id);
    case_planted(c, PLANT_ENTERED_TWICE, "entered_twice", TYPE_CONTACT, again.id);
    write_contact(c, r, &again, k->recorded + 60000);
}

static uint32_t write_contacts(Case *c, Referral *r, Contact *contacts)
{
    uint32_t wanted =
        contact_counts[case_below(c, TYPE_REFERRAL, r->which, F_COUNT, sizeof contact_counts)];
    int32_t day = r->accepted + 1 + (int32_t)case_below(c, TYPE_REFERRAL, r->which, F_FIRST, 20);
    if (c->draw.steady) {
        wanted = CASE_CONTACTS / 2;
        day = r->received + 2;
    }
    uint32_t count = 0;
    for (; count < wanted && day < c->plan->today; count++) {
        Contact *k = &contacts[count];
        if (!c->draw.steady && calendar_weekday(day) >= 5)
            day += 2;
        if (day >= c->plan->today)
            break;
        draw_contact(c, r, (int)count + 1, day, k);
        plant_in_contact(c, r, (int)count + 1, k);
        if (r->support_start == 0 && strcmp(k->attendance, "Attended") == 0)
            r->support_start = k->day;
        write_contact(c, r, k, k->recorded);
        write_intervention(c, k);
        follow_up(c, r, k);
        if (count == 0 && r->which == 0 && c->draw.planted == PLANT_ENTERED_TWICE)
            write_twice(c, r, k);
        day += c->draw.steady ? STEADY_GAP
                              : 3 + (int32_t)case_below(c, TYPE_CONTACT, k->item, F_GAP, 9);
    }
    return count;
}

static void late_changes(Case *c, Referral *r, Contact *contacts, uint32_t count)
{
    int64_t ms = c->cut + 10000 + (c->draw.index % 1000) * 7;
    uint32_t chosen = 1 + c->draw.index / 16 % 8;
    c->after_cut = true;
    if (c->draw.late == LATE_EDIT && chosen < count) {
        contacts[chosen].attendance = "Did not Attend";
        if (contacts[chosen].intervention != UINT32_MAX)
            case_delete(c, contacts[chosen].intervention, ms - 1, "entered_in_error");
        write_contact(c, r, &contacts[chosen], ms);
    } else if (c->draw.late == LATE_DELETION && chosen < count) {
        if (contacts[chosen].intervention != UINT32_MAX)
            case_delete(c, contacts[chosen].intervention, ms - 1, "entered_in_error");
        case_delete(c, contacts[chosen].slot, ms, "entered_in_error");
    } else if (c->draw.late == LATE_CLOSURE) {
        r->ended = c->plan->today - 1;
        r->end_reason = "Treatment completed";
        write_referral(c, r, true, ms);
    } else if (c->draw.late == LATE_CONTACT && count > 0) {
        Contact k;
        draw_contact(c, r, 900, calendar_month_start(c->plan->today, 0) - 1, &k);
        k.recorded = ms;
        write_contact(c, r, &k, ms);
    }
    c->after_cut = false;
}

static void draw_referral(Case *c, uint32_t which, Referral *r)
{
    *r = (Referral){.which = which};
    make_id(r->id, 'R', c->draw.index, (char)('A' + which), -1);
    r->received =
        c->draw.registered +
        (which == 0 ? 0 : 30 + (int32_t)case_below(c, TYPE_REFERRAL, which, F_FIRST + 100, 20));
    r->accepted =
        r->received +
        (c->draw.steady ? 0 : (int32_t)case_below(c, TYPE_REFERRAL, which, F_FIRST + 200, 8));
    r->rejected = !c->draw.steady && case_below(c, TYPE_REFERRAL, which, F_REJECTED, 100) < 9;
    r->team = case_gap(c, TYPE_REFERRAL, which, F_TEAM + 100, 100) ? NULL : team_of(c, r);
    if (which == 0 && case_planted(c, PLANT_UNKNOWN_TEAM, "unknown_team", TYPE_REFERRAL, r->id))
        r->team = "T-GONE";
    r->end_reason = RANDOM_PICK(case_draw(c, TYPE_REFERRAL, which, F_END_REASON), end_reason_table);
    if (case_gap(c, TYPE_REFERRAL, which, F_END_GAP, 100))
        r->end_reason = NULL;
}

static void end_referral(Case *c, Referral *r, int32_t last)
{
    if (c->draw.steady || case_below(c, TYPE_REFERRAL, r->which, F_ENDED, 100) >= 60)
        return;
    int32_t end = last + 7;
    bool backwards = r->which == 0 && case_planted(c, PLANT_END_BEFORE_START, "end_before_start",
                                                   TYPE_REFERRAL, r->id);
    if (end >= c->plan->today)
        return;
    r->ended = backwards ? r->received - 1 : end;
    write_referral(c, r, true, case_instant(c, end, 20 * 60));
}

void case_referral(Case *c, uint32_t which)
{
    Referral r;
    Contact contacts[CASE_CONTACTS];
    draw_referral(c, which, &r);
    if (r.received >= c->plan->today)
        return;
    r.slot = case_slot(c, TYPE_REFERRAL, r.id);
    bool rejected = r.rejected;
    r.rejected = false;
    write_referral(c, &r, false, case_instant(c, r.received, 8 * 60 + 10));
    r.rejected = rejected;
    write_referral(c, &r, true, case_instant(c, r.accepted, 17 * 60));
    if (r.rejected)
        return;
    bool never = !c->draw.steady && case_below(c, TYPE_REFERRAL, which, F_NEVER_SEEN, 100) < 14;
    uint32_t count = never ? 0 : write_contacts(c, &r, contacts);
    int32_t last = count > 0 ? contacts[count - 1].day : r.accepted + 28;
    if (r.support_start != 0)
        write_referral(c, &r, true, case_instant(c, r.support_start, 21 * 60));
    end_referral(c, &r, last > r.accepted ? last : r.accepted);
    case_outcomes(c, which, r.received, last < c->plan->today ? last : c->plan->today - 1,
                  r.ended != 0);
    case_context(c, which, r.received, last < c->plan->today ? last : c->plan->today - 1,
                 r.ended != 0);
    if (which == 0 && c->draw.late != LATE_NONE)
        late_changes(c, &r, contacts, count);
}
