/* SPDX-License-Identifier: Apache-2.0 */
/* A mapping file to a compiled mapping: the file, its version, and its blocks in order. */
#include "daemon/mapping/load.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/digest.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"

#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT ((size_t)4 << 20)

enum { WORD_FILE, WORD_BLOCK, WORD_ITEM };
static const struct {
    int place;
    const char *word;
} words[] = {
#define WORD(place, word, help) {WORD_##place, word},
#include "daemon/mapping/word.def"
#undef WORD
};

static bool check_words(const YamlNode *map, int place, const char *what, Error *err)
{
    if (map->kind != YAML_MAP)
        return yaml_error(map, err, "%s must be a map", what);
    for (size_t i = 0; i < map->count; i++) {
        const char *known[COUNT_OF(words)];
        size_t count = 0;
        bool found = false;
        for (size_t j = 0; j < COUNT_OF(words); j++)
            if (words[j].place == place) {
                known[count++] = words[j].word;
                found = found || strcmp(words[j].word, map->keys[i]) == 0;
            }
        if (found)
            continue;
        const char *nearest = text_nearest(map->keys[i], known, count);
        return yaml_error(map->items[i], err, "\"%s\" is not a word of %s%s%s%s", map->keys[i],
                          what, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                          nearest ? "\"?" : "");
    }
    return true;
}

bool load_check_item_words(const YamlNode *map, Error *err)
{
    return check_words(map, WORD_ITEM, "an item", err);
}

void mapping_note_change(Mapping *mapping, Month month, Arena *arena)
{
    size_t at = 0;
    while (at < mapping->change_count && mapping->changes[at] < month)
        at++;
    if (at < mapping->change_count && mapping->changes[at] == month)
        return;
    mapping->changes = arena_grow(arena, mapping->changes, mapping->change_count,
                                  &mapping->change_capacity, sizeof *mapping->changes);
    memmove(mapping->changes + at + 1, mapping->changes + at,
            (mapping->change_count - at) * sizeof *mapping->changes);
    mapping->changes[at] = month;
    mapping->change_count++;
}

static bool read_each(const YamlNode *node, Arena *arena, Block *block, Error *err)
{
    const YamlNode *each = yaml_get(node, "each");
    if (!each || each->kind != YAML_TEXT)
        return yaml_error(node, err, "a block needs `each`: a record type, or a list in it");
    size_t length = strcspn(each->text, ".");
    const char *type = arena_copy(arena, each->text, length);
    if (!record_type_find(type, &block->type))
        return yaml_error(each, err, "\"%s\" is not a record type", type);
    if (each->text[length] && !each->text[length + 1])
        return yaml_error(each, err, "\"%s\" ends in a point", each->text);
    block->list = each->text[length] ? arena_text(arena, each->text + length + 1) : NULL;
    return true;
}

/* A text or a list of texts. */
static bool read_texts(const YamlNode *node, Arena *arena, const char ***ret, size_t *ret_count,
                       Error *err)
{
    *ret_count = 0;
    if (!node)
        return true;
    if (node->kind == YAML_MAP)
        return yaml_error(node, err, "expected a text or a list of texts");
    size_t count = node->kind == YAML_LIST ? node->count : 1;
    *ret = arena_array(arena, count, sizeof **ret);
    for (size_t i = 0; i < count; i++) {
        const YamlNode *one = node->kind == YAML_LIST ? node->items[i] : node;
        if (one->kind != YAML_TEXT || !one->text[0])
            return yaml_error(one, err, "expected a text");
        (*ret)[(*ret_count)++] = arena_text(arena, one->text);
    }
    return true;
}

static bool read_needs(const YamlNode *node, Arena *arena, Block *block, Error *err)
{
    const YamlNode *needs = yaml_get(node, "needs");
    const char **names = NULL;
    size_t count = 0;
    if (!read_texts(needs, arena, &names, &count, err))
        return false;
    block->needs = arena_array(arena, count, sizeof *block->needs);
    for (size_t i = 0; i < count; i++) {
        block->needs[i] = table_element(block->table, names[i]);
        if (!block->needs[i])
            return yaml_error(needs, err, "\"%s\" is not an element of %s", names[i],
                              block->table->name);
    }
    block->need_count = count;
    return true;
}

static bool read_items(Mapping *mapping, const YamlNode *node, Arena *arena, Block *block,
                       Error *err)
{
    const YamlNode *items = yaml_get(node, "items");
    if (!items || items->kind != YAML_MAP)
        return yaml_error(node, err, "a block needs `items`: one line for each national element");
    block->items = arena_array(arena, items->count, sizeof *block->items);
    for (size_t i = 0; i < items->count; i++) {
        const Element *element = table_element(block->table, items->keys[i]);
        if (!element)
            return yaml_error(items->items[i], err, "\"%s\" is not an element of %s",
                              items->keys[i], block->table->name);
        if (i && element->index <= block->items[i - 1].element->index)
            return yaml_error(items->items[i], err,
                              "\"%s\" stands before \"%s\" in the specification: keep its order",
                              element->name, block->items[i - 1].element->name);
        block->items[i].element = element;
        if (!load_item(mapping, block, items->items[i], arena, &block->items[i], err))
            return false;
        block->count++;
    }
    return true;
}

static bool read_block(Mapping *mapping, const YamlNode *node, Arena *arena, Block *block,
                       Error *err)
{
    if (!check_words(node, WORD_BLOCK, "a block", err))
        return false;
    block->mapping = mapping;
    block->line = node->line;
    const char *table = yaml_text(node, "table");
    block->table = table ? dataset_table(mapping->dataset, table) : NULL;
    if (!block->table)
        return yaml_error(node, err, "`table` must name a table of %s", mapping->dataset->name);
    if (!read_each(node, arena, block, err) || !read_needs(node, arena, block, err))
        return false;
    bool has_item = block->list != NULL;
    if (!conditions_parse(yaml_get(node, "where"), has_item, arena, &block->where, err) ||
        !conditions_parse(yaml_get(node, "unless"), has_item, arena, &block->unless, err) ||
        !read_texts(yaml_get(node, "used"), arena, &block->used, &block->used_count, err))
        return false;
    const char *distinct = yaml_text(node, "distinct");
    if (distinct && strcmp(distinct, "yes") != 0 && strcmp(distinct, "no") != 0)
        return yaml_error(node, err, "`distinct` is yes or no");
    block->distinct = distinct && strcmp(distinct, "yes") == 0;
    return read_items(mapping, node, arena, block, err);
}

static bool read_file(Mapping *mapping, const YamlNode *root, Arena *arena, Error *err)
{
    if (!check_words(root, WORD_FILE, "a mapping file", err))
        return false;
    mapping->name = yaml_text(root, "mapping");
    mapping->version = yaml_text(root, "version");
    const char *dataset = yaml_text(root, "dataset");
    const YamlNode *tables = yaml_get(root, "tables");
    if (!mapping->name || !mapping->version || !dataset || !tables || tables->kind != YAML_LIST)
        return yaml_error(
            root, err,
            "a mapping file needs `mapping`, `version`, `dataset` and a list of `tables`");
    if (strcmp(dataset, mapping->dataset->name) != 0)
        return yaml_error(root, err, "the mapping fills \"%s\", the data set loaded is \"%s\"",
                          dataset, mapping->dataset->name);
    mapping->blocks = arena_array(arena, tables->count, sizeof *mapping->blocks);
    for (size_t i = 0; i < tables->count; i++) {
        if (!read_block(mapping, tables->items[i], arena, &mapping->blocks[i], err) ||
            !arena_check(arena, err))
            return false;
        mapping->count++;
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(CodeTable *const *)a)->name, (*(CodeTable *const *)b)->name);
}

/* The version people count, and what they forget to count: a digest of every file read. */
static bool add_digest(Mapping *mapping, const char *bytes, size_t size, Arena *arena, Error *err)
{
    _cleanup_digest_ Digest *digest = digest_new();
    digest_add(digest, bytes, size);
    if (mapping->code_count)
        qsort(mapping->codes, mapping->code_count, sizeof *mapping->codes, by_name);
    for (size_t i = 0; i < mapping->code_count; i++) {
        char *content = NULL;
        size_t length = 0;
        const char *path = arena_format(arena, "%s/%s", mapping->folder, mapping->codes[i]->file);
        if (!file_read(path, FILE_LIMIT, arena, &content, &length, err))
            return false;
        digest_add(digest, content, length);
    }
    uint8_t sum[DIGEST_SIZE];
    char hex[DIGEST_HEX_SIZE];
    digest_finish(digest, sum);
    mapping->version = arena_format(arena, "%s-%.12s", mapping->version, digest_hex(sum, hex));
    return true;
}

bool mapping_open(const char *path, const Dataset *dataset, Arena *arena, const Mapping **ret,
                  Error *err)
{
    Mapping *mapping = arena_alloc(arena, sizeof *mapping);
    const char *slash = strrchr(path, '/');
    mapping->dataset = dataset;
    mapping->folder = slash ? arena_copy(arena, path, (size_t)(slash - path)) : ".";
    mapping->file = arena_text(arena, slash ? slash + 1 : path);
    char *bytes = NULL;
    size_t size = 0;
    YamlNode *root = NULL;
    if (!file_read(path, FILE_LIMIT, arena, &bytes, &size, err))
        return false;
    if (!yaml_parse(mapping->file, bytes, size, arena, &root, err) ||
        !read_file(mapping, root, arena, err) || !add_digest(mapping, bytes, size, arena, err))
        return error_wrap(err, "could not read mapping \"%s\"", path);
    *ret = mapping;
    return true;
}

const char *mapping_name(const Mapping *mapping)
{
    return mapping->name;
}

const char *mapping_version(const Mapping *mapping)
{
    return mapping->version;
}

const Dataset *mapping_dataset(const Mapping *mapping)
{
    return mapping->dataset;
}
