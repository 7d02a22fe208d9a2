/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the command line: one table says each option's name, kind and meaning. */
#include "tests/sandbox/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sandbox/calendar.h"

typedef enum OptionKind {
    KIND_TEXT,
    KIND_NUMBER,
    KIND_PORT,
    KIND_SEED,
    KIND_DAY,
    KIND_PROFILE
} OptionKind;

typedef struct OptionRow {
    const char *name;
    OptionKind kind;
    size_t offset;
    unsigned long least, most;
    const char *help;
} OptionRow;

#define FIELD(member) offsetof(Options, member)

static const OptionRow rows[] = {
    {"seed", KIND_SEED, FIELD(plan.seed), 0, 0, "which caseload (default 1)"},
    {"people", KIND_NUMBER, FIELD(plan.people), CASELOAD_PEOPLE_LEAST, CASELOAD_PEOPLE_MOST,
     "how many people (default 400)"},
    {"today", KIND_DAY, FIELD(plan.today), 0, 0,
     "YYYY-MM-DD, the day the caseload ends (default: today in England)"},
    {"months", KIND_NUMBER, FIELD(plan.months), 1, CASELOAD_MONTHS_MOST,
     "whole months of activity before the month of --today (default 3)"},
    {"profile", KIND_PROFILE, FIELD(plan.profile), 0, 0,
     "clean, typical (default), dirty or hostile"},
    {"tail", KIND_NUMBER, FIELD(tail), 0, 1000000000,
     "changes hidden at the start (default: those recorded on today)"},
    {"order", KIND_TEXT, FIELD(order), 0, 0,
     "generate: time (default) or person (streams any size)"},
    {"format", KIND_TEXT, FIELD(format), 0, 0,
     "generate: ndjson (default), or files as others export them: csv-drop, mymup"},
    {"state", KIND_TEXT, FIELD(state), 0, 0,
     "serve: folder for keys, ports.json and what was received"},
    {"out", KIND_TEXT, FIELD(out), 0, 0,
     "make-sender-key, generate --format csv-drop|mymup: folder to write to"},
    {"sender-certificate", KIND_TEXT, FIELD(sender_certificate), 0, 0,
     "serve: PEM of the sender; may appear later"},
    {"xsd", KIND_TEXT, FIELD(xsd), 0, 0, "serve: schema that documents must keep"},
    {"token-file", KIND_TEXT, FIELD(token_file), 0, 0,
     "serve: bearer token of the feed (default: made in the state folder)"},
    {"feed-port", KIND_PORT, FIELD(feed_port), 0, 65535, "serve: 0 (default) picks a free one"},
    {"receiver-port", KIND_PORT, FIELD(receiver_port), 0, 65535,
     "serve: 0 (default) picks a free one"},
    {"control-port", KIND_PORT, FIELD(control_port), 0, 65535,
     "serve: 0 (default) picks a free one"},
    {"speed", KIND_NUMBER, FIELD(speed), 0, 1000000,
     "serve: hidden changes revealed a second (default 0: only by POST /reveal)"},
    {"rate", KIND_NUMBER, FIELD(rate), 0, 1000000000,
     "serve: feed requests a minute before 429 (default 0: no limit)"},
};

static int complain(const char *message, const char *what)
{
    (void)fprintf(stderr, "mhsflow-sandbox: %s \"%s\"\n", message, what);
    return 2;
}

static int print_help(void)
{
    (void)printf(
        "usage: mhsflow-sandbox COMMAND [OPTION VALUE]...\n\n"
        "commands:\n"
        "  serve            export feed, receiver and control on 127.0.0.1, until SIGTERM\n"
        "  generate         print the caseload's change log as NDJSON\n"
        "  truth            print what is true of the caseload, as JSON\n"
        "  make-sender-key  make signing.key and signing.crt for a sender\n\noptions:\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        (void)printf("  --%-20s %s\n", rows[i].name, rows[i].help);
    return 1;
}

static bool parse_number(const char *text, unsigned long long *ret_value)
{
    char *end = NULL;
    errno = 0;
    if (text[0] < '0' || text[0] > '9')
        return false;
    *ret_value = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static bool set_number(const OptionRow *row, void *field, const char *value)
{
    unsigned long long number;
    if (!parse_number(value, &number))
        return false;
    if (row->kind == KIND_SEED) {
        *(uint64_t *)field = number;
        return true;
    }
    if (number < row->least || number > row->most)
        return false;
    if (row->kind == KIND_PORT)
        *(uint16_t *)field = (uint16_t)number;
    else
        *(uint32_t *)field = (uint32_t)number;
    return true;
}

static bool set_option(const OptionRow *row, Options *options, const char *value)
{
    void *field = (char *)options + row->offset;
    switch (row->kind) {
    case KIND_TEXT:
        *(const char **)field = value;
        return true;
    case KIND_DAY:
        options->today_given = true;
        return calendar_parse(value, (int32_t *)field);
    case KIND_PROFILE:
        for (int profile = 0; profile < PROFILE_COUNT; profile++) {
            if (strcmp(value, caseload_profile_names[profile]) == 0) {
                options->plan.profile = (CaseloadProfile)profile;
                return true;
            }
        }
        return false;
    case KIND_NUMBER:
    case KIND_PORT:
    case KIND_SEED:
        return set_number(row, field, value);
    }
    return false;
}

static const OptionRow *find_row(const char *argument)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strncmp(argument, "--", 2) == 0 && strcmp(argument + 2, rows[i].name) == 0)
            return &rows[i];
    return NULL;
}

int options_parse(int argc, char **argv, Options *ret_options)
{
    static const char *const commands[] = {"serve", "generate", "truth", "make-sender-key"};
    *ret_options = (Options){.plan = {.seed = 1, .people = 400, .profile = PROFILE_TYPICAL},
                             .tail = UINT32_MAX,
                             .order = "time",
                             .format = "ndjson"};
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return print_help() + (argc < 2);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i]) == 0)
            ret_options->command = commands[i];
    if (ret_options->command == NULL)
        return complain("no such command", argv[1]);
    ret_options->plan.today = calendar_today();
    for (int i = 2; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0)
            return print_help();
        const OptionRow *row = find_row(argv[i]);
        if (row == NULL)
            return complain("no such option", argv[i]);
        if (i + 1 == argc || !set_option(row, ret_options, argv[i + 1]))
            return complain("missing, malformed or out of bounds: the value of", argv[i]);
    }
    return 0;
}
