/* SPDX-License-Identifier: Apache-2.0 */
/* Record rules that look at another table: judged when all rows have come.
 *
 * Every row handed in counts, rejected or not, as in the other record rules.  When
 * several rows have the linked key, a row breaks the rule if it breaks it against
 * any of them: the latest of "not before", the earliest of "not after". */
#include "daemon/dataset/check.h"

#include <stdlib.h>

typedef struct LinkedDays {
    Day *by_key; /* CHECK_DAY_NONE: no bound */
    Day header;  /* bound of every row, when the other table is the header */
} LinkedDays;

static void take_stricter(Day *kept, Day day, bool later)
{
    if (day != CHECK_DAY_NONE && (*kept == CHECK_DAY_NONE || (later ? day > *kept : day < *kept)))
        *kept = day;
}

/* A person's rows come without the header: what it will say is in the context. */
static bool header_assumed(const Checker *checker, const CheckTable *linked)
{
    return checker->context.partial && linked->count == 0 &&
           linked->table == checker->dataset->header;
}

static LinkedDays linked_days(const Checker *checker, const CheckRule *rule, bool later)
{
    const CheckTable *linked = &checker->tables[rule->linked->index];
    LinkedDays days = {.header = CHECK_DAY_NONE};
    if (rule->linked == checker->dataset->header) {
        if (header_assumed(checker, linked) && checker->context.submitted_at)
            days.header = checker->submitted_day;
        for (uint32_t i = 0; i < linked->count; i++)
            take_stricter(&days.header, (Day)check_value(linked, i, rule->linked_slot), later);
        return days;
    }
    uint32_t keys = key_count(linked->slots[rule->linked_link_slot].pool);
    days.by_key = check_resized(NULL, (size_t)keys + 1, sizeof *days.by_key);
    for (uint32_t key = 0; key <= keys; key++)
        days.by_key[key] = CHECK_DAY_NONE;
    for (uint32_t i = 0; i < linked->count; i++)
        take_stricter(&days.by_key[check_value(linked, i, rule->linked_link_slot)],
                      (Day)check_value(linked, i, rule->linked_slot), later);
    days.by_key[KEY_NONE] = CHECK_DAY_NONE;
    return days;
}

static void judge_days(Checker *checker, const CheckRule *rule, bool later)
{
    CheckTable *table = check_table(checker, rule->rule->table);
    if (table->count == 0)
        return;
    LinkedDays days = linked_days(checker, rule, later);
    for (uint32_t i = 0; i < table->count; i++) {
        Day day = (Day)check_value(table, i, rule->own_slot);
        Day bound = days.by_key ? days.by_key[check_value(table, i, rule->link_slot)] : days.header;
        if (day == CHECK_DAY_NONE || bound == CHECK_DAY_NONE ||
            (later ? day >= bound : day <= bound))
            continue;
        check_find(checker, rule, table, i, rule->rule->element);
        if (severity_rejects(rule->rule->severity))
            check_reject(checker, table, i, rule);
    }
    free(days.by_key);
}

static void judge_keys(Checker *checker, const CheckRule *rule)
{
    CheckTable *table = check_table(checker, rule->rule->table);
    const CheckTable *header = check_table(checker, rule->linked);
    uint32_t wanted = KEY_NONE;
    bool mixed = false;
    if (header_assumed(checker, header))
        wanted = key_of(header->slots[rule->linked_slot].pool, checker->context.provider);
    for (uint32_t i = 0; i < header->count; i++) {
        uint32_t key = check_value(header, i, rule->linked_slot);
        mixed |= wanted != KEY_NONE && key != KEY_NONE && key != wanted;
        wanted = key != KEY_NONE ? key : wanted;
    }
    for (uint32_t i = 0; i < table->count && wanted != KEY_NONE; i++) {
        uint32_t key = check_value(table, i, rule->own_slot);
        if (key == KEY_NONE || (key == wanted && !mixed))
            continue;
        check_find(checker, rule, table, i, rule->rule->element);
        if (severity_rejects(rule->rule->severity))
            check_reject(checker, table, i, rule);
    }
}

void check_linked_bounds(Checker *checker)
{
    for (size_t i = 0; i < checker->dataset->rule_count; i++) {
        const CheckRule *rule = &checker->rules[i];
        if (rule->word->stage != STAGE_RECORD || rule->bound != BOUND_LINKED || rule->skipped)
            continue;
        if (rule->judge == judge_equals)
            judge_keys(checker, rule);
        else
            judge_days(checker, rule, rule->judge == judge_not_before);
    }
}
