/* SPDX-License-Identifier: Apache-2.0 */
/* YAML from a person or a pack: a tree in which every node knows its place, or an error. */
#include "daemon/base/yaml.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const YamlNode *node, int depth)
{
    if (node->line < 1 || node->column < 1 || depth > 32)
        abort();
    if (node->kind == YAML_TEXT && !node->text)
        abort();
    for (size_t i = 0; node->kind != YAML_TEXT && i < node->count; i++)
        walk(node->items[i], depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error err = {0};
    YamlNode *root;
    Arena *arena = arena_new(16 << 20);
    if (yaml_parse("fuzz", (const char *)data, size, arena, &root, &err)) {
        if (root)
            walk(root, 0);
    } else if (!err.code) {
        abort();
    }
    arena_free(arena);
    return 0;
}
