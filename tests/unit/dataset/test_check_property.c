/* SPDX-License-Identifier: Apache-2.0 */
/* What holds of any month: made-up months by seed, with and without faults. */
#include "tests/unit/dataset/check_case.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

#define SEEDS 12
#define PEOPLE 12

static uint64_t random_next(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t limit)
{
    return (size_t)(random_next(state) % limit);
}

/* The n-th valid number of the range kept for tests. */
static const char *nhs_number(size_t n, Arena *arena)
{
    for (unsigned body = 100;; body++) {
        unsigned digits = 999000000U + body, sum = 0;
        for (unsigned weight = 2, rest = digits; weight <= 10; weight++, rest /= 10)
            sum += rest % 10 * weight;
        unsigned check = (11 - sum % 11) % 11;
        if (check < 10 && n-- == 0)
            return arena_format(arena, "%u%u", digits, check);
    }
}

/* Keys by which rows of one person hang together. */
static bool is_personal_key(const char *name)
{
    static const char *const names[] = {"LocalPatientID",
                                        "ServiceRequestID",
                                        "CareContactID",
                                        "CareActID",
                                        "CarePlanID",
                                        "OtherCareProfTeamLocalID",
                                        "MHActLegalStatusClassPeriodID",
                                        "HospProvSpellID",
                                        "WardStayID",
                                        "RestrictiveIntIncID",
                                        "RestrictiveIntTypeID",
                                        "CPAEpisodeID",
                                        "PatPathID"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_equal(names[i], name))
            return true;
    return false;
}

/* Rows of a table whose other half is left out go too, until nothing hangs loose. */
static void leave_out(const CaseBase *base, bool *left_out)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < base->dataset->rule_count; i++) {
            const Rule *rule = &base->dataset->rules[i];
            if (!text_equal(rule->check, "linked") || !severity_rejects(rule->severity))
                continue;
            char code[16] = "";
            memcpy(code, rule->arguments, strcspn(rule->arguments, "."));
            if (left_out[dataset_table(base->dataset, code)->index] &&
                !left_out[rule->table->index])
                moved = left_out[rule->table->index] = true;
        }
    }
}

static void person_add(const CaseBase *base, CaseRows *rows, size_t person, uint64_t *state,
                       Arena *arena)
{
    bool *left_out = arena_array(arena, base->dataset->table_count, sizeof *left_out);
    for (size_t i = 0; i < base->dataset->table_count && person > 0; i++) {
        const char *code = base->dataset->tables[i].code;
        left_out[i] = !text_equal(code, "MHS001") && !text_equal(code, "MHS002") &&
                      !text_equal(code, "MHS101") && below(state, 3) == 0;
    }
    leave_out(base, left_out);
    for (size_t i = 0; i < base->dataset->table_count; i++) {
        const Table *table = &base->dataset->tables[i];
        if (!table->person || left_out[i] || base->template_only[i])
            continue;
        Row *row = case_copy(base->rows[i], arena);
        for (size_t j = 0; j < table->count; j++)
            if (row->values[j] && is_personal_key(table->elements[j].name))
                row->values[j] = arena_format(arena, "%s-%zu", row->values[j], person);
        if (table == base->dataset->person)
            case_set(row, "NHSNumber", nhs_number(person, arena));
        case_add(rows, row, arena);
    }
}

/* `owners` says whose each row is; 0 is nobody's. */
static CaseRows month_make(const CaseBase *base, uint64_t *state, size_t *owners, Arena *arena)
{
    CaseRows rows = {0};
    for (size_t i = 0; i < base->dataset->table_count; i++)
        if (!base->dataset->tables[i].person && !base->template_only[i])
            case_add(&rows, case_copy(base->rows[i], arena), arena);
    for (size_t i = 0; i < rows.count; i++)
        owners[i] = 0;
    for (size_t person = 0; person < PEOPLE; person++) {
        size_t first = rows.count;
        person_add(base, &rows, person, state, arena);
        for (size_t i = first; i < rows.count; i++)
            owners[i] = person + 1;
    }
    for (size_t i = 0; i < rows.count; i++)
        rows.rows[i]->number = i + 1;
    return rows;
}

static void faults_add(CaseRows *rows, size_t count, uint64_t *state)
{
    static const char *const wrong[] = {NULL,         "x",          "2026-12-31", "2026-09-30",
                                        "1850-01-01", "9990000000", "ZZ",         "98"};
    for (size_t i = 0; i < count; i++) {
        Row *row = rows->rows[below(state, rows->count)];
        size_t column = below(state, row->table->count);
        row->values[column] = wrong[below(state, COUNT_OF(wrong))];
        if (below(state, 4) == 0) { /* the same value as another row of the table, keys apart */
            const Row *other = rows->rows[below(state, rows->count)];
            if (other->table == row->table && !is_personal_key(row->table->elements[column].name))
                row->values[column] = other->values[column];
        }
    }
}

typedef struct Bench {
    Arena *arena;
    CaseBase *base;
    Checker *checker;
    CaseFindings findings;
} Bench;

static void bench_close(Bench *bench)
{
    checker_free(bench->checker);
    arena_free(bench->arena);
}
#define _cleanup_bench_ __attribute__((cleanup(bench_close)))

static void bench_open(Bench *bench)
{
    bench->arena = arena_new((size_t)1 << 30);
    bench->base = case_base(bench->arena);
    bench->findings.arena = bench->arena;
    Error err = {0};
    ck_assert(checker_new(bench->base->dataset, &bench->base->context, case_sink, &bench->findings,
                          &bench->checker, &err));
}

static char *judged(Bench *bench, const CaseRows *rows)
{
    checker_reset(bench->checker, bench->base->context.period);
    bench->findings.count = 0;
    case_run(bench->checker, rows);
    return case_print(&bench->findings, bench->arena);
}

START_TEST(a_clean_month_stays_clean)
{
    _cleanup_bench_ Bench b = {0};
    bench_open(&b);
    size_t *owners = arena_array(b.arena, 10000, sizeof *owners);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t state = seed;
        CaseRows rows = month_make(b.base, &state, owners, b.arena);
        const char *found = judged(&b, &rows);
        ck_assert_msg(*found == '\0', "seed %ju: %s", (uintmax_t)seed, found);
    }
    printf("# %d clean months\n", SEEDS);
    fflush(stdout);
}
END_TEST

START_TEST(the_order_of_rows_decides_nothing)
{
    _cleanup_bench_ Bench b = {0};
    bench_open(&b);
    size_t *owners = arena_array(b.arena, 10000, sizeof *owners), findings = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t state = seed;
        CaseRows rows = month_make(b.base, &state, owners, b.arena);
        faults_add(&rows, 60, &state);
        const char *before = judged(&b, &rows);
        findings += b.findings.count;
        for (size_t i = rows.count - 1; i > 0; i--) {
            size_t j = below(&state, i + 1);
            Row *row = rows.rows[i];
            rows.rows[i] = rows.rows[j];
            rows.rows[j] = row;
        }
        const char *after = judged(&b, &rows);
        ck_assert_msg(strcmp(before, after) == 0, "seed %ju:\n%s\n-- shuffled:\n%s",
                      (uintmax_t)seed, before, after);
    }
    printf("# %d months shuffled, %zu findings\n", SEEDS, findings);
    fflush(stdout);
    ck_assert(findings > 500);
}
END_TEST

static bool same_finding(const CheckFinding *a, const CheckFinding *b)
{
    return a->rule == b->rule && a->table == b->table && a->row == b->row &&
           a->element == b->element;
}

static void without_person(Bench *b, const CaseRows *rows, const size_t *owners, size_t person,
                           const CheckFinding *before, size_t count)
{
    CaseRows rest = {0};
    for (size_t i = 0; i < rows->count; i++)
        if (owners[i] != person)
            case_add(&rest, rows->rows[i], b->arena);
    judged(b, &rest);
    for (size_t i = 0; i < b->findings.count; i++) {
        const CheckFinding *found = &b->findings.list[i];
        bool known = false;
        for (size_t j = 0; j < count && !known; j++)
            known = same_finding(found, &before[j]);
        ck_assert_msg(known, "new: %s %s row %ju", found->rule->id,
                      found->table ? found->table->code : "-", (uintmax_t)found->row);
        ck_assert(found->row == 0 || owners[found->row - 1] != person);
    }
}

START_TEST(a_rejected_person_taken_out_adds_nothing)
{
    _cleanup_bench_ Bench b = {0};
    bench_open(&b);
    size_t *owners = arena_array(b.arena, 10000, sizeof *owners), taken = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t state = seed * 77;
        CaseRows rows = month_make(b.base, &state, owners, b.arena);
        faults_add(&rows, 40, &state);
        judged(&b, &rows);
        size_t count = b.findings.count;
        CheckFinding *before = arena_array(b.arena, count + 1, sizeof *before);
        if (count)
            memcpy(before, b.findings.list, count * sizeof *before);
        bool rejected[PEOPLE + 1] = {0};
        for (size_t i = 0; i < rows.count; i++)
            if (rows.rows[i]->table == b.base->dataset->person)
                rejected[owners[i]] =
                    !checker_survives(b.checker, b.base->dataset->person, rows.rows[i]->number);
        for (size_t person = 1; person <= PEOPLE; person++)
            if (rejected[person]) {
                without_person(&b, &rows, owners, person, before, count);
                taken++;
            }
    }
    printf("# %d months, %zu rejected persons taken out\n", SEEDS, taken);
    fflush(stdout);
    ck_assert(taken > SEEDS);
}
END_TEST

SUITE("dataset/check_property", a_clean_month_stays_clean, the_order_of_rows_decides_nothing,
      a_rejected_person_taken_out_adds_nothing);
