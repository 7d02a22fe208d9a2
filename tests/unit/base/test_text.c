/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/text.h"
#include "tests/unit/suite.h"

#include <string.h>

START_TEST(the_limit_holds_and_is_remembered)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Text text = text_new(arena, 10);
    text_add(&text, "12345");
    text_addf(&text, "%d", 67890);
    ck_assert(text_ok(&text));
    text_add(&text, "x");
    ck_assert(!text_ok(&text));
    ck_assert_str_eq(text_get(&text), "1234567890");
    text_clear(&text);
    ck_assert(text_ok(&text));
    ck_assert_str_eq(text_get(&text), "");
}
END_TEST

START_TEST(escapes_are_right)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    Text text = text_new(arena, 1000);
    text_add_json(&text, "a\"\\\n\x01");
    ck_assert_str_eq(text_get(&text), "\"a\\\"\\\\\\n\\u0001\"");
    text_clear(&text);
    text_add_xml(&text, "a<b>&c\r");
    ck_assert_str_eq(text_get(&text), "a&lt;b&gt;&amp;c&#13;");
    text_clear(&text);
    text_add_csv(&text, "plain");
    text_add_csv(&text, "a,\"b\"");
    text_add_csv(&text, "=1+1");
    ck_assert_str_eq(text_get(&text), "plain\"a,\"\"b\"\"\"\"'=1+1\"");
}
END_TEST

START_TEST(utf8_is_checked_by_the_letter)
{
    static const char *const good[] = {"", "abc\t\n", "\xc3\xa9", "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80"};
    static const char *const bad[] = {"\x80",         "\xc0\xaf",         "\xe0\x80\x80",
                                      "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3",
                                      "a\x01",        "\xf5\x80\x80\x80", "\x7f"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert(text_is_utf8(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert(!text_is_utf8(bad[i], strlen(bad[i])));
    ck_assert(!text_is_utf8("a\0b", 3));
}
END_TEST

START_TEST(the_nearest_word_is_offered)
{
    static const char *const words[] = {"poll_interval", "id_prefix", "url"};
    ck_assert_str_eq(text_nearest("pol_interval", words, 3), "poll_interval");
    ck_assert_str_eq(text_nearest("ulr", words, 3), "url");
    ck_assert_ptr_null(text_nearest("completely", words, 3));
}
END_TEST

START_TEST(numbers_are_whole_texts)
{
    int64_t n;
    ck_assert(text_to_int64("-42", &n) && n == -42);
    ck_assert(!text_to_int64("", &n) && !text_to_int64("4 ", &n) && !text_to_int64("4.0", &n));
    ck_assert(!text_to_int64("99999999999999999999", &n) && !text_to_int64(NULL, &n));
}
END_TEST

SUITE("base/text", the_limit_holds_and_is_remembered, escapes_are_right,
      utf8_is_checked_by_the_letter, the_nearest_word_is_offered, numbers_are_whole_texts);
