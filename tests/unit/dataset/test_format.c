/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/dataset/dataset_read.h"
#include "tests/unit/suite.h"

START_TEST(formats_are_kind_and_length)
{
    static const struct {
        const char *format;
        ValueKind kind;
        int min, max;
    } cases[] = {
        {"an2", VALUE_TEXT, 2, 2},
        {"max an20", VALUE_TEXT, 1, 20},
        {"min an3 max an5", VALUE_TEXT, 3, 5},
        {"n10", VALUE_NUMBER, 10, 10},
        {"min n6 max n18", VALUE_NUMBER, 6, 18},
        {"an10 CCYY-MM-DD", VALUE_DATE, 10, 10},
        {"an8 HH:MM:SS", VALUE_TIME, 8, 8},
        {"an19 CCYY-MM-DDThh:mm:ss", VALUE_DATETIME, 19, 19},
        {"an25 CCYY-MM-DDThh:mm:ssZ", VALUE_TIMESTAMP, 20, 25},
        {"max an8 postcode", VALUE_POSTCODE, 1, 8},
        {"max n7.n2", VALUE_DECIMAL, 4, 10},
        {"max n2.max n2", VALUE_DECIMAL, 3, 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ValueKind kind;
        int min, max;
        ck_assert_msg(format_parse(cases[i].format, &kind, &min, &max), "%s", cases[i].format);
        ck_assert_int_eq(kind, cases[i].kind);
        ck_assert_int_eq(min, cases[i].min);
        ck_assert_int_eq(max, cases[i].max);
    }
}
END_TEST

START_TEST(others_are_none)
{
    static const char *const cases[] = {"",
                                        "an",
                                        "x2",
                                        "an0",
                                        "an2 ",
                                        "max",
                                        "max an",
                                        "an99999",
                                        "min an5",
                                        "min an5 max an3",
                                        "min an3 max n5",
                                        "max n7.",
                                        "max n7.n2 ",
                                        "max an20max"};
    ValueKind kind;
    int min, max;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(!format_parse(cases[i], &kind, &min, &max), "%s", cases[i]);
}
END_TEST

SUITE("dataset/format", formats_are_kind_and_length, others_are_none);
