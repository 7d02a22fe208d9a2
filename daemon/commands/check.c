/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow check: is everything in place before the daemon starts, and if not, what to do. */
#include "adapters/adapter.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "daemon/commands/command_line.h"
#include "daemon/commands/diagnosis.h"
#include "daemon/pipeline/tools.h"
#include "daemon/sign/client.h"
#include "daemon/sign/expiry.h"
#include "daemon/sign/key.h"
#include "daemon/sign/token.h"
#include "daemon/store/migrate.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *format_end(Diagnosis *check, int64_t seconds)
{
    char day[CIVIL_TEXT_SIZE];

    return arena_text(check->context->arena,
                      civil_format_day(civil_london_day(seconds * CLOCK_SECOND), day));
}

static void check_state(Diagnosis *check, const Config *config)
{
    const char *state = section_text(config->main, "state");
    Error err = {0};

    if (access(state, R_OK | W_OK | X_OK) == 0) {
        diagnosis_good(check, "state folder", state);
        return;
    }
    error_set(&err, ERROR_CONFIG, "check.state", "cannot write in \"%s\" as this user", state);
    diagnosis_bad(check, "state folder", &err,
                  "make the folder for the daemon's user, or run this command as that user");
}

/* Whatever mapping and building start with: pack, mapping, calendar, national reference data. */
static void check_data(Diagnosis *check, const Config *config)
{
    Error err = {0};
    Tools tools;

    if (!tools_open(config, check->context->arena, &tools, &err)) {
        diagnosis_bad(check, "data set and mapping", &err,
                      "correct the file shown, or the option that names it");
        return;
    }
    diagnosis_good(check, "data set", tools.dataset->folder);
    diagnosis_good(check, "mapping", mapping_version(tools.mapping));
    diagnosis_good(check, "calendar", section_text(config->main, "calendar"));
    if (tools.reference)
        diagnosis_good(check, "reference data", section_text(config->main, "reference"));
    else
        diagnosis_note(
            check, "reference data",
            "none is set: rules on open organisations and practices are not checked here", NULL);
}

static void check_secrets(Diagnosis *check, const char *kind, const NamedSection *item)
{
    const OptionDecl *decl = adapter_options(kind, item->adapter);

    for (; decl && decl->name; decl++) {
        const char *path = decl->type == OPTION_SECRET || text_equal(decl->name, "ca") ||
                                   text_equal(decl->name, "client_certificate")
                               ? section_text(item->section, decl->name)
                               : NULL;
        const char *what =
            arena_format(check->context->arena, "%s %s: %s", kind, item->name, decl->name);
        Error err = {0};
        char *secret;

        if (!path)
            continue;
        if (text_starts(path, "credential:") && !getenv("CREDENTIALS_DIRECTORY")) {
            diagnosis_note(check, what, path,
                           "systemd hands it to the role: it can be looked at only there");
            continue;
        }
        if (!file_secret(path, check->context->arena, &secret, &err)) {
            diagnosis_bad(check, what, &err,
                          "put the file there, readable by the daemon's user only");
            continue;
        }
        explicit_bzero(secret, strlen(secret));
        diagnosis_good(check, what, path);
    }
}

static void check_feed(Diagnosis *check, const NamedSection *feed)
{
    const FeedAdapter *adapter = feed_adapter(feed->adapter);
    Error err = {0};

    check_secrets(check, "feed", feed);
    if (!adapter || !adapter->check)
        return;
    const char *what = arena_format(check->context->arena, "feed %s", feed->name);
    if (adapter->check(feed->section, check->context->arena, &err))
        diagnosis_good(check, what, adapter->name);
    else
        diagnosis_bad(check, what, &err, "correct the file at the place shown");
}

static void check_expiry(Diagnosis *check, const char *what, const char *key_id, int64_t end)
{
    int64_t left = end - clock_wall() / CLOCK_SECOND;
    const char *detail = arena_format(check->context->arena, "key %s, certificate until %s", key_id,
                                      format_end(check, end));

    const char *remedy = "make a new certificate, and give it to the receiver first";
    Error err = {0};

    if (left < (int64_t)EXPIRY_LATE_DAYS * EXPIRY_DAY) {
        error_set(&err, ERROR_CONFIG, "check.expiry", "%s", detail);
        diagnosis_bad(check, what, &err, remedy);
    } else if (expiry_mark(left))
        diagnosis_note(check, what, detail, remedy);
    else
        diagnosis_good(check, what, detail);
}

/* The running signer knows best; without one, the files themselves, where this user may read them.
 */
static void check_signing(Diagnosis *check, const Config *config)
{
    Arena *arena = check->context->arena;
    _cleanup_signer_key_ SignerKey *key = NULL;
    SignerKeySource source;
    SignerState state;
    Error away = {0}, err = {0};

    if (!config->signing) {
        diagnosis_note(check, "signing", "no section \"signing\": nothing can be sent", NULL);
        return;
    }
    source = (SignerKeySource){.certificate = section_text(config->signing, "certificate"),
                               .key = section_text(config->signing, "key")};
    if (sign_client_key(config_sign_socket(config, arena), &state, &away)) {
        check_expiry(check, "signer", state.key_id, state.end);
        return;
    }
    if (signer_token_named(source.key))
        diagnosis_note(check, "signing key", "on a token",
                       "only the role `sign`, which is not running, gives the token its PIN");
    else if (signer_key_open(&source, clock_wall(), &key, &err))
        check_expiry(check, "signing key", signer_key_id(key), signer_key_end(key));
    else if (text_starts(section_text(config->signing, "key"), "credential:"))
        diagnosis_note(check, "signing key", section_text(config->signing, "key"),
                       "systemd hands it to the role `sign`, which is not running");
    else
        diagnosis_bad(check, "signing key", &err,
                      "give a certificate and the key that belongs to it (PEM)");
}

static void check_database(Diagnosis *check, const Config *config)
{
    Arena *arena = check->context->arena;
    const char *socket = config_database_socket(config, arena), *what;
    bool embedded = config_database_embedded(config);
    MigrateState state;
    Error err = {0};

    if (embedded && access(socket, F_OK) != 0) {
        diagnosis_note(check, "database", "embedded; not running", "mhsflowd starts it");
        return;
    }
    if (!migrate_check(config_database_as(config, "mhsflow_read", arena), &state, &err)) {
        diagnosis_bad(check, "database", &err,
                      embedded ? "start mhsflowd, or run this command as its user"
                               : "start PostgreSQL, or correct the option `database`");
        return;
    }
    what = arena_format(arena, "%s, schema %d of %d", embedded ? "embedded" : "answers",
                        state.found, state.newest);
    if (state.found > state.newest) {
        error_set(&err, ERROR_CONFIG, "check.schema", "schema %d is newer than this program (%d)",
                  state.found, state.newest);
        diagnosis_bad(check, "database", &err, "install the newer program");
    } else if (state.found < state.newest)
        diagnosis_note(check, "database", what,
                       "`mhsflow db upgrade` brings it up to date; embedded ones do so at start");
    else
        diagnosis_good(check, "database", what);
}

static int print_made(CommandContext *context, void (*make)(const AdapterInfo *, size_t, Text *))
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

static int check_all(Diagnosis *check)
{
    const Config *config;
    Error err = {0};

    if (!command_config(check->context, &config, &err)) {
        diagnosis_bad(check, "settings", &err,
                      "correct the place shown; conf/README.md lists every option");
        return EXIT_FOUND;
    }
    diagnosis_good(check, "settings", config->path);
    check_state(check, config);
    check_database(check, config);
    check_data(check, config);
    for (size_t i = 0; i < config->feed_count; i++)
        check_feed(check, &config->feeds[i]);
    for (size_t i = 0; i < config->route_count; i++)
        check_secrets(check, "route", &config->routes[i]);
    check_signing(check, config);
    return check->failed ? EXIT_FOUND : EXIT_DONE;
}

static int run_check(CommandContext *context, Error *err)
{
    Diagnosis check = diagnosis_new(context);

    (void)err; /* what fails is a line of the answer */
    if (context->option(context, "--sample"))
        return print_made(context, config_sample);
    if (context->option(context, "--reference"))
        return print_made(context, config_reference);
    if (context->option(context, "--commands")) {
        command_reference(context->out);
        return EXIT_DONE;
    }
    return check_all(&check);
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
