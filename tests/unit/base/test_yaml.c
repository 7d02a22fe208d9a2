/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/yaml.h"
#include "tests/unit/suite.h"

#include <stdio.h>
#include <string.h>

static const char *problem(const char *text)
{
    static char out[600];
    _cleanup_arena_ Arena *arena = arena_new(8 << 20);
    Error err = {0};
    YamlNode *root;
    if (yaml_parse("f", text, strlen(text), arena, &root, &err))
        return "fine";
    snprintf(out, sizeof out, "%s", err.cause);
    return out;
}

START_TEST(text_stays_what_was_written)
{
    _cleanup_arena_ Arena *arena = arena_new(8 << 20);
    Error err = {0};
    YamlNode *root;
    const char *text = "a: NO\nb: 010\nlist: [1e3, \"x: y\", {c: d}]\nempty:\nquoted: \"\"\n";
    ck_assert(yaml_parse("f", text, strlen(text), arena, &root, &err));
    ck_assert_str_eq(yaml_text(root, "a"), "NO");
    ck_assert_str_eq(yaml_text(root, "b"), "010");
    const YamlNode *list = yaml_get(root, "list");
    ck_assert_uint_eq(list->count, 3);
    ck_assert_str_eq(list->items[1]->text, "x: y");
    ck_assert_str_eq(yaml_text(list->items[2], "c"), "d");
    ck_assert_int_eq(list->items[1]->line, 3);
    ck_assert_int_eq(list->items[1]->column, 13);
    ck_assert_str_eq(yaml_text(root, "empty"), "");
    ck_assert(yaml_get(root, "quoted")->quoted && !yaml_get(root, "empty")->quoted);
    ck_assert_ptr_null(yaml_get(root, "none"));
}
END_TEST

START_TEST(what_is_outside_the_subset_is_refused_with_its_place)
{
    ck_assert_str_eq(problem("a: &x 1\n"), "f:1:4: anchors and tags are not used here");
    ck_assert_str_eq(problem("a: !t 1\n"), "f:1:4: anchors and tags are not used here");
    ck_assert_str_eq(problem("a: 1\na: 2\n"), "f:2:1: \"a\" stands here twice");
    ck_assert_str_eq(problem("a: 1\n---\nb: 2\n"), "f:2:1: only one document may stand in a file");
    ck_assert_str_eq(problem("a: one\n  two\n"),
                     "f:1:4: a value must stand on one line; is a brace or a quote missing?");
    ck_assert_str_eq(problem("a: |\n  x\n"),
                     "f:1:4: a value must stand on one line; is a brace or a quote missing?");
    ck_assert_str_eq(problem("a: *x\n"), "f:1:4: aliases are not used here");
    ck_assert_str_eq(problem("? [1]\n: x\n"), "f:1:3: a name must be plain text");
    ck_assert_ptr_nonnull(strstr(problem("a: [1\n"), "f:"));
    ck_assert_ptr_nonnull(strstr(problem("a: \xff\n"), "f:"));
    ck_assert_str_eq(problem("[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]"),
                     "f:1:18: nested deeper than 16");
    ck_assert_str_eq(problem(""), "fine");
    ck_assert_str_eq(problem("# only a comment\n"), "fine");
}
END_TEST

SUITE("base/yaml", text_stays_what_was_written,
      what_is_outside_the_subset_is_refused_with_its_place);
