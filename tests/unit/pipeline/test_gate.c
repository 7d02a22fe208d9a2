/* SPDX-License-Identifier: Apache-2.0 */
/* The gate: who flows on which basis, and which decision counts today. */
#include "daemon/base/cleanup.h"
#include "daemon/pipeline/gate.h"
#include "tests/unit/suite.h"

#include <string.h>

static Arena *arena;
static RecordList list;

static void start(void)
{
    if (!arena)
        arena = arena_new(16 << 20);
    list = (RecordList){0};
}

static void decide(const char *id, const char *purpose, const char *status, const char *from,
                   const char *to)
{
    Error err = {0};
    const char *json = arena_format(
        arena, "{\"purpose\":\"%s\",\"status\":\"%s\",\"valid_from\":\"%s\"%s%s%s}", purpose,
        status, from, to ? ",\"valid_to\":\"" : "", to ? to : "", to ? "\"" : "");
    Record *record = arena_alloc(arena, sizeof *record);
    *record = (Record){.feed = "f", .type = "consent", .id = id, .version = 1};
    ck_assert(record_parse(json, strlen(json), arena, &record->root, &err));
    record_list_add(&list, record, arena);
}

static PersonBasis basis_on(const char *today)
{
    Day day;
    ck_assert(civil_parse_day(today, &day));
    return gate_basis(&list, "mhsds", day);
}

static void opens(const char *today)
{
    PersonBasis basis = basis_on(today);
    ck_assert_ptr_null(gate_reason(&basis, "consent"));
}

static void closes(const char *today, const char *code)
{
    PersonBasis basis = basis_on(today);
    const FindingKind *reason = gate_reason(&basis, "consent");
    ck_assert_ptr_nonnull(reason);
    ck_assert_str_eq(reason->code, code);
}

START_TEST(without_a_decision_nothing_flows)
{
    start();
    closes("2026-10-01", "withheld_no_decision");
    decide("K1", "alliance_report", "given", "2026-01-01", NULL);
    closes("2026-10-01", "withheld_no_decision");
    decide("K2", "mhsds", "given", "soon", NULL);
    closes("2026-10-01", "withheld_no_decision");
}
END_TEST

START_TEST(each_answer_has_its_reason)
{
    static const struct {
        const char *status, *code;
    } cases[] = {{"refused", "withheld_refused"},
                 {"withdrawn", "withheld_withdrawn"},
                 {"not_asked", "withheld_not_asked"},
                 {"lacks_capacity", "withheld_lacks_capacity"},
                 {"perhaps", "withheld_refused"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        start();
        decide("K", "mhsds", cases[i].status, "2026-01-01", NULL);
        closes("2026-10-01", cases[i].code);
    }
    start();
    decide("K", "mhsds", "given", "2026-01-01", NULL);
    opens("2026-10-01");
}
END_TEST

START_TEST(the_latest_decision_that_has_come_counts)
{
    start();
    decide("K3", "mhsds", "refused", "2027-01-01", NULL);
    decide("K2", "mhsds", "withdrawn", "2026-06-01", NULL);
    decide("K1", "mhsds", "given", "2026-01-01", NULL);
    closes("2025-12-31", "withheld_no_decision");
    opens("2026-01-01");
    opens("2026-05-31");
    closes("2026-06-01", "withheld_withdrawn");
    closes("2027-01-01", "withheld_refused");
    PersonBasis basis = basis_on("2026-03-01");
    ck_assert_str_eq(basis.consent_id, "K1");
    Day next;
    ck_assert(civil_parse_day("2026-06-01", &next));
    ck_assert_int_eq(basis.recheck, next);
}
END_TEST

START_TEST(a_refusal_wins_a_tie_in_either_order)
{
    start();
    decide("K1", "mhsds", "given", "2026-01-01", NULL);
    decide("K2", "mhsds", "refused", "2026-01-01", NULL);
    closes("2026-10-01", "withheld_refused");
    start();
    decide("K2", "mhsds", "refused", "2026-01-01", NULL);
    decide("K1", "mhsds", "given", "2026-01-01", NULL);
    closes("2026-10-01", "withheld_refused");
}
END_TEST

START_TEST(a_consent_comes_to_its_end)
{
    start();
    decide("K1", "mhsds", "given", "2026-01-01", "2026-03-31");
    opens("2026-03-31");
    closes("2026-04-01", "withheld_no_decision");
    Day next;
    ck_assert(civil_parse_day("2026-04-01", &next));
    ck_assert_int_eq(basis_on("2026-02-01").recheck, next);
}
END_TEST

START_TEST(other_bases_do_not_ask_but_restriction_always_holds)
{
    PersonBasis refused = {.decision = CONSENT_REFUSED},
                restricted = {.decision = CONSENT_GIVEN, .restricted = true};
    static const char *const bases[] = {"legal_obligation", "public_task"};
    for (size_t i = 0; i < COUNT_OF(bases); i++) {
        ck_assert_ptr_null(gate_reason(&refused, bases[i]));
        ck_assert_str_eq(gate_reason(&restricted, bases[i])->code, "withheld_restricted");
    }
    ck_assert_ptr_nonnull(gate_reason(&refused, "consent"));
    ck_assert_ptr_nonnull(gate_reason(&refused, "a new word"));
    ck_assert_ptr_nonnull(gate_reason(&refused, NULL));
    ck_assert_str_eq(gate_reason(&restricted, "consent")->code, "withheld_restricted");
}
END_TEST

SUITE("pipeline/gate", without_a_decision_nothing_flows, each_answer_has_its_reason,
      the_latest_decision_that_has_come_counts, a_refusal_wins_a_tie_in_either_order,
      a_consent_comes_to_its_end, other_bases_do_not_ask_but_restriction_always_holds);
