/* SPDX-License-Identifier: Apache-2.0 */
/* A strict subset of YAML as a tree of text. */
#include "daemon/base/yaml.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#define LARGEST_FILE ((size_t)4 << 20)
#define DEEPEST 16

typedef struct Loader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool held; /* event holds something to delete */
    const char *file;
    Arena *arena;
    Error *err;
} Loader;

static bool refuse(const Loader *loader, yaml_mark_t at, const char *format, ...) PRINTF_LIKE(3, 4);
static bool refuse(const Loader *loader, yaml_mark_t at, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(loader->err, ERROR_CONFIG, "yaml.syntax", "%s:%zu:%zu: %s", loader->file,
                     at.line + 1, at.column + 1, text);
}

static bool next(Loader *loader)
{
    if (loader->held)
        yaml_event_delete(&loader->event);
    loader->held = yaml_parser_parse(&loader->parser, &loader->event);
    if (loader->held)
        return true;
    yaml_mark_t at = loader->parser.problem_mark;
    return refuse(loader, at, "%s",
                  loader->parser.problem ? loader->parser.problem : "cannot be read");
}

static YamlNode *node_new(Loader *loader, YamlKind kind)
{
    YamlNode *node = arena_alloc(loader->arena, sizeof *node);
    *node = (YamlNode){.kind = kind,
                       .file = loader->file,
                       .line = (int)loader->event.start_mark.line + 1,
                       .column = (int)loader->event.start_mark.column + 1};
    return node;
}

static bool read_node(Loader *loader, int depth, YamlNode **ret);

static bool read_scalar(Loader *loader, YamlNode **ret)
{
    const yaml_event_t *event = &loader->event;
    if (event->data.scalar.anchor || event->data.scalar.tag)
        return refuse(loader, event->start_mark, "anchors and tags are not used here");
    if (event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
        event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE ||
        event->start_mark.line != event->end_mark.line)
        return refuse(loader, event->start_mark,
                      "a value must stand on one line; is a brace or a quote missing?");
    const char *bytes = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    if (!text_is_utf8(bytes, size))
        return refuse(loader, event->start_mark, "a control character or bad UTF-8 in a value");
    YamlNode *node = node_new(loader, YAML_TEXT);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (size == 1 && *bytes == '~' && !node->quoted)
        return refuse(loader, event->start_mark, "leave the value out instead of writing ~");
    node->text = arena_copy(loader->arena, bytes, size);
    *ret = node;
    return true;
}

static bool read_key(Loader *loader, const YamlNode *map, const char **ret)
{
    YamlNode *key;
    if (loader->event.type != YAML_SCALAR_EVENT)
        return refuse(loader, loader->event.start_mark, "a name must be plain text");
    if (!read_scalar(loader, &key))
        return false;
    if (strcmp(key->text, "<<") == 0)
        return refuse(loader, loader->event.start_mark, "merge keys are not used here");
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i], key->text) == 0)
            return refuse(loader, loader->event.start_mark, "\"%.64s\" stands here twice",
                          key->text);
    *ret = key->text;
    return true;
}

static bool read_map(Loader *loader, int depth, YamlNode **ret)
{
    size_t key_capacity = 0, item_capacity = 0;
    if (loader->event.data.mapping_start.anchor || loader->event.data.mapping_start.tag)
        return refuse(loader, loader->event.start_mark, "anchors and tags are not used here");
    YamlNode *map = node_new(loader, YAML_MAP);
    for (;;) {
        if (!next(loader))
            return false;
        if (loader->event.type == YAML_MAPPING_END_EVENT)
            break;
        map->keys =
            arena_grow(loader->arena, map->keys, map->count, &key_capacity, sizeof *map->keys);
        map->items =
            arena_grow(loader->arena, map->items, map->count, &item_capacity, sizeof *map->items);
        if (!read_key(loader, map, &map->keys[map->count]) || !next(loader) ||
            !read_node(loader, depth + 1, &map->items[map->count]))
            return false;
        map->count++;
    }
    *ret = map;
    return true;
}

static bool read_list(Loader *loader, int depth, YamlNode **ret)
{
    size_t capacity = 0;
    if (loader->event.data.sequence_start.anchor || loader->event.data.sequence_start.tag)
        return refuse(loader, loader->event.start_mark, "anchors and tags are not used here");
    YamlNode *list = node_new(loader, YAML_LIST);
    for (;;) {
        if (!next(loader))
            return false;
        if (loader->event.type == YAML_SEQUENCE_END_EVENT)
            break;
        list->items =
            arena_grow(loader->arena, list->items, list->count, &capacity, sizeof *list->items);
        if (!read_node(loader, depth + 1, &list->items[list->count]))
            return false;
        list->count++;
    }
    *ret = list;
    return true;
}

/* The event at hand begins the node. */
static bool read_node(Loader *loader, int depth, YamlNode **ret)
{
    if (depth > DEEPEST)
        return refuse(loader, loader->event.start_mark, "nested deeper than %d", DEEPEST);
    switch (loader->event.type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(loader, ret);
    case YAML_MAPPING_START_EVENT:
        return read_map(loader, depth, ret);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(loader, depth, ret);
    case YAML_ALIAS_EVENT:
        return refuse(loader, loader->event.start_mark, "aliases are not used here");
    default:
        return refuse(loader, loader->event.start_mark, "a value is missing");
    }
}

static bool read_document(Loader *loader, YamlNode **ret)
{
    if (!next(loader) || !next(loader))
        return false;
    if (loader->event.type == YAML_STREAM_END_EVENT) {
        *ret = node_new(loader, YAML_MAP); /* an empty file says nothing, which is allowed */
        return true;
    }
    if (loader->event.data.document_start.version_directive ||
        loader->event.data.document_start.tag_directives.start !=
            loader->event.data.document_start.tag_directives.end)
        return refuse(loader, loader->event.start_mark, "directives are not used here");
    if (!next(loader) || !read_node(loader, 0, ret) || !next(loader) || !next(loader))
        return false;
    if (loader->event.type != YAML_STREAM_END_EVENT)
        return refuse(loader, loader->event.start_mark, "only one document may stand in a file");
    return true;
}

bool yaml_parse(const char *name, const char *bytes, size_t size, Arena *arena, YamlNode **ret_root,
                Error *err)
{
    Loader loader = {.file = arena_text(arena, name), .arena = arena, .err = err};
    if (size > LARGEST_FILE)
        return error_set(err, ERROR_CONFIG, "yaml.size", "%s: larger than 4 MiB", name);
    if (!yaml_parser_initialize(&loader.parser))
        return error_set(err, ERROR_LATER, "yaml.memory", "could not start reading %s", name);
    yaml_parser_set_encoding(&loader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&loader.parser, (const unsigned char *)bytes, size);
    bool done = read_document(&loader, ret_root);
    if (loader.held)
        yaml_event_delete(&loader.event);
    yaml_parser_delete(&loader.parser);
    return done;
}

bool yaml_load(const char *path, Arena *arena, YamlNode **ret_root, Error *err)
{
    char *bytes;
    size_t size;
    return file_read(path, LARGEST_FILE, arena, &bytes, &size, err) &&
           yaml_parse(path, bytes, size, arena, ret_root, err);
}

const YamlNode *yaml_get(const YamlNode *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i], key) == 0)
            return map->items[i];
    return NULL;
}

const char *yaml_text(const YamlNode *map, const char *key)
{
    const YamlNode *node = yaml_get(map, key);
    return node && node->kind == YAML_TEXT ? node->text : NULL;
}

bool yaml_error(const YamlNode *node, Error *err, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(err, ERROR_CONFIG, "yaml.value", "%s:%d:%d: %s", node->file, node->line,
                     node->column, text);
}
