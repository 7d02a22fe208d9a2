/* SPDX-License-Identifier: Apache-2.0 */
/* What a person types: `mhsflow NOUN VERB …`, each declared once in its file's table.
 *
 * A Command names its noun, verb, arguments and options; help, usage errors and
 * the documentation come from that table.  A command writes to standard output
 * through CommandContext and returns an exit code:
 * 0 done, 1 found something, 2 wrong usage, 3 could not. */
#pragma once

#include "daemon/config/config.h"

#include <stdint.h>
#include <stdio.h>

enum { EXIT_DONE = 0, EXIT_FOUND = 1, EXIT_USAGE = 2, EXIT_COULD_NOT = 3 };

typedef struct CommandOption {
    const char *name;     /* "--period" */
    const char *argument; /* "YYYY-MM"; NULL: a switch */
    bool required;
    const char *help;
} CommandOption;

typedef struct CommandContext {
    Arena *arena;
    const char *config_path; /* as given or the default; load with command_config() */
    bool json;
    bool terminal;      /* standard output is one */
    bool colour;        /* only ever on a terminal */
    int argument_count; /* what is left after noun, verb and options */
    const char **arguments;
    const char *(*option)(const struct CommandContext *context,
                          const char *name); /* NULL when not given; "" for a given switch */
    struct ParsedCommand *parsed;            /* the framework's own */
    FILE *out;
} CommandContext;

typedef struct Command {
    const char *noun, *verb; /* verb NULL: the noun stands alone ("status") */
    const char *arguments;   /* "ID", "MAPPING RECORDS", "[REF]"; NULL: none */
    int least, most;         /* how many of them */
    const char *summary;     /* one line */
    const char *help;        /* a paragraph or NULL */
    const CommandOption
        *options; /* ends with a zero entry; --json, --config, --help are everyone's */
    int (*run)(CommandContext *context,
               Error *err); /* EXIT_COULD_NOT with *err set is printed once */
} Command;

/* Loads the settings once. */
bool command_config(CommandContext *context, const Config **ret, Error *err);

/* Who acts, for the audit: `--as NAME` where the command has it, else the login name.  CONFIG
 * "command.person" when neither is known. */
bool command_person(const CommandContext *context, const char **ret, Error *err);

/* The argument as a number above 0, or a usage error in *err (EXIT_USAGE). */
bool command_number(const CommandContext *context, int index, int64_t *ret, Error *err);

/* Wrong usage found by the command itself: set *err by this and return EXIT_USAGE. */
bool command_usage(Error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Every command's table, in commands.c: the one list; ends with NULL, each table with a zero entry.
 */
extern const Command *const command_tables[];

int command_main(int argc, char **argv);
