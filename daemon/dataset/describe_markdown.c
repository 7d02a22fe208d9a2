/* SPDX-License-Identifier: Apache-2.0 */
/* The whole data set as Markdown pages. */
#include "daemon/base/file.h"
#include "daemon/dataset/describe.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_LIMIT ((size_t)4 << 20)

/* Text inside a table cell: no bars, no line ends, no tags. */
static void cell(Text *text, const char *value)
{
    for (const char *c = value; *c; c++) {
        if (*c == '|' || *c == '<' || *c == '*' || *c == '_')
            text_addf(text, "\\%c", *c);
        else
            text_add_bytes(text, *c == '\n' ? " " : c, 1);
    }
}

static void heading(Text *text, const Dataset *dataset, const char *title)
{
    text_addf(text,
              "<!-- Made from the pack by `mhsflow dataset describe --markdown`; do not edit. -->\n"
              "# %s\n\n%s, version %s.\n\n",
              title, dataset->title, dataset->version);
}

static size_t rule_count(const Table *table)
{
    size_t count = 0;
    for (size_t i = 0; i < table->dataset->rule_count; i++)
        count += table->dataset->rules[i].table == table;
    return count;
}

static void index_write(const Dataset *dataset, Text *text)
{
    size_t accepted = 0;
    for (size_t i = 0; i < dataset->scale_count; i++)
        accepted += dataset->scales[i].accepted;
    heading(text, dataset, "Reference");
    text_addf(text,
              "%zu tables, %zu elements, %zu rules, [%zu code lists](codes.md), "
              "[%zu accepted assessment scores](scales.md).\n\n"
              "| table | what it holds | elements | rules | a row belongs to a month |\n"
              "| --- | --- | --- | --- | --- |\n",
              dataset->table_count, dataset->element_count, dataset->rule_count,
              dataset->list_count, accepted);
    for (size_t i = 0; i < dataset->table_count; i++) {
        const Table *table = &dataset->tables[i];
        text_addf(text, "| [%s](%s.md) | %s | %zu | %zu | ", table->name, table->code, table->title,
                  table->count, rule_count(table));
        describe_inclusion(table, text);
        text_add(text, " |\n");
    }
    text_add(text, "\nRules on the file as a whole:\n\n| rule | what is wrong | what to do |\n"
                   "| --- | --- | --- |\n");
    for (size_t i = 0; i < dataset->rule_count; i++) {
        const Rule *rule = &dataset->rules[i];
        if (rule->level != RULE_FILE)
            continue;
        text_addf(text, "| %s | ", rule->id);
        cell(text, rule->message);
        text_add(text, " | ");
        cell(text, rule->remedy);
        text_add(text, " |\n");
    }
}

static void anchor(Text *text, const char *name)
{
    for (const char *c = name; *c; c++)
        text_addf(text, "%c", tolower((unsigned char)*c));
}

static void elements_write(const Table *table, Text *text)
{
    text_add(text, "| element | item | format | mandation | codes | what it is |\n"
                   "| --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < table->count; i++) {
        const Element *element = &table->elements[i];
        text_addf(text, "| %s", element->key ? "**" : "");
        cell(text, element->name);
        text_addf(text, "%s | %s | %s | %c | ", element->key ? "**" : "", element->id,
                  element->format, element->mandation ? element->mandation : '-');
        if (element->codes) {
            text_addf(text, "[%s](codes.md#", element->codes->name);
            anchor(text, element->codes->name);
            text_add(text, ")");
        }
        text_add(text, " | ");
        cell(text, element->meaning);
        text_add(text, " |\n");
    }
    text_add(text, "\nBold: part of what must be unique.  Mandation: M mandatory, R required where "
                   "it applies, - not published for this version.\n");
}

static void table_write(const Table *table, Text *text)
{
    const Dataset *dataset = table->dataset;
    heading(text, dataset, table->name);
    text_addf(text, "%s.  A row belongs to a month ", table->title);
    describe_inclusion(table, text);
    text_add(text, ".");
    if (table->parent)
        text_addf(text, "  Each row needs one of [%s](%s.md) with the same %s.",
                  table->parent->name, table->parent->code, table->parent_link->name);
    text_add(text, "\n\n");
    elements_write(table, text);
    text_add(text,
             "\n## Rules\n\n| rule | element | severity | what is wrong | what to do | note |\n"
             "| --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < dataset->rule_count; i++) {
        const Rule *rule = &dataset->rules[i];
        if (rule->table != table)
            continue;
        text_addf(text, "| %s | ", rule->id);
        cell(text, rule->element ? rule->element->name : "");
        text_addf(text, " | %s | ", severity_name(rule->severity));
        cell(text, rule->message);
        text_add(text, " | ");
        cell(text, rule->remedy);
        text_add(text, " | ");
        cell(text, rule->note);
        text_add(text, " |\n");
    }
}

static int list_order(const void *a, const void *b)
{
    return strcmp((*(const CodeList *const *)a)->name, (*(const CodeList *const *)b)->name);
}

static void codes_write(const Dataset *dataset, Text *text)
{
    const CodeList **lists =
        arena_array(text->arena, dataset->list_count, sizeof(const CodeList *));
    char month[CIVIL_TEXT_SIZE];
    memcpy(lists, dataset->lists, dataset->list_count * sizeof(const CodeList *));
    qsort(lists, dataset->list_count, sizeof(const CodeList *), list_order);
    heading(text, dataset, "Code lists");
    text_add(text, "A code without a meaning is accepted; its wording was not found in a public "
                   "source.\n");
    for (size_t i = 0; i < dataset->list_count; i++) {
        text_addf(text, "\n## %s\n\n| code | meaning | from | until |\n| --- | --- | --- | --- |\n",
                  lists[i]->name);
        for (size_t j = 0; j < lists[i]->count; j++) {
            const Code *code = &lists[i]->codes[j];
            text_addf(text, "| %s | ", code->code);
            cell(text, code->meaning);
            text_addf(text, " | %s", code->from ? civil_format_month(code->from, month) : "");
            text_addf(text, " | %s |\n", code->to ? civil_format_month(code->to, month) : "");
        }
    }
}

static void scales_write(const Dataset *dataset, Text *text)
{
    heading(text, dataset, "Assessment scores");
    text_add(text, "Scores without a range or list are not judged: their values are not published "
                   "whole.\n\n| code | assessment | score | values | accepted |\n"
                   "| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < dataset->scale_count; i++) {
        const Scale *scale = &dataset->scales[i];
        text_addf(text, "| %s | ", scale->code);
        cell(text, scale->tool);
        text_add(text, " | ");
        cell(text, scale->term);
        if (scale->values)
            text_addf(text, " | %s", scale->values);
        else if (scale->min)
            text_addf(text, " | %s to %s", scale->min, scale->max);
        else
            text_add(text, " | ");
        text_addf(text, " | %s |\n", scale->accepted ? "yes" : "no");
    }
}

static bool page_write(const char *folder, const char *name, const Text *text, Error *err)
{
    return file_write(arena_format(text->arena, "%s/%s.md", folder, name), text->bytes, text->size,
                      0644, err);
}

bool describe_markdown(const Dataset *dataset, const char *folder, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
    static const struct {
        const char *name;
        void (*write)(const Dataset *dataset, Text *text);
    } pages[] = {{"README", index_write}, {"codes", codes_write}, {"scales", scales_write}};
    if (!file_make_folder(folder, 0755, err))
        return false;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        arena_reset(arena);
        Text text = text_new(arena, PAGE_LIMIT);
        pages[i].write(dataset, &text);
        if (!page_write(folder, pages[i].name, &text, err))
            return false;
    }
    for (size_t i = 0; i < dataset->table_count; i++) {
        arena_reset(arena);
        Text text = text_new(arena, PAGE_LIMIT);
        table_write(&dataset->tables[i], &text);
        if (!page_write(folder, dataset->tables[i].code, &text, err))
            return false;
    }
    return true;
}
