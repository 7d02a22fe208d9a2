/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a person's referral, from its receipt to its end, and what changes late. */
#include "tests/sandbox/caseload_referral.h"

#include <string.h>

#include "tests/sandbox/calendar.h"
#include "tests/sandbox/caseload_tables.h"
#include "tests/sandbox/json_writer.h"

void referral_make_id(char id[RECORD_ID_SIZE], char letter, uint32_t person, char which, int number)
{
    Buffer text = {0};
    buffer_format(&text, "%c%07u%c", letter, person + 1, which);
    if (number >= 0)
        buffer_format(&text, "%03d", number);
    memcpy(id, text.data, text.length + 1);
    buffer_free(&text);
}

void referral_put_day(Buffer *out, const char *key, int32_t day)
{
    if (day == 0)
        put_null(out, key);
    else
        put_day(out, key, day);
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
    referral_put_day(out, "accepted_date", accepted && !r->rejected ? r->accepted : 0);
    referral_put_day(out, "rejected_date", r->rejected ? r->accepted : 0);
    put_text(out, "rejected_reason", r->rejected ? "Inappropriate Referral Request" : NULL);
    referral_put_day(out, "support_start_date", r->support_start);
    referral_put_day(out, "support_end_date", r->ended);
    put_text(out, "end_reason", r->ended != 0 ? r->end_reason : NULL);
    put_text(out, "end_direction", r->ended != 0 ? "none" : NULL);
    put_text(out, "subcontracted_to", NULL);
    case_end(c, r->slot, ms);
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
        contact_write(c, r, &contacts[chosen], ms);
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
        contact_draw(c, r, 900, calendar_month_start(c->plan->today, 0) - 1, &k);
        k.recorded = ms;
        contact_write(c, r, &k, ms);
    }
    c->after_cut = false;
}

static void draw_referral(Case *c, uint32_t which, Referral *r)
{
    *r = (Referral){.which = which};
    referral_make_id(r->id, 'R', c->draw.index, (char)('A' + which), -1);
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
    write_referral(c, &r, false, case_instant(c, r.received, 17 * 60 + 40));
    r.rejected = rejected;
    write_referral(c, &r, true, case_instant(c, r.accepted, 17 * 60 + 50));
    if (r.rejected)
        return;
    bool never = !c->draw.steady && case_below(c, TYPE_REFERRAL, which, F_NEVER_SEEN, 100) < 14;
    uint32_t count = never ? 0 : contacts_write(c, &r, contacts);
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
