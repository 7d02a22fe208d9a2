/* SPDX-License-Identifier: Apache-2.0 */
/* The rule checker over any rows: the order of rows decides nothing, and every row is accounted
 * for.
 *
 * Input: one row per line, "001|value|value…": the digits of the table's code, then its values. */
#include "daemon/dataset/checker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 400

typedef struct Seen {
    uint64_t count, sum;
} Seen;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *context, const CheckFinding *finding)
{
    Seen *seen = context;
    uint64_t hash = finding->row * 31 + (finding->table ? finding->table->index : 99);
    for (const char *c = finding->rule->id; *c; c++)
        hash = hash * 131 + (unsigned char)*c;
    hash = hash * 131 + finding->cause_row;
    seen->count++;
    seen->sum += hash * hash;
}

static const Dataset *pack(void)
{
    static const Dataset *dataset;
    static Arena *arena;
    if (dataset)
        return dataset;
    const char *root = getenv("MHSFLOW_SOURCE_ROOT");
    arena = arena_new((size_t)64 << 20);
    Error err = {0};
    if (!dataset_open(arena_format(arena, "%s/mappings/mhsds-6.0", root ? root : "."), arena,
                      &dataset, &err)) {
        fprintf(stderr, "%s: %s\n", err.context, err.cause);
        abort();
    }
    return dataset;
}

/* Opened once; the findings of the last month are in *seen. */
static Checker *checker_open(Seen **ret_seen)
{
    static Checker *checker;
    static Seen seen;
    CheckContext context = {.provider = "ZZ901", .submitted_at = "2026-11-10T12:00:00"};
    civil_parse_month("2026-10", &context.period);
    Error err = {0};
    if (!checker && !checker_new(pack(), &context, take, &seen, &checker, &err))
        abort();
    checker_reset(checker, context.period);
    seen = (Seen){0};
    *ret_seen = &seen;
    return checker;
}

static Seen judge(Row **rows, size_t count, bool backwards)
{
    Seen *seen;
    Checker *checker = checker_open(&seen);
    Error err = {0};
    CheckSummary summary;
    for (size_t i = 0; i < count; i++)
        if (!checker_row(checker, rows[backwards ? count - 1 - i : i], &err))
            abort();
    if (!checker_finish(checker, &summary, &err))
        abort();
    size_t standing = 0;
    for (size_t i = 0; i < count; i++)
        standing += checker_survives(checker, rows[i]->table, rows[i]->number);
    if (standing + summary.rejected_rows != count || summary.findings != seen->count)
        abort();
    return *seen;
}

static Row *row_read(char *line, Arena *arena)
{
    char code[16];
    char *rest = line, *digits = strsep(&rest, "|");
    snprintf(code, sizeof code, "MHS%.8s", digits);
    const Table *table = dataset_table(pack(), code);
    if (!table)
        return NULL;
    Row *row = row_new(table, arena);
    for (size_t i = 0; i < table->count && rest; i++)
        row->values[i] = strsep(&rest, "|");
    return row;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena *arena = arena_new((size_t)16 << 20);
    char *rest = arena_copy(arena, data, size);
    Row *rows[ROWS_MAX];
    size_t count = 0;
    for (char *line; count < ROWS_MAX && (line = strsep(&rest, "\n"));)
        if ((rows[count] = row_read(line, arena))) {
            rows[count]->number = count + 1;
            count++;
        }
    Seen forwards = judge(rows, count, false), backwards = judge(rows, count, true);
    if (forwards.count != backwards.count || forwards.sum != backwards.sum)
        abort();
    arena_free(arena);
    return 0;
}
