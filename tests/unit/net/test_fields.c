/* SPDX-License-Identifier: Apache-2.0 */
/* Structured fields, Content-Digest and Retry-After. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/net/content_digest.h"
#include "daemon/net/retry_after.h"
#include "daemon/net/structured.h"
#include "tests/unit/suite.h"

#include <string.h>

START_TEST(strings_are_escaped_and_only_ascii)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    Text text = text_new(arena, 100);
    ck_assert(structured_add_string(&text, "a\"b\\c"));
    ck_assert_str_eq(text_get(&text), "\"a\\\"b\\\\c\"");
    ck_assert(!structured_add_string(&text, "caf\xc3\xa9"));
    ck_assert(!structured_add_string(&text, "a\nb"));
    ck_assert_str_eq(text_get(&text), "\"a\\\"b\\\\c\"");
}
END_TEST

START_TEST(bytes_stand_between_colons)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    ck_assert_str_eq(structured_bytes(arena, "hello", 5), ":aGVsbG8=:");
    ck_assert_str_eq(structured_bytes(arena, "", 0), "::");
}
END_TEST

/* RFC 9530 appendix D. */
START_TEST(content_digest_is_the_published_one)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    uint8_t digest[DIGEST_SIZE];
    digest_bytes("{\"hello\": \"world\"}", 18, digest);
    ck_assert_str_eq(content_digest(arena, digest),
                     "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
}
END_TEST

#define YEAR_MS (INT64_C(366) * 86400000)

START_TEST(retry_after_is_seconds_or_a_date)
{
    int64_t now;
    ck_assert(clock_parse("1994-11-06T08:49:07Z", &now));
    const struct {
        const char *value;
        int64_t wanted;
    } rows[] = {
        {NULL, 0},
        {"", 0},
        {"0", 0},
        {"1", 1000},
        {" 120 ", 120000},
        {"86400", 86400000},
        {"99999999999999999999999999", YEAR_MS},
        {"-5", 0},
        {"+5", 0},
        {"1.5", 0},
        {"5 s", 0},
        {"soon", 0},
        {"0x10", 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 30000},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 30000},
        {"Sun Nov  6 08:49:37 1994", 30000},
        {"Sun, 06 Nov 1994 08:49:07 GMT", 0},
        {"Sun, 06 Nov 1994 07:00:00 GMT", 0},
        {"Sun, 06 Nov 2094 08:49:37 GMT", YEAR_MS},
        {"Sun, 32 Nov 1994 08:49:37 GMT", 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        ck_assert_msg(retry_after_ms(rows[i].value, now) == rows[i].wanted, "%s: %lld",
                      rows[i].value ? rows[i].value : "NULL",
                      (long long)retry_after_ms(rows[i].value, now));
}
END_TEST

SUITE("net/fields", strings_are_escaped_and_only_ascii, bytes_stand_between_colons,
      content_digest_is_the_published_one, retry_after_is_seconds_or_a_date);
