/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow check: is everything in place before the daemon starts, and if not, what to do. */
#include "adapters/adapter.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "daemon/commands/command_line.h"
#include "daemon/commands/listing.h"
#include "daemon/config/calendar.h"

#include <string.h>
#include <unistd.h>

typedef struct Check {
    CommandContext *context;
    Listing *listing;
    int failed;
} Check;

/* `err` NULL: it is well. */
static void report(Check *check, const char *what, const char *detail, const Error *err,
                   const char *remedy)
{
    char text[700];
    const CommandContext *context = check->context;
    const char *values[] = {err ? context->json ? "failed" : coloured(context, COLOUR_BAD, "FAILED")
                            : context->json ? "ok"
                                            : coloured(context, COLOUR_GOOD, "ok"),
                            what, err ? error_text(err, text, sizeof(text)) : detail,
                            err ? remedy : NULL};

    check->failed += err != NULL;
    if (context->json) {
        listing_row(check->listing, values);
        return;
    }
    fprintf(context->out, "%s  %-24s %s\n", values[0], what, values[2] ? values[2] : "");
    if (err)
        fprintf(context->out, "        do: %s\n", remedy);
}

static void check_calendar(Check *check, const Config *config)
{
    const Calendar *calendar;
    Error err = {0};
    const char *path = section_text(config->main, "calendar");
    bool ok = calendar_load(path, check->context->arena, &calendar, &err);

    report(check, "calendar", path, ok ? NULL : &err, "correct the file, or the option `calendar`");
}

static void check_state(Check *check, const Config *config)
{
    const char *state = section_text(config->main, "state");
    Error err = {0};

    if (access(state, R_OK | W_OK | X_OK) == 0) {
        report(check, "state folder", state, NULL, NULL);
        return;
    }
    error_set(&err, ERROR_CONFIG, "check.state", "cannot write in \"%s\" as this user", state);
    report(check, "state folder", NULL, &err,
           "make the folder for the daemon's user, or run this command as that user");
}

static void check_secrets(Check *check, const char *kind, const NamedSection *item,
                          const OptionDecl *table)
{
    for (const OptionDecl *decl = table; decl && decl->name; decl++) {
        const char *path =
            decl->type == OPTION_SECRET ? section_text(item->section, decl->name) : NULL;
        const char *what =
            arena_format(check->context->arena, "%s %s: %s", kind, item->name, decl->name);
        Error err = {0};
        char *secret;

        if (!path)
            continue;
        if (!file_secret(path, check->context->arena, &secret, &err)) {
            report(check, what, NULL, &err,
                   "put the credential there, readable by the daemon's user only");
            continue;
        }
        explicit_bzero(secret, strlen(secret));
        report(check, what, path, NULL, NULL);
    }
}

static const ListingColumn columns[] = {{"result", "RESULT", LISTING_TEXT, 0},
                                        {"what", "WHAT", LISTING_TEXT, 0},
                                        {"detail", "DETAIL", LISTING_TEXT, 0},
                                        {"remedy", "REMEDY", LISTING_TEXT, 0}};

static int print_sample(CommandContext *context, void (*make)(const AdapterInfo *, size_t, Text *))
{
    size_t feed_count, route_count, count = 0;
    const FeedAdapter *const *feeds = feed_adapters(&feed_count);
    const SubmitAdapter *const *routes = submit_adapters(&route_count);
    AdapterInfo *infos = arena_array(context->arena, feed_count + route_count, sizeof(*infos));
    Text text = text_new(context->arena, 1 << 20);

    for (size_t i = 0; i < feed_count; i++)
        infos[count++] =
            (AdapterInfo){"feed", feeds[i]->name, feeds[i]->summary, feeds[i]->options};
    for (size_t i = 0; i < route_count; i++)
        infos[count++] =
            (AdapterInfo){"route", routes[i]->name, routes[i]->summary, routes[i]->options};
    make(infos, count, &text);
    fputs(text_get(&text), context->out);
    return EXIT_DONE;
}

static int run_check(CommandContext *context, Error *err)
{
    Check check = {.context = context, .listing = listing_new(context, columns, 4)};
    const Config *config;
    Error settings = {0};

    (void)err;
    if (context->option(context, "--sample"))
        return print_sample(context, config_sample);
    if (context->option(context, "--reference"))
        return print_sample(context, config_reference);
    if (context->option(context, "--commands"))
        return command_reference(context->out), EXIT_DONE;
    if (!command_config(context, &config, &settings)) {
        report(&check, "settings", NULL, &settings,
               "correct the place shown; conf/README.md lists every option");
        return EXIT_FOUND;
    }
    report(&check, "settings", config->path, NULL, NULL);
    check_state(&check, config);
    check_calendar(&check, config);
    for (size_t i = 0; i < config->feed_count; i++)
        check_secrets(&check, "feed", &config->feeds[i],
                      adapter_options("feed", config->feeds[i].adapter));
    for (size_t i = 0; i < config->route_count; i++)
        check_secrets(&check, "route", &config->routes[i],
                      adapter_options("route", config->routes[i].adapter));
    return check.failed ? EXIT_FOUND : EXIT_DONE;
}

static const CommandOption options[] = {
    {"--sample", NULL, false,
     "print a sample settings file instead: every option, its default, its help"},
    {"--reference", NULL, false, "print the settings reference (Markdown) instead"},
    {"--commands", NULL, false, "print the command reference (Markdown) instead"},
    {0},
};

const Command check_commands[] = {
    {"check", NULL, NULL, 0, 0,
     "Look whether everything is in place: settings, credentials, database, data set, mapping",
     "Each line says what was looked at; what failed says what to do.  Changes nothing.", options,
     run_check},
    {0},
};
