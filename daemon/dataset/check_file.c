/* SPDX-License-Identifier: Apache-2.0 */
/* Rules on the whole file, judged last. */
#include "daemon/dataset/check.h"

void file_has_rows(Checker *checker, const CheckRule *rule)
{
    if (check_table(checker, rule->rule->table)->count == 0)
        check_find_table(checker, rule, rule->rule->table);
}

/* One finding: the rejected header row and what rejected it, or the table when there are several.
 */
void file_header_valid(Checker *checker, const CheckRule *rule)
{
    const CheckTable *header = check_table(checker, rule->rule->table);
    if (header->count == 1 && !check_stands(header, 0))
        check_find_caused(checker, rule, header, 0, NULL, header, 0);
    else if (header->count > 1)
        check_find_table(checker, rule, rule->rule->table);
}

void file_rows_left(Checker *checker, const CheckRule *rule)
{
    for (size_t i = 0; i < checker->dataset->table_count; i++)
        if (checker->tables[i].table != checker->dataset->header && checker->tables[i].standing)
            return;
    check_find_table(checker, rule, NULL);
}

/* Reported by whoever reads the file: checker_structure(). */
void file_structure(Checker *checker, const CheckRule *rule)
{
    (void)checker;
    (void)rule;
}

void check_file(Checker *checker)
{
    for (size_t i = 0; i < checker->dataset->rule_count; i++) {
        const CheckRule *rule = &checker->rules[i];
        if (rule->word->stage == STAGE_FILE && !rule->skipped)
            rule->finish(checker, rule);
    }
}
