/* SPDX-License-Identifier: Apache-2.0 */
/* From argv to one command with its options and arguments, or to a usage error. */
#pragma once

#include "daemon/commands/command.h"

typedef struct GivenOption {
    const char *name, *value; /* "" for a switch */
} GivenOption;

typedef struct ParsedCommand {
    const Command *command; /* NULL: help about everything, or about `noun` */
    const char *noun;
    bool help, version;
    GivenOption *options;
    size_t option_count;
    const char **arguments;
    size_t argument_count;
    const Config *config; /* once loaded */
} ParsedCommand;

/* False with *err set (code "command.usage") on wrong usage. */
bool command_line_parse(int argc, char **argv, Arena *arena, ParsedCommand *ret, Error *err);
const char *command_line_option(const ParsedCommand *parsed, const char *name);

void command_help(const ParsedCommand *parsed, FILE *out);
/* "mhsflow queue show ID [options]" */
void command_synopsis(const Command *command, FILE *out);
/* All commands with their options as Markdown: the reference. */
void command_reference(FILE *out);

/* What every command has. */
extern const CommandOption common_options[];
