/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow submission: what was sent, made again byte for byte, with the proof that it is that. */
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"
#include "daemon/dataset/dataset.h"
#include "daemon/dataset/table_folder.h"
#include "daemon/pipeline/build.h"

#include <string.h>
#include <unistd.h>

typedef struct Export {
    SubmissionInfo info;
    const char *document, *signature; /* paths */
} Export;

static bool write_signature(Export *export, Arena *arena, Error *err)
{
    if (!export->info.signature)
        return true;
    export->signature = arena_format(
        arena, "%.*s.p7s", (int)(strlen(export->document) - strlen(".xml")), export->document);
    return file_write(export->signature, export->info.signature, export->info.signature_size, 0600,
                      err);
}

/* The document goes where the spool's would: the same function makes it and compares its digest. */
static bool export_to(CommandContext *context, int64_t id, const char *folder, Export *ret,
                      Error *err)
{
    _cleanup_store_ Store *store = NULL;
    const Dataset *dataset;
    const Config *config;

    return command_config(context, &config, err) && command_store(context, &store, err) &&
           dataset_open(section_text(config->main, "dataset"), context->arena, &dataset, err) &&
           submission_get(store, id, context->arena, &ret->info, err) &&
           command_shows(context, store,
                         &(AuditFields){.submission = id, .code = "submission_export"}, err) &&
           file_make_folder(folder, 0700, err) &&
           spool_ensure(store, dataset, folder, &ret->info, context->arena, &ret->document, err) &&
           write_signature(ret, context->arena, err);
}

/* The tables are written from the document, which lies beside them only meanwhile. */
static bool export_tables(CommandContext *context, int64_t id, const char *folder, Export *ret,
                          Error *err)
{
    const char *beside = arena_format(context->arena, "%s.document", folder);
    const Dataset *dataset;
    const Config *config;

    bool done =
        export_to(context, id, beside, ret, err) && command_config(context, &config, err) &&
        dataset_open(section_text(config->main, "dataset"), context->arena, &dataset, err) &&
        table_folder_write(dataset, ret->document, folder, err);
    if (ret->document)
        unlink(ret->document);
    if (ret->signature)
        unlink(ret->signature);
    rmdir(beside);
    return done;
}

static int tell_tables(CommandContext *context, const Export *export, const char *folder)
{
    Details *details = details_new(context);

    details_number(details, "id", "submission", export->info.id);
    details_text(details, "tables", "tables", folder);
    details_text(details, "manifest", "manifest",
                 arena_format(context->arena, "%s/manifest.csv", folder));
    details_number(details, "rows", "rows", export->info.counts.rows);
    details_text(details, "state", "state", submission_state_name(export->info.state));
    details_end(details);
    return EXIT_DONE;
}

static int run_export(CommandContext *context, Error *err)
{
    const char *format = context->option(context, "--format");
    const char *out = context->option(context, "--out");
    char hex[DIGEST_HEX_SIZE];
    Export export = {0};
    Details *details;
    int64_t id;

    if (!command_number(context, 0, &id, err))
        return EXIT_USAGE;
    if (format && strcmp(format, "xml") != 0 && strcmp(format, "idb-csv") != 0) {
        error_set(err, ERROR_CONFIG, "submission.format", "--format is xml or idb-csv");
        return EXIT_USAGE;
    }
    if (format && strcmp(format, "idb-csv") == 0)
        return export_tables(context, id, out, &export, err) ? tell_tables(context, &export, out)
                                                             : EXIT_COULD_NOT;
    if (!export_to(context, id, out, &export, err))
        return EXIT_COULD_NOT;
    details = details_new(context);
    details_number(details, "id", "submission", id);
    details_text(details, "document", "document", export.document);
    details_text(details, "signature", "signature", export.signature);
    details_text(details, "sha256", "sha256", digest_hex(export.info.document_digest, hex));
    details_number(details, "bytes", "bytes", export.info.document_size);
    details_text(details, "state", "state", submission_state_name(export.info.state));
    details_text(details, "reference", "receipt", export.info.reference);
    details_end(details);
    if (!context->json && export.signature)
        fprintf(context->out,
                "\nVerify it with any CMS program:\n  openssl cms -verify -binary -inform DER -in "
                "%s -content %s "
                "-CAfile CERTIFICATE -purpose any -out /dev/null\n",
                export.signature, export.document);
    return EXIT_DONE;
}

static const CommandOption options[] = {
    {"--format", "xml|idb-csv", false,
     "xml: the document and its signature, as sent; idb-csv: one CSV for each table, in the order "
     "of tables and columns of the national Access template, with a manifest"},
    {"--out", "FOLDER", true,
     "where to put document and signature; made when it is not there, readable by you only"},
    {"--as", "NAME", false, "who takes it, kept in the audit (default: your login name)"},
    {0}};

const Command submission_commands[] = {
    {"submission", "export", "ID", 1, 1,
     "Write a submission to files: as sent, or as tables for the portal's template",
     "The document is made again from the database, and its digest compared with what was queued: "
     "it is what was sent, "
     "byte for byte, or it is not written.  It holds personal data: the audit keeps who took it.",
     options, run_export},
    {0},
};
