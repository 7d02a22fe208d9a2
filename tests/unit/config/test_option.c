/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config/option.h"
#include "tests/unit/suite.h"

#include <signal.h>
#include <string.h>

static const OptionDecl common[] = {
    {"name", OPTION_TEXT, NULL, NULL, NULL, NULL, true, OPTION_RESTART, "A name."},
    {"wait", OPTION_DURATION, "5m", "10s", "24h", NULL, false, OPTION_RELOAD, "A wait."},
    {"count", OPTION_COUNT, "12", "1", "100", NULL, false, OPTION_RELOAD, "A count."},
    {"size", OPTION_SIZE, "64MiB", "1KiB", "1GiB", NULL, false, OPTION_RELOAD, "A size."},
    {"quick", OPTION_BOOL, "no", NULL, NULL, NULL, false, OPTION_RELOAD, "A switch."},
    {"basis", OPTION_CHOICE, "consent", NULL, NULL, "consent|public_task", false, OPTION_RELOAD,
     "A word."},
    {0},
};
static const OptionDecl own[] = {
    {"url", OPTION_URL, NULL, NULL, NULL, NULL, false, OPTION_RESTART, "An address."},
    {"plain_url", OPTION_URL, NULL, NULL, NULL, "http", false, OPTION_RESTART, "An address."},
    {"token", OPTION_SECRET, NULL, NULL, NULL, NULL, false, OPTION_RESTART, "A credential."},
    {"folder", OPTION_PATH, "/var/lib/x", NULL, NULL, NULL, false, OPTION_RESTART, "A folder."},
    {"lots", OPTION_MAP, NULL, NULL, NULL, NULL, false, OPTION_RELOAD, "Lots."},
    {"users", OPTION_LIST, NULL, NULL, NULL, NULL, false, OPTION_RELOAD, "Users."},
    {0},
};
static const OptionDecl *const tables[] = {common, own};

static bool read_text(const char *text, Arena *arena, const Section **ret, Error *err)
{
    YamlNode *root;

    ck_assert_msg(yaml_parse("/etc/x/s.yaml", text, strlen(text), arena, &root, err), "%s",
                  err->cause);
    return section_read(root, tables, 2, arena, ret, err);
}

START_TEST(every_type_reads_what_was_written_and_knows_where)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const Section *section = NULL;
    const char *const *users;
    Error err = {0};

    ck_assert_msg(read_text("name: one\nwait: 90s\ncount: 007\nsize: 8KiB\nquick: yes\n"
                            "basis: public_task\nurl: https://feed.example.org/v1\n"
                            "plain_url: http://localhost:1/\ntoken: credential:feed\nfolder: pack\n"
                            "lots: {1: V9C01, 2: V9C02}\nusers: [a, b]\n",
                            arena, &section, &err),
                  "%s", err.cause);
    ck_assert_str_eq(section_text(section, "name"), "one");
    ck_assert_int_eq(section_number(section, "wait"), 90000);
    ck_assert_int_eq(section_number(section, "count"), 7);
    ck_assert_int_eq(section_number(section, "size"), 8192);
    ck_assert(section_bool(section, "quick"));
    ck_assert_str_eq(section_text(section, "basis"), "public_task");
    ck_assert_str_eq(section_text(section, "folder"), "/etc/x/pack");
    ck_assert_str_eq(section_text(section, "token"), "credential:feed");
    ck_assert_str_eq(section_map(section, "lots", "2"), "V9C02");
    ck_assert_ptr_null(section_map(section, "lots", "3"));
    ck_assert_uint_eq(section_list(section, "users", &users), 2);
    ck_assert_str_eq(users[1], "b");
    ck_assert_str_eq(section_origin(section, "count", arena), "/etc/x/s.yaml:3");
    ck_assert(section_set(section, "count"));
}
END_TEST

START_TEST(what_is_not_written_has_its_default)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    const Section *section = NULL;
    const char *const *users;
    Error err = {0};

    ck_assert(read_text("name: one\n", arena, &section, &err));
    ck_assert_int_eq(section_number(section, "wait"), 300000);
    ck_assert_int_eq(section_number(section, "size"), 64 << 20);
    ck_assert(!section_bool(section, "quick"));
    ck_assert_str_eq(section_text(section, "folder"), "/var/lib/x");
    ck_assert_ptr_null(section_text(section, "url"));
    ck_assert_uint_eq(section_list(section, "users", &users), 0);
    ck_assert_ptr_null(section_map(section, "lots", "1"));
    ck_assert(!section_set(section, "wait"));
    ck_assert_str_eq(section_origin(section, "wait", arena), "default");
}
END_TEST

typedef struct Wrong {
    const char *text, *place, *says;
} Wrong;

static const Wrong wrong[] = {
    {"wait: 5m\n", ":1:", "\"name\" is required"},
    {"name: one\nwiat: 5m\n", ":2:", "did you mean \"wait\"?"},
    {"name: one\nzzzzzzzz: 5m\n", ":2:", "known here: name, wait"},
    {"name: one\nwait: 5\n", ":2:", "a duration such as"},
    {"name: one\nwait: 9s\n", ":2:", "must be at least 10s"},
    {"name: one\nwait: 25h\n", ":2:", "must be at most 24h"},
    {"name: one\nwait: 99999999999999999d\n", ":2:", "a duration such as"},
    {"name: one\nwait: -5m\n", ":2:", "a duration such as"},
    {"name: one\ncount: 0\n", ":2:", "at least 1"},
    {"name: one\ncount: 1.5\n", ":2:", "a whole number"},
    {"name: one\nsize: 64MB\n", ":2:", "a size such as"},
    {"name: one\nquick: true\n", ":2:", "yes or no"},
    {"name: one\nbasis: consen\n", ":2:", "one of consent|public_task"},
    {"name: one\nurl: http://feed.example.org\n", ":2:", "must begin with https://"},
    {"name: one\nurl: https://\n", ":2:", "names no host"},
    {"name: one\nurl: \"https://me:word@host/\"\n", ":2:", "no user"},
    {"name: one\nurl: \"https://host/?token=1\"\n", ":2:", "no user, query"},
    {"name: one\nlots: [1]\n", ":2:", "must be a map"},
    {"name: one\nusers: {a: b}\n", ":2:", "must be a list"},
    {"name: one\nusers: [[a]]\n", ":2:", "plain texts only"},
    {"name: [one]\n", ":1:", "single value"},
    {"name: one\nwait:\n", ":2:", "has no value"},
    {"[one]\n", ":1:", "expected options"},
};

START_TEST(what_is_wrong_is_named_with_its_place)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        _cleanup_arena_ Arena *arena = arena_new(1 << 20);
        const Section *section = NULL;
        Error err = {0};

        ck_assert_msg(!read_text(wrong[i].text, arena, &section, &err), "row %zu", i);
        ck_assert_int_eq(err.kind, ERROR_CONFIG);
        ck_assert_msg(strstr(err.cause, wrong[i].says) && strstr(err.cause, wrong[i].place) &&
                          strstr(err.cause, "/etc/x/s.yaml"),
                      "row %zu: %s", i, err.cause);
    }
}
END_TEST

START_TEST(the_reference_and_sample_name_every_option)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Text text = text_new(arena, 1 << 16);

    option_reference(common, &text);
    for (const OptionDecl *decl = common; decl->name; decl++)
        ck_assert_ptr_nonnull(strstr(text_get(&text), decl->name));
    ck_assert_ptr_nonnull(strstr(text_get(&text), "consent\\|public_task"));
    ck_assert_ptr_nonnull(strstr(text_get(&text), "10s to 24h"));
}
END_TEST

SUITE("config/option", every_type_reads_what_was_written_and_knows_where,
      what_is_not_written_has_its_default, what_is_wrong_is_named_with_its_place,
      the_reference_and_sample_name_every_option);
