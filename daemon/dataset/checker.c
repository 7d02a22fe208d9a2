/* SPDX-License-Identifier: Apache-2.0 */
/* The national rules over the rows of one provider and month. */
#include "daemon/dataset/checker.h"

#include "daemon/dataset/check.h"

#include <stdlib.h>
#include <string.h>

#define RULES_CAP ((size_t)16 << 20)

static void emit(Checker *checker, const CheckFinding *finding)
{
    checker->summary.findings++;
    if (!severity_rejects(finding->rule->severity))
        checker->summary.warnings++;
    if (finding->rule->severity == SEVERITY_FILE_REJECTED)
        checker->summary.file_rejected = true;
    checker->sink(checker->sink_context, finding);
}

void check_find(Checker *checker, const CheckRule *rule, const CheckTable *table, uint32_t row,
                const Element *element)
{
    emit(checker, &(CheckFinding){.rule = rule->rule,
                                  .table = table->table,
                                  .element = element,
                                  .row = table->rows[row].number});
}

void check_find_caused(Checker *checker, const CheckRule *rule, const CheckTable *table,
                       uint32_t row, const Element *element, const CheckTable *cause_table,
                       uint32_t cause_row)
{
    const KeptRow *cause = &cause_table->rows[cause_row];
    emit(checker, &(CheckFinding){.rule = rule->rule,
                                  .table = table->table,
                                  .element = element,
                                  .row = table->rows[row].number,
                                  .cause_rule = checker->rules[cause->rule - 1].rule,
                                  .cause_table = cause_table->table,
                                  .cause_row = cause->number});
}

void check_find_table(Checker *checker, const CheckRule *rule, const Table *table)
{
    emit(checker, &(CheckFinding){.rule = rule->rule, .table = table});
}

void check_reject(Checker *checker, CheckTable *table, uint32_t row, const CheckRule *rule)
{
    KeptRow *kept = &table->rows[row];
    uint16_t place = (uint16_t)(rule - checker->rules + 1);
    if (kept->rule == 0)
        table->standing--;
    else if (kept->rule <= place)
        return;
    kept->rule = place;
    kept->root_row = row;
    kept->root_table = (uint8_t)table->table->index;
}

bool check_here(const Checker *checker, const Table *table)
{
    if (!checker->context.partial)
        return true;
    return checker->context.present ? checker->context.present[table->index]
                                    : checker->tables[table->index].count > 0;
}

static void period_set(Checker *checker, Month period)
{
    checker->context.period = period;
    checker->first = civil_first_day(period);
    checker->last = civil_last_day(period);
}

static void view_new(Checker *checker)
{
    size_t widest = 1;
    for (size_t i = 0; i < checker->dataset->table_count; i++)
        if (checker->dataset->tables[i].count > widest)
            widest = checker->dataset->tables[i].count;
    checker->view.checker = checker;
    checker->view.values = arena_array(checker->arena, widest, sizeof *checker->view.values);
    checker->view.days = arena_array(checker->arena, widest, sizeof *checker->view.days);
    checker->view.days_known = arena_array(checker->arena, widest, 1);
}

bool checker_new(const Dataset *dataset, const CheckContext *context, CheckSink sink,
                 void *sink_context, Checker **ret, Error *err)
{
    Checker *checker = check_zeroed(1, sizeof *checker);
    checker->dataset = dataset;
    checker->table_count = dataset->table_count;
    checker->context = *context;
    checker->sink = sink;
    checker->sink_context = sink_context;
    checker->arena = arena_new(RULES_CAP);
    period_set(checker, context->period);
    view_new(checker);
    bool understood =
        !context->submitted_at || (value_moment(context->submitted_at, &checker->submitted) &&
                                   value_day(context->submitted_at, &checker->submitted_day));
    if (!understood)
        error_set(err, ERROR_CONFIG, "check.submitted",
                  "the time of the upload is not written as CCYY-MM-DDThh:mm:ss");
    if (!understood || !check_compile(checker, err)) {
        checker_free(checker);
        return false;
    }
    *ret = checker;
    return true;
}

void checker_reset(Checker *checker, Month period)
{
    period_set(checker, period);
    for (size_t i = 0; i < checker->dataset->table_count; i++) {
        CheckTable *table = &checker->tables[i];
        table->count = table->standing = 0;
        free(table->order);
        table->order = NULL;
    }
    for (size_t i = 0; i < checker->pool_count; i++)
        key_pool_clear(checker->pools[i]);
    checker->summary = (CheckSummary){0};
    checker->finished = false;
}

void checker_free(Checker *checker)
{
    if (!checker)
        return;
    for (size_t i = 0; checker->tables && i < checker->table_count; i++) {
        free(checker->tables[i].rows);
        free(checker->tables[i].values);
        free(checker->tables[i].order);
    }
    for (size_t i = 0; i < checker->pool_count; i++)
        key_pool_free(checker->pools[i]);
    free(checker->pools);
    free(checker->indexes);
    free(checker->deaths);
    arena_free(checker->arena);
    free(checker);
}

static uint32_t row_keep(CheckTable *table, uint64_t number)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : 16;
        table->rows = check_resized(table->rows, table->capacity, sizeof *table->rows);
        table->values = check_resized(table->values, (size_t)table->capacity * table->slot_count,
                                      sizeof *table->values);
    }
    table->rows[table->count] = (KeptRow){.number = number};
    table->standing++;
    return table->count++;
}

static void slots_keep(RowView *view, CheckTable *table, uint32_t row)
{
    uint32_t *values = table->values + (size_t)row * table->slot_count;
    for (size_t i = 0; i < table->slot_count; i++) {
        const CheckSlot *slot = &table->slots[i];
        size_t column = slot->element->index;
        Day day;
        if (slot->pool)
            values[i] = key_of(slot->pool, view->values[column]);
        else
            values[i] = (uint32_t)(row_day(view, column, &day) ? day : CHECK_DAY_NONE);
    }
}

bool checker_row(Checker *checker, const Row *row, Error *err)
{
    if (checker->finished || row->table->dataset != checker->dataset)
        return error_set(err, ERROR_BUG, "check.row",
                         "a row came after the end or of another data set");
    CheckTable *table = check_table(checker, row->table);
    if (table->count == UINT32_MAX)
        return error_set(err, ERROR_DATA, "check.rows", "too many rows in %s", row->table->name);
    RowView *view = &checker->view;
    view->row = row;
    for (size_t i = 0; i < row->table->count; i++) {
        const char *text = row->values[i];
        bool empty = !text || !*text || (*text == ' ' && value_blank(text));
        view->values[i] = empty ? NULL : text;
    }
    memset(view->days_known, 0, row->table->count);
    uint32_t index = row_keep(table, row->number);
    for (size_t i = 0; i < table->record_count; i++) {
        const CheckRule *rule = table->record[i];
        if (rule->judge(rule, view))
            continue;
        check_find(checker, rule, table, index, rule->rule->element);
        Severity severity = rule->rule->severity;
        if (severity != SEVERITY_FILE_REJECTED && severity_rejects(severity))
            check_reject(checker, table, index, rule);
    }
    slots_keep(view, table, index);
    checker->summary.rows++;
    return true;
}

bool checker_structure(Checker *checker, const Table *table, const Element *element, Error *err)
{
    for (size_t i = 0; i < checker->dataset->rule_count; i++)
        if (checker->rules[i].finish == file_structure) {
            emit(checker, &(CheckFinding){
                              .rule = checker->rules[i].rule, .table = table, .element = element});
            return true;
        }
    return error_set(err, ERROR_CONFIG, "check.structure",
                     "the pack has no rule on the structure of a file");
}

bool checker_finish(Checker *checker, CheckSummary *ret, Error *err)
{
    if (checker->finished)
        return error_set(err, ERROR_BUG, "check.finish", "the rows were judged already");
    checker->finished = true;
    check_linked_bounds(checker);
    check_groups(checker);
    check_file(checker);
    for (size_t i = 0; i < checker->dataset->table_count; i++)
        checker->summary.rejected_rows += checker->tables[i].count - checker->tables[i].standing;
    *ret = checker->summary;
    return true;
}

static int order_by_number(const void *a, const void *b, void *rows)
{
    uint64_t one = ((const KeptRow *)rows)[*(const uint32_t *)a].number;
    uint64_t two = ((const KeptRow *)rows)[*(const uint32_t *)b].number;
    return (one > two) - (one < two);
}

static void order_make(CheckTable *table)
{
    table->order = check_resized(NULL, table->count, sizeof *table->order);
    bool sorted = true;
    for (uint32_t i = 0; i < table->count; i++) {
        table->order[i] = i;
        sorted &= i == 0 || table->rows[i - 1].number <= table->rows[i].number;
    }
    if (!sorted)
        qsort_r(table->order, table->count, sizeof *table->order, order_by_number, table->rows);
}

bool checker_survives(Checker *checker, const Table *table, uint64_t number)
{
    CheckTable *kept = check_table(checker, table);
    if (!kept->order)
        order_make(kept);
    uint32_t low = 0, high = kept->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (kept->rows[kept->order[middle]].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < kept->count && kept->rows[kept->order[low]].number == number &&
           check_stands(kept, kept->order[low]);
}
