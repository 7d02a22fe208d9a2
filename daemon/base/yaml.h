/* SPDX-License-Identifier: Apache-2.0 */
/* A strict subset of YAML as a tree of text, each node with its file, line and column.
 *
 * The subset: block or flow maps and lists, plain or quoted scalars on one line,
 * comments.  Refused with place: anchors, aliases, tags, merge keys, several
 * documents, doubled keys, plain scalars over several lines, anything not UTF-8,
 * a file over 4 MiB, a depth over 16.  Every scalar stays the text that was
 * written: NO is "NO", 010 is "010".  Settings, packs and mappings are read by it. */
#pragma once

#include "daemon/base/arena.h"

typedef enum YamlKind { YAML_TEXT, YAML_MAP, YAML_LIST } YamlKind;

typedef struct YamlNode {
    YamlKind kind;
    const char *file;  /* as given to yaml_load */
    int line, column;  /* from 1 */
    const char *text;  /* YAML_TEXT; "" for an empty value */
    bool quoted;       /* the text stood in quotes: "" is then text, not nothing */
    const char **keys; /* YAML_MAP: names beside values, in written order */
    struct YamlNode **items;
    size_t count;
} YamlNode;

bool yaml_load(const char *path, Arena *arena, YamlNode **ret_root, Error *err);
bool yaml_parse(const char *name, const char *bytes, size_t size, Arena *arena, YamlNode **ret_root,
                Error *err);

const YamlNode *yaml_get(const YamlNode *map, const char *key); /* NULL when absent or not a map */
const char *yaml_text(const YamlNode *map, const char *key);    /* NULL when absent or not text */

/* "FILE:LINE:COLUMN: message": ERROR_CONFIG "yaml.value" for whoever reads meaning into the tree.
 */
bool yaml_error(const YamlNode *node, Error *err, const char *format, ...) PRINTF_LIKE(3, 4);
