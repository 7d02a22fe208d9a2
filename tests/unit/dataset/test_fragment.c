/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/dataset/document.h"
#include "daemon/dataset/fragment.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

static const Dataset *pack(Arena *arena)
{
    char path[4096];
    Error err = {0};
    const Dataset *dataset = NULL;
    snprintf(path, sizeof path, "%s/mappings/mhsds-6.0", getenv("MHSFLOW_SOURCE_ROOT"));
    ck_assert_msg(dataset_open(path, arena, &dataset, &err), "%s", err.cause);
    return dataset;
}

START_TEST(what_was_written_is_read_back)
{
    _cleanup_arena_ Arena *arena = arena_new(64 << 20);
    const Table *table = dataset_table(pack(arena), "MHS101");
    Error err = {0};
    Row *row = row_new(table, arena), *again;
    for (size_t i = 0; i < table->count; i += 2)
        row->values[i] = i % 4 ? "a<b>&c\r\xc3\xa9" : "plain";
    Text text = text_new(arena, 1 << 20);
    ck_assert(row_fragment(row, &text, &err));
    ck_assert(fragment_read(table, text_get(&text), text.size, arena, &again, &err));
    for (size_t i = 0; i < table->count; i++)
        ck_assert(text_equal(row->values[i], again->values[i]));
}
END_TEST

START_TEST(any_other_form_is_refused)
{
    _cleanup_arena_ Arena *arena = arena_new(64 << 20);
    const Table *table = dataset_table(pack(arena), "MHS007");
    static const char *const bad[] = {
        "",
        "<MHS007DisabilityType>",
        "<MHS007DisabilityType></MHS007DisabilityType>",
        "<MHS007DisabilityType> </MHS007DisabilityType>\n",
        ("<MHS007DisabilityType><DisabCode>1</DisabCode><LocalPatientID>1</LocalPatientID></"
         "MHS007DisabilityType>\n"),
        "<MHS007DisabilityType><LocalPatientID>&quot;</LocalPatientID></MHS007DisabilityType>\n",
        "<MHS007DisabilityType><LocalPatientID>1</LocalPatientID></MHS007DisabilityType>\nx",
        "<MHS001MPI></MHS001MPI>\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Error err = {0};
        Row *row;
        ck_assert_msg(!fragment_read(table, bad[i], strlen(bad[i]), arena, &row, &err), "%s",
                      bad[i]);
        ck_assert_str_eq(err.code, "fragment.form");
    }
}
END_TEST

SUITE("dataset/fragment", what_was_written_is_read_back, any_other_form_is_refused);
