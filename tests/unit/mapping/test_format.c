/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of national values. */
#include "daemon/base/cleanup.h"
#include "daemon/mapping/transform.h"
#include "tests/unit/suite.h"

#include <stdio.h>

START_TEST(times_get_seconds)
{
    char time[9];
    ck_assert(format_time("09:05", time));
    ck_assert_str_eq(time, "09:05:00");
    ck_assert(format_time("23:59:58", time));
    ck_assert_str_eq(time, "23:59:58");
    ck_assert(!format_time("24:00", time));
    ck_assert(!format_time("9:05", time));
    ck_assert(!format_time("09.05", time));
    ck_assert(!format_time("", time));
}
END_TEST

START_TEST(timestamps_carry_londons_offset)
{
    static const struct {
        const char *date, *time, *offset, *want;
    } cases[] = {
        {"2026-01-15", "09:30", NULL, "2026-01-15T09:30:00+00:00"},
        {"2026-07-15", "09:30", NULL, "2026-07-15T09:30:00+01:00"},
        {"2026-07-15", NULL, NULL, "2026-07-15T00:00:00+01:00"},
        {"2026-10-25", "00:59", NULL, "2026-10-25T00:59:00+01:00"},
        {"2026-10-25", "01:30", "+01:00", "2026-10-25T01:30:00+01:00"},
        {"2026-10-25", "01:30", "+00:00", "2026-10-25T01:30:00+00:00"},
        {"2026-10-25", "01:30", NULL, "2026-10-25T01:30:00+01:00"},
        {"2026-10-25", "02:00", NULL, "2026-10-25T02:00:00+00:00"},
        {"2026-03-29", "00:59", NULL, "2026-03-29T00:59:00+00:00"},
        {"2026-03-29", "02:00", NULL, "2026-03-29T02:00:00+01:00"},
        {"2026-10-31T23:30:00Z", NULL, NULL, "2026-10-31T23:30:00+00:00"},
        {"2026-06-30T23:30:00.123Z", NULL, NULL, "2026-07-01T00:30:00+01:00"},
        {"2026-10-25T00:30:00Z", NULL, NULL, "2026-10-25T01:30:00+01:00"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char made[26];
        ck_assert_msg(format_timestamp(cases[i].date, cases[i].time, cases[i].offset, made), "%zu",
                      i);
        ck_assert_str_eq(made, cases[i].want);
    }
    char made[26];
    ck_assert(!format_timestamp("2026-02-30", "09:00", NULL, made));
    ck_assert(!format_timestamp("2026-02-20", "9", NULL, made));
    ck_assert(!format_timestamp("yesterday", NULL, NULL, made));
    ck_assert(!format_timestamp("2026-02-20T", NULL, NULL, made));
}
END_TEST

static void check_score(const char *text, const char *want)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    const char *made = NULL;
    bool is_one = format_score(text, arena, &made);
    ck_assert_msg(is_one == (want != NULL), "%s", text);
    if (want)
        ck_assert_str_eq(made, want);
}

START_TEST(scores_have_no_leading_zeros_and_one_decimal)
{
    check_score("7", "7");
    check_score("07", "7");
    check_score("0", "0");
    check_score("00", "0");
    check_score("6.5", "6.5");
    check_score("6.50", "6.5");
    check_score("6.0", "6");
    check_score("0.5", "0.5");
    check_score("6.55", NULL);
    check_score("-1", NULL);
    check_score("", NULL);
    check_score(".5", NULL);
    check_score("5.", NULL);
    check_score("5.5x", NULL);
    check_score("five", NULL);
    check_score("1e3", NULL);
    check_score("1.5.5", NULL);
}
END_TEST

static void check_postcode(const char *text, const char *want)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    const char *made = NULL;
    bool is_one = format_postcode(text, arena, &made);
    ck_assert_msg(is_one == (want != NULL), "%s", text);
    if (want)
        ck_assert_str_eq(made, want);
}

START_TEST(postcodes_of_all_shapes)
{
    check_postcode("M1 1CI", "M1 1CI");
    check_postcode("m11ci", "M1 1CI");
    check_postcode("M60 1CK", "M60 1CK");
    check_postcode("W1A 1CO", "W1A 1CO");
    check_postcode("BD7 1CI", "BD7 1CI");
    check_postcode("BD71CI", "BD7 1CI");
    check_postcode("BD13  4MV", "BD13 4MV");
    check_postcode("EC1A 1KC", "EC1A 1KC");
    check_postcode("ZZ99 3WZ", "ZZ99 3WZ");
    check_postcode("BD7", NULL);
    check_postcode("BD7 1C", NULL);
    check_postcode("7BD 1CI", NULL);
    check_postcode("BDX 1CI", NULL);
    check_postcode("BD7 ICI", NULL);
    check_postcode("BD123 1CI", NULL);
    check_postcode("", NULL);
    check_postcode("a very long text that is no postcode", NULL);
}
END_TEST

START_TEST(nhs_numbers_by_their_check_digit)
{
    char number[11];
    ck_assert(format_nhs_number("9990000018", number));
    ck_assert(format_nhs_number("999 000 0026", number));
    ck_assert_str_eq(number, "9990000026");
    ck_assert(!format_nhs_number("9990000019", number));
    ck_assert(!format_nhs_number("999000001", number));
    ck_assert(!format_nhs_number("99900000181", number));
    ck_assert(!format_nhs_number("999000001X", number));
    ck_assert(!format_nhs_number("", number));
}
END_TEST

/* A check digit of 10 means that there is no such number. */
START_TEST(nine_digits_have_at_most_one_check_digit)
{
    size_t none = 0;
    for (int i = 0; i < 1000; i++) {
        char text[11], number[11];
        int found = 0;
        for (int digit = 0; digit < 10; digit++) {
            snprintf(text, sizeof text, "999000%03d%d", i, digit);
            found += format_nhs_number(text, number);
        }
        ck_assert_int_le(found, 1);
        none += found == 0;
    }
    ck_assert_uint_gt(none, 50);
    ck_assert_uint_lt(none, 150);
}
END_TEST

SUITE("mapping/format", times_get_seconds, timestamps_carry_londons_offset,
      scores_have_no_leading_zeros_and_one_decimal, postcodes_of_all_shapes,
      nhs_numbers_by_their_check_digit, nine_digits_have_at_most_one_check_digit);
