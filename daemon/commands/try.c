/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow try: what records become under a mapping, and why; no database, no settings needed. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "daemon/commands/dataset_pack.h"
#include "daemon/commands/try_output.h"
#include "daemon/dataset/checker.h"
#include "daemon/mapping/sample.h"
#include "daemon/pipeline/gate.h"
#include "daemon/pipeline/tools.h"

#include <string.h>
#include <unistd.h>

#define RECORDS_LIMIT ((size_t)64 << 20)
#define PERSON_CAP ((size_t)64 << 20)

typedef struct Trial {
    CommandContext *context;
    const Dataset *dataset;
    const Mapping *mapping;
    Sample sample;
    Month month;
    bool *present; /* tables of persons */
    const ProviderSettings *
        *providers; /* that had rows, each once; copies in the command's arena */
    UsedIds **used; /* beside providers */
    size_t provider_count, provider_capacity, used_capacity;
    TryOutput *output;
    Arena *arena; /* one person's */
    const MappedRows *rows;
    const ProviderSettings *judged;
} Trial;

/* The pack around the mapping (…/mhsds-6.0/standard/mapping.yaml), unless another is asked for. */
static bool open_dataset(Trial *trial, const char *mapping, Error *err)
{
    CommandContext *context = trial->context;
    const char *slash = strrchr(mapping, '/');
    const char *folder =
        slash ? arena_format(context->arena, "%.*s/..", (int)(slash - mapping), mapping) : "..";
    if (!context->option(context, "--dataset") &&
        access(arena_format(context->arena, "%s/dataset.yaml", folder), R_OK) == 0)
        return dataset_open(folder, context->arena, &trial->dataset, err);
    return command_dataset(context, &trial->dataset, err);
}

static bool choose_month(Trial *trial, Error *err)
{
    const char *text = trial->context->option(trial->context, "--month");
    if (text && !civil_parse_month(text, &trial->month))
        return command_usage(err, "\"%s\" is not a month, YYYY-MM", text);
    if (!text)
        trial->month = trial->sample.month ? trial->sample.month
                                           : civil_month_of(civil_london_day(clock_wall())) - 1;
    return true;
}

/* The policies of the settings file, when one is named and the records bring none of their own. */
static bool choose_settings(Trial *trial, Error *err)
{
    const Config *config;
    CommandContext *context = trial->context;
    if (!context->option(context, "--config") || trial->sample.settings->provider_count)
        return true;
    if (!command_config(context, &config, err))
        return false;
    trial->sample.settings = tools_settings(config, context->arena);
    return true;
}

static bool open_trial(Trial *trial, Error *err)
{
    CommandContext *context = trial->context;
    const char *path = context->arguments[0], *records = context->arguments[1];
    char *bytes = NULL;
    size_t size = 0;
    if (!open_dataset(trial, path, err) ||
        !mapping_open(path, trial->dataset, context->arena, &trial->mapping, err) ||
        !file_read(strcmp(records, "-") == 0 ? "/dev/stdin" : records, RECORDS_LIMIT,
                   context->arena, &bytes, &size, err) ||
        !sample_read(records, bytes, size, context->arena, &trial->sample, err) ||
        !choose_settings(trial, err) || !choose_month(trial, err))
        return false;
    trial->present = arena_array(context->arena, trial->dataset->table_count, sizeof(bool));
    for (size_t i = 0; i < trial->dataset->table_count; i++)
        trial->present[i] = trial->dataset->tables[i].person;
    return true;
}

/* A person's arena goes; the provider stays for the rows without a person. */
static size_t provider_place(Trial *trial, const ProviderSettings *provider)
{
    for (size_t i = 0; i < trial->provider_count; i++)
        if (strcmp(trial->providers[i]->code, provider->code) == 0)
            return i;
    Arena *arena = trial->context->arena;
    ProviderSettings *kept = arena_alloc(arena, sizeof *kept);
    *kept = *provider;
    kept->code = arena_text(arena, provider->code);
    trial->providers = arena_grow(arena, trial->providers, trial->provider_count,
                                  &trial->provider_capacity, sizeof *trial->providers);
    trial->used = arena_grow(arena, trial->used, trial->provider_count, &trial->used_capacity,
                             sizeof *trial->used);
    trial->providers[trial->provider_count] = kept;
    trial->used[trial->provider_count] = mapping_used_new(trial->mapping, arena);
    return trial->provider_count++;
}

static void on_finding(void *context, const CheckFinding *found)
{
    Trial *trial = context;
    const MappedRow *row = NULL;
    for (size_t i = 0; i < trial->rows->count; i++)
        if (trial->rows->items[i]->row.number == found->row &&
            trial->rows->items[i]->row.table == found->table)
            row = trial->rows->items[i];
    try_check(trial->output, found, row, trial->judged, trial->arena);
}

/* The national rules over one person's rows at one provider. */
static bool judge(Trial *trial, const ProviderSettings *provider, Error *err)
{
    _cleanup_checker_ Checker *checker = NULL;
    CheckSummary summary;
    CheckContext context = {.period = trial->month,
                            .provider = provider->code,
                            .submitter = provider->submitter,
                            .partial = true,
                            .present = trial->present};
    trial->judged = provider;
    if (!checker_new(trial->dataset, &context, on_finding, trial, &checker, err))
        return false;
    for (size_t i = 0; i < trial->rows->count; i++)
        if (strcmp(trial->rows->items[i]->provider->code, provider->code) == 0 &&
            !checker_row(checker, &trial->rows->items[i]->row, err))
            return false;
    return checker_finish(checker, &summary, err);
}

static bool judge_all(Trial *trial, Error *err)
{
    for (size_t i = 0; i < trial->provider_count; i++)
        if (!judge(trial, trial->providers[i], err))
            return false;
    return true;
}

static bool try_person(Trial *trial, const SamplePerson *from, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(PERSON_CAP);
    MapPerson person = {.feed = from->feed,
                        .id = from->id,
                        .records = &from->records,
                        .references = trial->sample.references,
                        .settings = trial->sample.settings};
    MappedRows rows;
    MapFindings findings;
    PersonBasis basis = gate_basis(&from->records, GATE_PURPOSE, civil_london_day(clock_wall()));
    if (!mapping_person(trial->mapping, &person, trial->month, arena, &rows, &findings, err))
        return false;
    trial->arena = arena;
    trial->rows = &rows;
    try_person_head(trial->output, from->id, gate_reason(&basis, "consent"));
    for (size_t i = 0; i < rows.count; i++) {
        size_t place = provider_place(trial, rows.items[i]->provider);
        mapping_use(trial->used[place], &rows.items[i]->row);
        try_row(trial->output, rows.items[i], arena);
    }
    for (size_t i = 0; i < findings.count; i++)
        try_finding(trial->output, &findings.items[i], arena);
    return judge_all(trial, err);
}

static bool try_reference(Trial *trial, size_t provider, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(PERSON_CAP);
    MapReference reference = {.references = trial->sample.references,
                              .settings = trial->sample.settings,
                              .provider = trial->providers[provider],
                              .month = trial->month,
                              .created_at = trial->sample.created_at,
                              .used = trial->used[provider]};
    MapFindings findings = {0};
    for (size_t i = 0; i < trial->dataset->table_count; i++) {
        MappedRows rows;
        if (!mapping_is_reference(trial->mapping, &trial->dataset->tables[i]))
            continue;
        if (!mapping_reference(trial->mapping, &reference, &trial->dataset->tables[i], arena, &rows,
                               &findings, err))
            return false;
        for (size_t j = 0; j < rows.count; j++)
            try_row(trial->output, rows.items[j], arena);
    }
    for (size_t i = 0; i < findings.count; i++)
        try_finding(trial->output, &findings.items[i], arena);
    return true;
}

static int run_try(CommandContext *context, Error *err)
{
    Trial trial = {.context = context};
    if (!open_trial(&trial, err))
        return strcmp(err->code, "command.usage") == 0 ? EXIT_USAGE : EXIT_COULD_NOT;
    trial.output = try_output_new(context, trial.mapping, trial.month);
    for (size_t i = 0; i < trial.sample.count; i++)
        if (!try_person(&trial, &trial.sample.people[i], err))
            return EXIT_COULD_NOT;
    try_reference_head(trial.output);
    for (size_t i = 0; i < trial.provider_count; i++)
        if (!try_reference(&trial, i, err))
            return EXIT_COULD_NOT;
    return try_output_end(trial.output, trial.sample.count, trial.sample.orphans) ? EXIT_FOUND
                                                                                  : EXIT_DONE;
}

static const CommandOption try_options[] = {
    {"--month", "YYYY-MM", false,
     "The month to make rows for; otherwise the one the file says, otherwise the last full month."},
    {"--dataset", "FOLDER", false,
     "The pack; otherwise the one around the mapping, or the settings' own."},
    {0}};

const Command try_commands[] = {{.noun = "try",
                                 .arguments = "MAPPING RECORDS",
                                 .least = 2,
                                 .most = 2,
                                 .summary = "show what records become under a mapping, and why",
                                 .help = "RECORDS is a file of change lines as an export feed "
                                         "sends them (\"-\": standard input), or one "
                                         "JSON object with \"records\", \"month\" and "
                                         "\"settings\". Each row is shown with the record, "
                                         "field, code-list row and mapping line that made each of "
                                         "its values, then what the mapping and "
                                         "the national rules find. With --config the policies of "
                                         "that settings file apply. No database is "
                                         "needed. Exits 1 "
                                         "when something would be left out.",
                                 .options = try_options,
                                 .run = run_try},
                                {0}};
