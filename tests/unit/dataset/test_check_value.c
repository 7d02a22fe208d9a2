/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/cleanup.h"
#include "daemon/dataset/check_keys.h"
#include "daemon/dataset/check_value.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

START_TEST(nhs_numbers_have_a_modulus_11_digit)
{
    /* Of the ten last digits exactly one is right, or none where it would be ten. */
    size_t valid = 0, none = 0;
    for (int body = 0; body < 2000; body++) {
        int right = 0;
        for (int last = 0; last < 10; last++) {
            char number[16];
            snprintf(number, sizeof number, "99900%04d%d", body, last);
            right += value_is_nhs_number(number);
        }
        ck_assert_int_le(right, 1);
        valid += (size_t)right;
        none += right == 0;
    }
    ck_assert_uint_eq(valid + none, 2000);
    ck_assert(none > 150 && none < 210); /* one in eleven */
    ck_assert(!value_is_nhs_number("") && !value_is_nhs_number("999000001"));
    ck_assert(!value_is_nhs_number("999 000 0018") && !value_is_nhs_number("99900000180"));
}
END_TEST

START_TEST(snomed_numbers_have_partition_and_check_digit)
{
    static const char *const good[] = {"73211009",         "80146002",         "720433000",
                                       "1037651000000100", "1638531000000102", "445455005",
                                       "718466001",        "11429006"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        ck_assert_msg(value_is_snomed(good[i]), "%s", good[i]);
        char changed[24];
        for (size_t at = 0; at < strlen(good[i]); at++) {
            snprintf(changed, sizeof changed, "%s", good[i]);
            changed[at] = changed[at] == '9' ? '1' : (char)(changed[at] + 1);
            ck_assert_msg(!value_is_snomed(changed), "%s", changed); /* any one digit wrong */
        }
    }
    ck_assert(!value_is_snomed("37311000"));         /* turned digits */
    ck_assert(!value_is_snomed("1037651000000101")); /* as a spreadsheet leaves them */
    ck_assert(!value_is_snomed("12345") && !value_is_snomed("1234567890123456789"));
    ck_assert(!value_is_snomed("680946014")); /* a description, not a concept */
}
END_TEST

START_TEST(expressions_hold_valid_concepts_only)
{
    ck_assert(value_is_snomed_expression("80146002"));
    ck_assert(value_is_snomed_expression("80146002:363698007=66754008"));
    ck_assert(value_is_snomed_expression("80146002 |Appendectomy| : 363698007 = 66754008"));
    ck_assert(value_is_snomed_expression("80146002+73211009,{363698007=#12.5}"));
    ck_assert(!value_is_snomed_expression(""));
    ck_assert(!value_is_snomed_expression("|only a term|"));
    ck_assert(!value_is_snomed_expression("80146002:363698007=66754009"));
    ck_assert(!value_is_snomed_expression("80146002 |no end"));
    ck_assert(!value_is_snomed_expression("80146002;73211009"));
    ck_assert(!value_is_snomed_expression("#5"));
}
END_TEST

START_TEST(icd10_is_a_letter_and_digits)
{
    static const char *const good[] = {"F320", "F32.0", "F32X", "F32.00", "f320", "F3200A"};
    static const char *const bad[] = {"F32",  "3200",    "FF20",     "F32.",
                                      "F32?", "F320000", "73211009", ""};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        ck_assert_msg(value_is_icd10(good[i]), "%s", good[i]);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        ck_assert_msg(!value_is_icd10(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(lengths_count_characters)
{
    ck_assert_uint_eq(value_length(""), 0);
    ck_assert_uint_eq(value_length("abc"), 3);
    ck_assert_uint_eq(value_length("Ł\u00e9\u20ac"), 3);
    ck_assert(value_blank(NULL) && value_blank("") && value_blank("  ") && !value_blank(" x"));
}
END_TEST

START_TEST(a_moment_keeps_its_written_day)
{
    Day day, other;
    ck_assert(civil_parse_day("2026-06-30", &other));
    ck_assert(value_day("2026-06-30T23:30:00+00:00", &day) && day == other);
    ck_assert(value_day("2026-06-30T00:30:00+01:00", &day) && day == other);
    ck_assert(!value_day("2026-06-31", &day) && !value_day("2026-06-30 10:00", &day));
    int64_t one, two;
    ck_assert(value_moment("2026-06-30T23:59:59", &one) &&
              value_moment("2026-07-01T00:00:00", &two));
    ck_assert_int_eq(two - one, 1);
}
END_TEST

START_TEST(scores_fit_range_or_list)
{
    Scale range = {.min = "0", .max = "27"}, list = {.values = "0 1 9"}, open = {.code = "1"};
    ck_assert(value_fits_scale("0", &range) && value_fits_scale("27", &range));
    ck_assert(value_fits_scale("26.5", &range) && !value_fits_scale("27.1", &range));
    ck_assert(!value_fits_scale("07", &range) && !value_fits_scale("1.25", &range));
    ck_assert(!value_fits_scale("-1", &range) && !value_fits_scale("", &range));
    ck_assert(value_fits_scale("9", &list) && !value_fits_scale("2", &list));
    ck_assert(!value_fits_scale("0 1", &list));
    ck_assert(value_fits_scale("whatever", &open));
}
END_TEST

START_TEST(keys_are_one_per_text)
{
    KeyPool *pool = key_pool_new();
    char text[32];
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 1; i <= 20000; i++) {
            snprintf(text, sizeof text, "contact-%08u", i);
            ck_assert_uint_eq(key_of(pool, text), i);
        }
    ck_assert_uint_eq(key_count(pool), 20000);
    ck_assert_uint_eq(key_of(pool, NULL), KEY_NONE);
    char *huge = check_zeroed(1 << 20, 1);
    memset(huge, 'x', (1 << 20) - 1);
    ck_assert_uint_eq(key_of(pool, huge), 20001);
    ck_assert_uint_eq(key_of(pool, huge), 20001);
    free(huge);
    key_pool_clear(pool);
    ck_assert_uint_eq(key_count(pool), 0);
    ck_assert_uint_eq(key_of(pool, "contact-00000007"), 1);
    key_pool_free(pool);
}
END_TEST

SUITE("dataset/check_value", nhs_numbers_have_a_modulus_11_digit,
      snomed_numbers_have_partition_and_check_digit, expressions_hold_valid_concepts_only,
      icd10_is_a_letter_and_digits, lengths_count_characters, a_moment_keeps_its_written_day,
      scores_fit_range_or_list, keys_are_one_per_text);
