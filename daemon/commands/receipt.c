/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow submission receipt, reports: what a receiver answered, brought in by a person. */
#include "daemon/store/receipt.h"

#include "daemon/base/text.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"
#include "daemon/pipeline/portal_import.h"

#include <ctype.h>
#include <string.h>

#define REFERENCE_LIMIT 100
#define REPORTS_CAP ((size_t)1 << 30)

/* Printable and without spaces: it stands in lists and in the audit's neighbourhood. */
static bool reference_given(const CommandContext *context, const char **ret, Error *err)
{
    const char *text = context->option(context, "--reference");
    *ret = text;
    if (!text)
        return true;
    for (const char *c = text; *c; c++)
        if (!isascii((unsigned char)*c) || !isgraph((unsigned char)*c))
            return command_usage(err, "a reference has letters, digits and signs, and no spaces");
    return (*text && strlen(text) <= REFERENCE_LIMIT) ||
           command_usage(err, "a reference has 1 to %d characters", REFERENCE_LIMIT);
}

static bool outcome_given(const CommandContext *context, const char *reference, Outcome *ret,
                          Error *err)
{
    static const struct {
        const char *option;
        Outcome outcome;
    } words[] = {{"--accepted", OUTCOME_ACCEPTED},
                 {"--rejected", OUTCOME_REJECTED},
                 {"--not-uploaded", OUTCOME_NEVER_SEEN}};
    int given = 0;
    *ret = OUTCOME_WAITING;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!context->option(context, words[i].option))
            continue;
        given++;
        *ret = words[i].outcome;
    }
    if (given > 1)
        return command_usage(err, "--accepted, --rejected and --not-uploaded rule each other out");
    if (*ret == OUTCOME_NEVER_SEEN ? reference != NULL : !reference)
        return command_usage(err, *ret == OUTCOME_NEVER_SEEN
                                      ? "what was not uploaded has no --reference"
                                      : "--reference is missing: the portal's own for the upload");
    return true;
}

static int run_receipt(CommandContext *context, Error *err)
{
    PersonReceipt receipt = {.code = "by_hand", .reason = "a person recorded the answer"};
    _cleanup_store_ Store *store = NULL;
    SubmissionState state;
    Details *details;
    int64_t id;

    if (!command_number(context, 0, &id, err) ||
        !reference_given(context, &receipt.reference, err) ||
        !outcome_given(context, receipt.reference, &receipt.outcome, err))
        return EXIT_USAGE;
    if (!command_person(context, &receipt.actor, err) || !command_store(context, &store, err) ||
        !submission_receipt(store, id, &receipt, &state, err))
        return EXIT_COULD_NOT;
    details = details_new(context);
    details_number(details, "id", "submission", id);
    details_text(details, "state", "state", submission_state_name(state));
    details_text(details, "reference", "receipt", receipt.reference);
    details_text(details, "by", "by", receipt.actor);
    details_end(details);
    return EXIT_DONE;
}

/* ---- reports ---- */

static bool read_reports(CommandContext *context, Store *store, int64_t id, Arena *arena,
                         SubmissionInfo *ret_info, PortalImport *ret, Error *err)
{
    const Dataset *dataset;
    const Config *config;
    PortalReports reports;
    return command_config(context, &config, err) &&
           dataset_open(section_text(config->main, "dataset"), arena, &dataset, err) &&
           submission_get(store, id, arena, ret_info, err) &&
           portal_reports_read(context->arguments[1], arena, &reports, err) &&
           portal_import(store, dataset, ret_info, &reports, arena, ret, err);
}

static json_t *difference_json(const PortalDifference *one)
{
    return json_pack("{s:s, s:s?, s:I, s:I, s:I, s:I}", "rule", one->rule, "severity",
                     one->severity, "portal", (json_int_t)one->portal, "ours",
                     (json_int_t)one->ours, "only_portal", (json_int_t)one->only_portal,
                     "only_ours", (json_int_t)one->only_ours);
}

static void tell_json(Details *details, const PortalImport *import)
{
    json_t *differences = json_array(), *tables = json_array();
    for (size_t i = 0; i < import->difference_count; i++)
        json_array_append_new(differences, difference_json(&import->differences[i]));
    for (size_t i = 0; i < import->table_count; i++)
        json_array_append_new(tables, json_pack("{s:s, s:I, s:I}", "table", import->tables[i].table,
                                                "sent", (json_int_t)import->tables[i].sent,
                                                "carried", (json_int_t)import->tables[i].carried));
    details_json(details, "differences", differences);
    details_json(details, "tables", tables);
}

static void tell_people(CommandContext *context, const PortalImport *import)
{
    for (size_t i = 0; i < import->table_count; i++)
        fprintf(context->out, "%s: sent %lld rows, the portal carried on with %lld\n",
                import->tables[i].table, (long long)import->tables[i].sent,
                (long long)import->tables[i].carried);
    if (!import->difference_count) {
        fputs("The portal found what our own checks had found, and nothing else.\n", context->out);
        return;
    }
    fputs("\nWhere the portal and our own checks differ (a fault in our rules, or in what we know "
          "of theirs):\n",
          context->out);
    for (size_t i = 0; i < import->difference_count; i++) {
        const PortalDifference *one = &import->differences[i];
        fprintf(context->out, "  %-10s only the portal: %lld, only we: %lld  %s\n", one->rule,
                (long long)one->only_portal, (long long)one->only_ours,
                one->message ? one->message : "(not in our rules)");
    }
}

static int tell(CommandContext *context, int64_t id, const PersonReceipt *receipt,
                SubmissionState state, const PortalImport *import)
{
    Details *details = details_new(context);
    details_number(details, "id", "submission", id);
    details_text(details, "state", "state", submission_state_name(state));
    details_text(details, "reference", "receipt", receipt->reference);
    details_text(details, "by", "by", receipt->actor);
    details_number(details, "rejected", "lines of validations", import->rejected_lines);
    details_number(details, "warnings", "lines of data quality", import->warning_lines);
    details_number(details, "tied", "tied to a row or person", import->tied);
    details_number(details, "unreadable", "lines without a code", import->unreadable);
    if (context->json)
        tell_json(details, import);
    details_end(details);
    if (!context->json) {
        tell_people(context, import);
        fprintf(context->out,
                "\nEach as a finding: `mhsflow finding list --submission %lld "
                "--source receiver`.\n",
                (long long)id);
    }
    return import->difference_count || import->table_count || state == SUBMISSION_REJECTED
               ? EXIT_FOUND
               : EXIT_DONE;
}

static int run_reports(CommandContext *context, Error *err)
{
    PersonReceipt receipt = {.code = "reports",
                             .reason = "a person brought in the portal's reports"};
    _cleanup_arena_ Arena *arena = arena_new(REPORTS_CAP);
    _cleanup_store_ Store *store = NULL;
    PortalImport import;
    SubmissionInfo info;
    SubmissionState state;
    int64_t id;

    if (!command_number(context, 0, &id, err) || !reference_given(context, &receipt.reference, err))
        return EXIT_USAGE;
    if (!command_person(context, &receipt.actor, err) || !command_store(context, &store, err) ||
        !read_reports(context, store, id, arena, &info, &import, err))
        return EXIT_COULD_NOT;
    receipt.outcome = import.outcome;
    receipt.findings = import.findings;
    receipt.finding_count = import.finding_count;
    receipt.has_findings = true;
    if (!submission_receipt(store, id, &receipt, &state, err))
        return EXIT_COULD_NOT;
    if (!receipt.reference)
        receipt.reference = info.reference;
    return tell(context, id, &receipt, state, &import);
}

#define AS                                                                                         \
    {                                                                                              \
        "--as", "NAME", false, "who acts, kept with it (default: your login name)"                 \
    }

static const CommandOption receipt_options[] = {
    {"--reference", "REF", false, "the receiver's own reference for it"},
    {"--accepted", NULL, false, "the receiver accepted it"},
    {"--rejected", NULL, false, "the receiver refused it"},
    {"--not-uploaded", NULL, false,
     "it was never uploaded: a newer revision goes in its place, or it is handed over again"},
    AS,
    {0}};
static const CommandOption reports_options[] = {
    {"--reference", "REF", false, "the receiver's own reference, where it is not recorded yet"},
    AS,
    {0}};

const Command receipt_commands[] = {
    {"submission", "receipt", "ID", 1, 1,
     "Record what the portal answered: its reference, accepted or rejected",
     "For submissions that a person uploads.  Your name is kept with it.  Without --accepted or "
     "--rejected the submission goes on waiting.",
     receipt_options, run_receipt},
    {"submission", "reports", "ID FILE.zip", 2, 2,
     "Bring in the portal's Summary Reports and hold them against our own checks",
     "Each line becomes a finding, tied to its row, record and field where its values allow.  The "
     "submission becomes rejected if a rule of the whole file is among them, else accepted.  Exit "
     "code 1: something differs from what our own checks had said, or it was rejected.",
     reports_options, run_reports},
    {0},
};
