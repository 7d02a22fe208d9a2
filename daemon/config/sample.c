/* SPDX-License-Identifier: Apache-2.0 */
/* The sample settings file and the settings reference, from the tables of options. */
#include "daemon/config/config.h"

#include <string.h>

enum { WIDTH = 96 };

const char *option_type_name(OptionType type)
{
    static const char *const names[] = {
        [OPTION_TEXT] = "text", [OPTION_COUNT] = "number",      [OPTION_DURATION] = "duration",
        [OPTION_SIZE] = "size", [OPTION_BOOL] = "yes or no",    [OPTION_CHOICE] = "choice",
        [OPTION_PATH] = "path", [OPTION_SECRET] = "credential", [OPTION_URL] = "address",
        [OPTION_MAP] = "map",   [OPTION_LIST] = "list",         [OPTION_SECTIONS] = "section",
    };

    return names[type];
}

static void add_comment(const char *words, const char *indent, Text *out)
{
    size_t column = 0;

    while (*words) {
        size_t size = strcspn(words, " ");

        if (column && column + 1 + size > WIDTH - strlen(indent)) {
            text_add(out, "\n");
            column = 0;
        }
        if (!column) {
            text_add(out, indent);
            text_add(out, "#");
            column = 1;
        }
        text_add(out, " ");
        text_add_bytes(out, words, size);
        column += 1 + size;
        words += size;
        words += strspn(words, " ");
    }
    text_add(out, "\n");
}

/* What is allowed, in a few words; NULL when the type's name says it all. */
const char *option_limits(const OptionDecl *decl, Arena *arena)
{
    if (decl->type == OPTION_CHOICE)
        return arena_format(arena, "%s", decl->choices);
    if (decl->min && decl->max)
        return arena_format(arena, "%s to %s", decl->min, decl->max);
    if (decl->min)
        return arena_format(arena, "from %s", decl->min);
    if (decl->max)
        return arena_format(arena, "up to %s", decl->max);
    return NULL;
}

/* Where the data lies in a packaged program, whatever folder this one was built for. */
#define PACKAGED "/usr/share/mhsflow"

const char *option_default(const OptionDecl *decl, Arena *arena)
{
    if (!decl->fallback)
        return decl->type == OPTION_MAP ? "{}" : decl->type == OPTION_LIST ? "[]" : NULL;
    if (text_starts(decl->fallback, MHSFLOW_DATADIR "/"))
        return arena_format(arena, PACKAGED "%s", decl->fallback + strlen(MHSFLOW_DATADIR));
    return *decl->fallback ? decl->fallback : "\"\"";
}

void option_sample(const OptionDecl *table, const char *indent, OptionExample example, Text *out)
{
    const char *blank = arena_format(out->arena, "%*s", (int)strlen(indent), "");
    const char *before = indent; /* "  - " before the first option of a list's item */

    for (const OptionDecl *decl = table; decl && decl->name; decl++) {
        const char *limits = option_limits(decl, out->arena);
        const char *fallback = option_default(decl, out->arena);

        if (decl->type == OPTION_SECTIONS)
            continue;
        text_add(out, "\n");
        add_comment(decl->help, blank, out);
        if (limits)
            add_comment(arena_format(out->arena, "Allowed: %s.", limits), blank, out);
        if (decl->required)
            text_addf(out, "%s%s: %s\n", before, decl->name, example(decl));
        else
            text_addf(out, "%s#%s: %s\n", blank, decl->name, fallback ? fallback : example(decl));
        before = blank;
    }
}

/* A bar inside a cell of a Markdown table would end the cell. */
static void add_cell(const char *value, bool code, Text *out)
{
    text_add(out, code ? " `" : " ");
    for (; *value; value++)
        text_addf(out, "%s%c", *value == '|' ? "\\" : "", *value);
    text_add(out, code ? "` |" : " |");
}

void option_reference(const OptionDecl *table, Text *out)
{
    text_add(
        out,
        "| option | type | default | allowed | reload | meaning |\n|---|---|---|---|---|---|\n");
    for (const OptionDecl *decl = table; decl && decl->name; decl++) {
        const char *limits = option_limits(decl, out->arena);
        const char *fallback = option_default(decl, out->arena);

        if (decl->type == OPTION_SECTIONS)
            continue;
        text_add(out, "|");
        add_cell(decl->name, true, out);
        add_cell(option_type_name(decl->type), false, out);
        add_cell(decl->required ? "required" : fallback ? fallback : "–", fallback != NULL, out);
        add_cell(limits ? limits : "–", false, out);
        add_cell(decl->reload == OPTION_RELOAD ? "yes" : "restart", false, out);
        add_cell(decl->help, false, out);
        text_add(out, "\n");
    }
}

typedef struct Example {
    const char *name, *text;
} Example;

/* Made-up values for what has no default; by option name, else by type. */
static const char *example_of(const OptionDecl *decl)
{
    static const Example examples[] = {
        {"code", "V9X01"},
        {"submitter", "V9X01"},
        {"commissioner", "V9C01"},
        {"route", "receiver"},
        {"certificate", "signing.crt"},
        {"key", "credential:sign_key"},
        {"seal_key", "credential:seal_key"},
        {"reference", "reference.csv"},
        {"socket", "/run/mhsflow/sign/sign.sock"},
        {"log", "/var/lib/mhsflow/sign/signed.log"},
        {"ca", "ca.pem"},
        {"client_certificate", "client.pem"},
        {"proxy", "http://proxy.example.org:3128"},
    };

    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
        if (text_equal(examples[i].name, decl->name))
            return examples[i].text;
    switch (decl->type) {
    case OPTION_URL:
        return "https://localhost/";
    case OPTION_SECRET:
        return "credential:token";
    case OPTION_CHOICE:
        return decl->choices;
    default:
        return "example";
    }
}

/* Which list item is being written decides what "name" and "adapter" look like. */
static const char *feed_example(const OptionDecl *decl)
{
    return text_equal(decl->name, "name")      ? "case-management"
           : text_equal(decl->name, "adapter") ? "mef"
           : text_equal(decl->name, "url")     ? "https://feed.example.org/export/v1"
           : text_equal(decl->name, "token")   ? "credential:poll_token"
           : decl->type == OPTION_SECRET       ? "credential:poll_client_key"
                                               : example_of(decl);
}

static const char *route_example(const OptionDecl *decl)
{
    return text_equal(decl->name, "name")      ? "receiver"
           : text_equal(decl->name, "adapter") ? "https"
           : text_equal(decl->name, "url")     ? "https://receiver.example.org/msr/v1"
           : decl->type == OPTION_SECRET       ? "credential:submit_client_key"
                                               : example_of(decl);
}

static const char *console_example(const OptionDecl *decl)
{
    return text_equal(decl->name, "certificate")    ? "console.crt"
           : text_equal(decl->name, "key")          ? "credential:console_key"
           : text_equal(decl->name, "proxy_header") ? "X-Remote-User"
           : text_equal(decl->name, "proxy_secret") ? "credential:console_proxy"
                                                    : example_of(decl);
}

static void add_section(const char *name, Text *out)
{
    for (const OptionDecl *decl = config_options; decl->name; decl++)
        if (text_equal(decl->name, name)) {
            text_add(out, "\n");
            add_comment(decl->help, "", out);
        }
    text_addf(out, "%s:\n", name);
}

/* A section that most sites begin without is commented out, its name too. */
static void add_optional(const char *name, const OptionDecl *table, Text *out)
{
    for (const OptionDecl *decl = config_options; decl->name; decl++)
        if (text_equal(decl->name, name)) {
            text_add(out, "\n");
            add_comment(decl->help, "", out);
        }
    text_addf(out, "#%s:\n", name);
    option_sample(table, "  ", console_example, out);
}

/* The first adapter of the kind shows its options live; those of the others stand in the reference.
 */
static void add_list(const char *name, const char *kind, const OptionDecl *common,
                     const AdapterInfo *adapters, size_t count, OptionExample example, Text *out)
{
    add_section(name, out);
    option_sample(common, "  - ", example, out);
    for (size_t i = 0; i < count; i++)
        if (text_equal(adapters[i].kind, kind) &&
            text_equal(adapters[i].name, example(&(OptionDecl){.name = "adapter"}))) {
            text_addf(out, "\n    # -- %s: %s\n", adapters[i].name, adapters[i].summary);
            option_sample(adapters[i].options, "    ", example, out);
        }
}

void config_sample(const AdapterInfo *adapters, size_t count, Text *out)
{
    text_add(
        out,
        "# Settings of mhsflow.  Every line that begins with # shows a default or an example.\n"
        "# After a change: `mhsflow check`, then reload mhsflowd.\n"
        "# This file is made from the program's own tables (mhsflow check --sample).\n");
    option_sample(config_options, "", example_of, out);
    add_section("signing", out);
    option_sample(signing_options, "  ", example_of, out);
    add_optional("console", console_options, out);
    add_list("feeds", "feed", feed_options, adapters, count, feed_example, out);
    add_list("routes", "route", route_options, adapters, count, route_example, out);
    add_list("providers", "", provider_options, adapters, 0, example_of, out);
}

const ConfigSection config_sections[] = {
    {"Top of the file", config_options},
    {"signing", signing_options},
    {"console", console_options},
    {"feeds: each item", feed_options},
    {"routes: each item", route_options},
    {"providers: each item", provider_options},
    {0},
};

void config_reference(const AdapterInfo *adapters, size_t count, Text *out)
{
    for (const ConfigSection *section = config_sections; section->title; section++) {
        text_addf(out, "\n### %s\n\n", section->title);
        option_reference(section->table, out);
    }
    for (size_t i = 0; i < count; i++) {
        text_addf(out, "\n### %s adapter `%s`\n\n%s.\n\n", adapters[i].kind, adapters[i].name,
                  adapters[i].summary);
        option_reference(adapters[i].options, out);
    }
}
