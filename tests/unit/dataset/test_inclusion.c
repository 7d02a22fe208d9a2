/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/dataset/inclusion.h"
#include "tests/unit/dataset/pack.h"

#define APRIL (2026 * 12 + 3)

/* Is a row of the table with these dates in April 2026? */
static bool in_april(const char *table, const char *first, const char *one, const char *second,
                     const char *two)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    Row *row = row_new(dataset_table(pack(), table), arena);
    row_set(row, first, one);
    if (second)
        row_set(row, second, two);
    return inclusion_holds(row->table, row, APRIL);
}

START_TEST(open_referrals_come_every_month)
{
#define REFERRAL(received, discharged)                                                             \
    in_april("MHS101", "ReferralRequestReceivedDate", received, "ServDischDate", discharged)
    ck_assert(REFERRAL("2024-01-01", NULL));
    ck_assert(REFERRAL("2026-04-30", NULL));
    ck_assert(!REFERRAL("2026-05-01", NULL));
    ck_assert(REFERRAL("2024-01-01", "2026-04-01"));
    ck_assert(!REFERRAL("2024-01-01", "2026-03-31"));
    ck_assert(REFERRAL("2024-01-01", "2026-06-01"));
    ck_assert(!in_april("MHS101", "ReferralRequestReceivedDate", "2024-01-01", "ReferRejectionDate",
                        "2026-03-31"));
}
END_TEST

START_TEST(events_lie_inside_their_month)
{
    ck_assert(!in_april("MHS201", "CareContDate", "2026-03-31", NULL, NULL));
    ck_assert(in_april("MHS201", "CareContDate", "2026-04-01", NULL, NULL));
    ck_assert(in_april("MHS201", "CareContDate", "2026-04-30", NULL, NULL));
    ck_assert(!in_april("MHS201", "CareContDate", "2026-05-01", NULL, NULL));
    /* The date as written counts, whatever the offset. */
    ck_assert(in_april("MHS606", "AssToolCompTimestamp", "2026-04-30T23:30:00+01:00", NULL, NULL));
    ck_assert(!in_april("MHS606", "AssToolCompTimestamp", "2026-03-31T23:30:00Z", NULL, NULL));
}
END_TEST

START_TEST(states_and_spans)
{
    ck_assert(in_april("MHS003", "AccommodationTypeDate", "2020-01-01", NULL, NULL));
    ck_assert(in_april("MHS003", "AccommodationTypeDate", NULL, NULL, NULL));
    ck_assert(!in_april("MHS003", "AccommodationTypeDate", "2026-05-01", NULL, NULL));
#define COORDINATOR(from, to)                                                                      \
    in_april("MHS006", "StartDateAssCareCoord", from, "EndDateAssCareCoord", to)
    ck_assert(COORDINATOR("2025-01-01", NULL));
    ck_assert(COORDINATOR("2025-01-01", "2026-04-30"));
    ck_assert(COORDINATOR("2025-01-01", "2026-05-02")); /* it was open in April */
    ck_assert(!COORDINATOR("2025-01-01", "2026-03-31"));
    ck_assert(!COORDINATOR("2026-05-01", NULL));
    ck_assert(in_april("MHS202", "CareActID", "A", NULL, NULL));
    ck_assert(in_april("MHS902", "CareProfTeamLocalID", "T", NULL, NULL));
}
END_TEST

START_TEST(what_cannot_be_read_is_left_to_the_rules)
{
    ck_assert(in_april("MHS201", "CareContDate", "01/04/2026", NULL, NULL));
    ck_assert(in_april("MHS201", "CareContDate", NULL, NULL, NULL));
    ck_assert(in_april("MHS201", "CareContDate", "2026-02-30", NULL, NULL));
}
END_TEST

START_TEST(later_ends_are_not_said_in_an_earlier_month)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    const Table *referral = dataset_table(pack(), "MHS101");
    Row *row = row_new(referral, arena);
    row_set(row, "ServDischDate", "2026-05-02");
    row_set(row, "ServDischTime", "10:00:00");
    row_set(row, "ReferClosReason", "02");
    row_set(row, "ReferRejectReason", "01"); /* with no date: that is for the rules */
    inclusion_blank(referral, row, APRIL + 1);
    ck_assert_str_eq(row_get(row, table_element(referral, "ServDischDate")), "2026-05-02");
    ck_assert_str_eq(row_get(row, table_element(referral, "ReferClosReason")), "02");
    inclusion_blank(referral, row, APRIL);
    ck_assert_ptr_null(row_get(row, table_element(referral, "ServDischDate")));
    ck_assert_ptr_null(row_get(row, table_element(referral, "ServDischTime")));
    ck_assert_ptr_null(row_get(row, table_element(referral, "ReferClosReason")));
    ck_assert_str_eq(row_get(row, table_element(referral, "ReferRejectReason")), "01");
}
END_TEST

START_TEST(a_death_is_said_in_its_month_only)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    const Table *person = pack()->person;
    static const struct {
        const char *date;
        bool said;
    } cases[] = {{"2026-03-31", false},
                 {"2026-04-01", true},
                 {"2026-04-30", true},
                 {"2026-05-01", false},
                 {"never", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Row *row = row_new(person, arena);
        row_set(row, "PersDeathDate", cases[i].date);
        inclusion_blank(person, row, APRIL);
        ck_assert_int_eq(row_get(row, table_element(person, "PersDeathDate")) != NULL,
                         cases[i].said);
    }
}
END_TEST

SUITE("dataset/inclusion", open_referrals_come_every_month, events_lie_inside_their_month,
      states_and_spans, what_cannot_be_read_is_left_to_the_rules,
      later_ends_are_not_said_in_an_earlier_month, a_death_is_said_in_its_month_only);
