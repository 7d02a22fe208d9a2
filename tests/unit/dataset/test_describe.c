/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/file.h"
#include "daemon/dataset/describe.h"
#include "tests/unit/dataset/pack.h"

static const char *filled(void *context, const Element *element)
{
    (void)context;
    return strcmp(element->name, "AttendStatus") == 0 ? "contact.status by codes/attended.csv"
                                                      : NULL;
}

static const char *said(Arena *arena, const char *what, DescribeFill fill)
{
    Text text = text_new(arena, 1 << 20);
    return describe(pack(), what, fill, NULL, &text) ? text_get(&text) : NULL;
}

#define HAS(text, part) ck_assert_msg(strstr(text, part) != NULL, "%s not in: %s", part, text)

START_TEST(everything_has_a_name_to_ask_by)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)16 << 20);
    const char *rule = said(arena, "MHS20168", NULL);
    ck_assert_ptr_nonnull(rule);
    HAS(rule, "MHS20168: record rejected, judged over each row");
    HAS(rule, "MHS201CareContact.CareContDate");
    HAS(said(arena, "MHS201", NULL), "in the month of CareContDate");
    ck_assert_str_eq(said(arena, "MHS201", NULL), said(arena, "MHS201CareContact", NULL));
    HAS(said(arena, "AttendStatus", NULL), "5      Attended on time");
    ck_assert_ptr_null(strstr(said(arena, "AttendStatus", NULL), "filled by"));
    HAS(said(arena, "YesNo", NULL), "Y      Yes");
    HAS(said(arena, "1037651000000100", NULL), "scores: 1 to 8");
    HAS(said(arena, "M001040", NULL), "MHS001MPI.NHSNumber (M001040)");
    ck_assert_ptr_null(said(arena, "Nothing", NULL));
}
END_TEST

START_TEST(an_element_is_told_for_each_of_its_tables)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)16 << 20);
    HAS(said(arena, "NHSNumber", NULL), "MHS001MPI.NHSNumber");
    HAS(said(arena, "NHSNumber", NULL), "MHS302MHDropInContact.NHSNumber");
    ck_assert_ptr_null(strstr(said(arena, "MHS302.NHSNumber", NULL), "MHS001MPI.NHSNumber"));
    ck_assert_ptr_null(said(arena, "MHS301.NHSNumber", NULL));
}
END_TEST

START_TEST(the_mapping_is_asked_when_there_is_one)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)16 << 20);
    HAS(said(arena, "AttendStatus", filled),
        "filled by       contact.status by codes/attended.csv");
    HAS(said(arena, "ConsType", filled), "filled by       nothing in the mapping");
}
END_TEST

START_TEST(a_misspelt_name_has_a_near_one)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    ck_assert_str_eq(describe_near(pack(), "AttendStatsu", arena), "AttendStatus");
    ck_assert_ptr_null(describe_near(pack(), "qqqqqqqqqqqqqqqqqq", arena));
}
END_TEST

START_TEST(the_committed_pages_are_the_packs)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
    const char *folder = folder_new(arena);
    Error err = {0};
    size_t pages = 0;
    ck_assert_msg(describe_markdown(pack(), folder, &err), "%s", error_said(&err));
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir))) {
        char *made, *committed;
        size_t made_size, committed_size;
        if (entry->d_name[0] == '.')
            continue;
        pages++;
        ck_assert(file_read(arena_format(arena, "%s/%s", folder, entry->d_name), 4 << 20, arena,
                            &made, &made_size, &err));
        ck_assert_msg(file_read(source_path(arena, arena_format(arena, "mappings/mhsds-6.0/docs/%s",
                                                                entry->d_name)),
                                4 << 20, arena, &committed, &committed_size, &err) &&
                          made_size == committed_size && memcmp(made, committed, made_size) == 0,
                      "%s is not the pack's: mhsflow dataset describe --markdown "
                      "mappings/mhsds-6.0/docs",
                      entry->d_name);
    }
    closedir(dir);
    folder_remove(folder);
    ck_assert_uint_eq(pages, 64);
}
END_TEST

SUITE("dataset/describe", everything_has_a_name_to_ask_by,
      an_element_is_told_for_each_of_its_tables, the_mapping_is_asked_when_there_is_one,
      a_misspelt_name_has_a_near_one, the_committed_pages_are_the_packs);
