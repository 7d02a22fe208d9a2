/* SPDX-License-Identifier: Apache-2.0 */
/* Row sets written as one line of edits to a clean month. */
#include "tests/unit/dataset/check_case.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"

#include <stdlib.h>
#include <string.h>

#define FAIL(...)                                                                                  \
    do {                                                                                           \
        fprintf(stderr, __VA_ARGS__);                                                              \
        fputc('\n', stderr);                                                                       \
        abort();                                                                                   \
    } while (0)

const char *case_path(Arena *arena, const char *relative)
{
    const char *root = getenv("MHSFLOW_SOURCE_ROOT");
    return arena_format(arena, "%s/%s", root ? root : ".", relative);
}

char *case_text(Arena *arena, const char *path)
{
    char *bytes;
    size_t size;
    Error err = {0};
    if (!file_read(path, (size_t)4 << 20, arena, &bytes, &size, &err))
        FAIL("%s: %s", path, err.cause);
    return bytes;
}

Row *case_copy(const Row *row, Arena *arena)
{
    Row *copy = row_new(row->table, arena);
    memcpy(copy->values, row->values, row->table->count * sizeof *row->values);
    copy->number = row->number;
    return copy;
}

void case_set(Row *row, const char *name, const char *value)
{
    const Element *element = table_element(row->table, name);
    if (!element)
        FAIL("%s has no element \"%s\"", row->table->name, name);
    row->values[element->index] = value && *value ? value : NULL;
}

void case_add(CaseRows *rows, Row *row, Arena *arena)
{
    rows->rows = arena_grow(arena, rows->rows, rows->count, &rows->capacity, sizeof(Row *));
    rows->rows[rows->count++] = row;
}

/* "ELEMENT=VALUE, ELEMENT=VALUE"; a value of tildes is one of spaces. */
static void assign(Row *row, char *pairs)
{
    char *rest = pairs;
    for (char *pair; rest && (pair = rest);) {
        rest = strstr(pair, ", ");
        if (rest) {
            *rest = '\0';
            rest += 2;
        }
        char *sign = strchr(pair, '=');
        if (!sign)
            FAIL("\"%s\" is not ELEMENT=VALUE", pair);
        *sign = '\0';
        if (sign[1] && !sign[1 + strspn(sign + 1, "~")])
            memset(sign + 1, ' ', strlen(sign + 1));
        case_set(row, pair, sign + 1);
    }
}

static const Table *table_named(const CaseBase *base, const char *name)
{
    const Table *table = dataset_table(base->dataset, name);
    if (!table)
        FAIL("no table \"%s\"", name);
    return table;
}

static void base_line(CaseBase *base, char *line, Arena *arena)
{
    bool template = text_starts(line, "template ");
    if (!template && !text_starts(line, "row "))
        return;
    char *code = strchr(line, ' ') + 1;
    char *pairs = strchr(code, ' ');
    *pairs++ = '\0';
    const Table *table = table_named(base, code);
    base->rows[table->index] = row_new(table, arena);
    base->template_only[table->index] = template;
    assign(base->rows[table->index], pairs);
}

CaseBase *case_base(Arena *arena)
{
    CaseBase *base = arena_alloc(arena, sizeof *base);
    Error err = {0};
    const char *reference = case_path(arena, "tests/unit/dataset/rules/reference.csv");
    if (!dataset_open(case_path(arena, "mappings/mhsds-6.0"), arena, &base->dataset, &err) ||
        !reference_open(reference, arena, &base->reference, &err))
        FAIL("%s: %s", err.context, err.cause);
    base->context = (CheckContext){.provider = CASE_PROVIDER,
                                   .submitter = CASE_SUBMITTER,
                                   .submitted_at = CASE_SUBMITTED_AT,
                                   .reference = base->reference};
    civil_parse_month(CASE_PERIOD, &base->context.period);
    base->rows = arena_array(arena, base->dataset->table_count, sizeof(Row *));
    base->template_only = arena_array(arena, base->dataset->table_count, sizeof(bool));
    char *rest = case_text(arena, case_path(arena, "tests/unit/dataset/rules/base.txt"));
    for (char *line; (line = strsep(&rest, "\n"));)
        base_line(base, line, arena);
    for (size_t i = 0; i < base->dataset->table_count; i++)
        if (!base->rows[i])
            FAIL("base.txt has no row of %s", base->dataset->tables[i].name);
    return base;
}

/* A table brings its parent and the tables that its rows are looked up in. */
static void need(const CaseBase *base, const Table *table, bool *needed)
{
    if (needed[table->index])
        return;
    needed[table->index] = true;
    if (table->parent)
        need(base, table->parent, needed);
    for (size_t i = 0; i < base->dataset->rule_count; i++) {
        const Rule *rule = &base->dataset->rules[i];
        if (rule->table != table || !text_equal(rule->check, "linked"))
            continue;
        char code[16] = "";
        memcpy(code, rule->arguments, strcspn(rule->arguments, "."));
        need(base, table_named(base, code), needed);
    }
}

/* "+TABLE PAIRS", "-TABLE", "!TABLE[.ELEMENT]" or "TABLE PAIRS". */
static const Table *edit_table(const CaseBase *base, const char *edit)
{
    const char *name = edit + strspn(edit, "+-!");
    char code[64] = "";
    size_t size = strcspn(name, " .");
    if (size >= sizeof code)
        FAIL("\"%s\" is no edit", edit);
    memcpy(code, name, size);
    return table_named(base, code);
}

static void edit_apply(const CaseBase *base, CaseRows *rows, char *edit, Arena *arena)
{
    const Table *table = edit_table(base, edit);
    char *pairs = strchr(edit, ' ');
    size_t at = 0;
    while (at < rows->count && rows->rows[at]->table != table)
        at++;
    if (*edit == '!') {
        char *point = strchr(edit, '.');
        rows->structure_table = table;
        rows->structure_element = point ? table_element(table, point + 1) : NULL;
    } else if (*edit == '-') {
        if (at < rows->count)
            memmove(&rows->rows[at], &rows->rows[at + 1],
                    (--rows->count - at) * sizeof *rows->rows);
    } else if (*edit == '+') {
        Row *row = case_copy(base->rows[table->index], arena);
        if (pairs)
            assign(row, pairs + 1);
        case_add(rows, row, arena);
    } else {
        if (at == rows->count)
            FAIL("no row of %s to change", table->name);
        assign(rows->rows[at], pairs + 1);
    }
}

static CaseRows rows_edited(const CaseBase *base, const bool *needed, const char *edits,
                            Arena *arena)
{
    CaseRows rows = {0};
    for (size_t i = 0; i < base->dataset->table_count; i++)
        if ((!needed || needed[i]) && !base->template_only[i])
            case_add(&rows, case_copy(base->rows[i], arena), arena);
    char *rest = arena_text(arena, edits);
    while (rest && *rest) {
        char *edit = rest;
        rest = strstr(edit, " & ");
        if (rest) {
            *rest = '\0';
            rest += 3;
        }
        edit_apply(base, &rows, edit, arena);
    }
    for (size_t i = 0; i < rows.count; i++)
        rows.rows[i]->number = i + 1;
    return rows;
}

CaseRows case_rows(const CaseBase *base, const Table *table, const char *edits, Arena *arena)
{
    bool *needed = arena_array(arena, base->dataset->table_count, sizeof(bool));
    need(base, base->dataset->header, needed);
    need(base, base->dataset->person, needed);
    if (table)
        need(base, table, needed);
    for (const char *edit = edits; edit && *edit;) {
        need(base, edit_table(base, edit), needed);
        edit = strstr(edit, " & ");
        edit = edit ? edit + 3 : NULL;
    }
    return rows_edited(base, needed, edits, arena);
}

CaseRows case_all_rows(const CaseBase *base, const char *edits, Arena *arena)
{
    return rows_edited(base, NULL, edits, arena);
}

void case_sink(void *context, const CheckFinding *finding)
{
    CaseFindings *findings = context;
    findings->list = arena_grow(findings->arena, findings->list, findings->count,
                                &findings->capacity, sizeof *findings->list);
    findings->list[findings->count++] = *finding;
}

CheckSummary case_run(Checker *checker, const CaseRows *rows)
{
    Error err = {0};
    CheckSummary summary;
    if (rows->structure_table &&
        !checker_structure(checker, rows->structure_table, rows->structure_element, &err))
        FAIL("%s", err.cause);
    for (size_t i = 0; i < rows->count; i++)
        if (!checker_row(checker, rows->rows[i], &err))
            FAIL("%s", err.cause);
    if (!checker_finish(checker, &summary, &err))
        FAIL("%s", err.cause);
    return summary;
}

size_t case_count(const CaseFindings *findings, const char *rule, uint64_t row)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++)
        count += text_equal(findings->list[i].rule->id, rule) &&
                 (row == 0 || findings->list[i].row == row);
    return count;
}

const CheckFinding *case_find(const CaseFindings *findings, const char *rule)
{
    for (size_t i = 0; i < findings->count; i++)
        if (text_equal(findings->list[i].rule->id, rule))
            return &findings->list[i];
    return NULL;
}

static int line_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char *case_print(const CaseFindings *findings, Arena *arena)
{
    char **lines = arena_array(arena, findings->count + 1, sizeof *lines);
    Text text = text_new(arena, (size_t)64 << 20);
    for (size_t i = 0; i < findings->count; i++) {
        const CheckFinding *f = &findings->list[i];
        lines[i] = arena_format(
            arena, "%s %s %ju %s < %s %s %ju\n", f->rule->id, f->table ? f->table->code : "-",
            (uintmax_t)f->row, f->element ? f->element->name : "-",
            f->cause_rule ? f->cause_rule->id : "-", f->cause_table ? f->cause_table->code : "-",
            (uintmax_t)f->cause_row);
    }
    qsort(lines, findings->count, sizeof *lines, line_order);
    for (size_t i = 0; i < findings->count; i++)
        text_add(&text, lines[i]);
    return arena_text(arena, text_get(&text));
}
