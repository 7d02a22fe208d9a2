/* SPDX-License-Identifier: Apache-2.0 */
/* Checks one map of the settings file against the tables that declare its options. */
#include "daemon/config/option.h"

#include "daemon/base/cleanup.h"
#include "daemon/config/option_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct Section {
    OptionValue *values;
    size_t count;
};

static const OptionDecl *find_decl(const OptionDecl *const *tables, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        for (const OptionDecl *decl = tables[i]; decl && decl->name; decl++)
            if (text_equal(decl->name, name))
                return decl;
    return NULL;
}

static size_t count_decls(const OptionDecl *const *tables, size_t count)
{
    size_t sum = 0;

    for (size_t i = 0; i < count; i++)
        for (const OptionDecl *decl = tables[i]; decl && decl->name; decl++)
            sum++;
    return sum;
}

/* The yaml node of a key, which yaml.h does not keep: its value's place is on the same line. */
static bool unknown_option(const YamlNode *map, size_t at, const OptionDecl *const *tables,
                           size_t table_count, Arena *arena, Error *err)
{
    size_t count = count_decls(tables, table_count), n = 0;
    const char **names = arena_array(arena, count, sizeof(*names));
    Text known = text_new(arena, 256);
    const char *nearest;

    for (size_t i = 0; i < table_count; i++)
        for (const OptionDecl *decl = tables[i]; decl && decl->name; decl++) {
            text_add(&known, n ? ", " : "");
            text_add(&known, decl->name);
            names[n++] = decl->name;
        }
    nearest = text_nearest(map->keys[at], names, n);
    if (nearest)
        return yaml_error(map->items[at], err, "unknown option \"%s\"; did you mean \"%s\"?",
                          map->keys[at], nearest);
    return yaml_error(map->items[at], err, "unknown option \"%s\"; known here: %s", map->keys[at],
                      text_get(&known));
}

static bool read_values(const YamlNode *map, const OptionDecl *table, Section *section,
                        Arena *arena, Error *err)
{
    for (const OptionDecl *decl = table; decl && decl->name; decl++) {
        OptionValue *value = &section->values[section->count++];
        const YamlNode *node = yaml_get(map, decl->name);

        if (!node && decl->required)
            return yaml_error(map, err, "option \"%s\" is required: %s", decl->name, decl->help);
        if (!option_value_read(decl, node, arena, value, err))
            return false;
    }
    return true;
}

bool section_read(const YamlNode *map, const OptionDecl *const *tables, size_t table_count,
                  Arena *arena, const Section **ret, Error *err)
{
    Section *section = arena_alloc(arena, sizeof(*section));

    if (map->kind != YAML_MAP)
        return yaml_error(map, err, "expected options, each as \"name: value\"");
    for (size_t i = 0; i < map->count; i++)
        if (!find_decl(tables, table_count, map->keys[i]))
            return unknown_option(map, i, tables, table_count, arena, err);
    section->values = arena_array(arena, count_decls(tables, table_count), sizeof(OptionValue));
    for (size_t i = 0; i < table_count; i++)
        if (!read_values(map, tables[i], section, arena, err))
            return false;
    *ret = section;
    return true;
}

/* Asking for what no table declares is a mistake in the program, found by the first test that runs
 * it. */
static const OptionValue *value_of(const Section *section, const char *name, unsigned types)
{
    for (size_t i = 0; i < section->count; i++) {
        const OptionValue *value = &section->values[i];

        if (text_equal(value->decl->name, name)) {
            if (types & (1U << value->decl->type))
                return value;
            fprintf(stderr, "mhsflow: option \"%s\" is not of the type asked for\n", name);
            abort();
        }
    }
    fprintf(stderr, "mhsflow: option \"%s\" is declared nowhere\n", name);
    abort();
}

#define AS(type) (1U << OPTION_##type)

const char *section_text(const Section *section, const char *name)
{
    return value_of(section, name,
                    AS(TEXT) | AS(CHOICE) | AS(PATH) | AS(SECRET) | AS(URL) | AS(COUNT) |
                        AS(DURATION) | AS(SIZE) | AS(BOOL))
        ->text;
}

int64_t section_number(const Section *section, const char *name)
{
    return value_of(section, name, AS(COUNT) | AS(DURATION) | AS(SIZE))->number;
}

bool section_bool(const Section *section, const char *name)
{
    return value_of(section, name, AS(BOOL))->number != 0;
}

const char *section_map(const Section *section, const char *name, const char *key)
{
    const OptionValue *value = value_of(section, name, AS(MAP));

    for (size_t i = 0; i < value->count; i++)
        if (text_equal(value->keys[i], key))
            return value->items[i];
    return NULL;
}

size_t section_keys(const Section *section, const char *name, const char *const **ret)
{
    const OptionValue *value = value_of(section, name, AS(MAP));

    *ret = value->keys;
    return value->count;
}

size_t section_list(const Section *section, const char *name, const char *const **ret)
{
    const OptionValue *value = value_of(section, name, AS(LIST) | AS(MAP));

    *ret = value->items;
    return value->count;
}

bool section_set(const Section *section, const char *name)
{
    return value_of(section, name, ~0U)->node != NULL;
}

const char *section_origin(const Section *section, const char *name, Arena *arena)
{
    const YamlNode *node = value_of(section, name, ~0U)->node;

    return node ? arena_format(arena, "%s:%d", node->file, node->line) : "default";
}

static bool same_items(const OptionValue *a, const OptionValue *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!text_equal(a->items[i], b->items[i]) ||
            (a->keys && b->keys && !text_equal(a->keys[i], b->keys[i])))
            return false;
    return true;
}

const char *section_restart(const Section *old, const Section *fresh, Arena *arena)
{
    for (size_t i = 0; i < fresh->count; i++) {
        const OptionValue *value = &fresh->values[i];

        if (value->decl->reload == OPTION_RELOAD || value->decl->type == OPTION_SECTIONS)
            continue;
        if (i >= old->count || !text_equal(old->values[i].decl->name, value->decl->name) ||
            !text_equal(old->values[i].text, value->text) || !same_items(&old->values[i], value))
            return arena_format(arena, "%s: %s", section_origin(fresh, value->decl->name, arena),
                                value->decl->name);
    }
    return NULL;
}
