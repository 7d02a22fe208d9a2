/* SPDX-License-Identifier: Apache-2.0 */
/* Help and the command reference, from the same tables that the parser reads. */
#include "daemon/commands/command_line.h"

#include "daemon/base/text.h"

#include <string.h>

enum { NAME_WIDTH = 30 };

static void words_of(const Command *command, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s%s%s%s%s", command->noun, command->verb ? " " : "",
             command->verb ? command->verb : "", command->arguments ? " " : "",
             command->arguments ? command->arguments : "");
}

void command_synopsis(const Command *command, FILE *out)
{
    char words[128];

    words_of(command, words, sizeof(words));
    fprintf(out, "mhsflow %s", words);
    for (const CommandOption *option = command->options; option && option->name; option++)
        fprintf(out, " %s%s%s%s%s", option->required ? "" : "[", option->name,
                option->argument ? " " : "", option->argument ? option->argument : "",
                option->required ? "" : "]");
    fputc('\n', out);
}

static void print_options(const CommandOption *options, FILE *out)
{
    for (; options && options->name; options++) {
        char name[96];

        snprintf(name, sizeof(name), "%s%s%s", options->name, options->argument ? " " : "",
                 options->argument ? options->argument : "");
        fprintf(out, "  %-*s %s%s\n", NAME_WIDTH, name, options->help,
                options->required ? " (required)" : "");
    }
}

static void help_about(const Command *command, FILE *out)
{
    fputs("usage: ", out);
    command_synopsis(command, out);
    fprintf(out, "\n%s.\n", command->summary);
    if (command->help)
        fprintf(out, "\n%s\n", command->help);
    fputs("\n", out);
    print_options(command->options, out);
    print_options(common_options, out);
    fputs("\nexit codes: 0 done, 1 found something, 2 wrong usage, 3 could not\n", out);
}

static void help_list(const char *noun, FILE *out)
{
    for (const Command *const *table = command_tables; *table; table++)
        for (const Command *command = *table; command->noun; command++) {
            char words[128];

            if (noun && !text_equal(noun, command->noun))
                continue;
            words_of(command, words, sizeof(words));
            fprintf(out, "  %-*s %s\n", NAME_WIDTH, words, command->summary);
        }
}

void command_help(const ParsedCommand *parsed, FILE *out)
{
    if (parsed->command) {
        help_about(parsed->command, out);
        return;
    }
    if (!parsed->noun)
        fputs("mhsflow: looks at and steers the flow from case-management records to national "
              "submissions.\n\n",
              out);
    help_list(parsed->noun, out);
    fputs("\nEvery command has --help and --json.  `mhsflow status` says what needs a person.\n",
          out);
}

void command_reference(FILE *out)
{
    for (const Command *const *table = command_tables; *table; table++)
        for (const Command *command = *table; command->noun; command++) {
            char words[128];

            words_of(command, words, sizeof(words));
            fprintf(out, "\n### mhsflow %s\n\n%s.%s%s\n", words, command->summary,
                    command->help ? " " : "", command->help ? command->help : "");
            if (command->options && command->options->name)
                fputs("\n", out);
            for (const CommandOption *option = command->options; option && option->name; option++)
                fprintf(out, "- `%s%s%s`: %s%s\n", option->name, option->argument ? " " : "",
                        option->argument ? option->argument : "", option->help,
                        option->required ? " (required)" : "");
        }
}
