/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one value by the type, bounds and choices that its declaration gives. */
#include "daemon/config/option_value.h"

#include "daemon/base/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Unit {
    const char *name;
    int64_t factor;
} Unit;

static const Unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 86400 * 1000}};
static const Unit sizes[] = {{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
static const Unit counts[] = {{"", 1}};

static bool number_with_unit(const char *text, const Unit *units, size_t unit_count, int64_t *ret)
{
    size_t digits = strspn(text, "0123456789");
    int64_t number;
    char plain[20];

    if (digits == 0 || digits >= sizeof(plain))
        return false;
    memcpy(plain, text, digits);
    plain[digits] = '\0';
    if (!text_to_int64(plain, &number))
        return false;
    for (size_t i = 0; i < unit_count; i++)
        if (text_equal(text + digits, units[i].name))
            return !__builtin_mul_overflow(number, units[i].factor, ret);
    return false;
}

static bool number_of(const OptionDecl *decl, const char *text, int64_t *ret)
{
    switch (decl->type) {
    case OPTION_DURATION:
        return number_with_unit(text, durations, COUNT_OF(durations), ret);
    case OPTION_SIZE:
        return number_with_unit(text, sizes, COUNT_OF(sizes), ret);
    default:
        return number_with_unit(text, counts, COUNT_OF(counts), ret);
    }
}

static bool read_number(const OptionDecl *decl, const YamlNode *node, const char *text,
                        OptionValue *ret, Error *err)
{
    static const char *const shapes[] = {
        [OPTION_COUNT] = "a whole number",
        [OPTION_DURATION] = "a duration such as 30s, 5m, 24h or 7d",
        [OPTION_SIZE] = "a size such as 512B, 8KiB or 64MiB",
    };
    int64_t bound;

    if (!number_of(decl, text, &ret->number))
        return yaml_error(node, err, "option \"%s\" must be %s, not \"%s\"", decl->name,
                          shapes[decl->type], text);
    if (decl->min && number_of(decl, decl->min, &bound) && ret->number < bound)
        return yaml_error(node, err, "option \"%s\" is %s, but must be at least %s", decl->name,
                          text, decl->min);
    if (decl->max && number_of(decl, decl->max, &bound) && ret->number > bound)
        return yaml_error(node, err, "option \"%s\" is %s, but must be at most %s", decl->name,
                          text, decl->max);
    return true;
}

static bool read_bool(const OptionDecl *decl, const YamlNode *node, const char *text,
                      OptionValue *ret, Error *err)
{
    if (!text_equal(text, "yes") && !text_equal(text, "no"))
        return yaml_error(node, err, "option \"%s\" must be yes or no, not \"%s\"", decl->name,
                          text);
    ret->number = text_equal(text, "yes");
    return true;
}

static bool read_choice(const OptionDecl *decl, const YamlNode *node, const char *text, Error *err)
{
    size_t length = strlen(text);

    for (const char *at = decl->choices; at;) {
        size_t size = strcspn(at, "|");

        if (size == length && memcmp(at, text, size) == 0)
            return true;
        at = at[size] ? at + size + 1 : NULL;
    }
    return yaml_error(node, err, "option \"%s\" must be one of %s, not \"%s\"", decl->name,
                      decl->choices, text);
}

static bool read_url(const OptionDecl *decl, const YamlNode *node, const char *text, Error *err)
{
    bool plain = text_equal(decl->choices, "http");
    const char *host = text_starts(text, "https://")           ? text + 8
                       : plain && text_starts(text, "http://") ? text + 7
                                                               : NULL;

    if (!host)
        return yaml_error(node, err, "option \"%s\" must begin with https://%s", decl->name,
                          plain ? " or http://" : "");
    if (!*host || strchr("/:?#", *host))
        return yaml_error(node, err, "option \"%s\" names no host", decl->name);
    for (const char *at = host; *at; at++)
        if (*at <= ' ' || *at > '~' || *at == '@' || *at == '?' || *at == '#')
            return yaml_error(node, err,
                              "option \"%s\" is a plain address: no user, query, fragment or space",
                              decl->name);
    return true;
}

/* A path is relative to the folder of the settings file, so that a folder of settings can move. */
static const char *resolve(const YamlNode *node, const char *text, Arena *arena)
{
    const char *slash;

    if (!node || text[0] == '/' || text_starts(text, "credential:") || text_starts(text, "pkcs11:"))
        return text;
    slash = strrchr(node->file, '/');
    if (!slash)
        return text;
    return arena_format(arena, "%.*s/%s", (int)(slash - node->file), node->file, text);
}

static bool read_items(const OptionDecl *decl, const YamlNode *node, Arena *arena, OptionValue *ret,
                       Error *err)
{
    YamlKind kind = decl->type == OPTION_MAP ? YAML_MAP : YAML_LIST;

    if (node->kind != kind)
        return yaml_error(node, err, "option \"%s\" must be a %s", decl->name,
                          kind == YAML_MAP ? "map: {name: value, …}" : "list: [value, …]");
    ret->items = arena_array(arena, node->count, sizeof(*ret->items));
    ret->keys = node->keys;
    ret->count = node->count;
    for (size_t i = 0; i < node->count; i++) {
        if (node->items[i]->kind != YAML_TEXT || !*node->items[i]->text)
            return yaml_error(node->items[i], err, "option \"%s\" holds plain texts only",
                              decl->name);
        ret->items[i] = node->items[i]->text;
    }
    return true;
}

static bool read_text(const OptionDecl *decl, const YamlNode *node, const char *text, Arena *arena,
                      OptionValue *ret, Error *err)
{
    ret->text = text;
    switch (decl->type) {
    case OPTION_COUNT:
    case OPTION_DURATION:
    case OPTION_SIZE:
        return read_number(decl, node, text, ret, err);
    case OPTION_BOOL:
        return read_bool(decl, node, text, ret, err);
    case OPTION_CHOICE:
        return read_choice(decl, node, text, err);
    case OPTION_URL:
        return read_url(decl, node, text, err);
    case OPTION_PATH:
    case OPTION_SECRET:
        ret->text = resolve(node, text, arena);
        return true;
    default:
        return true;
    }
}

static bool read_default(const OptionDecl *decl, Arena *arena, OptionValue *ret)
{
    static const YamlNode nowhere = {.file = "default", .line = 1, .column = 1};
    Error err = {0};
    char text[600];

    if (!decl->fallback || read_text(decl, &nowhere, decl->fallback, arena, ret, &err)) {
        ret->text = decl->fallback; /* as it stands: the default has no folder to be relative to */
        return true;
    }
    fprintf(stderr, "mhsflow: the default breaks its own bounds: %s\n",
            error_text(&err, text, sizeof(text)));
    abort();
}

bool option_value_read(const OptionDecl *decl, const YamlNode *node, Arena *arena, OptionValue *ret,
                       Error *err)
{
    OptionValue value = {.decl = decl, .node = node};
    bool ok = true;

    if (!node)
        ok = read_default(decl, arena, &value);
    else if (decl->type == OPTION_MAP || decl->type == OPTION_LIST)
        ok = read_items(decl, node, arena, &value, err);
    else if (decl->type == OPTION_SECTIONS)
        ok = true;
    else if (node->kind != YAML_TEXT)
        ok = yaml_error(node, err, "option \"%s\" is a single value", decl->name);
    else if (!*node->text && !node->quoted)
        ok = yaml_error(node, err, "option \"%s\" has no value; leave the line out for the default",
                        decl->name);
    else
        ok = read_text(decl, node, node->text, arena, &value, err);
    if (ok)
        *ret = value;
    return ok;
}
