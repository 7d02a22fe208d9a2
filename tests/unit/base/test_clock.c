/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/clock.h"
#include "tests/unit/suite.h"

START_TEST(instants_are_read_and_written)
{
    int64_t wall;
    char text[CLOCK_TEXT_SIZE];
    ck_assert(clock_parse("2026-11-23T02:20:00.123Z", &wall));
    ck_assert_str_eq(clock_format(wall, text), "2026-11-23T02:20:00.123Z");
    ck_assert(clock_parse("2026-07-01T00:30:00+01:00", &wall));
    ck_assert_str_eq(clock_format(wall, text), "2026-06-30T23:30:00.000Z");
    ck_assert(clock_parse("1969-12-31T23:59:59.999Z", &wall));
    ck_assert_str_eq(clock_format(wall, text), "1969-12-31T23:59:59.999Z");
    static const char *const bad[] = {"",
                                      "2026-11-23",
                                      "2026-11-23T02:20:00",
                                      "2026-11-23T25:00:00Z",
                                      "2026-11-23T02:20:00.Z",
                                      "2026-11-23T02:20:00+1:00",
                                      "2026-11-23T02:20:00.1234567890Z",
                                      "2026-11-23T02:20:00Zx"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!clock_parse(bad[i], &wall), "%s", bad[i]);
}
END_TEST

START_TEST(all_forms_of_an_http_date_are_read)
{
    static const char *const same[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                       "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                                       "Sun, 06 Nov 1994 08:49:37 UTC"};
    int64_t wall;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        ck_assert_msg(clock_parse_http(same[i], &wall), "%s", same[i]);
        ck_assert_int_eq(wall, INT64_C(784111777) * CLOCK_SECOND);
    }
    static const char *const bad[] = {"", "7", "Sun, 06 Nov 1994 08:49:37 CET",
                                      "Sun, 31 Feb 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 24:49:37 GMT"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!clock_parse_http(bad[i], &wall), "%s", bad[i]);
}
END_TEST

START_TEST(tests_can_move_the_wall_but_not_the_steady_clock)
{
    int64_t before = clock_steady();
    unsetenv("MHSFLOW_CLOCK_OFFSET");
    setenv("MHSFLOW_CLOCK", "2030-01-01T00:00:00Z", 1);
    char text[CLOCK_TEXT_SIZE];
    clock_format(clock_wall(), text);
    ck_assert_str_eq((text[16] = '\0', text), "2030-01-01T00:00");
    ck_assert_int_lt(clock_steady() - before, 10 * CLOCK_SECOND);
    ck_assert_ptr_nonnull(getenv("MHSFLOW_CLOCK_OFFSET"));
}
END_TEST

SUITE("base/clock", instants_are_read_and_written, all_forms_of_an_http_date_are_read,
      tests_can_move_the_wall_but_not_the_steady_clock);
