/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow console: who may sign in at the pages, and their numbers without them. */
#include "daemon/base/text.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"
#include "daemon/report/health.h"
#include "daemon/store/access.h"

static int run_token(CommandContext *context, Error *err)
{
    const char *name = context->arguments[0], *until = context->option(context, "--until"), *person;
    char token[ACCESS_SECRET_SIZE], day_text[CIVIL_TEXT_SIZE];
    _cleanup_store_ Store *store = NULL;
    Details *details;
    Day day;

    if (!civil_parse_day(until, &day)) {
        command_usage(err, "\"%s\" is not a day (YYYY-MM-DD)", until);
        return EXIT_USAGE;
    }
    if (!command_person(context, &person, err) || !command_store(context, &store, err) ||
        !access_make(store, name, context->option(context, "--role"), day, person, token, err))
        return EXIT_COULD_NOT;
    if (!context->json) {
        fprintf(context->out,
                "%s\n\nThe token of %s, shown this once.  It holds until the end of %s.\n", token,
                name, civil_format_day(day, day_text));
        return EXIT_DONE;
    }
    details = details_new(context);
    details_text(details, "name", "name", name);
    details_text(details, "token", "token", token);
    details_text(details, "until", "until", civil_format_day(day, day_text));
    details_end(details);
    return EXIT_DONE;
}

static int run_end(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    const char *person;

    if (!command_person(context, &person, err) || !command_store(context, &store, err) ||
        !access_end(store, context->arguments[0], person, err))
        return EXIT_COULD_NOT;
    if (!context->json)
        fprintf(context->out, "the token of %s ended, and its sessions\n", context->arguments[0]);
    return EXIT_DONE;
}

static int run_list(CommandContext *context, Error *err)
{
    static const ListingColumn columns[] = {
        {"name", "NAME", LISTING_TEXT, 0},       {"role", "ROLE", LISTING_TEXT, 0},
        {"holds", "HOLDS", LISTING_BOOL, 0},     {"ends_at", "UNTIL", LISTING_TEXT, 0},
        {"made_by", "MADE BY", LISTING_TEXT, 0}, {"ended_by", "ENDED BY", LISTING_TEXT, 0},
    };
    Listing *listing = listing_new(context, columns, 6);
    _cleanup_store_ Store *store = NULL;
    AccessToken *tokens;
    size_t count;

    if (!command_store(context, &store, err) ||
        !access_list(store, context->arena, &tokens, &count, err))
        return EXIT_COULD_NOT;
    for (size_t i = 0; i < count; i++) {
        const char *values[] = {tokens[i].name,
                                tokens[i].role,
                                tokens[i].holds ? "yes" : "no",
                                context->json ? json_time(context, tokens[i].ends_at)
                                              : shown_time(context, tokens[i].ends_at),
                                tokens[i].created_by,
                                tokens[i].ended_by};

        listing_row(listing, values);
    }
    listing_end(listing,
                "Nobody may sign in: `mhsflow console token NAME --role ROLE --until DAY`.");
    return EXIT_DONE;
}

static int run_metrics(CommandContext *context, Error *err)
{
    Text text = text_new(context->arena, (size_t)1 << 20);
    _cleanup_store_ Store *store = NULL;
    const Calendar *calendar;
    const Config *config;
    Health health;

    if (context->option(context, "--reference")) {
        metrics_reference(&text);
        fputs(text_get(&text), context->out);
        return EXIT_DONE;
    }
    if (!command_config(context, &config, err) || !command_store(context, &store, err) ||
        !calendar_load(section_text(config->main, "calendar"), context->arena, &calendar, err) ||
        !health_read(store, config, calendar, context->arena, &health, err) ||
        !metrics_write(store, &health, &text, err))
        return EXIT_COULD_NOT;
    fputs(text_get(&text), context->out);
    return health.ready ? EXIT_DONE : EXIT_FOUND;
}

static const CommandOption token_options[] = {
    {"--role", "ROLE", true, "viewer (no personal data), manager, or auditor"},
    {"--until", "YYYY-MM-DD", true, "the last day on which it holds"},
    {"--as", "NAME", false, "who makes it; the login name when not given"},
    {0},
};
static const CommandOption end_options[] = {
    {"--as", "NAME", false, "who ends it; the login name when not given"},
    {0},
};
static const CommandOption metrics_options[] = {
    {"--reference", NULL, false, "print the table of all metrics instead"},
    {0},
};
static const CommandOption no_options[] = {{0}};

const Command console_commands[] = {
    {.noun = "console",
     .verb = "token",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .summary = "Make a token with which somebody signs in at the pages",
     .help =
         "It is shown once and kept nowhere: only its SHA-256 is. A name has one token: another "
         "ends the one before, with its sessions. Behind a trusted proxy the token's name is "
         "the proxy's, and its role counts.",
     .options = token_options,
     .run = run_token},
    {.noun = "console",
     .verb = "end",
     .arguments = "NAME",
     .least = 1,
     .most = 1,
     .summary = "Take a token back, and end its sessions",
     .options = end_options,
     .run = run_end},
    {.noun = "console",
     .verb = "list",
     .summary = "Show who may sign in, as what, until when",
     .options = no_options,
     .run = run_list},
    {.noun = "console",
     .verb = "metrics",
     .summary = "Print the metrics as Prometheus text",
     .help =
         "What the console serves at /metrics, for a collector that reads files. Ends with 1 when "
         "something does not move that should.",
     .options = metrics_options,
     .run = run_metrics},
    {0},
};
