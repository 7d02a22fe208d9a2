/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the settings file whole, checks it whole, and answers where things are. */
#include "daemon/config/config.h"

#include "daemon/base/text.h"
#include "daemon/config/option_value.h"

#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

static bool made_of(const char *text, const char *allowed, size_t least, size_t most)
{
    size_t length = strlen(text);

    return length >= least && length <= most && strspn(text, allowed) == length;
}

static const NamedSection *find(const NamedSection *sections, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(sections[i].name, name))
            return &sections[i];
    return NULL;
}

/* An item of feeds or routes: its own table is that of the adapter it names. */
static bool read_adapter_item(const char *kind, const YamlNode *node, const OptionDecl *common,
                              AdapterOptions adapter_options, Arena *arena, NamedSection *ret,
                              Error *err)
{
    const YamlNode *adapter = yaml_get(node, "adapter"), *name = yaml_get(node, "name");
    const OptionDecl *tables[2] = {common, NULL};

    if (adapter && adapter->kind == YAML_TEXT) {
        tables[1] = adapter_options(kind, adapter->text);
        if (!tables[1])
            return yaml_error(adapter, err, "there is no %s adapter \"%s\"", kind, adapter->text);
    }
    if (!section_read(node, tables, tables[1] ? 2 : 1, arena, &ret->section, err))
        return false;
    ret->name = section_text(ret->section, "name");
    ret->adapter = section_text(ret->section, "adapter");
    if (!made_of(ret->name, SMALL DIGITS "-", 1, 32))
        return yaml_error(name, err,
                          "a name is made of a to z, 0 to 9 and -, and has at most 32 characters");
    return true;
}

static bool read_provider_item(const YamlNode *node, Arena *arena, NamedSection *ret, Error *err)
{
    static const char *const codes[] = {"code", "submitter", "commissioner"};
    const OptionDecl *tables[] = {provider_options};

    if (!section_read(node, tables, 1, arena, &ret->section, err))
        return false;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        const char *text = section_text(ret->section, codes[i]);

        if (text && !made_of(text, LETTERS DIGITS, 3, 6))
            return yaml_error(yaml_get(node, codes[i]), err,
                              "\"%s\" is not an ODS code (3 to 6 capital letters and digits)",
                              text);
    }
    if (strlen(section_text(ret->section, "prim_system")) > 20)
        return yaml_error(yaml_get(node, "prim_system"), err,
                          "option \"prim_system\" has more than 20 characters");
    ret->name = section_text(ret->section, "code");
    return true;
}

typedef struct ListReader {
    const char *key, *kind; /* "feeds", "feed" */
    const OptionDecl *common;
} ListReader;

static bool read_list(const YamlNode *root, const ListReader *reader,
                      AdapterOptions adapter_options, Arena *arena, NamedSection **ret,
                      size_t *ret_count, Error *err)
{
    const YamlNode *list = yaml_get(root, reader->key);
    NamedSection *sections;

    *ret_count = 0;
    if (!list)
        return true;
    if (list->kind != YAML_LIST)
        return yaml_error(list, err, "\"%s\" is a list: each item begins with \"- \"", reader->key);
    sections = arena_array(arena, list->count, sizeof(*sections));
    for (size_t i = 0; i < list->count; i++) {
        const YamlNode *item = list->items[i];
        bool ok = reader->common == provider_options
                      ? read_provider_item(item, arena, &sections[i], err)
                      : read_adapter_item(reader->kind, item, reader->common, adapter_options,
                                          arena, &sections[i], err);

        if (!ok)
            return false;
        if (find(sections, i, sections[i].name))
            return yaml_error(item, err, "there are two %ss \"%s\"", reader->kind,
                              sections[i].name);
    }
    *ret = sections;
    *ret_count = list->count;
    return true;
}

/* National ids begin with the feed's prefix: two feeds with one prefix could give two people one
 * id. */
static bool check_prefixes(const YamlNode *root, const Config *config, Error *err)
{
    const YamlNode *list = yaml_get(root, "feeds");

    for (size_t i = 0; i < config->feed_count; i++) {
        const char *prefix = section_text(config->feeds[i].section, "id_prefix");

        if (!made_of(prefix, LETTERS SMALL DIGITS, 0, 4))
            return yaml_error(yaml_get(list->items[i], "id_prefix"), err,
                              "option \"id_prefix\" has at most 4 letters or digits");
        for (size_t k = 0; k < i; k++)
            if (text_equal(prefix, section_text(config->feeds[k].section, "id_prefix")))
                return yaml_error(list->items[i], err,
                                  "feeds \"%s\" and \"%s\" have the same id_prefix \"%s\"",
                                  config->feeds[k].name, config->feeds[i].name, prefix);
    }
    return true;
}

static bool check_routes(const YamlNode *root, const Config *config, Arena *arena, Error *err)
{
    const YamlNode *list = yaml_get(root, "providers");
    const char **names = arena_array(arena, config->route_count + 1, sizeof(*names));

    for (size_t i = 0; i < config->route_count; i++)
        names[i] = config->routes[i].name;
    for (size_t i = 0; i < config->provider_count; i++) {
        const char *route = section_text(config->providers[i].section, "route");
        const YamlNode *node = yaml_get(list->items[i], "route");
        const char *nearest;

        if (config_route(config, route))
            continue;
        nearest = text_nearest(route, names, config->route_count);
        if (nearest)
            return yaml_error(node, err, "there is no route \"%s\"; did you mean \"%s\"?", route,
                              nearest);
        return yaml_error(node, err, "there is no route \"%s\" in \"routes\"", route);
    }
    if (config->provider_count && !config->signing)
        return yaml_error(root, err,
                          "\"signing\" is required: nothing leaves for a provider unsigned");
    return true;
}

static bool check_seal_name(const YamlNode *root, const Config *config, Error *err)
{
    return made_of(section_text(config->main, "seal_name"), LETTERS SMALL DIGITS "-./_", 1, 64) ||
           yaml_error(yaml_get(root, "seal_name"), err,
                      "\"seal_name\" is made of letters, digits and - . / _, and has at most 64");
}

static bool read_signing(const YamlNode *root, Arena *arena, Config *config, Error *err)
{
    const YamlNode *node = yaml_get(root, "signing");
    const OptionDecl *tables[] = {signing_options};

    return !node || section_read(node, tables, 1, arena, &config->signing, err);
}

static bool is_loopback(const char *listen)
{
    return text_starts(listen, "127.") || text_starts(listen, "[::1]:") ||
           text_starts(listen, "localhost:") || text_starts(listen, "unix:");
}

/* Pages with personal data never go over a network unencrypted, and nobody is believed unproven. */
static bool read_console(const YamlNode *root, Arena *arena, Config *config, Error *err)
{
    const YamlNode *node = yaml_get(root, "console");
    const OptionDecl *tables[] = {console_options};
    const Section *section;

    if (!node)
        return true;
    if (!section_read(node, tables, 1, arena, &section, err))
        return false;
    config->console = section;
    if (!section_text(section, "certificate") != !section_text(section, "key"))
        return yaml_error(node, err, "\"certificate\" and \"key\" go together");
    if (!section_text(section, "certificate") && !is_loopback(section_text(section, "listen")))
        return yaml_error(yaml_get(node, "listen"), err,
                          "\"listen\" is an address that others reach, so \"certificate\" and "
                          "\"key\" are required");
    if (!section_text(section, "proxy_header") != !section_text(section, "proxy_secret"))
        return yaml_error(node, err, "\"proxy_header\" and \"proxy_secret\" go together");
    return true;
}

bool config_load(const char *path, AdapterOptions adapter_options, Arena *arena, const Config **ret,
                 Error *err)
{
    static const ListReader feeds = {"feeds", "feed", feed_options};
    static const ListReader routes = {"routes", "route", route_options};
    static const ListReader providers = {"providers", "provider", provider_options};
    Config *config = arena_alloc(arena, sizeof(*config));
    const OptionDecl *tables[] = {config_options};
    YamlNode *root;

    config->path = arena_text(arena, path);
    if (!yaml_load(config->path, arena, &root, err))
        return error_wrap(err, "reading the settings");
    if (!section_read(root, tables, 1, arena, &config->main, err) ||
        !read_signing(root, arena, config, err) || !read_console(root, arena, config, err) ||
        !read_list(root, &feeds, adapter_options, arena, &config->feeds, &config->feed_count,
                   err) ||
        !read_list(root, &routes, adapter_options, arena, &config->routes, &config->route_count,
                   err) ||
        !read_list(root, &providers, adapter_options, arena, &config->providers,
                   &config->provider_count, err) ||
        !check_seal_name(root, config, err) || !check_prefixes(root, config, err) ||
        !check_routes(root, config, arena, err))
        return false;
    *ret = config;
    return true;
}

const NamedSection *config_feed(const Config *config, const char *name)
{
    return find(config->feeds, config->feed_count, name);
}

const NamedSection *config_route(const Config *config, const char *name)
{
    return find(config->routes, config->route_count, name);
}

const NamedSection *config_provider(const Config *config, const char *code)
{
    return find(config->providers, config->provider_count, code);
}

const char *config_state_path(const Config *config, Arena *arena, const char *relative)
{
    return arena_format(arena, "%s/%s", section_text(config->main, "state"), relative);
}

bool config_database_embedded(const Config *config)
{
    return text_equal(section_text(config->main, "database"), "embedded");
}

const char *config_database_socket(const Config *config, Arena *arena)
{
    return config_state_path(config, arena, "run/database");
}

/* In a connection string a value stands in single quotes, with \ before \ and '. */
static const char *quoted(const char *value, Arena *arena)
{
    Text text = text_new(arena, 8192);

    for (const char *at = value; *at; at++)
        text_addf(&text, "%s%c", *at == '\\' || *at == '\'' ? "\\" : "", *at);
    return text_get(&text);
}

const char *config_database(const Config *config, Arena *arena)
{
    if (!config_database_embedded(config))
        return section_text(config->main, "database");
    return arena_format(arena, "host='%s' dbname=mhsflow user=mhsflow",
                        quoted(config_database_socket(config, arena), arena));
}

bool config_database_own_logins(const Config *config)
{
    return config_database_embedded(config) ||
           text_equal(section_text(config->main, "database_login"), "own");
}

/* In a connection string the last word counts, in both of its forms. */
const char *config_database_as(const Config *config, const char *login, Arena *arena)
{
    const char *owner = config_database(config, arena);

    if (!config_database_own_logins(config))
        return owner;
    if (text_starts(owner, "postgresql://") || text_starts(owner, "postgres://"))
        return arena_format(arena, "%s%cuser=%s", owner, strchr(owner, '?') ? '&' : '?', login);
    return arena_format(arena, "%s user=%s", owner, login);
}

static const char *signing_path(const Config *config, Arena *arena, const char *option,
                                const char *fallback)
{
    const char *set = config->signing ? section_text(config->signing, option) : NULL;

    return set ? set : config_state_path(config, arena, fallback);
}

const char *config_sign_socket(const Config *config, Arena *arena)
{
    return signing_path(config, arena, "socket", "run/sign/sign.sock");
}

const char *config_sign_log(const Config *config, Arena *arena)
{
    return signing_path(config, arena, "log", "sign/signed.log");
}

const char *config_seal_folder(const Config *config, Arena *arena)
{
    return config_state_path(config, arena, "seal");
}

static const char *list_restart(const NamedSection *old, size_t old_count,
                                const NamedSection *fresh, size_t count, Arena *arena)
{
    if (old_count != count)
        return "an item of feeds, routes or providers came or went";
    for (size_t i = 0; i < count; i++) {
        const char *reason = section_restart(old[i].section, fresh[i].section, arena);

        if (reason)
            return reason;
    }
    return NULL;
}

const char *config_needs_restart(const Config *old, const Config *fresh, Arena *arena)
{
    const char *reason = section_restart(old->main, fresh->main, arena);

    if (!reason && !old->signing != !fresh->signing)
        reason = "the section \"signing\" came or went";
    if (!reason && old->signing)
        reason = section_restart(old->signing, fresh->signing, arena);
    if (!reason && !old->console != !fresh->console)
        reason = "the section \"console\" came or went";
    if (!reason && old->console)
        reason = section_restart(old->console, fresh->console, arena);
    if (!reason)
        reason = list_restart(old->feeds, old->feed_count, fresh->feeds, fresh->feed_count, arena);
    if (!reason)
        reason =
            list_restart(old->routes, old->route_count, fresh->routes, fresh->route_count, arena);
    if (!reason)
        reason = list_restart(old->providers, old->provider_count, fresh->providers,
                              fresh->provider_count, arena);
    return reason;
}
