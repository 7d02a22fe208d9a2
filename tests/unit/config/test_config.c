/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/file.h"
#include "daemon/config/config.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const OptionDecl mef_options[] = {
    {"url", OPTION_URL, NULL, NULL, NULL, NULL, true, OPTION_RESTART, "Where the feed is."},
    {0},
};
static const AdapterInfo adapters[] = {
    {"feed", "mef", "JSON change feed", mef_options},
    {"route", "https", "Signed upload", mef_options},
};

static const OptionDecl *adapter_options(const char *kind, const char *adapter)
{
    for (size_t i = 0; i < sizeof adapters / sizeof *adapters; i++)
        if (text_equal(kind, adapters[i].kind) && text_equal(adapter, adapters[i].name))
            return adapters[i].options;
    return NULL;
}

#define FEED "feeds:\n  - {name: a, adapter: mef, url: https://feed.example.org, id_prefix: b}\n"
#define ROUTE "routes:\n  - {name: r, adapter: https, url: https://receiver.example.org}\n"
#define PROVIDER "providers:\n  - {code: V9X01, route: r}\n"
#define SIGNING "signing: {certificate: s.crt, key: s.key}\n"

static char folder[] = "/tmp/mhsflow-config-XXXXXX";

static bool load(const char *bytes, Arena *arena, const Config **ret, Error *err)
{
    char path[64];

    if (access(folder, F_OK) != 0) {
        memcpy(folder + sizeof folder - 7, "XXXXXX", 6); /* in one process, several tests come by */
        ck_assert_ptr_nonnull(mkdtemp(folder));
    }
    snprintf(path, sizeof path, "%s/mhsflow.yaml", folder);
    ck_assert(file_write(path, bytes, strlen(bytes), 0600, err));
    bool loaded = config_load(path, adapter_options, arena, ret, err);
    remove(path);
    return loaded;
}

START_TEST(a_whole_file_is_read)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const Config *config = NULL;
    Error err = {0};

    ck_assert_msg(load("state: st\n" FEED ROUTE PROVIDER SIGNING, arena, &config, &err), "%s",
                  err.cause);
    remove(folder);
    ck_assert_uint_eq(config->feed_count, 1);
    ck_assert_str_eq(config_feed(config, "a")->adapter, "mef");
    ck_assert_str_eq(section_text(config_feed(config, "a")->section, "url"),
                     "https://feed.example.org");
    ck_assert_ptr_null(config_feed(config, "b"));
    ck_assert_str_eq(section_text(config_provider(config, "V9X01")->section, "legal_basis"),
                     "consent");
    ck_assert(config_database_embedded(config));
    ck_assert_str_eq(
        config_database(config, arena),
        arena_format(arena, "host='%s/st/run/database' dbname=mhsflow user=mhsflow", folder));
    ck_assert_str_eq(config_sign_socket(config, arena),
                     arena_format(arena, "%s/st/run/sign/sign.sock", folder));
    ck_assert_str_eq(section_text(config->signing, "key"), arena_format(arena, "%s/s.key", folder));
}
END_TEST

typedef struct Wrong {
    const char *text, *says;
} Wrong;

static const Wrong wrong[] = {
    {"feedz: []\n", ":1:8: unknown option \"feedz\"; did you mean \"feeds\"?"},
    {"feeds: {a: b}\n", "is a list"},
    {"feeds:\n  - {name: a, adapter: mfe}\n", "no feed adapter \"mfe\""},
    {"feeds:\n  - {name: a, adapter: mef}\n", "\"url\" is required"},
    {"feeds:\n  - {name: A b, adapter: mef, url: https://x}\n", "a name is made of"},
    {"feeds:\n  - {name: a, adapter: mef, url: https://x, id_prefix: toolong}\n", "at most 4"},
    {"feeds:\n  - {name: a, adapter: mef, url: https://x}\n  - {name: a, adapter: mef, url: "
     "https://x, "
     "id_prefix: c}\n",
     "two feeds \"a\""},
    {"feeds:\n  - {name: a, adapter: mef, url: https://x}\n  - {name: b, adapter: mef, url: "
     "https://x}\n",
     "have the same id_prefix"},
    {ROUTE PROVIDER, "\"signing\" is required"},
    {ROUTE SIGNING "providers:\n  - {code: V9X01, route: rr}\n", "no route \"rr\""},
    {ROUTE SIGNING "providers:\n  - {code: v9x01, route: r}\n", "not an ODS code"},
    {ROUTE SIGNING "providers:\n  - {code: V9X01, route: r}\n  - {code: V9X01, route: r}\n",
     "two providers \"V9X01\""},
    {ROUTE SIGNING
     "providers:\n  - {code: V9X01, route: r, prim_system: a name of over twenty letters}\n",
     "more than 20"},
    {"signing: {certificate: s.crt}\n", "\"key\" is required"},
    {"database:\n", "has no value"},
};

START_TEST(what_is_wrong_is_named)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        _cleanup_arena_ Arena *arena = arena_new(1 << 20);
        const Config *config = NULL;
        Error err = {0};

        ck_assert_msg(!load(wrong[i].text, arena, &config, &err), "row %zu", i);
        ck_assert_int_eq(err.kind, ERROR_CONFIG);
        ck_assert_msg(strstr(err.cause, wrong[i].says) && strstr(err.cause, "/mhsflow.yaml"),
                      "row %zu: %s", i, err.cause);
    }
    remove(folder);
}
END_TEST

START_TEST(the_sample_file_is_a_settings_file)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 22);
    Text sample = text_new(arena, 1 << 16);
    const Config *config = NULL;
    Error err = {0};

    config_sample(adapters, sizeof adapters / sizeof *adapters, &sample);
    ck_assert(text_ok(&sample));
    ck_assert_msg(load(text_get(&sample), arena, &config, &err), "%s", err.cause);
    remove(folder);
    ck_assert_uint_eq(config->provider_count, 1);
    for (const OptionDecl *decl = provider_options; decl->name; decl++)
        ck_assert_msg(strstr(text_get(&sample), decl->name) != NULL, "%s", decl->name);
}
END_TEST

START_TEST(a_reload_says_what_needs_a_restart)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const Config *old = NULL, *fresh = NULL;
    Error err = {0};

    ck_assert(load("map_batch: 10\n" FEED ROUTE PROVIDER SIGNING, arena, &old, &err));
    ck_assert(load("map_batch: 20\n" FEED ROUTE PROVIDER SIGNING, arena, &fresh, &err));
    ck_assert_ptr_null(config_needs_restart(old, fresh, arena));
    ck_assert(load("state: elsewhere\n" FEED ROUTE PROVIDER SIGNING, arena, &fresh, &err));
    ck_assert_ptr_nonnull(strstr(config_needs_restart(old, fresh, arena), "state"));
    ck_assert(load(FEED ROUTE SIGNING, arena, &fresh, &err));
    ck_assert_ptr_nonnull(strstr(config_needs_restart(old, fresh, arena), "came or went"));
    remove(folder);
}
END_TEST

SUITE("config/config", a_whole_file_is_read, what_is_wrong_is_named,
      the_sample_file_is_a_settings_file, a_reload_says_what_needs_a_restart);
