/* SPDX-License-Identifier: Apache-2.0 */
/* The few lines that every unit test program shares: one suite, run, exit.
 *
 *   SUITE("base/arena", caps, resets) — test functions made by START_TEST. */
#pragma once

#include <check.h>
#include <stdlib.h>

#define SUITE(name, ...)                                                                           \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        Suite *suite = suite_create(name);                                                         \
        TCase *tcase = tcase_create("all");                                                        \
        for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)                                  \
            _tcase_add_test(tcase, tests[i], 0, 0, 0, 1);                                          \
        tcase_set_timeout(tcase, 60);                                                              \
        suite_add_tcase(suite, tcase);                                                             \
        SRunner *runner = srunner_create(suite);                                                   \
        srunner_run_all(runner, CK_ENV);                                                           \
        int failed = srunner_ntests_failed(runner);                                                \
        srunner_free(runner);                                                                      \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                               \
    }                                                                                              \
    struct suite_ends_in_a_semicolon
