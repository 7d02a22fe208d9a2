/* SPDX-License-Identifier: Apache-2.0 */
/* The two tables of verdicts: each row is reached, and none says more than it may. */
#include "adapters/submit/receipt.h"
#include "adapters/submit/verdict.h"
#include "daemon/base/cleanup.h"
#include "tests/unit/suite.h"

#include <string.h>

START_TEST(each_row_is_reached_and_decides)
{
    for (size_t i = 0; i < status_row_count; i++) {
        const StatusRow *row = &status_rows[i];
        Asked asked = row->asked & ASKED_SUBMIT ? ASKED_SUBMIT : ASKED_INQUIRE;
        bool reached = false;
        for (int status = row->from; status <= row->to && !reached; status++)
            reached = verdict_of_status(asked, status, row->word ? row->word : "other",
                                        row->reference_needed) == row;
        ck_assert_msg(reached, "row %zu (%s) is hidden by one before it", i, row->code);
        ck_assert_msg(row->code && row->reason, "row %zu", i);
    }
    for (size_t i = 0; i < failure_row_count; i++)
        ck_assert_ptr_eq(verdict_of_failure(failure_rows[i].kind, failure_rows[i].left),
                         &failure_rows[i]);
}
END_TEST

START_TEST(success_is_final_only_in_the_contracts_words)
{
    for (int status = 200; status < 300; status++)
        for (Asked asked = ASKED_SUBMIT; asked <= ASKED_INQUIRE; asked++) {
            const StatusRow *row = verdict_of_status(asked, status, NULL, true);
            ck_assert_int_eq(row->verdict, VERDICT_UNKNOWN);
            row = verdict_of_status(asked, status, "accepted", false);
            ck_assert_int_eq(row->verdict, VERDICT_UNKNOWN);
        }
}
END_TEST

START_TEST(every_status_has_a_verdict_of_the_right_kind)
{
    for (int status = -1; status <= 1000; status++) {
        const StatusRow *sent = verdict_of_status(ASKED_SUBMIT, status, NULL, false);
        const StatusRow *asked = verdict_of_status(ASKED_INQUIRE, status, NULL, false);
        ck_assert(sent->verdict != VERDICT_NEVER_SEEN && sent->verdict != VERDICT_ACCEPTED);
        /* a bare status never settles a question */
        ck_assert(asked->verdict == VERDICT_UNKNOWN || asked->verdict == VERDICT_LATER);
        if (sent->stop_route)
            ck_assert_int_eq(sent->verdict, VERDICT_LATER);
    }
}
END_TEST

START_TEST(what_may_have_left_is_unknown_and_what_has_not_is_later)
{
    for (HttpFailureKind kind = HTTP_FAILED_LOCAL; kind <= HTTP_FAILED_STOPPED; kind++) {
        ck_assert_int_eq(verdict_of_failure(kind, HTTP_NOTHING_LEFT)->verdict, VERDICT_LATER);
        ck_assert_int_eq(verdict_of_failure(kind, HTTP_MAY_HAVE_LEFT)->verdict, VERDICT_UNKNOWN);
    }
}
END_TEST

static Receipt read_receipt(const char *body, Arena *arena)
{
    Receipt receipt;
    receipt_read(body, strlen(body), arena, &receipt);
    return receipt;
}

START_TEST(a_receipt_takes_only_what_has_its_shape)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Receipt receipt =
        read_receipt("{\"status\":\"accepted\",\"reference\":\"R-1/2:3_4.5\"}", arena);
    ck_assert_str_eq(receipt.word, "accepted");
    ck_assert_str_eq(receipt.reference, "R-1/2:3_4.5");
    receipt =
        read_receipt("{\"type\":\"about:blank\",\"status\":422,\"code\":\"key_reused\"}", arena);
    ck_assert_str_eq(receipt.word, "key_reused");
    static const char *const bad[] = {"",
                                      "null",
                                      "[]",
                                      "\"accepted\"",
                                      "{\"status\":\"accepted\"",
                                      "{\"status\":\"accepted, and more\"}",
                                      "{\"status\":\"accepted\"} trailing",
                                      "{\"status\":[\"accepted\"]}",
                                      "{\"status\":\"\\u0000accepted\"}"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        ck_assert_msg(!read_receipt(bad[i], arena).word, "%s", bad[i]);
    char *deep = arena_alloc(arena, 60001);
    memset(deep, '[', 60000);
    ck_assert_ptr_null(read_receipt(deep, arena).word);
}
END_TEST

SUITE("adapters/verdict", each_row_is_reached_and_decides,
      success_is_final_only_in_the_contracts_words, every_status_has_a_verdict_of_the_right_kind,
      what_may_have_left_is_unknown_and_what_has_not_is_later,
      a_receipt_takes_only_what_has_its_shape);
