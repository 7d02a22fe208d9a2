/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/dataset/structure.h"
#include "tests/unit/dataset/pack.h"

START_TEST(names_from_outside_are_shown_only_when_asked)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    StructureFault fault = {.kind = STRUCTURE_COLUMN_UNKNOWN,
                            .table = pack()->person,
                            .name = "9990000018\x1b[2J",
                            .file = "MHS001MPI.csv",
                            .column = 5};
    ck_assert_str_eq(structure_text(&fault, false, arena),
                     "MHS001MPI.csv, column 5: a column that MHS001MPI does not have");
    ck_assert_str_eq(structure_text(&fault, true, arena),
                     "MHS001MPI.csv, column 5: a column that MHS001MPI does not have "
                     "\"9990000018?[2J\"");
    fault.near = "NHSNumber";
    ck_assert_ptr_nonnull(
        strstr(structure_text(&fault, false, arena), "; did you mean NHSNumber?"));
}
END_TEST

SUITE("dataset/structure", names_from_outside_are_shown_only_when_asked);
