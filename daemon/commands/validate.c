/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow validate: the national rules over a document or a folder of tables, without a database.
 */
#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "daemon/commands/dataset_pack.h"
#include "daemon/commands/validate_output.h"
#include "daemon/dataset/document.h"
#include "daemon/dataset/reference.h"
#include "daemon/dataset/table_folder.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FAULTS_KEPT 1000
#define VALUES_KEPT 200000 /* findings whose values are looked up with --show-values */

typedef struct Validation {
    CommandContext *context;
    const Dataset *dataset;
    CheckContext check;
    const char *path;
    bool folder;
    Output *output;
    Checker *checker;
    const char *detail; /* of the structural fault being told */
    size_t faults;
    bool show;
    OutputFinding *kept; /* with `show`, until their values are known */
    size_t kept_count, kept_capacity;
    OutputFinding **wanted; /* those with a row and an element, by table, row, element */
    size_t wanted_count;
} Validation;

static void on_finding(void *context, const CheckFinding *found)
{
    Validation *validation = context;
    OutputFinding finding = {.found = *found, .detail = validation->detail};
    if (!validation->show) {
        output_finding(validation->output, &finding);
        return;
    }
    Arena *arena = validation->context->arena;
    finding.detail = arena_text(arena, finding.detail);
    validation->kept = arena_grow(arena, validation->kept, validation->kept_count,
                                  &validation->kept_capacity, sizeof finding);
    validation->kept[validation->kept_count++] = finding;
}

static bool on_row(void *context, const Row *row, Error *err)
{
    return checker_row(((Validation *)context)->checker, row, err);
}

static bool on_fault(void *context, const StructureFault *fault, Error *err)
{
    Validation *validation = context;
    if (validation->faults++ >= FAULTS_KEPT)
        return true;
    _cleanup_arena_ Arena *arena = arena_new(1 << 16);
    validation->detail = structure_text(fault, validation->show, arena);
    bool ok = checker_structure(validation->checker, fault->table, fault->element, err);
    validation->detail = NULL;
    return ok;
}

static bool read_rows(Validation *validation, RowSink rows, StructureSink faults, Error *err)
{
    if (validation->folder)
        return table_folder_read(validation->dataset, validation->path, validation->check.partial,
                                 rows, faults, validation, err);
    return document_read(validation->dataset, validation->path, rows, faults, validation, err);
}

static int wanted_compare(const void *a, const void *b)
{
    const CheckFinding *one = &(*(OutputFinding *const *)a)->found,
                       *two = &(*(OutputFinding *const *)b)->found;
    if (one->table != two->table)
        return one->table->index < two->table->index ? -1 : 1;
    return (one->row > two->row) - (one->row < two->row);
}

/* Second reading: the values of the rows that something was found in. */
static bool on_row_again(void *context, const Row *row, Error *err)
{
    Validation *validation = context;
    size_t low = 0, high = validation->wanted_count;
    (void)err;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const CheckFinding *found = &validation->wanted[middle]->found;
        if (found->table->index < row->table->index ||
            (found->table == row->table && found->row < row->number))
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < validation->wanted_count; low++) {
        OutputFinding *finding = validation->wanted[low];
        if (finding->found.table != row->table || finding->found.row != row->number)
            break;
        finding->value =
            arena_text(validation->context->arena, row_get(row, finding->found.element));
    }
    return true;
}

static bool on_fault_again(void *context, const StructureFault *fault, Error *err)
{
    (void)context, (void)fault, (void)err;
    return true;
}

static bool show_values(Validation *validation, Error *err)
{
    size_t count = 0;
    validation->wanted =
        arena_array(validation->context->arena, validation->kept_count, sizeof(OutputFinding *));
    for (size_t i = 0; i < validation->kept_count && count < VALUES_KEPT; i++)
        if (validation->kept[i].found.row && validation->kept[i].found.element)
            validation->wanted[count++] = &validation->kept[i];
    validation->wanted_count = count;
    if (count > 1)
        qsort(validation->wanted, count, sizeof *validation->wanted, wanted_compare);
    if (count && !read_rows(validation, on_row_again, on_fault_again, err))
        return false;
    for (size_t i = 0; i < validation->kept_count; i++)
        output_finding(validation->output, &validation->kept[i]);
    return true;
}

/* Now, as clocks in London show it. */
static const char *now_in_london(Arena *arena)
{
    int64_t now = clock_wall();
    int64_t seconds = now / CLOCK_SECOND + civil_london_offset_minutes(now) * 60;
    int64_t of_day = ((seconds % 86400) + 86400) % 86400;
    char day[CIVIL_TEXT_SIZE];
    return arena_format(arena, "%sT%02d:%02d:%02d", civil_format_day(civil_london_day(now), day),
                        (int)(of_day / 3600), (int)(of_day / 60 % 60), (int)(of_day % 60));
}

static bool is_time(const char *text)
{
    char day[11];
    Day date;
    int seconds;
    if (strlen(text) != 19 || text[10] != 'T')
        return false;
    memcpy(day, text, 10);
    day[10] = '\0';
    return civil_parse_day(day, &date) && civil_parse_time(text + 11, &seconds);
}

static bool is_code(const char *text)
{
    size_t size = strlen(text);
    for (const char *c = text; *c; c++)
        if (!isalnum((unsigned char)*c))
            return false;
    return size >= 3 && size <= 6;
}

static bool options_read(Validation *validation, Error *err)
{
    const CommandContext *context = validation->context;
    CheckContext *check = &validation->check;
    const char *period = context->option(context, "--period");
    check->provider = context->option(context, "--provider");
    check->submitter = context->option(context, "--submitter");
    check->submitted_at = context->option(context, "--submitted-at");
    check->partial = context->option(context, "--partial") != NULL;
    validation->show = context->option(context, "--show-values") != NULL;
    if (!civil_parse_month(period, &check->period))
        return command_usage(err, "--period is a month, such as 2026-04");
    if (!is_code(check->provider) || (check->submitter && !is_code(check->submitter)))
        return command_usage(err,
                             "an organisation is given by its code, 3 to 6 letters and digits");
    if (!check->submitted_at)
        check->submitted_at = now_in_london(context->arena);
    else if (!is_time(check->submitted_at))
        return command_usage(err,
                             "--submitted-at is a time in London, such as 2026-05-20T17:00:00");
    if (context->json && context->option(context, "--csv"))
        return command_usage(err, "--json and --csv exclude each other");
    return true;
}

static bool input_find(Validation *validation, Error *err)
{
    struct stat about;
    validation->path = validation->context->arguments[0];
    if (stat(validation->path, &about) != 0)
        return error_errno(err, errno, "validate.path", "could not open %s", validation->path);
    validation->folder = S_ISDIR(about.st_mode);
    if (!validation->folder || !validation->check.partial)
        return true;
    bool *present =
        arena_array(validation->context->arena, validation->dataset->table_count, sizeof(bool));
    validation->check.present = present;
    return table_folder_tables(validation->dataset, validation->path, present, err);
}

static int validate(Validation *validation, Error *err)
{
    CommandContext *context = validation->context;
    OutputForm form = context->json                       ? OUTPUT_JSON
                      : context->option(context, "--csv") ? OUTPUT_CSV
                                                          : OUTPUT_PEOPLE;
    CheckSummary summary;
    _cleanup_output_ Output *output = output_new(context, validation->dataset, form);
    validation->output = output;
    if (!read_rows(validation, on_row, on_fault, err) ||
        !checker_finish(validation->checker, &summary, err) ||
        (validation->show && !show_values(validation, err)))
        return EXIT_COULD_NOT;
    output_end(validation->output, &summary, &validation->check);
    return summary.file_rejected || summary.rejected_rows || validation->faults ? EXIT_FOUND
                                                                                : EXIT_DONE;
}

static int run_validate(CommandContext *context, Error *err)
{
    Validation validation = {.context = context};
    _cleanup_checker_ Checker *checker = NULL;
    const char *reference = context->option(context, "--reference");
    if (!options_read(&validation, err))
        return EXIT_USAGE;
    if (!command_dataset(context, &validation.dataset, err) ||
        (reference &&
         !reference_open(reference, context->arena, &validation.check.reference, err)) ||
        !input_find(&validation, err) ||
        !checker_new(validation.dataset, &validation.check, on_finding, &validation, &checker, err))
        return EXIT_COULD_NOT;
    validation.checker = checker;
    return validate(&validation, err);
}

static const CommandOption options[] = {
    {"--period", "YYYY-MM", true, "the month that the file is for"},
    {"--provider", "CODE", true, "the organisation that the file is for"},
    {"--submitter", "CODE", false, "who would upload it, if not the provider"},
    {"--submitted-at", "TIME", false,
     "when it would be uploaded, London time, 2026-05-20T17:00:00; else now"},
    {"--reference", "FILE", false,
     "CSV kind,code,from,to of what is known and open; without it rules that need it are not "
     "checked"},
    {"--partial", NULL, false, "some tables only: what the others decide is not judged"},
    {"--csv", NULL, false, "a fix list for a spreadsheet: one line per finding"},
    {"--show-values", NULL, false, "show the values found wrong: they are personal data"},
    DATASET_OPTION,
    {0},
};

const Command validate_commands[] = {
    {"validate", NULL, "PATH", 1, 1,
     "Check a file against the national rules, before anybody else does",
     "PATH is an XML document of this project, or a folder with one CSV file per table "
     "(MHS000Header.csv, MHS001MPI.csv, …; first line the element names, UTF-8, blank for "
     "nothing).  Findings have the national rule codes.  Exit 0: nothing rejected; 1: something "
     "is; 3: the file cannot be read.",
     options, run_validate},
    {0},
};
