/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow db: the database's schema, made, brought up to date, looked at. */
#include "daemon/store/migrate.h"

#include "daemon/base/text.h"
#include "daemon/commands/listing.h"

static const char *conninfo_of(CommandContext *context, Error *err)
{
    const Config *config;

    return command_config(context, &config, err) ? config_database(config, context->arena) : NULL;
}

static const char *schema_word(const MigrateState *state)
{
    if (state->found > state->newest)
        return "newer than this program";
    if (state->found == state->newest)
        return "current";
    return state->found ? "older than this program" : "none yet";
}

static void show(CommandContext *context, const MigrateState *state)
{
    Details *details = details_new(context);

    details_text(details, "schema", "schema", schema_word(state));
    details_number(details, "found", "version", state->found);
    details_number(details, "newest", "this program's", state->newest);
    details_number(details, "applied", "steps applied", state->applied);
    details_end(details);
}

static int run_check(CommandContext *context, Error *err)
{
    const char *conninfo = conninfo_of(context, err);
    MigrateState state;

    if (!conninfo)
        return EXIT_COULD_NOT;
    if (!migrate_check(conninfo, &state, err))
        return EXIT_COULD_NOT;
    show(context, &state);
    return state.found == state.newest ? EXIT_DONE : EXIT_FOUND;
}

static int run_init(CommandContext *context, Error *err)
{
    const char *conninfo = conninfo_of(context, err);
    MigrateState state;

    if (!conninfo || !migrate_run(conninfo, &state, err))
        return EXIT_COULD_NOT;
    state.found += state.applied;
    show(context, &state);
    return EXIT_DONE;
}

static const CommandOption no_options[] = {{0}};

const Command db_commands[] = {
    {.noun = "db",
     .verb = "init",
     .summary = "Make the database's schema, or bring it up to date",
     .help =
         "Any older version upgrades, each step in a transaction of its own. The user must own the "
         "schema \"mhsflow\" or be allowed to make it. With `database: embedded` the daemon does "
         "this "
         "by itself.",
     .options = no_options,
     .run = run_init},
    {.noun = "db",
     .verb = "check",
     .summary = "See whether the database's schema is this program's",
     .help = "Ends with 1 when the schema is older or not there.",
     .options = no_options,
     .run = run_check},
    {0},
};
