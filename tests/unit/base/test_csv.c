/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/csv.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Rows as "a|b;c|d;" or the error's text. */
static const char *read_all(const char *bytes, size_t size)
{
    static char out[4096];
    Error err = {0};
    _cleanup_csv_ CsvReader *reader = NULL;
    const CsvRow *row = NULL;
    out[0] = '\0';
    if (!csv_open_bytes("x", bytes, size, &reader, &err))
        return error_text(&err, out, sizeof out);
    for (;;) {
        if (!csv_next(reader, &row, &err))
            return error_text(&err, out, sizeof out);
        if (!row)
            return out;
        for (size_t i = 0; i < row->count; i++) {
            size_t used = strlen(out);
            snprintf(out + used, sizeof out - used, "%s%s", row->fields[i],
                     i + 1 < row->count ? "|" : ";");
        }
    }
}
#define READ(text) read_all(text, sizeof(text) - 1)

START_TEST(rows_are_read_by_rfc_4180)
{
    ck_assert_str_eq(READ("a,b\n1,2\n3,4"), "1|2;3|4;");
    ck_assert_str_eq(READ("a,b\r\n\"x,\"\"y\",\r\n,\r\n"), "x,\"y|;|;");
    ck_assert_str_eq(READ("\xef\xbb\xbf"
                          "a,b\n\"two\nlines\",2\n"),
                     "two\nlines|2;");
    ck_assert_str_eq(READ("a\n\nx\n"), ";x;");
    ck_assert_str_eq(READ("a,b\n\n1,2\n\n"), "1|2;");
    ck_assert_str_eq(READ("a,b\n"), "");
}
END_TEST

START_TEST(what_is_broken_is_named_with_its_place)
{
    ck_assert_str_eq(READ(""), "[csv.empty] x: the file is empty, a header is needed");
    ck_assert_str_eq(READ("a,b\n1,2\n3\n"),
                     "[csv.fields] x:3: the row has 1 fields, the header has 2");
    ck_assert_str_eq(READ("a,a\n"), "[csv.header] x:1: column 2 has the name of column 1");
    ck_assert_str_eq(READ("a,b\n\"1,2\n"),
                     "[csv.syntax] x:3: field 1: the file ends inside quotes");
    ck_assert_str_eq(READ("a,b\n\"1\"x,2\n"),
                     "[csv.syntax] x:2: field 1: text after the closing quote");
    ck_assert_str_eq(READ("a,b\n1,x\"y\n"),
                     "[csv.syntax] x:2: field 2: a quote inside a field that is not quoted");
    ck_assert_str_eq(READ("a,b\n1,x\0y\n"), "[csv.syntax] x:2: field 2: a NUL byte");
    ck_assert_str_eq(READ("a,b\n1,\xff\n"), "[csv.syntax] x:2: field 2: not valid UTF-8 text");
    ck_assert_str_eq(READ("a,b\n1\r2,3\n"), "[csv.syntax] x:2: field 1: a carriage return alone");
}
END_TEST

START_TEST(fields_across_the_buffer_edge_stay_whole)
{
    size_t size = 200000;
    char *bytes = malloc(size), *at = bytes;
    at = mempcpy(at, "a,b\n", 4);
    for (int i = 0; i < 3; i++) {
        at = mempcpy(at, "\"", 1);
        memset(at, 'x', 60000);
        at = mempcpy(at + 60000, "\"\"\",y\n", 6);
    }
    _cleanup_csv_ CsvReader *reader = NULL;
    const CsvRow *row;
    Error err = {0};
    ck_assert(csv_open_bytes("x", bytes, (size_t)(at - bytes), &reader, &err));
    for (int i = 0; i < 3; i++) {
        ck_assert(csv_next(reader, &row, &err) && row);
        ck_assert_uint_eq(strlen(row->fields[0]), 60001);
        ck_assert_str_eq(row->fields[1], "y");
        ck_assert_uint_eq(row->number, (size_t)i + 1);
    }
    free(bytes);
}
END_TEST

START_TEST(needed_columns_are_found_in_any_order)
{
    _cleanup_csv_ CsvReader *reader = NULL;
    Error err = {0};
    int at[2];
    ck_assert(csv_open_bytes("x", "b,c,a\n", 6, &reader, &err));
    ck_assert(csv_require(reader, (const char *[]){"a", "b"}, 2, at, &err));
    ck_assert_int_eq(at[0], 2);
    ck_assert_int_eq(at[1], 0);
    ck_assert(!csv_require(reader, (const char *[]){"a", "z"}, 2, at, &err));
    ck_assert_str_eq(err.cause, "x:1: column \"z\" is missing");
}
END_TEST

START_TEST(another_delimiter_and_other_names)
{
    _cleanup_csv_ CsvReader *reader = NULL;
    Error err = {0};
    const CsvRow *row;
    char path[] = "/tmp/mhsflow-csv-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "a;b\n1,5;\"x;y\"\n", 15), 15);
    close(fd);
    ck_assert(csv_open_delimited(path, ';', &reader, &err));
    unlink(path);
    csv_rename(reader, 1, "c");
    ck_assert_int_eq(csv_column(reader, "b"), -1);
    ck_assert_int_eq(csv_column(reader, "c"), 1);
    ck_assert(csv_next(reader, &row, &err) && row);
    ck_assert_str_eq(row->fields[0], "1,5");
    ck_assert_str_eq(row->fields[1], "x;y");
}
END_TEST

SUITE("base/csv", rows_are_read_by_rfc_4180, what_is_broken_is_named_with_its_place,
      fields_across_the_buffer_edge_stay_whole, needed_columns_are_found_in_any_order,
      another_delimiter_and_other_names);
