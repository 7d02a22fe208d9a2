/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/error.h"
#include "tests/unit/suite.h"

#include <errno.h>
#include <string.h>

START_TEST(context_goes_in_front_and_the_cause_stays)
{
    Error err = {0};
    char text[700];
    ck_assert(!error_set(&err, ERROR_LATER, "store.connect", "could not connect to \"%s\"", "q"));
    ck_assert(!error_wrap(&err, "claim"));
    ck_assert(!error_wrap(&err, "deliver"));
    ck_assert_str_eq(error_text(&err, text, sizeof text),
                     "[store.connect] deliver: claim: could not connect to \"q\"");
}
END_TEST

START_TEST(a_long_story_is_cut_at_its_oldest_end)
{
    Error err = {0};
    error_set(&err, ERROR_BUG, "x.y", "cause");
    for (int i = 0; i < 100; i++)
        error_wrap(&err, "step %d", i);
    ck_assert_ptr_eq(strstr(err.context, "step 99: step 98"), err.context);
    ck_assert_uint_lt(strlen(err.context), sizeof err.context);
    ck_assert_str_eq(err.cause, "cause");
}
END_TEST

START_TEST(a_line_feed_cannot_forge_a_line)
{
    Error err = {0};
    error_set(&err, ERROR_DATA, "x.y", "a\nb\x1b[0m");
    ck_assert_str_eq(err.cause, "a b [0m");
}
END_TEST

START_TEST(errno_says_whether_to_wait)
{
    Error err = {0};
    error_errno(&err, ENOSPC, "f.w", "could not write");
    ck_assert_int_eq(err.kind, ERROR_LATER);
    error_errno(&err, ENOENT, "f.o", "could not open");
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
    ck_assert_str_eq(err.cause, "could not open: No such file or directory");
}
END_TEST

SUITE("base/error", context_goes_in_front_and_the_cause_stays,
      a_long_story_is_cut_at_its_oldest_end, a_line_feed_cannot_forge_a_line,
      errno_says_whether_to_wait);
