/* SPDX-License-Identifier: Apache-2.0 */
/* dataset.yaml of a pack: the tables and elements, strictly read. */
#include "daemon/dataset/dataset_read.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/base/yaml.h"

#include <string.h>

/* Refuse what is not known: a misspelt key must not be a silent "no". */
static bool keys_check(const YamlNode *map, const char *const *names, size_t count, Error *err)
{
    if (map->kind != YAML_MAP)
        return yaml_error(map, err, "expected names with values");
    for (size_t i = 0; i < map->count; i++) {
        bool known = false;
        for (size_t j = 0; j < count && !known; j++)
            known = text_equal(map->keys[i], names[j]);
        if (known)
            continue;
        const char *near = text_nearest(map->keys[i], names, count);
        return yaml_error(map->items[i], err, "\"%s\" is not known here%s%s%s", map->keys[i],
                          near ? "; did you mean \"" : "", near ? near : "", near ? "\"" : "");
    }
    return true;
}

static bool need(const YamlNode *map, const char *key, const char **ret, Error *err)
{
    const char *text = yaml_text(map, key);
    if (!text || !*text)
        return yaml_error(map, err, "\"%s\" is missing", key);
    *ret = text;
    return true;
}

static bool flag(const YamlNode *map, const char *key, bool *ret, Error *err)
{
    const YamlNode *node = yaml_get(map, key);
    const char *text = node ? yaml_text(map, key) : "false";
    if (!text || (!text_equal(text, "true") && !text_equal(text, "false")))
        return yaml_error(node, err, "\"%s\" is true or false", key);
    *ret = text_equal(text, "true");
    return true;
}

/* An element of the table by name; absent key: NULL. */
static bool element_named(const YamlNode *map, const char *key, const Table *table,
                          const Element **ret, Error *err)
{
    const YamlNode *node = yaml_get(map, key);
    if (!node)
        return true;
    if (node->kind != YAML_TEXT || !(*ret = table_element(table, node->text)))
        return yaml_error(node, err, "\"%s\" is not an element of %s", key, table->name);
    return true;
}

static bool element_blank(const YamlNode *map, Element *element, Error *err)
{
    const YamlNode *node = yaml_get(map, "blank");
    if (!node)
        return true;
    if (node->kind == YAML_TEXT && text_equal(node->text, "after"))
        element->blank = BLANK_AFTER;
    else if (node->kind == YAML_TEXT && text_equal(node->text, "outside"))
        element->blank = BLANK_OUTSIDE;
    else
        return yaml_error(node, err, "\"blank\" is after or outside");
    if (element->kind != VALUE_DATE && element->kind != VALUE_TIMESTAMP)
        return yaml_error(node, err, "only a date can lie outside a month");
    return true;
}

static bool element_read(Dataset *dataset, Arena *arena, const YamlNode *map, Element *element,
                         Error *err)
{
    static const char *const keys[] = {"name",      "id",         "dictionary", "format",
                                       "mandation", "key",        "codes",      "reject_unknown",
                                       "blank",     "blank_with", "meaning"};
    if (!keys_check(map, keys, COUNT_OF(keys), err) || !need(map, "name", &element->name, err) ||
        !need(map, "id", &element->id, err) ||
        !need(map, "dictionary", &element->dictionary_name, err) ||
        !need(map, "format", &element->format, err) ||
        !need(map, "meaning", &element->meaning, err) || !flag(map, "key", &element->key, err) ||
        !flag(map, "reject_unknown", &element->reject_unknown, err))
        return false;
    if (!format_parse(element->format, &element->kind, &element->min, &element->max))
        return yaml_error(yaml_get(map, "format"), err, "unknown format \"%s\"", element->format);
    const char *mandation = yaml_text(map, "mandation");
    if (mandation && (strlen(mandation) != 1 || !strchr("MROP", *mandation)))
        return yaml_error(yaml_get(map, "mandation"), err, "\"mandation\" is M, R, O or P");
    element->mandation = mandation ? *mandation : 0;
    const char *codes = yaml_text(map, "codes");
    if (codes) {
        if (!dataset_read_codes(dataset, arena, codes, &element->codes, err))
            return false;
        if (!dataset_codes(dataset, codes)) { /* new: elements of one name share it */
            const CodeList **lists =
                arena_array(arena, dataset->list_count + 1, sizeof(const CodeList *));
            for (size_t i = 0; i < dataset->list_count; i++)
                lists[i] = dataset->lists[i];
            lists[dataset->list_count++] = element->codes;
            dataset->lists = lists;
        }
    } else if (element->reject_unknown) {
        return yaml_error(map, err, "\"reject_unknown\" needs \"codes\"");
    }
    return element_blank(map, element, err);
}

static bool elements_read(Dataset *dataset, Arena *arena, const YamlNode *map, Table *table,
                          Error *err)
{
    const YamlNode *list = yaml_get(map, "elements");
    if (!list || list->kind != YAML_LIST || !list->count)
        return yaml_error(list ? list : map, err, "\"elements\" lists the table's elements");
    table->elements = arena_array(arena, list->count, sizeof *table->elements);
    for (size_t i = 0; i < list->count; i++) {
        Element *element = &table->elements[i];
        if (!element_read(dataset, arena, list->items[i], element, err))
            return false;
        if (table_element(table, element->name))
            return yaml_error(list->items[i], err, "%s stands twice in %s", element->name,
                              table->name);
        if (dataset_element_by_id(dataset, element->id))
            return yaml_error(list->items[i], err, "id %s stands twice", element->id);
        element->table = table;
        element->index = table->count++;
        table->key_count += element->key;
    }
    dataset->element_count += table->count;
    return true;
}

/* What can only be named when every element is known: partners and the lists of pointers. */
static bool elements_link(Arena *arena, const YamlNode *map, Table *table, Error *err)
{
    const YamlNode *list = yaml_get(map, "elements");
    for (size_t i = 0; i < table->count; i++) {
        Element *element = &table->elements[i];
        if (!element_named(list->items[i], "blank_with", table, &element->with, err))
            return false;
        if (!element->with)
            continue;
        if (element->blank || !element->with->blank || element->with->blank == BLANK_WITH)
            return yaml_error(list->items[i], err,
                              "\"blank_with\" names an element with \"blank\"");
        element->blank = BLANK_WITH;
    }
    table->keys = arena_array(arena, table->count, sizeof(const Element *));
    table->blanked = arena_array(arena, table->count, sizeof(const Element *));
    size_t keys = 0;
    for (int with = 1; with >= 0; with--)
        for (size_t i = 0; i < table->count; i++) {
            const Element *element = &table->elements[i];
            if (with && element->key)
                table->keys[keys++] = element;
            if (element->blank && (element->blank == BLANK_WITH) == with)
                table->blanked[table->blanked_count++] = element;
        }
    return true;
}

static bool ends_read(const YamlNode *map, Table *table, Error *err)
{
    const YamlNode *list = yaml_get(map, "ends");
    if (!list)
        return true;
    if (list->kind != YAML_LIST || !list->count || list->count > 2)
        return yaml_error(list, err, "\"ends\" lists one or two elements");
    for (size_t i = 0; i < list->count; i++) {
        const YamlNode *node = list->items[i];
        const Element *element = node->kind == YAML_TEXT ? table_element(table, node->text) : NULL;
        if (!element)
            return yaml_error(node, err, "\"ends\" names elements of %s", table->name);
        *(i ? &table->ends_also : &table->ends) = element;
    }
    return true;
}

static bool inclusion_read(const YamlNode *map, Table *table, Error *err)
{
    static const struct {
        const char *name;
        InclusionKind kind;
        bool starts, ends;
    } kinds[] = {
        {"always", INCLUDE_ALWAYS, false, false},
        {"with-parent", INCLUDE_WITH_PARENT, false, false},
        {"open-span", INCLUDE_OPEN_SPAN, true, true},
        {"span-in", INCLUDE_SPAN_IN, true, true},
        {"event", INCLUDE_EVENT, true, false},
        {"state", INCLUDE_STATE, true, false},
    };
    const char *name = NULL;
    if (!need(map, "include", &name, err) ||
        !element_named(map, "starts", table, &table->starts, err) || !ends_read(map, table, err))
        return false;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (!text_equal(kinds[i].name, name))
            continue;
        table->inclusion = kinds[i].kind;
        if (kinds[i].ends != (table->ends != NULL) || (!kinds[i].starts && table->starts) ||
            (kinds[i].starts && !kinds[i].ends && !table->starts))
            return yaml_error(map, err, "%s: dates do not fit \"include: %s\"", table->name, name);
        if (table->inclusion == INCLUDE_SPAN_IN && table->ends->blank != BLANK_AFTER)
            return yaml_error(map, err, "%s: \"span-in\" needs an end with \"blank: after\"",
                              table->name);
        return true;
    }
    return yaml_error(yaml_get(map, "include"), err, "\"%s\" is no way to include rows", name);
}

/* Parents stand before their children, so one pass settles who belongs to a person. */
static bool parent_read(Dataset *dataset, const YamlNode *map, Table *table, Error *err)
{
    const char *parent = yaml_text(map, "parent");
    if (!parent)
        return true;
    table->parent = dataset_table(dataset, parent);
    if (!table->parent || table->parent == table)
        return yaml_error(yaml_get(map, "parent"), err, "no table \"%s\" before %s", parent,
                          table->name);
    if (!element_named(map, "link", table, &table->parent_link, err))
        return false;
    if (!table->parent_link || !table_element(table->parent, table->parent_link->name))
        return yaml_error(map, err, "%s: \"link\" names an element that both tables have",
                          table->name);
    return true;
}

static bool table_read(Dataset *dataset, Arena *arena, const YamlNode *map, Error *err)
{
    static const char *const keys[] = {"code",    "name",   "title", "parent",  "link",
                                       "include", "starts", "ends",  "elements"};
    Table *table = &dataset->tables[dataset->table_count];
    if (!keys_check(map, keys, COUNT_OF(keys), err) || !need(map, "code", &table->code, err) ||
        !need(map, "name", &table->name, err) || !need(map, "title", &table->title, err))
        return false;
    if (dataset_table(dataset, table->code) || dataset_table(dataset, table->name))
        return yaml_error(map, err, "table %s stands twice", table->name);
    table->dataset = dataset;
    table->index = dataset->table_count++;
    return elements_read(dataset, arena, map, table, err) &&
           elements_link(arena, map, table, err) && inclusion_read(map, table, err) &&
           parent_read(dataset, map, table, err);
}

/* The table of people and the header are named by code; rows below a person are that person's. */
static bool roles_read(Dataset *dataset, const YamlNode *root, Error *err)
{
    const char *header = NULL, *person = NULL, *referral = NULL, *contact = NULL;
    if (!need(root, "header", &header, err) || !need(root, "person", &person, err) ||
        !need(root, "referral", &referral, err) || !need(root, "contact", &contact, err))
        return false;
    dataset->referral = dataset_table(dataset, referral);
    dataset->contact = dataset_table(dataset, contact);
    if (!dataset->referral || !dataset->contact)
        return yaml_error(yaml_get(root, dataset->referral ? "contact" : "referral"), err,
                          "no table of that name");
    dataset->header = dataset_table(dataset, header);
    dataset->person = dataset_table(dataset, person);
    if (!dataset->header)
        return yaml_error(yaml_get(root, "header"), err, "no table \"%s\"", header);
    if (!dataset->person || dataset->person->key_count != 1)
        return yaml_error(yaml_get(root, "person"), err, "no table \"%s\" with one key", person);
    for (size_t i = 0; i < dataset->table_count; i++) {
        Table *table = &dataset->tables[i];
        table->person = table == dataset->person || (table->parent && table->parent->person);
    }
    return true;
}

bool dataset_read_tables(Dataset *dataset, Arena *arena, Error *err)
{
    static const char *const keys[] = {"name",   "title",  "version",  "namespace", "root",
                                       "header", "person", "referral", "contact",   "tables"};
    YamlNode *root;
    if (!yaml_load(arena_format(arena, "%s/dataset.yaml", dataset->folder), arena, &root, err))
        return error_wrap(err, "reading the pack");
    if (!keys_check(root, keys, COUNT_OF(keys), err) || !need(root, "name", &dataset->name, err) ||
        !need(root, "title", &dataset->title, err) ||
        !need(root, "version", &dataset->version, err) ||
        !need(root, "namespace", &dataset->namespace, err) ||
        !need(root, "root", &dataset->root, err))
        return false;
    const YamlNode *list = yaml_get(root, "tables");
    if (!list || list->kind != YAML_LIST || !list->count)
        return yaml_error(list ? list : root, err, "\"tables\" lists the tables in order");
    dataset->tables = arena_array(arena, list->count, sizeof *dataset->tables);
    for (size_t i = 0; i < list->count; i++)
        if (!table_read(dataset, arena, list->items[i], err) || !arena_check(arena, err))
            return false;
    return roles_read(dataset, root, err);
}

bool dataset_open(const char *folder, Arena *arena, const Dataset **ret, Error *err)
{
    Dataset *dataset = arena_alloc(arena, sizeof *dataset);
    dataset->folder = arena_text(arena, folder);
    if (!dataset_read_tables(dataset, arena, err) || !dataset_read_scales(dataset, arena, err) ||
        !dataset_read_rules(dataset, arena, err))
        return false;
    *ret = dataset;
    return true;
}
