/* SPDX-License-Identifier: Apache-2.0 */
/* Records keep every kind of "no value" apart. */
#include "daemon/base/cleanup.h"
#include "daemon/record/record.h"
#include "tests/unit/suite.h"

#include <string.h>

static Arena *arena;

static const Field *parse(const char *json)
{
    Error err = {0};
    const Field *root = NULL;
    if (!arena)
        arena = arena_new(16 << 20);
    ck_assert_msg(record_parse(json, strlen(json), arena, &root, &err), "%s", err.cause);
    return root;
}

START_TEST(five_kinds_of_no_value)
{
    const Field *root =
        parse("{\"a\":null,\"b\":{\"nv\":\"declined\"},\"c\":{\"nv\":\"not_known\"},"
              "\"d\":{\"nv\":\"not_asked\"},\"e\":{\"nv\":\"on the moon\"},\"f\":\"\"}");
    ck_assert_int_eq(field_get(root, "a")->kind, FIELD_NULL);
    ck_assert_int_eq(field_get(root, "b")->kind, FIELD_DECLINED);
    ck_assert_int_eq(field_get(root, "c")->kind, FIELD_NOT_KNOWN);
    ck_assert_int_eq(field_get(root, "d")->kind, FIELD_NOT_ASKED);
    ck_assert_int_eq(field_get(root, "e")->kind, FIELD_NOT_KNOWN);
    ck_assert_int_eq(field_get(root, "f")->kind, FIELD_TEXT);
    ck_assert_int_eq(field_get(root, "g")->kind, FIELD_ABSENT);
    ck_assert_ptr_null(field_text(root, "f"));
    ck_assert_ptr_null(field_text(root, "b"));
    ck_assert_str_eq(field_kind_name(field_get(root, "b")->kind), "declined");
    ck_assert_str_eq(field_kind_name(field_get(root, "g")->kind), "absent");
}
END_TEST

START_TEST(numbers_and_booleans_are_text)
{
    const Field *root = parse("{\"a\":6,\"b\":2.5,\"c\":true,\"d\":false,\"e\":-3,\"f\":6.50}");
    ck_assert_str_eq(field_text(root, "a"), "6");
    ck_assert_str_eq(field_text(root, "b"), "2.5");
    ck_assert_str_eq(field_text(root, "c"), "true");
    ck_assert_str_eq(field_text(root, "d"), "false");
    ck_assert_str_eq(field_text(root, "e"), "-3");
    ck_assert_str_eq(field_text(root, "f"), "6.5");
    ck_assert(field_is(root, "c", "true"));
    ck_assert(!field_is(root, "c", "yes"));
}
END_TEST

START_TEST(coded_values_know_their_system)
{
    const Field *root =
        parse("{\"a\":{\"code\":\"J\",\"system\":\"s\",\"label\":\"l\"},\"b\":{\"code\":7},"
              "\"c\":{\"code\":\"05\",\"impact\":\"02\"},\"d\":{\"code\":null}}");
    const Field *coded = field_get(root, "a");
    ck_assert_str_eq(field_text(root, "a"), "J");
    ck_assert_str_eq(coded->system, "s");
    ck_assert_str_eq(coded->label, "l");
    ck_assert_str_eq(field_text(root, "b"), "7");
    ck_assert_int_eq(field_get(root, "c")->kind, FIELD_OBJECT);
    ck_assert_str_eq(field_text(root, "c.code"), "05");
    ck_assert_int_eq(field_get(root, "d")->kind, FIELD_OBJECT);
}
END_TEST

START_TEST(paths_lead_through_objects)
{
    const Field *root =
        parse("{\"a\":{\"b\":{\"c\":\"deep\"}},\"ab\":\"flat\",\"l\":[1,{\"x\":2},[3]]}");
    ck_assert_str_eq(field_text(root, "a.b.c"), "deep");
    ck_assert_str_eq(field_text(root, "ab"), "flat");
    ck_assert_ptr_null(field_text(root, "a.b"));
    ck_assert_ptr_null(field_text(root, "a.b.c.d"));
    ck_assert_ptr_null(field_text(root, "ab.c"));
    ck_assert_ptr_null(field_text(root, ""));
    ck_assert_ptr_null(field_text(NULL, "a"));
    const Field *list = field_get(root, "l");
    ck_assert_int_eq(list->kind, FIELD_LIST);
    ck_assert_uint_eq(list->count, 3);
    ck_assert_str_eq(list->items[0].text, "1");
    ck_assert_str_eq(field_text(&list->items[1], "x"), "2");
}
END_TEST

START_TEST(what_is_no_record_is_refused)
{
    static const char *const bad[] = {
        "", "[]", "\"text\"", "{", "{\"a\":1,\"a\":2}", "nul", "{\"a\":\"\xff\"}"};
    if (!arena)
        arena = arena_new(16 << 20);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        Error err = {0};
        const Field *root = NULL;
        ck_assert_msg(!record_parse(bad[i], strlen(bad[i]), arena, &root, &err), "%zu", i);
        ck_assert_int_eq(err.kind, ERROR_DATA);
        ck_assert_ptr_null(root);
    }
}
END_TEST

SUITE("record/record", five_kinds_of_no_value, numbers_and_booleans_are_text,
      coded_values_know_their_system, paths_lead_through_objects, what_is_no_record_is_refused);
