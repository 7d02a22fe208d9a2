/* SPDX-License-Identifier: Apache-2.0 */
/* The list of commands, and the run of one. */
#include "adapters/adapter.h"
#include "daemon/base/text.h"
#include "daemon/commands/command_line.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARENA_CAP = 512 << 20 };

/* The list of them is commands.def. */
#define COMMANDS(table) extern const Command table[];
#include "daemon/commands/commands.def"
#undef COMMANDS

const Command *const command_tables[] = {
#define COMMANDS(table) table,
#include "daemon/commands/commands.def"
#undef COMMANDS
    NULL,
};

bool command_config(CommandContext *context, const Config **ret, Error *err)
{
    if (!context->parsed->config && !config_load(context->config_path, adapter_options,
                                                 context->arena, &context->parsed->config, err))
        return false;
    *ret = context->parsed->config;
    return true;
}

bool command_person(const CommandContext *context, const char **ret, Error *err)
{
    const char *name = command_line_option(context->parsed, "--as");
    const struct passwd *entry;

    if (!name || !*name)
        name = getenv("SUDO_USER");
    if (!name || !*name)
        name = getlogin();
    if (!name || !*name) {
        entry = getpwuid(getuid());
        name = entry ? entry->pw_name : NULL;
    }
    if (!name || !*name)
        return error_set(err, ERROR_CONFIG, "command.person",
                         "cannot tell who acts; give a name with --as NAME");
    if (strlen(name) > 64 || !text_is_utf8(name, strlen(name)) || strpbrk(name, "\t\r\n"))
        return error_set(err, ERROR_CONFIG, "command.person",
                         "cannot use this name: at most 64 bytes of plain text");
    *ret = arena_text(context->arena, name);
    return true;
}

bool command_number(const CommandContext *context, int index, int64_t *ret, Error *err)
{
    int64_t number;

    if (index >= context->argument_count || !text_to_int64(context->arguments[index], &number) ||
        number < 1)
        return command_usage(err, "\"%s\" is not a number",
                             index < context->argument_count ? context->arguments[index] : "");
    *ret = number;
    return true;
}

static const char *given_option(const CommandContext *context, const char *name)
{
    return command_line_option(context->parsed, name);
}

static const char *settings_path(const ParsedCommand *parsed)
{
    const char *path = command_line_option(parsed, "--config");

    if (!path)
        path = getenv("MHSFLOW_CONFIG");
    return path && *path ? path : "/etc/mhsflow/mhsflow.yaml";
}

static bool colour_wanted(void)
{
    const char *terminal = getenv("TERM"), *none = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && terminal && !text_equal(terminal, "dumb") && (!none || !*none);
}

static int run(ParsedCommand *parsed, Arena *arena, Error *err)
{
    bool json = command_line_option(parsed, "--json") != NULL;
    CommandContext context = {
        .arena = arena,
        .config_path = settings_path(parsed),
        .json = json,
        .terminal = isatty(STDOUT_FILENO),
        .colour = !json && colour_wanted(),
        .argument_count = (int)parsed->argument_count,
        .arguments = parsed->arguments,
        .option = given_option,
        .parsed = parsed,
        .out = stdout,
    };

    return parsed->command->run(&context, err);
}

/* Whatever was printed must have arrived: a full disk under a redirection is not "done". */
static int finish(int code, Error *err)
{
    char text[700];

    if ((fflush(stdout) != 0 || ferror(stdout)) && code < EXIT_USAGE) {
        error_set(err, ERROR_LATER, "command.output", "could not write to standard output");
        code = EXIT_COULD_NOT;
    }
    if (err->kind != ERROR_NONE && code >= EXIT_USAGE) {
        if (text_equal(err->code, "command.usage"))
            fprintf(stderr, "mhsflow: %s\n", err->cause);
        else
            fprintf(stderr, "mhsflow: %s\n", error_text(err, text, sizeof(text)));
    }
    return code;
}

int command_main(int argc, char **argv)
{
    _cleanup_arena_ Arena *arena = arena_new(ARENA_CAP);
    ParsedCommand parsed = {0};
    Error err = {0};

    if (!command_line_parse(argc, argv, arena, &parsed, &err))
        return finish(EXIT_USAGE, &err);
    if (parsed.version) {
        puts("mhsflow " MHSFLOW_VERSION);
        return finish(EXIT_DONE, &err);
    }
    if (parsed.help) {
        command_help(&parsed, stdout);
        return finish(EXIT_DONE, &err);
    }
    return finish(run(&parsed, arena, &err), &err);
}
