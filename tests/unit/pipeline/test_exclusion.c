/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/pipeline/exclusion.h"
#include "tests/unit/suite.h"

static const Rule record = {.id = "R1", .severity = SEVERITY_RECORD_REJECTED};
static const Rule orphan = {.id = "A1", .severity = SEVERITY_GROUP_REJECTED};
static const Rule warning = {.id = "W1", .severity = SEVERITY_WARNING};
static const Rule file = {.id = "F1", .severity = SEVERITY_FILE_REJECTED};

static void add(Exclusions *all, const Rule *rule, uint64_t row, const Rule *cause)
{
    exclusions_add(all, &(CheckFinding){.rule = rule, .row = row, .cause_rule = cause});
}

START_TEST(rows_fall_once_under_their_root_cause)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Exclusions all = exclusions_new(NULL, arena);
    add(&all, &orphan, 7, &record);
    add(&all, &record, 7, NULL);
    add(&all, &record, 3, NULL);
    add(&all, &warning, 9, NULL);
    ck_assert(exclusions_settle(&all));
    ck_assert_uint_eq(all.count, 2);
    ck_assert_ptr_eq(exclusions_row(&all, 7)->finding.rule, &record);
    ck_assert_ptr_nonnull(exclusions_row(&all, 3));
    ck_assert_ptr_null(exclusions_row(&all, 9));
    ck_assert(!exclusions_settle(&all));
    add(&all, &record, 8, NULL);
    ck_assert(exclusions_settle(&all));
    ck_assert_ptr_nonnull(exclusions_row(&all, 7));
    ck_assert_ptr_nonnull(exclusions_row(&all, 8));
}
END_TEST

START_TEST(the_file_itself_is_refused_only_when_nobody_can_be_left_out_for_it)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Exclusions all = exclusions_new(NULL, arena);
    add(&all, &file, 5, NULL);
    ck_assert(!all.refused);
    ck_assert(exclusions_settle(&all));
    exclusions_start_pass(&all);
    add(&all, &file, 0, NULL);
    ck_assert(all.refused);
    ck_assert(!exclusions_settle(&all));
    ck_assert_uint_eq(all.file_count, 1);
}
END_TEST

START_TEST(the_header_is_never_taken_out)
{
    static const Table header = {.code = "H"};
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Exclusions all = exclusions_new(&header, arena);
    exclusions_add(&all, &(CheckFinding){.rule = &warning, .table = &header, .row = 1});
    ck_assert(!all.refused);
    exclusions_add(&all, &(CheckFinding){.rule = &record, .table = &header, .row = 1});
    ck_assert(all.refused);
    ck_assert(!exclusions_settle(&all));
    ck_assert_uint_eq(all.file_count, 2);
}
END_TEST

START_TEST(people_are_found_by_key_in_any_order)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Exclusions all = exclusions_new(NULL, arena);
    add(&all, &record, 1, NULL);
    exclusions_settle(&all);
    const Exclusion *cause = exclusions_row(&all, 1);
    static const char *const keys[] = {"m", "b", "z", "a", "m"};
    for (size_t i = 0; i < 5; i++)
        exclusions_add_person(&all, keys[i], cause);
    ck_assert_uint_eq(all.person_count, 4);
    for (size_t i = 0; i < 5; i++)
        ck_assert_ptr_eq(exclusions_person(&all, keys[i]), cause);
    ck_assert_ptr_null(exclusions_person(&all, "c"));
    exclusions_start_pass(&all);
    ck_assert_ptr_null(exclusions_person(&all, "m"));
}
END_TEST

SUITE("pipeline/exclusion", the_header_is_never_taken_out, rows_fall_once_under_their_root_cause,
      the_file_itself_is_refused_only_when_nobody_can_be_left_out_for_it,
      people_are_found_by_key_in_any_order);
