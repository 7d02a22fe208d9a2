/* SPDX-License-Identifier: Apache-2.0 */
/* Every rule of the pack, by the cases in rules/: what must break it, what comes near and must not.
 */
#include "tests/unit/dataset/check_case.h"

#include "daemon/base/text.h"
#include "tests/unit/suite.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Arena *arena;
static CaseBase *base;
static size_t *fired, *missed; /* cases by rule */
static size_t failures;

static void setup(void)
{
    arena = arena_new((size_t)64 << 20);
    base = case_base(arena);
    fired = arena_array(arena, base->dataset->rule_count, sizeof *fired);
    missed = arena_array(arena, base->dataset->rule_count, sizeof *missed);
}

static void case_judge(Checker *checker, CaseFindings *findings, const Rule *rule, bool fires,
                       const char *edits, const char *place)
{
    _cleanup_arena_ Arena *work = arena_new((size_t)4 << 20);
    checker_reset(checker, base->context.period);
    *findings = (CaseFindings){.arena = work};
    CaseRows rows = case_rows(base, rule->table, edits, work);
    case_run(checker, &rows);
    const CheckFinding *found = case_find(findings, rule->id);
    if ((found != NULL) != fires) {
        printf("# %s: %s %s: %s\n", place, rule->id, fires ? "does not fire" : "fires", edits);
        failures++;
    }
    if (found && rule->table && found->rule->level != RULE_FILE)
        ck_assert_msg(found->table == rule->table && found->row > 0,
                      "%s: %s names another table or no row", place, rule->id);
    if (found && rule->element)
        ck_assert_msg(found->element == rule->element, "%s: %s names another element", place,
                      rule->id);
    (fires ? fired : missed)[rule - base->dataset->rules]++;
}

static void case_file(Checker *checker, CaseFindings *findings, const char *name)
{
    const char *path = case_path(arena, arena_format(arena, "tests/unit/dataset/rules/%s", name));
    char *rest = case_text(arena, path);
    const Rule *rule = NULL;
    int number = 0;
    for (char *line; (line = strsep(&rest, "\n"));) {
        number++;
        const char *place = arena_format(arena, "%s:%d", name, number);
        if (!*line || *line == '#')
            continue;
        if (text_starts(line, "MHS") && !strchr(line, ' ')) {
            rule = dataset_rule(base->dataset, line);
            ck_assert_msg(rule != NULL, "%s: no rule %s", place, line);
            continue;
        }
        ck_assert_msg(rule && (text_starts(line, "fire ") || text_starts(line, "miss ")),
                      "%s: cannot read this line", place);
        case_judge(checker, findings, rule, *line == 'f', line + 5, place);
    }
}

START_TEST(a_clean_month_is_clean)
{
    setup();
    CaseFindings findings = {.arena = arena};
    _cleanup_checker_ Checker *checker = NULL;
    Error err = {0};
    ck_assert_msg(checker_new(base->dataset, &base->context, case_sink, &findings, &checker, &err),
                  "%s", err.cause);
    CaseRows rows = case_all_rows(base, "", arena);
    CheckSummary summary = case_run(checker, &rows);
    ck_assert_str_eq(case_print(&findings, arena), "");
    ck_assert_uint_eq(summary.rejected_rows, 0);
    ck_assert(!summary.file_rejected);
    ck_assert_uint_eq(summary.rows, base->dataset->table_count - 1);
    arena_free(arena);
}
END_TEST

START_TEST(every_rule_fires_and_spares)
{
    setup();
    CaseFindings findings = {.arena = arena};
    _cleanup_checker_ Checker *checker = NULL;
    Error err = {0};
    ck_assert_msg(checker_new(base->dataset, &base->context, case_sink, &findings, &checker, &err),
                  "%s", err.cause);
    DIR *folder = opendir(case_path(arena, "tests/unit/dataset/rules"));
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        const char *end = strrchr(entry->d_name, '.');
        if (end && text_equal(end, ".txt") && !text_equal(entry->d_name, "base.txt"))
            case_file(checker, &findings, entry->d_name);
    }
    closedir(folder);
    fflush(stdout);
    ck_assert_uint_eq(failures, 0);
    size_t tested = 0, checked = 0;
    for (size_t i = 0; i < base->dataset->rule_count; i++) {
        const Rule *rule = &base->dataset->rules[i];
        const char *why = checker_not_checked(base->dataset, rule, &base->context);
        checked += why == NULL;
        tested += fired[i] && missed[i];
        if (why)
            printf("# not checked: %s: %s\n", rule->id, why);
        else
            ck_assert_msg(fired[i] && missed[i], "%s has no case that %s", rule->id,
                          fired[i] ? "spares" : "fires");
    }
    printf("# rules tested %zu, rules checked %zu, rules in the pack %zu\n", tested, checked,
           base->dataset->rule_count);
    fflush(stdout);
    ck_assert_uint_eq(tested, checked);
    arena_free(arena);
}
END_TEST

SUITE("dataset/check_rules", a_clean_month_is_clean, every_rule_fires_and_spares);
