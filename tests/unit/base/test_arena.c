/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/arena.h"
#include "tests/unit/suite.h"

#include <stdint.h>

START_TEST(allocations_are_aligned_zero_and_apart)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    char *last = NULL;
    for (size_t size = 0; size < 5000; size += 37) {
        char *memory = arena_alloc(arena, size);
        ck_assert_uint_eq((uintptr_t)memory % _Alignof(max_align_t), 0);
        ck_assert_ptr_ne(memory, last);
        for (size_t i = 0; i < size; i++)
            ck_assert_int_eq(memory[i], 0);
        memset(memory, 0xff, size);
        last = size ? memory : NULL;
    }
}
END_TEST

START_TEST(the_cap_is_an_error_value)
{
    _cleanup_arena_ Arena *arena = arena_new(1000);
    Error err = {0};
    arena_alloc(arena, 900);
    ck_assert(arena_check(arena, &err));
    arena_alloc(arena, 200);
    ck_assert(!arena_check(arena, &err));
    ck_assert_int_eq(err.kind, ERROR_DATA);
    ck_assert_str_eq(err.code, "arena.cap");
    arena_reset(arena);
    ck_assert(arena_check(arena, &err));
}
END_TEST

START_TEST(past_the_slack_the_process_ends)
{
    Arena *arena = arena_new(1000);
    arena_alloc(arena, ARENA_SLACK + 2000);
}
END_TEST

START_TEST(arrays_grow_and_keep_what_they_hold)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    int *numbers = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 1000; i++) {
        numbers = arena_grow(arena, numbers, (size_t)i, &capacity, sizeof *numbers);
        numbers[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(numbers[i], i);
}
END_TEST

START_TEST(format_copies_any_length)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    ck_assert_str_eq(arena_format(arena, "%s-%d", "a", 7), "a-7");
    ck_assert_uint_eq(strlen(arena_format(arena, "%*d", 40000, 1)), 40000);
    ck_assert_ptr_null(arena_text(arena, NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/arena");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, allocations_are_aligned_zero_and_apart);
    tcase_add_test(tcase, the_cap_is_an_error_value);
    tcase_add_test(tcase, arrays_grow_and_keep_what_they_hold);
    tcase_add_test(tcase, format_copies_any_length);
    if (!getenv("CK_FORK")) /* a test that ends its process needs one of its own */
        tcase_add_test_raise_signal(tcase, past_the_slack_the_process_ends, 6);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
