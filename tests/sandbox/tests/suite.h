/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that the sandbox's own test programs share: SUITE("name", test, test) runs tests made
 * by START_TEST. */
#ifndef SANDBOX_TESTS_SUITE_H
#define SANDBOX_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

static inline int suite_run(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create("all");
    for (size_t i = 0; i < count; i++)
        _tcase_add_test(tcase, tests[i], 0, 0, 0, 1);
    tcase_set_timeout(tcase, 100);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define SUITE(name, ...)                                                                           \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        return suite_run(name, tests, sizeof tests / sizeof tests[0]);                             \
    }                                                                                              \
    struct suite_ends_in_a_semicolon

#endif
