/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the contacts of a referral with the interventions in them. */
#include <string.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/caseload_referral.h"
#include "tests/sandbox/caseload_tables.h"
#include "tests/sandbox/json_writer.h"

void contact_write(Case *c, const Referral *r, const Contact *k, int64_t ms)
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
    referral_put_day(out, "cancel_date", cancelled ? k->day : 0);
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

void contact_draw(Case *c, const Referral *r, int number, int32_t day, Contact *k)
{
    *k = (Contact){.day = day,
                   .item = r->which * ITEMS_PER_REFERRAL + (uint32_t)number,
                   .intervention = UINT32_MAX};
    referral_make_id(k->id, 'C', c->draw.index, (char)('A' + r->which), number);
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
        k->recorded = case_instant(c, r->received, 17 * 60 + 38);
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
        contact_write(c, r, k, k->recorded + MS_PER_DAY);
    }
    if (case_gap(c, TYPE_CONTACT, k->item, F_LATE_EDIT, 20)) {
        k->duration += 5;
        int32_t after = calendar_month_start(k->day, 1) + 3;
        contact_write(c, r, k, case_instant(c, after, 19 * 60) + k->item % ITEMS_PER_REFERRAL);
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
    referral_make_id(again.id, 'C', c->draw.index, 'X', 1);
    again.slot = case_slot(c, TYPE_CONTACT, again.id);
    case_planted(c, PLANT_ENTERED_TWICE, "entered_twice", TYPE_CONTACT, again.id);
    contact_write(c, r, &again, k->recorded + 60000);
}

/* Days to the next one. Who will withdraw comes rarely: one person's leaving is then no twentieth
 * of a month, which a careful sender would hold back. */
static int32_t next_contact(const Case *c, const Contact *k)
{
    if (c->draw.late == LATE_WITHDRAWAL)
        return 3 * STEADY_GAP;
    return c->draw.steady ? STEADY_GAP
                          : 3 + (int32_t)case_below(c, TYPE_CONTACT, k->item, F_GAP, 9);
}

uint32_t contacts_write(Case *c, Referral *r, Contact *contacts)
{
    uint32_t wanted =
        contact_counts[case_below(c, TYPE_REFERRAL, r->which, F_COUNT, sizeof contact_counts)];
    int32_t day = r->accepted + 1 + (int32_t)case_below(c, TYPE_REFERRAL, r->which, F_FIRST, 20);
    if (c->draw.steady) {
        wanted = CASE_CONTACTS / 2;
        day = r->received + 2;
    }
    uint32_t count = 0;
    for (; count < wanted; count++) {
        Contact *k = &contacts[count];
        if (!c->draw.steady && calendar_weekday(day) >= 5)
            day += 2;
        if (day >= c->plan->today)
            break;
        contact_draw(c, r, (int)count + 1, day, k);
        plant_in_contact(c, r, (int)count + 1, k);
        if (r->support_start == 0 && strcmp(k->attendance, "Attended") == 0)
            r->support_start = k->day;
        contact_write(c, r, k, k->recorded);
        write_intervention(c, k);
        follow_up(c, r, k);
        if (count == 0 && r->which == 0 && c->draw.planted == PLANT_ENTERED_TWICE)
            write_twice(c, r, k);
        day += next_contact(c, k);
    }
    return count;
}
