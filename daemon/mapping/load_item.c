/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of one national element: paths, code list, transform, effective months. */
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/mapping/load.h"

#include <string.h>

static bool read_paths(const YamlNode *node, bool has_item, Arena *arena, Path **ret,
                       size_t *ret_count, Error *err)
{
    if (!node)
        return true;
    if (node->kind == YAML_MAP)
        return yaml_error(node, err, "expected a path or a list of paths");
    size_t count = node->kind == YAML_LIST ? node->count : 1;
    *ret = arena_array(arena, count, sizeof **ret);
    for (size_t i = 0; i < count; i++) {
        const YamlNode *one = node->kind == YAML_LIST ? node->items[i] : node;
        if (one->kind != YAML_TEXT)
            return yaml_error(one, err, "expected a path");
        if (!path_parse(one, one->text, has_item, arena, &(*ret)[i], err))
            return false;
    }
    *ret_count = count;
    return true;
}

static bool read_transform(const YamlNode *node, MapLine *line, Error *err)
{
    const YamlNode *name = yaml_get(node, "transform");
    if (!name)
        return true;
    size_t count = 0;
    const char *const *names = transform_names(&count);
    line->transform = name->kind == YAML_TEXT ? transform_find(name->text) : NULL;
    if (line->transform)
        return true;
    const char *nearest = name->kind == YAML_TEXT ? text_nearest(name->text, names, count) : NULL;
    return yaml_error(name, err, "there is no transform of this name%s%s%s",
                      nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                      nearest ? "\"?" : "");
}

/* Every code the list gives must be one of the element's own, or blank. */
static bool check_codes(const YamlNode *node, const MapLine *line, Error *err)
{
    if (!line->element->codes)
        return true;
    for (size_t i = 0; i < line->codes->count; i++) {
        const CodeRow *row = &line->codes->rows[i];
        if (row->national[0] && row != line->codes->national &&
            !code_find(line->element->codes, row->national, 0))
            return yaml_error(node, err, "%s:%d: \"%s\" is not a national code of %s", row->file,
                              row->line, row->national, line->element->name);
    }
    return true;
}

static bool read_codes(Mapping *mapping, const YamlNode *node, Arena *arena, MapLine *line,
                       Error *err)
{
    const YamlNode *codes = yaml_get(node, "codes");
    const YamlNode *otherwise = yaml_get(node, "otherwise");
    if (!codes && otherwise)
        return yaml_error(otherwise, err, "`otherwise` goes with `codes`");
    if (!codes)
        return true;
    if (codes->kind != YAML_TEXT ||
        !code_table_load(mapping, codes, codes->text, arena, &line->codes, err))
        return codes->kind == YAML_TEXT ? false
                                        : yaml_error(codes, err, "`codes` names a code list");
    if (!otherwise || otherwise->kind != YAML_TEXT)
        return yaml_error(codes, err,
                          "`codes` needs `otherwise`: blank, as-is, or a national code");
    line->otherwise = OTHERWISE_VALUE;
    if (strcmp(otherwise->text, "blank") == 0)
        line->otherwise = OTHERWISE_BLANK;
    else if (strcmp(otherwise->text, "as-is") == 0)
        line->otherwise = OTHERWISE_AS_IS;
    else
        line->otherwise_value = arena_text(arena, otherwise->text);
    if (line->otherwise_value && line->element->codes &&
        !code_find(line->element->codes, line->otherwise_value, 0))
        return yaml_error(otherwise, err, "\"%s\" is not a national code of %s",
                          line->otherwise_value, line->element->name);
    return check_codes(codes, line, err);
}

static bool read_months(Mapping *mapping, const YamlNode *node, Arena *arena, MapLine *line,
                        Error *err)
{
    const char *from = yaml_text(node, "from_month"), *to = yaml_text(node, "to_month");
    if ((from && !civil_parse_month(from, &line->from_month)) ||
        (to && !civil_parse_month(to, &line->to_month)))
        return yaml_error(node, err, "`from_month` and `to_month` are months, YYYY-MM");
    if (line->from_month)
        mapping_note_change(mapping, line->from_month, arena);
    if (line->to_month)
        mapping_note_change(mapping, line->to_month + 1, arena);
    return true;
}

static bool read_max(const YamlNode *node, MapLine *line, Error *err)
{
    const char *text = yaml_text(node, "max");
    int64_t max = line->element->max;
    if (text && (!text_to_int64(text, &max) || max < 1 || max > 65536))
        return yaml_error(node, err, "`max` is a number of characters");
    line->max = max > 0 ? (size_t)max : 0;
    return true;
}

static bool check_sources(const YamlNode *node, const MapLine *line, Error *err)
{
    bool from_nothing = line->transform && line->transform->sees_nothing;
    if (line->value && (line->from_count || line->transform || line->codes))
        return yaml_error(node, err,
                          "`value` stands alone: no `from`, `transform` or `codes` beside it");
    if (!line->value && !line->from_count && !from_nothing)
        return yaml_error(node, err, "a line needs `from` or `value`");
    return true;
}

static bool read_line(Mapping *mapping, const Block *block, const YamlNode *node, Arena *arena,
                      MapLine *line, Error *err)
{
    bool has_item = block->list != NULL;
    if (!load_check_item_words(node, err))
        return false;
    line->value = arena_text(arena, yaml_text(node, "value"));
    line->file = mapping->file;
    line->line = node->line;
    return read_paths(yaml_get(node, "from"), has_item, arena, &line->from, &line->from_count,
                      err) &&
           read_paths(yaml_get(node, "with"), has_item, arena, &line->with, &line->with_count,
                      err) &&
           conditions_parse(yaml_get(node, "when"), has_item, arena, &line->when, err) &&
           read_transform(node, line, err) && read_codes(mapping, node, arena, line, err) &&
           read_months(mapping, node, arena, line, err) && read_max(node, line, err) &&
           check_sources(node, line, err);
}

bool load_item(Mapping *mapping, const Block *block, const YamlNode *node, Arena *arena, Item *item,
               Error *err)
{
    size_t count = node->kind == YAML_LIST ? node->count : 1;
    item->lines = arena_array(arena, count, sizeof *item->lines);
    for (size_t i = 0; i < count; i++) {
        MapLine *line = &item->lines[i];
        line->block = block;
        line->element = item->element;
        const YamlNode *one = node->kind == YAML_LIST ? node->items[i] : node;
        if (!read_line(mapping, block, one, arena, line, err))
            return false;
    }
    item->count = count;
    return true;
}
