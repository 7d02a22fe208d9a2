/* SPDX-License-Identifier: Apache-2.0 */
/* What a thing of the data set is, as plain text. */
#include "daemon/dataset/describe.h"

#include <string.h>

#define MOST_TABLES 64

size_t describe_elements(const Dataset *dataset, const char *what, const Element **ret, size_t most)
{
    size_t count = 0;
    const Element *item = dataset_element_by_id(dataset, what);
    const char *dot = strchr(what, '.');
    if (item && most) {
        ret[0] = item;
        return 1;
    }
    for (size_t i = 0; i < dataset->table_count && count < most; i++) {
        const Table *table = &dataset->tables[i];
        size_t size = dot ? (size_t)(dot - what) : 0;
        if (dot && !(strlen(table->code) == size && memcmp(table->code, what, size) == 0) &&
            !(strlen(table->name) == size && memcmp(table->name, what, size) == 0))
            continue;
        const Element *element = table_element(table, dot ? dot + 1 : what);
        if (element)
            ret[count++] = element;
    }
    return count;
}

static const char *mandation_name(char mandation)
{
    switch (mandation) {
    case 'M':
        return "mandatory";
    case 'R':
        return "required where it applies";
    case 'O':
        return "optional";
    case 'P':
        return "pilot: send only when taking part";
    default:
        return "not published for this version";
    }
}

void describe_inclusion(const Table *table, Text *text)
{
    const char *starts = table->starts ? table->starts->name : NULL;
    const char *ends = table->ends ? table->ends->name : NULL;
    switch (table->inclusion) {
    case INCLUDE_ALWAYS:
        text_add(text, "in every month in which it is used");
        return;
    case INCLUDE_WITH_PARENT:
        text_add(text, "as the rows that it belongs to do");
        return;
    case INCLUDE_OPEN_SPAN:
    case INCLUDE_SPAN_IN:
        if (starts)
            text_addf(text, "from the month of %s ", starts);
        text_addf(text, "until the month of %s", ends);
        if (table->ends_also)
            text_addf(text, " or %s", table->ends_also->name);
        text_add(text, ", every month");
        return;
    case INCLUDE_EVENT:
        text_addf(text, "in the month of %s", starts);
        return;
    case INCLUDE_STATE:
        text_addf(text, "from the month of %s on", starts);
        return;
    }
}

static void codes_write(const CodeList *list, Text *text)
{
    char month[CIVIL_TEXT_SIZE];
    for (size_t i = 0; i < list->count; i++) {
        const Code *code = &list->codes[i];
        text_addf(text, "    %-6s %s", code->code,
                  *code->meaning ? code->meaning : "(meaning not published)");
        if (code->from)
            text_addf(text, ", from %s", civil_format_month(code->from, month));
        if (code->to)
            text_addf(text, ", until %s", civil_format_month(code->to, month));
        text_add(text, "\n");
    }
}

static void rule_line(const Rule *rule, Text *text)
{
    text_addf(text, "    %-11s %-18s %s\n", rule->id, severity_name(rule->severity), rule->message);
}

static void blank_write(const Element *element, Text *text)
{
    switch (element->blank) {
    case BLANK_NEVER:
        return;
    case BLANK_AFTER:
        text_add(text, "  in a month      left out while it lies after the month\n");
        return;
    case BLANK_OUTSIDE:
        text_add(text, "  in a month      left out unless it lies in the month\n");
        return;
    case BLANK_WITH:
        text_addf(text, "  in a month      left out together with %s\n", element->with->name);
        return;
    }
}

static void element_write(const Element *element, DescribeFill fill, void *context, Text *text)
{
    const Dataset *dataset = element->table->dataset;
    text_addf(text, "%s.%s (%s)\n  %s\n", element->table->name, element->name, element->id,
              element->meaning);
    text_addf(text, "  dictionary      %s\n", element->dictionary_name);
    text_addf(text, "  format          %s\n", element->format);
    text_addf(text, "  mandation       %s\n", mandation_name(element->mandation));
    if (element->key)
        text_add(text, "  key             part of what must be unique in the table\n");
    if (element->table->parent_link == element)
        text_addf(text, "  link            names the row of %s that this one belongs to\n",
                  element->table->parent->name);
    blank_write(element, text);
    if (fill) {
        const char *line = fill(context, element);
        text_addf(text, "  filled by       %s\n", line ? line : "nothing in the mapping");
    }
    if (element->codes) {
        text_addf(text, "  codes           %s%s\n", element->codes->name,
                  element->reject_unknown ? "; any other is refused" : "");
        codes_write(element->codes, text);
    }
    bool begun = false;
    for (size_t i = 0; i < dataset->rule_count; i++) {
        if (dataset->rules[i].element != element)
            continue;
        if (!begun)
            text_add(text, "  rules\n");
        begun = true;
        rule_line(&dataset->rules[i], text);
    }
}

static void rule_write(const Rule *rule, Text *text)
{
    static const char *const levels[] = {"the whole file", "rows together", "each row"};
    text_addf(text, "%s: %s, judged over %s\n", rule->id, severity_name(rule->severity),
              levels[rule->level]);
    if (rule->table)
        text_addf(text, "  of              %s%s%s\n", rule->table->name, rule->element ? "." : "",
                  rule->element ? rule->element->name : "");
    text_addf(text, "  what is wrong   %s\n", rule->message);
    if (*rule->remedy)
        text_addf(text, "  what to do      %s\n", rule->remedy);
    text_addf(text, "  check           %s%s%s\n", rule->check, *rule->arguments ? " " : "",
              rule->arguments);
    if (*rule->note)
        text_addf(text, "  note            %s\n", rule->note);
}

static void table_write(const Table *table, DescribeFill fill, void *context, Text *text)
{
    const Dataset *dataset = table->dataset;
    text_addf(text, "%s: %s\n  a row belongs   ", table->name, table->title);
    describe_inclusion(table, text);
    text_add(text, "\n");
    if (table->parent)
        text_addf(text, "  parent          %s, by %s\n", table->parent->name,
                  table->parent_link->name);
    if (table->key_count) {
        text_add(text, "  unique          ");
        for (size_t i = 0; i < table->key_count; i++)
            text_addf(text, "%s%s", i ? " + " : "", table->keys[i]->name);
        text_add(text, "\n");
    }
    text_add(text, "  elements\n");
    for (size_t i = 0; i < table->count; i++) {
        const Element *element = &table->elements[i];
        const char *line = fill ? fill(context, element) : NULL;
        text_addf(text, "    %c %-36s %-16s%s%s\n", element->mandation ? element->mandation : '-',
                  element->name, element->format, line ? "  " : "", line ? line : "");
    }
    text_add(text, "  rules\n");
    for (size_t i = 0; i < dataset->rule_count; i++)
        if (dataset->rules[i].table == table)
            rule_line(&dataset->rules[i], text);
}

static void scale_write(const Scale *scale, Text *text)
{
    text_addf(text, "%s: %s\n  %s\n  %s\n", scale->code, scale->tool,
              *scale->term ? scale->term : "(term not published)",
              scale->accepted ? "accepted in this version"
                              : "historic: not accepted in this version");
    if (scale->values)
        text_addf(text, "  scores: %s\n", scale->values);
    else if (scale->min)
        text_addf(text, "  scores: %s to %s\n", scale->min, scale->max);
    else
        text_add(text, "  scores: not published whole; not judged\n");
}

bool describe(const Dataset *dataset, const char *what, DescribeFill fill, void *context,
              Text *text)
{
    const Element *elements[MOST_TABLES];
    const Rule *rule = dataset_rule(dataset, what);
    const Table *table = dataset_table(dataset, what);
    const CodeList *list = dataset_codes(dataset, what);
    const Scale *scale = dataset_scale(dataset, what);
    size_t count = describe_elements(dataset, what, elements, MOST_TABLES);
    if (rule)
        rule_write(rule, text);
    if (table)
        table_write(table, fill, context, text);
    for (size_t i = 0; i < count; i++) {
        if (i)
            text_add(text, "\n");
        element_write(elements[i], fill, context, text);
    }
    if (list && !count) {
        text_addf(text, "%s: a code list\n", list->name);
        codes_write(list, text);
    }
    if (scale)
        scale_write(scale, text);
    return rule || table || count || list || scale;
}

const char *describe_near(const Dataset *dataset, const char *what, Arena *arena)
{
    size_t most = dataset->table_count * 2 + dataset->element_count + dataset->rule_count +
                  dataset->list_count,
           count = 0;
    const char **names = arena_array(arena, most, sizeof *names);
    for (size_t i = 0; i < dataset->table_count; i++) {
        names[count++] = dataset->tables[i].code;
        names[count++] = dataset->tables[i].name;
        for (size_t j = 0; j < dataset->tables[i].count; j++)
            names[count++] = dataset->tables[i].elements[j].name;
    }
    for (size_t i = 0; i < dataset->rule_count; i++)
        names[count++] = dataset->rules[i].id;
    for (size_t i = 0; i < dataset->list_count; i++)
        names[count++] = dataset->lists[i]->name;
    return text_nearest(what, names, count);
}
