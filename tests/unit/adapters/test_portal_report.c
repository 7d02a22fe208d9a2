/* SPDX-License-Identifier: Apache-2.0 */
/* The portal's reports: what is read, and what is not. */
#include "adapters/submit/portal_report.h"
#include "daemon/base/cleanup.h"
#include "tests/unit/suite.h"

#include <string.h>

#define HEAD                                                                                       \
    "REPORT_TYPE,DESCRIPTION,CODE,NUMERATOR,DENOMINATOR,DATA_ITEM1,DATA_VALUE1,DATA_ITEM2,DATA_"   \
    "VALUE2\r\n"

static bool add(PortalReports *reports, const char *text, Arena *arena, Error *err)
{
    return portal_report_add(reports, PORTAL_REPORT_VALIDATIONS, text, strlen(text), arena, err);
}

START_TEST(a_line_has_code_counts_and_items)
{
    Arena *arena = arena_new(1 << 20);
    PortalReports reports = {0};
    Error err = {0};
    ck_assert(add(&reports,
                  HEAD "Validation Failures,\"Record rejected: words, of theirs\",MHS20106,3,7,"
                       "[M201903]CareContactID,C-1,CareContDate,\r\n",
                  arena, &err));
    ck_assert_uint_eq(reports.count, 1);
    const PortalLine *line = &reports.lines[0];
    ck_assert_str_eq(line->code, "MHS20106");
    ck_assert_int_eq(line->numerator, 3);
    ck_assert_int_eq(line->denominator, 7);
    ck_assert_uint_eq(line->item_count, 2);
    ck_assert_str_eq(line->items[0].id, "M201903");
    ck_assert_str_eq(line->items[0].element, "CareContactID");
    ck_assert_str_eq(line->items[0].value, "C-1");
    ck_assert_ptr_null(line->items[1].id);
    ck_assert_str_eq(line->items[1].element, "CareContDate");
    ck_assert_str_eq(line->items[1].value, "");
    arena_free(arena);
}
END_TEST

START_TEST(only_codes_are_codes)
{
    static const char *const lines[] = {"a,b,,,,,,,\r\n", "a,b,two words,,,,,,\r\n",
                                        "a,b,MHS1\x1b,,,,,,\r\n",
                                        "a,b,MHS00000000000000000001,,,,,,\r\n"};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        Arena *arena = arena_new(1 << 20);
        PortalReports reports = {0};
        Error err = {0};
        bool read = add(&reports, arena_format(arena, HEAD "%s", lines[i]), arena, &err);
        ck_assert_msg(!read || reports.unreadable == 1, "line %zu", i);
        ck_assert_uint_eq(reports.count, 0);
        arena_free(arena);
    }
}
END_TEST

START_TEST(columns_are_found_by_name)
{
    Arena *arena = arena_new(1 << 20);
    PortalReports reports = {0};
    Error err = {0};
    ck_assert(add(&reports, "DENOMINATOR,CODE,NUMERATOR\r\n1,MHSDAG001,-4\r\n", arena, &err));
    ck_assert_int_eq(reports.lines[0].denominator, 1);
    ck_assert_int_eq(reports.lines[0].numerator, -1);
    ck_assert(!add(&reports, "REPORT_TYPE,NUMERATOR,DENOMINATOR\r\n", arena, &err));
    ck_assert_str_eq(err.code, "csv.column");
    arena_free(arena);
}
END_TEST

SUITE("adapters/portal_report", a_line_has_code_counts_and_items, only_codes_are_codes,
      columns_are_found_by_name);
