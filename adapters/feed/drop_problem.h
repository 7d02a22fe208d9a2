/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a drop, as a list for the person who makes it.
 *
 * File, row, column, problem, what to do; never a value. */
#pragma once

#include "daemon/base/arena.h"

typedef enum DropProblemKind {
#define REFUSES(name, code, text, remedy) DROP_##name,
#define NOTE(name, code, text, remedy) DROP_##name,
#include "adapters/feed/drop_problem.def"
#undef REFUSES
#undef NOTE
} DropProblemKind;

typedef struct DropProblem {
    DropProblemKind kind;
    const char *file, *column; /* NULL: the drop as a whole, the row as a whole */
    int row;                   /* line of the file; 0: the file as a whole */
} DropProblem;

typedef struct DropProblems {
    Arena *arena;
    DropProblem *items;
    size_t count, capacity;
    bool refused; /* one of them refuses the drop */
} DropProblems;

/* Texts are copied.  Past a thousand no more are kept. */
void drop_problem_add(DropProblems *problems, DropProblemKind kind, const char *file, int row,
                      const char *column);

const char *drop_problem_code(DropProblemKind kind);
const char *drop_problem_text(DropProblemKind kind);
bool drop_problem_refuses(DropProblemKind kind);

/* As a CSV file that appears whole: file,row,column,problem,what_to_do. */
bool drop_problem_write(const DropProblems *problems, const char *path, Error *err);
