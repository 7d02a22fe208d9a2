/* SPDX-License-Identifier: Apache-2.0 */
/* The closed lists of words of a mapping file: record types, paths and conditions. */
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/mapping/plan.h"

#include <string.h>

static const char *const type_words[TYPE_COUNT] = {
#define RECORD_TYPE(name, word, help) word,
#include "daemon/mapping/type.def"
#undef RECORD_TYPE
};

static const char *const link_words[LINK_COUNT] = {
#define LINK(name, word, help) word,
#include "daemon/mapping/link.def"
#undef LINK
};

bool record_type_find(const char *word, RecordType *ret)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (strcmp(type_words[i], word) == 0) {
            *ret = (RecordType)i;
            return true;
        }
    return false;
}

const char *record_type_name(RecordType type)
{
    return type_words[type];
}

static bool is_path(const char *text)
{
    if (!*text || *text == '.' || text[strlen(text) - 1] == '.' || strstr(text, ".."))
        return false;
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.")] == '\0';
}

bool path_parse(const YamlNode *place, const char *text, bool has_item, Arena *arena, Path *ret,
                Error *err)
{
    if (!is_path(text))
        return yaml_error(place, err, "\"%s\" is not a path of small letters, digits, _ and .",
                          text);
    *ret = (Path){.scope = SCOPE_RECORD, .path = arena_text(arena, text)};
    ret->text = ret->path;
    size_t length = strcspn(text, ".");
    if (length == 4 && strncmp(text, "item", 4) == 0) {
        if (!has_item)
            return yaml_error(place, err,
                              "\"%s\": the block's `each` names no list, so it has no item", text);
        ret->scope = SCOPE_ITEM;
        ret->path = text[4] ? ret->text + 5 : "";
        return true;
    }
    for (size_t i = 0; text[length] && i < LINK_COUNT; i++)
        if (strlen(link_words[i]) == length && strncmp(link_words[i], text, length) == 0) {
            ret->scope = SCOPE_LINK;
            ret->link = (Link)i;
            ret->path = ret->text + length + 1;
        }
    return true;
}

static void split_words(const char *text, Arena *arena, Condition *ret)
{
    size_t capacity = 0;
    while (true) {
        size_t length = strcspn(text, "|");
        ret->words = arena_grow(arena, ret->words, ret->word_count, &capacity, sizeof *ret->words);
        ret->words[ret->word_count++] = arena_copy(arena, text, length);
        if (!text[length])
            return;
        text += length + 1;
    }
}

static bool parse_has(const YamlNode *node, const char *rest, Condition *ret, Error *err)
{
    ret->kind = CONDITION_HAS;
    ret->not = text_starts(rest, "no ");
    const char *type = ret->not ? rest + 3 : rest;
    if (!record_type_find(type, &ret->type))
        return yaml_error(node, err, "\"%s\" is not a record type", type);
    return true;
}

static bool parse_condition(const YamlNode *node, bool has_item, Arena *arena, Condition *ret,
                            Error *err)
{
    *ret = (Condition){.kind = CONDITION_IS};
    if (node->kind != YAML_TEXT)
        return yaml_error(node, err,
                          "a condition is a text: PATH is VALUE, PATH is given, has TYPE");
    if (text_starts(node->text, "has "))
        return parse_has(node, node->text + 4, ret, err);
    const char *is = strstr(node->text, " is ");
    if (!is)
        return yaml_error(node, err,
                          "\"%s\" is not a condition: PATH is [not] VALUE|VALUE, "
                          "PATH is [not] given, has [no] TYPE",
                          node->text);
    const char *path = arena_copy(arena, node->text, (size_t)(is - node->text));
    if (!path_parse(node, path, has_item, arena, &ret->path, err))
        return false;
    is += strlen(" is ");
    ret->not = text_starts(is, "not ");
    is += ret->not ? strlen("not ") : 0;
    if (strcmp(is, "given") == 0)
        ret->kind = CONDITION_GIVEN;
    else
        split_words(is, arena, ret);
    return true;
}

bool conditions_parse(const YamlNode *node, bool has_item, Arena *arena, Conditions *ret,
                      Error *err)
{
    *ret = (Conditions){0};
    if (!node)
        return true;
    if (node->kind == YAML_MAP)
        return yaml_error(node, err, "conditions are one text or a list of texts");
    size_t count = node->kind == YAML_LIST ? node->count : 1;
    ret->items = arena_array(arena, count, sizeof *ret->items);
    for (size_t i = 0; i < count; i++) {
        const YamlNode *one = node->kind == YAML_LIST ? node->items[i] : node;
        if (!parse_condition(one, has_item, arena, &ret->items[ret->count++], err))
            return false;
    }
    return true;
}
