/* SPDX-License-Identifier: Apache-2.0 */
/* One record's way through the store, from a feed's page to an accepted submission. */
#include "tests/component/store_case.h"

#define NOVEMBER (2026 * 12 + 10)

typedef struct Seen {
    int rows;
    const char *first;
} Seen;

static bool see_row(void *context, const RowOut *row, Error *err)
{
    Seen *seen = context;
    (void)err;
    if (!seen->rows++)
        seen->first = arena_text(arena, row->row_key);
    return true;
}

START_TEST(from_page_to_accepted)
{
    for (int i = 0; i < 5; i++)
        take_person("feed-b", i, i == 4 ? "refused" : "given");
    ck_assert_int_eq(ask_number("select count(*) from source_record where person is not null"), 20);
    ck_assert_int_eq(ask_number("select count(*) from work"), 5);
    ck_assert_uint_eq(map_all(store, "V9X01", NOVEMBER, NOVEMBER), 5);
    ck_assert_int_eq(ask_number("select count(*) from work"), 0);
    ProviderMonth *months;
    size_t count;
    ok(months_dirty(store, NULL, arena, &months, &count, err));
    ck_assert_uint_eq(count, 1);
    int64_t id = build(store, "V9X01", NOVEMBER, NULL);
    ok(months_dirty(store, NULL, arena, &months, &count, err));
    ck_assert_uint_eq(count, 0);
    Seen seen = {0};
    ok(rows_stream(store, "V9X01", NOVEMBER, 1, see_row, &seen, err));
    ck_assert_int_eq(seen.rows, 4);
    ck_assert_str_eq(seen.first, "P0000000");
    ok(submission_rows(store, id, see_row, &seen, err));
    ck_assert_int_eq(seen.rows, 8);
    SubmissionClaim claim = claim_one(store);
    ok(submission_store_signature(store, id, claim.fence, (const uint8_t *)"sig", 3, err));
    fails("submission.signed",
          submission_store_signature(store, id, claim.fence, (const uint8_t *)"sig", 3, err));
    ck_assert(intend(store, &claim));
    ck_assert_int_eq(settle(store, &claim, OUTCOME_ACCEPTED), SUBMISSION_ACCEPTED);
    SubmissionInfo info, newest;
    ok(submission_last(store, "mhsds-6.0", "V9X01", NOVEMBER, arena, &info, &newest, err));
    ck_assert_int_eq(info.id, id);
    ck_assert_uint_eq(info.signature_size, 3);
    SubmissionEvent *events;
    ok(submission_events(store, id, arena, &events, &count, err));
    ck_assert_uint_eq(count, 7); /* built, claimed, signed, intent, attempt, answer, accepted */
    AuditVerdict verdict;
    ok(audit_verify(store, arena, &verdict, err));
    ck_assert_uint_eq(verdict.fault_count, 0);
    ck_assert_int_gt(verdict.events, 10);
}
END_TEST

CASE_MAIN("store: from page to accepted", from_page_to_accepted)
