/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the database for a command, and reads and writes its times. */
#include "daemon/commands/store_open.h"

#include "daemon/base/clock.h"
#include "daemon/base/text.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

/* The embedded database lets act: root, the daemon's own user, and whom the settings name. */
static bool is_operator(const Config *config, const char *socket)
{
    const char *const *operators;
    size_t count = section_list(config->main, "operators", &operators);
    const struct passwd *person = getpwuid(geteuid());
    struct stat folder;

    if (geteuid() == 0 || (stat(socket, &folder) == 0 && folder.st_uid == geteuid()))
        return true;
    for (size_t i = 0; person && i < count; i++)
        if (text_equal(operators[i], person->pw_name))
            return true;
    return false;
}

/* With the most that this user was given: whoever may only look is told so when acting. */
static bool open_as_person(const Config *config, const char *socket, Arena *arena, Store **ret,
                           Error *err)
{
    const char *operate = config_database_as(config, "mhsflow_operate", arena);
    const char *read = config_database_as(config, "mhsflow_read", arena);
    Error refused = {0};

    if (config_database_embedded(config))
        return store_open(is_operator(config, socket) ? operate : read, "command", ret, err);
    if (store_open(operate, "command", ret, &refused))
        return true;
    if (text_equal(refused.code, "store.login") && config_database_own_logins(config))
        return store_open(read, "command", ret, err);
    *err = refused;
    return false;
}

bool command_store(CommandContext *context, Store **ret, Error *err)
{
    const Config *config;
    const char *socket;

    if (!command_config(context, &config, err))
        return false;
    socket = config_database_socket(config, context->arena);
    if (config_database_embedded(config) && access(socket, F_OK) != 0)
        return error_set(err, ERROR_LATER, "command.database",
                         "the embedded database is not running, or this user may not reach it: "
                         "start mhsflowd, or run this command as its user");
    return open_as_person(config, socket, context->arena, ret, err);
}

bool command_period(const CommandContext *context, Month *ret, Error *err)
{
    const char *text = context->option(context, "--period");

    *ret = 0;
    if (text && !civil_parse_month(text, ret))
        return command_usage(err, "\"%s\" is not a month (YYYY-MM)", text);
    return true;
}

const char *json_time(const CommandContext *context, int64_t wall_us)
{
    char text[CLOCK_TEXT_SIZE];

    return wall_us ? arena_text(context->arena, clock_format(wall_us, text)) : NULL;
}

const char *month_text(const CommandContext *context, Month month)
{
    char text[CIVIL_TEXT_SIZE];

    return month ? arena_text(context->arena, civil_format_month(month, text)) : NULL;
}

bool command_shows(CommandContext *context, Store *store, const AuditFields *fields, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    AuditFields said = *fields;

    return command_person(context, &said.actor, err) && store_begin(store, &transaction, err) &&
           audit_append(store, AUDIT_SHOWN, &said, err) && store_commit(&transaction, err);
}
