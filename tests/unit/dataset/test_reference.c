/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/cleanup.h"
#include "daemon/base/file.h"
#include "daemon/dataset/reference.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool read_text(const char *text, Arena *arena, const Reference **ret, Error *err)
{
    char path[] = "/tmp/mhsflow-reference-XXXXXX";
    _cleanup_close_ int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    bool read = reference_open(path, arena, ret, err);
    unlink(path);
    return read;
}

START_TEST(open_means_open_on_some_day)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const Reference *r;
    Error err = {0};
    ck_assert(read_text("kind,code,from,to\norganisation,ZZ901,2020-04-01,2026-10-01\n"
                        "organisation,ZZ901,2026-10-31,\npostcode,ZZ99 3VZ,,\n",
                        arena, &r, &err));
    Day first = civil_day(2026, 10, 1), last = civil_day(2026, 10, 31);
    ck_assert(reference_is_open(r, REFERENCE_ORGANISATION, "ZZ901", first, last));
    ck_assert(reference_is_open(r, REFERENCE_ORGANISATION, "ZZ901", first, first));
    ck_assert(!reference_is_open(r, REFERENCE_ORGANISATION, "ZZ901", first + 1, last - 1));
    ck_assert(reference_is_open(r, REFERENCE_ORGANISATION, "ZZ901", last + 9000, last + 9000));
    ck_assert(!reference_is_open(r, REFERENCE_ORGANISATION, "ZZ902", first, last));
    ck_assert(!reference_is_open(r, REFERENCE_SITE, "ZZ901", first, last));
    ck_assert(reference_is_open(r, REFERENCE_POSTCODE, "zz993vz", first, last));
    ck_assert(!reference_is_open(r, REFERENCE_POSTCODE, "ZZ99 3VZ EXTRA LONG", first, last));
    ck_assert(reference_has(r, REFERENCE_POSTCODE) && !reference_has(r, REFERENCE_SCHOOL));
    ck_assert(!reference_has(NULL, REFERENCE_SCHOOL));
}
END_TEST

START_TEST(a_line_that_cannot_be_understood_is_named)
{
    static const char *const bad[] = {
        "kind,code,from\norganisation,ZZ901,\n",
        "kind,code,from,to\nshop,ZZ901,,\n",
        "kind,code,from,to\norganisation,,,\n",
        "kind,code,from,to\norganisation,ZZ901,2026-02-30,\n",
        "kind,code,from,to\norganisation,ZZ901,,01/02/2026\n",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        _cleanup_arena_ Arena *arena = arena_new(1 << 20);
        const Reference *r = NULL;
        Error err = {0};
        ck_assert_msg(!read_text(bad[i], arena, &r, &err), "%s", bad[i]);
        ck_assert_int_eq(err.kind, ERROR_DATA);
        if (i > 0)
            ck_assert_ptr_nonnull(strstr(err.cause, "line 2"));
    }
}
END_TEST

SUITE("dataset/reference", open_means_open_on_some_day, a_line_that_cannot_be_understood_is_named);
