/* SPDX-License-Identifier: Apache-2.0 */
/* Parses what a person typed against the tables of commands. */
#include "daemon/commands/command_line.h"

#include "daemon/base/text.h"

#include <stdarg.h>
#include <string.h>

const CommandOption common_options[] = {
    {"--json", NULL, false,
     "answer for programs: lists as one object per line, one thing as one object"},
    {"--config", "FILE", false,
     "settings (default: $MHSFLOW_CONFIG, else /etc/mhsflow/mhsflow.yaml)"},
    {"--help", NULL, false, "print this"},
    {0},
};

static const CommandOption *find_option(const CommandOption *options, const char *name,
                                        size_t length)
{
    for (; options && options->name; options++)
        if (strlen(options->name) == length && memcmp(options->name, name, length) == 0)
            return options;
    return NULL;
}

bool command_usage(Error *err, const char *format, ...)
{
    char text[sizeof(err->cause)];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return error_set(err, ERROR_CONFIG, "command.usage", "%s", text);
}

static bool noun_known(const char *noun)
{
    for (const Command *const *table = command_tables; *table; table++)
        for (const Command *command = *table; command->noun; command++)
            if (text_equal(command->noun, noun))
                return true;
    return false;
}

static const Command *find_command(const char *noun, const char *verb)
{
    for (const Command *const *table = command_tables; *table; table++)
        for (const Command *command = *table; command->noun; command++)
            if (text_equal(command->noun, noun) && text_equal(command->verb, verb))
                return command;
    return NULL;
}

/* All nouns, or all verbs of one noun. */
static size_t words(const char *noun, Arena *arena, const char ***ret)
{
    size_t count = 0, capacity = 0;

    *ret = NULL;
    for (const Command *const *table = command_tables; *table; table++)
        for (const Command *command = *table; command->noun; command++) {
            const char *word = noun ? command->verb : command->noun;

            if (!word || (noun && !text_equal(command->noun, noun)))
                continue;
            *ret = arena_grow(arena, *ret, count, &capacity, sizeof(**ret));
            (*ret)[count++] = word;
        }
    return count;
}

static bool unknown_word(const char *noun, const char *word, Arena *arena, Error *err)
{
    const char **known, *nearest;
    size_t count = words(noun, arena, &known);
    const char *sort = noun ? "verb" : "command";

    nearest = text_nearest(word, known, count);
    if (nearest)
        return command_usage(err, "there is no %s \"%s\"; did you mean \"%s%s%s\"?", sort, word,
                             noun ? noun : "", noun ? " " : "", nearest);
    return command_usage(err, "there is no %s \"%s\"; see mhsflow %s%s--help", sort, word,
                         noun ? noun : "", noun ? " " : "");
}

/* What stands first decides: noun and verb are the first one or two words that are no options. */
static bool find_words(ParsedCommand *parsed, const char **ret_words, size_t *count, Arena *arena,
                       Error *err)
{
    const Command *alone;

    if (*count == 0 || (*count == 1 && text_equal(ret_words[0], "help"))) {
        parsed->help = true;
        *count = 0;
        return true;
    }
    parsed->noun = ret_words[0];
    if (!noun_known(parsed->noun))
        return unknown_word(NULL, parsed->noun, arena, err);
    if (*count > 1)
        parsed->command = find_command(ret_words[0], ret_words[1]);
    alone = find_command(ret_words[0], NULL);
    if (!parsed->command && !alone && *count > 1)
        return unknown_word(ret_words[0], ret_words[1], arena, err);
    if (!parsed->command && !alone && !parsed->help)
        return command_usage(err, "\"%s\" wants a verb; see mhsflow %s --help", parsed->noun,
                             parsed->noun);
    *count -= parsed->command ? 2 : 1;
    memmove(ret_words, ret_words + (parsed->command ? 2 : 1), *count * sizeof(*ret_words));
    if (!parsed->command)
        parsed->command = alone;
    return true;
}

/* The command that the words read so far name; NULL while they name none. */
static const Command *command_so_far(const ParsedCommand *parsed)
{
    const Command *command = NULL;

    if (parsed->argument_count > 1)
        command = find_command(parsed->arguments[0], parsed->arguments[1]);
    if (!command && parsed->argument_count > 0)
        command = find_command(parsed->arguments[0], NULL);
    return command;
}

/* An option of the command named before it is that command's, whatever another makes of the name.
 * Before the words it is taken as any command has it, so that `mhsflow --json queue list` works. */
static const CommandOption *find_any_option(const ParsedCommand *parsed, const char *name,
                                            size_t length)
{
    const Command *so_far = command_so_far(parsed);
    const CommandOption *option = so_far ? find_option(so_far->options, name, length) : NULL;

    if (!option)
        option = find_option(common_options, name, length);
    for (const Command *const *table = command_tables; *table && !option; table++)
        for (const Command *command = *table; command->noun && !option; command++)
            option = find_option(command->options, name, length);
    return option;
}

static bool take_option(int argc, char **argv, int *at, ParsedCommand *parsed, Error *err)
{
    const char *given = argv[*at], *equals = strchr(given, '=');
    size_t length = equals ? (size_t)(equals - given) : strlen(given);
    const CommandOption *option = find_any_option(parsed, given, length);
    const char *value = equals ? equals + 1 : "";

    if (!option)
        return command_usage(err, "there is no option \"%.*s\"", (int)length, given);
    if (!option->argument && equals)
        return command_usage(err, "option \"%s\" takes no value", option->name);
    if (option->argument && !equals) {
        if (*at + 1 >= argc)
            return command_usage(err, "option \"%s\" wants a value: %s", option->name,
                                 option->argument);
        value = argv[++*at];
    }
    if (command_line_option(parsed, option->name))
        return command_usage(err, "option \"%s\" is given twice", option->name);
    parsed->options[parsed->option_count++] = (GivenOption){option->name, value};
    return true;
}

static bool check_options(const ParsedCommand *parsed, Error *err)
{
    const CommandOption *own = parsed->command->options;

    for (size_t i = 0; i < parsed->option_count; i++) {
        const char *name = parsed->options[i].name;

        if (!find_option(own, name, strlen(name)) &&
            !find_option(common_options, name, strlen(name)))
            return command_usage(err, "\"%s%s%s\" has no option \"%s\"", parsed->command->noun,
                                 parsed->command->verb ? " " : "",
                                 parsed->command->verb ? parsed->command->verb : "", name);
    }
    for (; own && own->name; own++)
        if (own->required && !command_line_option(parsed, own->name))
            return command_usage(err, "option \"%s %s\" is required", own->name, own->argument);
    return true;
}

static bool check_arguments(const ParsedCommand *parsed, Error *err)
{
    const Command *command = parsed->command;

    if (parsed->argument_count < (size_t)command->least)
        return command_usage(err, "arguments are missing: %s", command->arguments);
    if (parsed->argument_count > (size_t)command->most)
        return command_usage(err, "too many arguments; expected: %s",
                             command->arguments ? command->arguments : "none");
    return true;
}

bool command_line_parse(int argc, char **argv, Arena *arena, ParsedCommand *ret, Error *err)
{
    ParsedCommand parsed = {0};
    bool ended = false;

    parsed.options = arena_array(arena, (size_t)argc + 1, sizeof(*parsed.options));
    parsed.arguments = arena_array(arena, (size_t)argc + 1, sizeof(*parsed.arguments));
    for (int i = 1; i < argc; i++) {
        if (!ended && text_equal(argv[i], "--"))
            ended = true;
        else if (!ended && (text_equal(argv[i], "-h") || text_equal(argv[i], "--help")))
            parsed.help = true;
        else if (!ended && text_equal(argv[i], "--version"))
            parsed.version = true;
        else if (!ended && text_starts(argv[i], "--")) {
            if (!take_option(argc, argv, &i, &parsed, err))
                return false;
        } else
            parsed.arguments[parsed.argument_count++] = argv[i];
    }
    if (!parsed.version &&
        !find_words(&parsed, parsed.arguments, &parsed.argument_count, arena, err))
        return false;
    if (!parsed.help && !parsed.version &&
        (!check_options(&parsed, err) || !check_arguments(&parsed, err)))
        return false;
    *ret = parsed;
    return true;
}

const char *command_line_option(const ParsedCommand *parsed, const char *name)
{
    for (size_t i = 0; i < parsed->option_count; i++)
        if (text_equal(parsed->options[i].name, name))
            return parsed->options[i].value;
    return NULL;
}
