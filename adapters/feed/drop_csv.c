/* SPDX-License-Identifier: Apache-2.0 */
/* A drop's file read as CSV: what is wrong with it becomes a problem with its row and column. */
#include "adapters/feed/drop_csv.h"

#include "daemon/base/text.h"

#include <stdio.h>
#include <string.h>

/* The reader says "PATH:LINE: field N: what": line and number go into the problem, nothing else. */
static bool as_problem(const Error *failure, const DropFile *file, DropProblems *problems,
                       const CsvReader *reader)
{
    static const struct {
        const char *code;
        DropProblemKind kind;
    } known[] = {{"csv.syntax", DROP_CSV},
                 {"csv.fields", DROP_CSV_FIELDS},
                 {"csv.header", DROP_CSV_HEADER},
                 {"csv.empty", DROP_CSV_HEADER}};
    size_t size = strlen(file->path);
    int line = 0, field = 0;
    const char *column = NULL;
    char number[16];
    if (strncmp(failure->cause, file->path, size) == 0)
        (void)sscanf(failure->cause + size, ":%d: field %d:", &line, &field);
    if (reader && field > 0 && (size_t)field <= csv_header(reader)->count)
        column = csv_header(reader)->fields[field - 1];
    else if (field > 0) {
        snprintf(number, sizeof number, "%d", field);
        column = number;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_equal(known[i].code, failure->code)) {
            drop_problem_add(problems, known[i].kind, file->name, line, column);
            return true;
        }
    return false;
}

bool drop_csv_open(const CsvProfile *profile, const DropFile *file, DropProblems *problems,
                   CsvReader **ret, Error *err)
{
    Error failure = {0};
    *ret = NULL;
    if (csv_profile_open(profile, file, problems->arena, ret, &failure))
        return true;
    *ret = NULL;
    if (as_problem(&failure, file, problems, NULL))
        return true;
    *err = failure;
    return false;
}

bool drop_csv_next(CsvReader *reader, const DropFile *file, DropProblems *problems,
                   const CsvRow **ret_row, Error *err)
{
    Error failure = {0};
    if (csv_next(reader, ret_row, &failure))
        return true;
    *ret_row = NULL;
    if (as_problem(&failure, file, problems, reader))
        return true;
    *err = failure;
    return false;
}
