/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow db backup and restore: a copy of everything, and what it takes to go back to one. */
#include "daemon/store/migrate.h"
#include "daemon/store/pg_program.h"
#include "daemon/store/restoration.h"
#include "daemon/store/rights.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/file.h"
#include "daemon/commands/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define BLOCK 65536

static bool programs(CommandContext *context, const char **ret, Error *err)
{
    return pg_program_newest(context->arena, ret) ||
           error_set(err, ERROR_CONFIG, "db.programs",
                     "cannot find pg_dump and pg_restore: install postgresql-client");
}

static bool digest_of(const char *path, bool sync, uint8_t ret[DIGEST_SIZE], Error *err)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    Digest *digest = digest_new();
    char block[BLOCK];
    ssize_t got = fd < 0 ? -1 : 1;

    while (got > 0 && (got = read(fd, block, sizeof(block))) > 0)
        digest_add(digest, block, (size_t)got);
    digest_finish(digest, ret);
    digest_free(digest);
    return (got == 0 && (!sync || fsync(fd) == 0)) ||
           error_errno(err, errno, "db.file", "could not read the backup");
}

static int run_backup(CommandContext *context, Error *err)
{
    const char *out = context->option(context, "--out"), *bin, *actor, *conninfo, *part;
    uint8_t digest[DIGEST_SIZE];
    char hex[DIGEST_HEX_SIZE];
    const Config *config;
    Details *details;

    if (!command_person(context, &actor, err) || !command_config(context, &config, err) ||
        !programs(context, &bin, err))
        return EXIT_COULD_NOT;
    conninfo = config_database(config, context->arena);
    part = arena_format(context->arena, "%s.part", out);
    /* Made first, so that nobody else can read it at any time. */
    if (!file_write(part, "", 0, 0600, err))
        return EXIT_COULD_NOT;
    const char *arguments[] = {arena_format(context->arena, "%s/pg_dump", bin),
                               "--format=custom",
                               "--schema=mhsflow",
                               "--no-owner",
                               "--no-privileges",
                               "--file",
                               part,
                               "--dbname",
                               conninfo,
                               NULL};
    if (!pg_program_run(arguments, "copy the database", err) ||
        !digest_of(part, true, digest, err)) {
        unlink(part);
        return EXIT_COULD_NOT;
    }
    if (rename(part, out) < 0) {
        error_errno(err, errno, "db.file", "could not name the backup");
        return EXIT_COULD_NOT;
    }
    if (!restoration_note_copy(conninfo, actor, digest, err))
        return EXIT_COULD_NOT;
    details = details_new(context);
    details_text(details, "backup", "backup", out);
    details_text(details, "sha256", "sha256", digest_hex(digest, hex));
    details_end(details);
    return EXIT_DONE;
}

static bool load(CommandContext *context, const Config *config, const char *bin, const char *file,
                 Error *err)
{
    const char *arguments[] = {arena_format(context->arena, "%s/pg_restore", bin),
                               "--exit-on-error",
                               "--single-transaction",
                               "--no-owner",
                               "--no-privileges",
                               "--dbname",
                               config_database(config, context->arena),
                               file,
                               NULL};

    return pg_program_run(arguments, "load the backup", err);
}

/* From a database set aside to a new epoch; on failure the caller puts back what was there. */
static bool replace(CommandContext *context, const Config *config, const char *file,
                    const char *actor, Restoration *ret, Error *err)
{
    const char *conninfo = config_database(config, context->arena), *bin;
    uint8_t digest[DIGEST_SIZE];
    size_t changes;

    return programs(context, &bin, err) && load(context, config, bin, file, err) &&
           digest_of(file, false, digest, err) &&
           restoration_finish(conninfo, actor, digest, ret, err) &&
           (!config_database_own_logins(config) || rights_apply(conninfo, &changes, err));
}

static int run_restore(CommandContext *context, Error *err)
{
    const char *file = context->arguments[0], *actor, *conninfo;
    Restoration done = {0};
    const Config *config;
    Error undo = {0};
    Details *details;

    if (!command_person(context, &actor, err) || !command_config(context, &config, err))
        return EXIT_COULD_NOT;
    if (access(file, R_OK) != 0) {
        error_errno(err, errno, "db.file", "could not read the backup");
        return EXIT_COULD_NOT;
    }
    conninfo = config_database(config, context->arena);
    if (!restoration_prepare(conninfo, err))
        return EXIT_COULD_NOT;
    if (!replace(context, config, file, actor, &done, err)) {
        if (!restoration_undo(conninfo, &undo))
            error_wrap(err, "what was there before is set aside; run this command again");
        return EXIT_COULD_NOT;
    }
    if (!restoration_end(conninfo, err))
        return EXIT_COULD_NOT;
    details = details_new(context);
    details_number(details, "epoch", "epoch", done.epoch);
    details_number(details, "asked", "asked about first", done.asked);
    details_number(details, "held", "held for a person", done.held);
    details_end(details);
    if (!context->json)
        fputs("\nThe first build of each month waits for a person (`mhsflow queue list`): the "
              "receiver may have a\nnewer one than this backup knows.\n",
              context->out);
    return EXIT_DONE;
}

static const CommandOption backup_options[] = {
    {"--out", "FILE", true, "where to write it; readable by you only, replaced when it is whole"},
    {"--as", "NAME", false, "who copies, for the audit; your login name when not given"},
    {0}};
static const CommandOption restore_options[] = {
    {"--as", "NAME", false, "who restores, for the audit; your login name when not given"}, {0}};

const Command db_copy_commands[] = {
    {.noun = "db",
     .verb = "backup",
     .summary = "Write a copy of the whole database to a file, while everything runs",
     .help = "As the tables' owner (with `database: embedded`: root, or the daemon's user). The "
             "file holds every record: keep it as safe as the database, and no longer than your "
             "policy says. The keys, the settings and the seal folder are not in it.",
     .options = backup_options,
     .run = run_backup},
    {.noun = "db",
     .verb = "restore",
     .arguments = "FILE",
     .least = 1,
     .most = 1,
     .summary = "Put a backup in the place of the database, and begin a new epoch",
     .help =
         "All roles but the database must be stopped. What waited to go is asked about before "
         "anything is sent, the first build of each month waits for a person, and the audit "
         "keeps who did it. When it fails, the database is as it was. Where the audit is sealed, "
         "say so to the seal afterwards: `mhsflow audit restored`.",
     .options = restore_options,
     .run = run_restore},
    {0},
};
