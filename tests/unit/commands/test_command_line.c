/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/commands/command_line.h"
#include "tests/unit/suite.h"

#include <string.h>

static int run_nothing(CommandContext *context, Error *err)
{
    (void)context;
    (void)err;
    return EXIT_DONE;
}

static const CommandOption hold_options[] = {
    {"--reason", "TEXT", true, "why"}, {"--quick", NULL, false, "a switch"}, {0}};
static const CommandOption list_options[] = {{"--period", "YYYY-MM", false, "one month"}, {0}};
static const Command queue_commands[] = {
    {"queue", "list", NULL, 0, 0, "List", NULL, list_options, run_nothing},
    {"queue", "hold", "ID", 1, 2, "Hold", "A paragraph.", hold_options, run_nothing},
    {0},
};
static const CommandOption status_options[] = {{"--quick", "HOW", false, "not a switch"}, {0}};
static const Command status_commands[] = {
    {"status", NULL, NULL, 0, 0, "Status", NULL, status_options, run_nothing},
    {"try", NULL, "MAPPING RECORDS", 2, 2, "Try", NULL, NULL, run_nothing},
    {0}};
const Command *const command_tables[] = {queue_commands, status_commands, NULL};

static Arena *arena;

/* The words are separated by single blanks. */
static bool parse(const char *line, ParsedCommand *ret, Error *err)
{
    char *words[16] = {0}, *text = arena_text(arena, line), *rest = text;
    int count = 0;

    while (rest && count < 15)
        words[count++] = strsep(&rest, " ");
    *err = (Error){0};
    return command_line_parse(count, words, arena, ret, err);
}

START_TEST(words_options_and_arguments_find_their_places)
{
    ParsedCommand parsed;
    Error err;

    arena = arena_new(1 << 20);
    ck_assert(parse("mhsflow queue hold 7 --reason because --json", &parsed, &err));
    ck_assert_ptr_eq(parsed.command, &queue_commands[1]);
    ck_assert_uint_eq(parsed.argument_count, 1);
    ck_assert_str_eq(parsed.arguments[0], "7");
    ck_assert_str_eq(command_line_option(&parsed, "--reason"), "because");
    ck_assert_str_eq(command_line_option(&parsed, "--json"), "");
    ck_assert_ptr_null(command_line_option(&parsed, "--quick"));
    ck_assert(
        parse("mhsflow --config=/x.yaml --json queue --quick hold --reason=a=b 7", &parsed, &err));
    ck_assert_str_eq(command_line_option(&parsed, "--config"), "/x.yaml");
    ck_assert_str_eq(command_line_option(&parsed, "--reason"), "a=b");
    ck_assert(parse("mhsflow try -- --odd name", &parsed, &err));
    ck_assert_str_eq(parsed.arguments[0], "--odd");
    ck_assert(parse("mhsflow status", &parsed, &err));
    ck_assert_ptr_eq(parsed.command, &status_commands[0]);
    /* One name, two commands: each has it its own way. */
    ck_assert(parse("mhsflow status --quick very", &parsed, &err));
    ck_assert_str_eq(command_line_option(&parsed, "--quick"), "very");
    ck_assert(parse("mhsflow queue hold --quick 7 --reason x", &parsed, &err));
    ck_assert_str_eq(parsed.arguments[0], "7");
    arena_free(arena);
}
END_TEST

START_TEST(help_and_version_need_nothing_else)
{
    ParsedCommand parsed;
    Error err;

    arena = arena_new(1 << 20);
    ck_assert(parse("mhsflow", &parsed, &err) && parsed.help && !parsed.command);
    ck_assert(parse("mhsflow --help", &parsed, &err) && parsed.help && !parsed.noun);
    ck_assert(parse("mhsflow queue --help", &parsed, &err) && parsed.help && !parsed.command);
    ck_assert_str_eq(parsed.noun, "queue");
    ck_assert(parse("mhsflow queue hold --help", &parsed, &err) && parsed.help && parsed.command);
    ck_assert(parse("mhsflow --version", &parsed, &err) && parsed.version);
    arena_free(arena);
}
END_TEST

static const char *const wrong[][2] = {
    {"mhsflow queu list", "did you mean \"queue\"?"},
    {"mhsflow queue lost", "did you mean \"queue list\"?"},
    {"mhsflow queue", "wants a verb"},
    {"mhsflow zzzzzzzzz", "see mhsflow --help"},
    {"mhsflow queue list --reason x", "\"queue list\" has no option \"--reason\""},
    {"mhsflow queue list --nothing", "there is no option \"--nothing\""},
    {"mhsflow queue list extra", "too many arguments"},
    {"mhsflow queue hold --reason x", "arguments are missing: ID"},
    {"mhsflow queue hold 7", "option \"--reason TEXT\" is required"},
    {"mhsflow queue hold 7 --reason", "wants a value: TEXT"},
    {"mhsflow queue hold 7 --reason a --reason b", "given twice"},
    {"mhsflow queue hold 7 --reason a --quick=yes", "takes no value"},
    {"mhsflow status extra", "too many arguments"},
};

START_TEST(wrong_usage_says_what_is_right)
{
    ParsedCommand parsed;
    Error err;

    arena = arena_new(1 << 20);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(!parse(wrong[i][0], &parsed, &err), "%s", wrong[i][0]);
        ck_assert_msg(strstr(err.cause, wrong[i][1]) != NULL, "%s: %s", wrong[i][0], err.cause);
        ck_assert_str_eq(err.code, "command.usage");
    }
    arena_free(arena);
}
END_TEST

START_TEST(help_names_every_option)
{
    _cleanup_free_ char *text = NULL;
    size_t size;
    ParsedCommand parsed;
    Error err;

    arena = arena_new(1 << 20);
    ck_assert(parse("mhsflow queue hold --help", &parsed, &err));
    FILE *out = open_memstream(&text, &size);
    command_help(&parsed, out);
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, "mhsflow queue hold ID --reason TEXT [--quick]"));
    ck_assert_ptr_nonnull(strstr(text, "A paragraph."));
    ck_assert_ptr_nonnull(strstr(text, "why (required)"));
    for (const CommandOption *option = common_options; option->name; option++)
        ck_assert_ptr_nonnull(strstr(text, option->name));
    arena_free(arena);
}
END_TEST

SUITE("commands/command_line", words_options_and_arguments_find_their_places,
      help_and_version_need_nothing_else, wrong_usage_says_what_is_right, help_names_every_option);
