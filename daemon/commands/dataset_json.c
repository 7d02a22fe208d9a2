/* SPDX-License-Identifier: Apache-2.0 */
/* What `dataset describe` says, for programs. */
#include "daemon/commands/dataset_json.h"

#include "daemon/base/json.h"

#define MOST_TABLES 64

static void print(CommandContext *context, json_t *object)
{
    _cleanup_json_ json_t *value = object;
    fprintf(context->out, "%s\n", json_canonical(context->arena, value));
}

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

static json_t *month_or_null(Month month)
{
    char text[CIVIL_TEXT_SIZE];
    return month ? json_string(civil_format_month(month, text)) : json_null();
}

static json_t *codes_json(const CodeList *list)
{
    json_t *codes = json_array();
    for (size_t i = 0; list && i < list->count; i++) {
        const Code *code = &list->codes[i];
        json_array_append_new(codes,
                              json_pack("{s:s,s:o,s:o,s:o}", "code", code->code, "meaning",
                                        text_or_null(code->meaning), "from",
                                        month_or_null(code->from), "to", month_or_null(code->to)));
    }
    return codes;
}

static json_t *rule_ids(const Dataset *dataset, const Table *table, const Element *element)
{
    json_t *ids = json_array();
    for (size_t i = 0; i < dataset->rule_count; i++)
        if (dataset->rules[i].table == table && (!element || dataset->rules[i].element == element))
            json_array_append_new(ids, json_string(dataset->rules[i].id));
    return ids;
}

static json_t *element_json(const Element *element, DescribeFill fill, void *context)
{
    const char mandation[] = {element->mandation, '\0'};
    json_t *object =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:b,s:b}", "kind", "element", "table",
                  element->table->name, "name", element->name, "id", element->id, "dictionary",
                  element->dictionary_name, "meaning", element->meaning, "format", element->format,
                  "mandation", text_or_null(mandation), "key", element->key, "reject_unknown",
                  element->reject_unknown);
    json_object_set_new(object, "code_list",
                        text_or_null(element->codes ? element->codes->name : NULL));
    json_object_set_new(object, "codes", codes_json(element->codes));
    json_object_set_new(object, "rules",
                        rule_ids(element->table->dataset, element->table, element));
    if (fill)
        json_object_set_new(object, "filled_by", text_or_null(fill(context, element)));
    return object;
}

static json_t *table_json(const Table *table, CommandContext *context)
{
    json_t *elements = json_array(), *keys = json_array();
    Text belongs = text_new(context->arena, 1024);
    for (size_t i = 0; i < table->count; i++)
        json_array_append_new(elements, json_string(table->elements[i].name));
    for (size_t i = 0; i < table->key_count; i++)
        json_array_append_new(keys, json_string(table->keys[i]->name));
    describe_inclusion(table, &belongs);
    return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:s,s:o,s:o,s:o}", "kind", "table", "code",
                     table->code, "name", table->name, "title", table->title, "parent",
                     text_or_null(table->parent ? table->parent->name : NULL), "link",
                     text_or_null(table->parent_link ? table->parent_link->name : NULL), "belongs",
                     text_get(&belongs), "key", keys, "elements", elements, "rules",
                     rule_ids(table->dataset, table, NULL));
}

static json_t *rule_json(const Rule *rule)
{
    static const char *const levels[] = {"file", "group", "record"};
    return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:s,s:s,s:s,s:s,s:o}", "kind", "rule", "id",
                     rule->id, "severity", severity_name(rule->severity), "level",
                     levels[rule->level], "table",
                     text_or_null(rule->table ? rule->table->name : NULL), "element",
                     text_or_null(rule->element ? rule->element->name : NULL), "message",
                     rule->message, "remedy", rule->remedy, "check", rule->check, "arguments",
                     rule->arguments, "note", text_or_null(rule->note));
}

static json_t *scale_json(const Scale *scale)
{
    return json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:b}", "kind", "scale", "code", scale->code,
                     "tool", scale->tool, "term", text_or_null(scale->term), "min",
                     text_or_null(scale->min), "max", text_or_null(scale->max), "values",
                     text_or_null(scale->values), "accepted", scale->accepted);
}

bool dataset_json(CommandContext *context, const Dataset *dataset, const char *what,
                  DescribeFill fill, void *fill_context)
{
    const Element *elements[MOST_TABLES];
    const Rule *rule = dataset_rule(dataset, what);
    const Table *table = dataset_table(dataset, what);
    const CodeList *list = dataset_codes(dataset, what);
    const Scale *scale = dataset_scale(dataset, what);
    size_t count = describe_elements(dataset, what, elements, MOST_TABLES);
    if (rule)
        print(context, rule_json(rule));
    if (table)
        print(context, table_json(table, context));
    for (size_t i = 0; i < count; i++)
        print(context, element_json(elements[i], fill, fill_context));
    if (list && !count)
        print(context, json_pack("{s:s,s:s,s:o}", "kind", "codes", "name", list->name, "codes",
                                 codes_json(list)));
    if (scale)
        print(context, scale_json(scale));
    return rule || table || count || list || scale;
}
