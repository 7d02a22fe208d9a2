/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/json.h"
#include "tests/unit/suite.h"

#include <string.h>

static const char *code_of(const char *text, size_t size)
{
    Error err = {0};
    _cleanup_json_ json_t *value = NULL;
    return json_parse(text, size, &value, &err) ? "fine" : err.code;
}
#define CODE(text) code_of(text, sizeof(text) - 1)

START_TEST(hostile_json_is_refused)
{
    char deep[200];
    memset(deep, '[', sizeof deep);
    ck_assert_str_eq(CODE("{\"a\":1}"), "fine");
    ck_assert_str_eq(CODE("{\"a\":1,\"a\":2}"), "json.syntax");
    ck_assert_str_eq(CODE("{\"a\":\"\xff\"}"), "json.syntax");
    ck_assert_str_eq(CODE("{\"a\":\"\\u0000\"}"), "json.syntax");
    ck_assert_str_eq(CODE("{\"a\":1} x"), "json.syntax");
    ck_assert_str_eq(CODE(""), "json.syntax");
    ck_assert_str_eq(code_of(deep, sizeof deep), "json.depth");
    ck_assert_str_eq(
        CODE("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]"),
        "fine");
}
END_TEST

START_TEST(errors_never_show_the_content)
{
    Error err = {0};
    json_t *value;
    ck_assert(!json_parse("{\"secret\":secret}", 17, &value, &err));
    ck_assert_ptr_null(strstr(err.cause, "secret"));
}
END_TEST

START_TEST(the_same_value_gives_the_same_bytes)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Error err = {0};
    _cleanup_json_ json_t *a = NULL, *b = NULL;
    ck_assert(json_parse("{\"b\":1,\"a\":[2.5,true,null]}",
                         strlen("{\"b\":1,\"a\":[2.5,true,null]}"), &a, &err));
    ck_assert(json_parse("{ \"a\": [2.5, true, null], \"b\": 1 }",
                         strlen("{ \"a\": [2.5, true, null], \"b\": 1 }"), &b, &err));
    ck_assert_str_eq(json_canonical(arena, a), "{\"a\":[2.5,true,null],\"b\":1}");
    ck_assert_str_eq(json_canonical(arena, a), json_canonical(arena, b));
    ck_assert_str_eq(json_number_text(arena, json_array_get(json_object_get(a, "a"), 0)), "2.5");
}
END_TEST

START_TEST(a_number_keeps_its_value)
{
    static const char *const texts[] = {"[1.7976931348623157e308,0.0]", "[0.30000000000000004]",
                                        "[{\"a\":2.2250738585072014e-308}]", "[0.1]"};
    for (size_t i = 0; i < 4; i++) {
        _cleanup_arena_ Arena *arena = arena_new(1 << 20);
        _cleanup_json_ json_t *value = NULL, *again = NULL;
        Error err = {0};
        ck_assert(json_parse(texts[i], strlen(texts[i]), &value, &err));
        const char *text = json_canonical(arena, value);
        ck_assert_msg(json_parse(text, strlen(text), &again, &err), "%s", text);
        ck_assert_msg(json_equal(value, again), "%s", text);
        const json_t *number = json_array_get(value, 0);
        if (json_is_real(number))
            ck_assert(strtod(json_number_text(arena, number), NULL) == json_real_value(number));
    }
}
END_TEST

SUITE("base/json", a_number_keeps_its_value, hostile_json_is_refused, errors_never_show_the_content,
      the_same_value_gives_the_same_bytes);
