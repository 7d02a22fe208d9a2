/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow audit restored: a person's word that the database was set back on purpose. */
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/commands/audit_seal.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"
#include "daemon/pipeline/seal_restore.h"

static void show(CommandContext *context, const SealRestored *restored, const char *person)
{
    Details *details;

    if (!restored->behind && !context->json) {
        fputs("The database has every checkpoint of the copy outside: there is nothing to say.\n",
              context->out);
        return;
    }
    details = details_new(context);
    details_text(details, "done", "written down", restored->behind ? "restored" : "nothing");
    details_text(details, "by", "by", restored->behind ? person : NULL);
    details_number(details, "kept", "sealed events kept", restored->kept);
    details_number(details, "given_up", "given up", restored->given_up);
    details_end(details);
}

int audit_run_restored(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    const Config *config;
    const char *person;
    SealRestored restored;

    if (!command_config(context, &config, err) || !command_person(context, &person, err) ||
        !command_store(context, &store, err) ||
        !seal_restore(store, config_seal_folder(config, context->arena), person, &restored, err))
        return EXIT_COULD_NOT;
    show(context, &restored, person);
    return EXIT_DONE;
}
