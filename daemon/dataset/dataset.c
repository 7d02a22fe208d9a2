/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up in a data set. */
#include "daemon/dataset/dataset.h"

#include "daemon/base/text.h"

#include <stdlib.h>
#include <string.h>

const Table *dataset_table(const Dataset *dataset, const char *name)
{
    for (size_t i = 0; i < dataset->table_count; i++)
        if (text_equal(dataset->tables[i].name, name) || text_equal(dataset->tables[i].code, name))
            return &dataset->tables[i];
    return NULL;
}

const Element *table_element(const Table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (text_equal(table->elements[i].name, name))
            return &table->elements[i];
    return NULL;
}

const Element *dataset_element_by_id(const Dataset *dataset, const char *id)
{
    for (size_t i = 0; i < dataset->table_count; i++)
        for (size_t j = 0; j < dataset->tables[i].count; j++)
            if (text_equal(dataset->tables[i].elements[j].id, id))
                return &dataset->tables[i].elements[j];
    return NULL;
}

const Rule *dataset_rule(const Dataset *dataset, const char *id)
{
    for (size_t i = 0; i < dataset->rule_count; i++)
        if (text_equal(dataset->rules[i].id, id))
            return &dataset->rules[i];
    return NULL;
}

const CodeList *dataset_codes(const Dataset *dataset, const char *name)
{
    for (size_t i = 0; i < dataset->list_count; i++)
        if (text_equal(dataset->lists[i]->name, name))
            return dataset->lists[i];
    return NULL;
}

static int scale_compare(const void *key, const void *scale)
{
    return strcmp(key, ((const Scale *)scale)->code);
}

const Scale *dataset_scale(const Dataset *dataset, const char *code)
{
    return bsearch(code, dataset->scales, dataset->scale_count, sizeof *dataset->scales,
                   scale_compare);
}

/* A code may stand several times, each time with other months: look at all of them. */
const Code *code_find(const CodeList *list, const char *code, Month month)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(list->codes[middle].code, code) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < list->count && strcmp(list->codes[low].code, code) == 0; low++) {
        const Code *found = &list->codes[low];
        if (!month ||
            ((!found->from || month >= found->from) && (!found->to || month <= found->to)))
            return found;
    }
    return NULL;
}

const char *severity_name(Severity severity)
{
    static const char *const names[] = {
        [SEVERITY_FILE_REJECTED] = "file rejected",
        [SEVERITY_GROUP_REJECTED] = "group rejected",
        [SEVERITY_RECORD_REJECTED] = "record rejected",
        [SEVERITY_ONE_WARNING] = "severity 1 warning",
        [SEVERITY_WARNING] = "warning",
    };
    return names[severity];
}

bool severity_rejects(Severity severity)
{
    return severity <= SEVERITY_RECORD_REJECTED;
}

Row *row_new(const Table *table, Arena *arena)
{
    Row *row = arena_alloc(arena, sizeof *row);
    row->table = table;
    row->values = arena_array(arena, table->count, sizeof *row->values);
    return row;
}
