/* SPDX-License-Identifier: Apache-2.0 */
/* What inclusion lets into a month, no rule on the month's bounds rejects. */
#include "daemon/dataset/checker.h"
#include "daemon/dataset/inclusion.h"
#include "tests/unit/dataset/pack.h"

#define APRIL (2026 * 12 + 3)
#define ROWS_PER_TABLE 300

/* Elements whose date is no matter of inclusion: whoever breaks these rules has a wrong date. */
static const char *const exempt[] = {
    "MHS00168", /* born after the month, yet referred in it */
    /* Assessed, or off work, before the month and recorded in it: only one of the two sources has
     * these rules, and a fit note belongs to the month that it was recorded in. */
    "MHS01408",
    "MHS01409",
    "MHS01414",
    "MHS01415",
    "MHS01417",
};

typedef struct Seen {
    char rules[4096];
} Seen;

static void on_finding(void *context, const CheckFinding *finding)
{
    Seen *seen = context;
    const Rule *rule = finding->rule;
    if (!severity_rejects(rule->severity) || rule->level != RULE_RECORD ||
        !text_starts(rule->arguments, "period_") || strncmp(rule->check, "not_", 4) != 0 ||
        strstr(seen->rules, rule->id))
        return;
    for (size_t i = 0; i < sizeof exempt / sizeof *exempt; i++)
        if (strcmp(rule->id, exempt[i]) == 0)
            return;
    size_t used = strlen(seen->rules);
    snprintf(seen->rules + used, sizeof seen->rules - used, " %s", rule->id);
}

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 16;
}

/* Days around April, one in four blank. */
static const char *random_date(const Element *element, unsigned *seed, Arena *arena)
{
    static const char *const days[] = {"2024-06-30", "2026-03-31", "2026-04-01", "2026-04-15",
                                       "2026-04-30", "2026-05-01", "2026-06-20"};
    if (next(seed) % 4 == 0)
        return NULL;
    const char *day = days[next(seed) % (sizeof days / sizeof *days)];
    return element->kind == VALUE_DATE ? day : arena_format(arena, "%sT12:00:00Z", day);
}

START_TEST(what_a_month_holds_no_rule_on_its_bounds_rejects)
{
    Seen seen = {""};
    CheckContext context = {.period = APRIL,
                            .provider = "AB123",
                            .submitted_at = "2026-07-01T00:00:00",
                            .partial = true};
    unsigned seed = 1;
    size_t held = 0, left = 0;
    Error err = {0};
    _cleanup_checker_ Checker *checker = NULL;
    ck_assert_msg(checker_new(pack(), &context, on_finding, &seen, &checker, &err), "%s",
                  error_said(&err));
    for (size_t t = 0; t < pack()->table_count; t++) {
        const Table *table = &pack()->tables[t];
        if (table == pack()->header)
            continue;
        for (int i = 0; i < ROWS_PER_TABLE; i++) {
            _cleanup_arena_ Arena *arena = arena_new(1 << 20);
            CheckSummary summary;
            Row *row = row_new(table, arena);
            row->number = 1;
            for (size_t e = 0; e < table->count; e++)
                if (table->elements[e].kind == VALUE_DATE ||
                    table->elements[e].kind == VALUE_TIMESTAMP)
                    row->values[e] = random_date(&table->elements[e], &seed, arena);
            bool holds = inclusion_holds(table, row, APRIL);
            held += holds;
            left += !holds;
            if (!holds)
                continue;
            inclusion_blank(table, row, APRIL);
            checker_reset(checker, APRIL);
            ck_assert(checker_row(checker, row, &err));
            ck_assert(checker_finish(checker, &summary, &err));
        }
    }
    ck_assert_str_eq(seen.rules, "");
    ck_assert_uint_gt(held, 1000);
    ck_assert_uint_gt(left, 1000);
}
END_TEST

SUITE("dataset/inclusion_rules", what_a_month_holds_no_rule_on_its_bounds_rejects);
