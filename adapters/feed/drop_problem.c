/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a drop, as a list for the person who makes it. */
#include "adapters/feed/drop_problem.h"

#include "daemon/base/file.h"
#include "daemon/base/text.h"

#define PROBLEMS_MOST 1000

static const struct {
    const char *code, *text, *remedy;
    bool refuses;
} kinds[] = {
#define REFUSES(name, code, text, remedy) {code, text, remedy, true},
#define NOTE(name, code, text, remedy) {code, text, remedy, false},
#include "adapters/feed/drop_problem.def"
#undef REFUSES
#undef NOTE
};

void drop_problem_add(DropProblems *problems, DropProblemKind kind, const char *file, int row,
                      const char *column)
{
    problems->refused |= kinds[kind].refuses;
    if (problems->count >= PROBLEMS_MOST)
        return;
    problems->items = arena_grow(problems->arena, problems->items, problems->count,
                                 &problems->capacity, sizeof *problems->items);
    problems->items[problems->count++] =
        (DropProblem){.kind = kind,
                      .file = arena_text(problems->arena, file),
                      .column = arena_text(problems->arena, column),
                      .row = row};
}

const char *drop_problem_code(DropProblemKind kind)
{
    return kinds[kind].code;
}

const char *drop_problem_text(DropProblemKind kind)
{
    return kinds[kind].text;
}

bool drop_problem_refuses(DropProblemKind kind)
{
    return kinds[kind].refuses;
}

bool drop_problem_write(const DropProblems *problems, const char *path, Error *err)
{
    Text text = text_new(problems->arena, 4 << 20);
    text_add(&text, "file,row,column,problem,what_to_do\r\n");
    for (size_t i = 0; i < problems->count; i++) {
        const DropProblem *problem = &problems->items[i];
        text_add_csv(&text, problem->file ? problem->file : "");
        text_add(&text, ",");
        if (problem->row)
            text_addf(&text, "%d", problem->row);
        text_add(&text, ",");
        text_add_csv(&text, problem->column ? problem->column : "");
        text_add(&text, ",");
        text_add_csv(&text, kinds[problem->kind].text);
        text_add(&text, ",");
        text_add_csv(&text, kinds[problem->kind].remedy);
        text_add(&text, "\r\n");
    }
    return file_write(path, text_get(&text), text.size, 0600, err);
}
