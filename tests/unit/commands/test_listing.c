/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/cleanup.h"
#include "daemon/commands/listing.h"
#include "tests/unit/suite.h"

#include <string.h>

const Command *const command_tables[] = {NULL};

static const ListingColumn columns[] = {{"id", "ID", LISTING_NUMBER, 0},
                                        {"state", "STATE", LISTING_TEXT, 0},
                                        {"hidden", NULL, LISTING_TEXT, 0},
                                        {"good", "GOOD", LISTING_BOOL, 0},
                                        {"why", "WHY", LISTING_TEXT, 8}};

static const char *const rows[][5] = {{"7", "ready", "x", "yes", "a\"b\\c"},
                                      {"1234", "accepted", NULL, "no", NULL},
                                      {"12", "held", NULL, NULL, "über zehn Zeichen"}};

static char *print(CommandContext *context)
{
    char *text = NULL;
    size_t size;

    context->out = open_memstream(&text, &size);
    Listing *listing = listing_new(context, columns, 5);
    for (size_t i = 0; i < 3; i++)
        listing_row(listing, rows[i]);
    ck_assert_uint_eq(listing_end(listing, "nothing"), 3);
    fclose(context->out);
    return text;
}

START_TEST(columns_align_and_lines_end_clean)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 24);
    CommandContext context = {.arena = arena, .terminal = true};
    _cleanup_free_ char *text = print(&context);

    ck_assert_str_eq(text, "  ID  STATE     GOOD  WHY\n"
                           "   7  ready     yes   a\"b\\c\n"
                           "1234  accepted  no\n"
                           "  12  held            über ze…\n");
}
END_TEST

START_TEST(a_pipe_gets_values_whole)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 24);
    CommandContext context = {.arena = arena};
    _cleanup_free_ char *text = print(&context);

    ck_assert_ptr_nonnull(strstr(text, "über zehn Zeichen"));
    ck_assert_ptr_null(strchr(text, '\033'));
}
END_TEST

START_TEST(json_is_one_object_a_line)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 24);
    CommandContext context = {.arena = arena, .json = true};
    _cleanup_free_ char *text = print(&context);

    ck_assert_str_eq(
        text,
        "{\"id\":7,\"state\":\"ready\",\"hidden\":\"x\",\"good\":true,\"why\":\"a\\\"b\\\\c\"}\n"
        "{\"id\":1234,\"state\":\"accepted\",\"hidden\":null,\"good\":false,\"why\":null}\n"
        "{\"id\":12,\"state\":\"held\",\"hidden\":null,\"good\":null,\"why\":\"über zehn "
        "Zeichen\"}\n");
}
END_TEST

START_TEST(what_moves_a_terminal_is_shown_as_question_marks)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 24);
    CommandContext context = {.arena = arena};
    _cleanup_free_ char *text = NULL;
    size_t size;
    static const ListingColumn one[] = {{"a", "A", LISTING_TEXT, 0}};
    const char *const values[] = {
        "x\033[31m\r\n\tb\x7f\xc2\x9b\xe2\x80\xae\xff\xc3\xa9\xe2\x82\xac\xe2\x80\x93"};

    context.out = open_memstream(&text, &size);
    Listing *listing = listing_new(&context, one, 1);
    listing_row(listing, values);
    listing_end(listing, NULL);
    fclose(context.out);
    for (const char *at = text; *at; at++)
        ck_assert(*at == '\n' || (unsigned char)*at >= 0x20);
    ck_assert_ptr_nonnull(strstr(text, "é€–"));
    ck_assert_ptr_null(strstr(text, "\xe2\x80\xae"));
    ck_assert_ptr_null(strstr(text, "\xc2\x9b"));
}
END_TEST

START_TEST(times_and_distances_read_as_people_say_them)
{
    _cleanup_arena_ Arena *arena = arena_new(1 << 20);
    CommandContext context = {.arena = arena};

    ck_assert_ptr_null(shown_time(&context, 0));
    ck_assert_str_eq(shown_time(&context, INT64_C(1782864000000000)), "2026-07-01 01:00");
    ck_assert_str_eq(shown_time(&context, INT64_C(1795392000000000)), "2026-11-23 00:00");
    ck_assert_str_eq(shown_distance(&context, -5), "0 s");
    ck_assert_str_eq(shown_distance(&context, 90 * INT64_C(1000000)), "90 s");
    ck_assert_str_eq(shown_distance(&context, 7000 * INT64_C(1000000)), "116 min");
    ck_assert_str_eq(shown_distance(&context, 86400 * INT64_C(1000000)), "24 h");
    ck_assert_str_eq(shown_distance(&context, 4 * 86400 * INT64_C(1000000)), "4 days");
}
END_TEST

SUITE("commands/listing", columns_align_and_lines_end_clean, a_pipe_gets_values_whole,
      json_is_one_object_a_line, what_moves_a_terminal_is_shown_as_question_marks,
      times_and_distances_read_as_people_say_them);
