/* SPDX-License-Identifier: Apache-2.0 */
/* When the end of a certificate is worth saying. */
#include "daemon/sign/expiry.h"
#include "tests/unit/suite.h"

START_TEST(each_mark_is_met_once)
{
    static const struct {
        int64_t left;
        int mark;
    } rows[] = {
        {61 * EXPIRY_DAY, 0},      {60 * EXPIRY_DAY, 0},      {60 * EXPIRY_DAY - 1, 60},
        {30 * EXPIRY_DAY, 60},     {30 * EXPIRY_DAY - 1, 30}, {14 * EXPIRY_DAY, 30},
        {14 * EXPIRY_DAY - 1, 14}, {7 * EXPIRY_DAY, 14},      {7 * EXPIRY_DAY - 1, 7},
        {1 * EXPIRY_DAY, 7},       {1 * EXPIRY_DAY - 1, 1},   {0, 1},
        {-5 * EXPIRY_DAY, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_msg(expiry_mark(rows[i].left) == rows[i].mark, "row %zu", i);
}
END_TEST

SUITE("sign/expiry", each_mark_is_met_once);
