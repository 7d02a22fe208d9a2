/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow db: the database's schema and rights, made, brought up to date, looked at. */
#include "daemon/store/migrate.h"
#include "daemon/store/rights.h"

#include "daemon/base/text.h"
#include "daemon/commands/listing.h"

typedef struct DbState {
    const Config *config;
    MigrateState schema;
    size_t rights_changed;
    RightsFault *faults;
    size_t fault_count;
} DbState;

static const char *schema_word(const MigrateState *state)
{
    if (state->found > state->newest)
        return "newer than this program";
    if (state->found == state->newest)
        return "current";
    return state->found ? "older than this program" : "none yet";
}

static const char *rights_word(CommandContext *context, const DbState *state)
{
    if (!config_database_own_logins(state->config))
        return "one login for all roles";
    if (!state->fault_count)
        return "as listed";
    return arena_format(context->arena, "%zu differences", state->fault_count);
}

static void show(CommandContext *context, const DbState *state)
{
    Details *details = details_new(context);

    details_text(details, "schema", "schema", schema_word(&state->schema));
    details_number(details, "found", "version", state->schema.found);
    details_number(details, "newest", "this program's", state->schema.newest);
    details_number(details, "applied", "steps applied", state->schema.applied);
    details_text(details, "rights", "rights", rights_word(context, state));
    details_number(details, "rights_changed", "rights changed", (int64_t)state->rights_changed);
    details_end(details);
    for (size_t i = 0; !context->json && i < state->fault_count; i++) {
        const RightsFault *fault = &state->faults[i];
        fprintf(context->out, "  %s: %s %s %s\n", fault->what, fault->role ? fault->role : "",
                fault->object ? fault->object : "", fault->right ? fault->right : "");
        if (fault->remedy)
            fprintf(context->out, "    do: %s\n", fault->remedy);
    }
}

static bool look_at_rights(CommandContext *context, const char *conninfo, DbState *state,
                           Error *err)
{
    return !config_database_own_logins(state->config) || !state->schema.found ||
           rights_check(conninfo, context->arena, &state->faults, &state->fault_count, err);
}

static int run_check(CommandContext *context, Error *err)
{
    DbState state = {0};
    const char *conninfo;

    if (!command_config(context, &state.config, err))
        return EXIT_COULD_NOT;
    conninfo = config_database_as(state.config, "mhsflow_read", context->arena);
    if (!migrate_check(conninfo, &state.schema, err) ||
        !look_at_rights(context, conninfo, &state, err))
        return EXIT_COULD_NOT;
    show(context, &state);
    return state.schema.found == state.schema.newest && !state.fault_count ? EXIT_DONE : EXIT_FOUND;
}

static int bring_up_to_date(CommandContext *context, DbState *state, const char *conninfo,
                            Error *err)
{
    if (!migrate_run(conninfo, &state->schema, err))
        return EXIT_COULD_NOT;
    state->schema.found += state->schema.applied;
    if (config_database_own_logins(state->config) &&
        !rights_apply(conninfo, &state->rights_changed, err))
        return EXIT_COULD_NOT;
    if (!look_at_rights(context, conninfo, state, err))
        return EXIT_COULD_NOT;
    show(context, state);
    return state->fault_count ? EXIT_FOUND : EXIT_DONE;
}

static int run_init(CommandContext *context, Error *err)
{
    DbState state = {0};
    const char *conninfo;

    if (!command_config(context, &state.config, err))
        return EXIT_COULD_NOT;
    conninfo = config_database(state.config, context->arena);
    if (!migrate_check(conninfo, &state.schema, err))
        return EXIT_COULD_NOT;
    if (state.schema.found && state.schema.found < state.schema.newest) {
        error_set(err, ERROR_CONFIG, "db.exists",
                  "cannot make the schema: an older one is there; run `mhsflow db upgrade`");
        return EXIT_COULD_NOT;
    }
    return bring_up_to_date(context, &state, conninfo, err);
}

static int run_upgrade(CommandContext *context, Error *err)
{
    DbState state = {0};
    const char *conninfo;

    if (!command_config(context, &state.config, err))
        return EXIT_COULD_NOT;
    conninfo = config_database(state.config, context->arena);
    if (!migrate_check(conninfo, &state.schema, err))
        return EXIT_COULD_NOT;
    if (!state.schema.found) {
        error_set(err, ERROR_CONFIG, "db.missing",
                  "cannot upgrade the schema: there is none; run `mhsflow db init`");
        return EXIT_COULD_NOT;
    }
    return bring_up_to_date(context, &state, conninfo, err);
}

static int run_rights(CommandContext *context, Error *err)
{
    Text text = text_new(context->arena, (size_t)1 << 18);

    (void)err;
    text_add(&text, "# Who may do what in the database\n\nMade by `mhsflow db rights`.\n\n");
    rights_document(&text);
    fputs(text_get(&text), context->out);
    return EXIT_DONE;
}

static const CommandOption no_options[] = {{0}};

const Command db_commands[] = {
    {.noun = "db",
     .verb = "init",
     .summary = "Make the database's schema, and a login for each role",
     .help = "The user must own the schema \"mhsflow\" or be allowed to make it; with "
             "`database_login: own` it must be allowed to make logins too, or find them made. With "
             "`database: embedded` the daemon does this by itself.",
     .options = no_options,
     .run = run_init},
    {.noun = "db",
     .verb = "upgrade",
     .summary = "Bring the schema and the rights of each role up to date",
     .help = "Any older version upgrades, each step in a transaction of its own; the daemon may "
             "run, its roles end with a plain error and start again with the new program. A newer "
             "schema is refused. Rights are made exactly those of `mhsflow db rights`.",
     .options = no_options,
     .run = run_upgrade},
    {.noun = "db",
     .verb = "check",
     .summary = "See whether schema and rights are this program's",
     .help = "Ends with 1 when the schema is older or not there, or when a role may more or less "
             "than it should; each difference with the statement that ends it.",
     .options = no_options,
     .run = run_check},
    {.noun = "db",
     .verb = "rights",
     .summary = "Print who may do what in the database: role by table (Markdown)",
     .options = no_options,
     .run = run_rights},
    {0},
};
