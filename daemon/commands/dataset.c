/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow dataset: what the national data set is, and what the mapping fills of it. */
#include "daemon/base/cleanup.h"
#include "daemon/base/csv.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "daemon/commands/dataset_json.h"
#include "daemon/commands/dataset_pack.h"
#include "daemon/commands/listing.h"
#include "daemon/dataset/checker.h"
#include "daemon/dataset/describe.h"
#include "daemon/dataset/reference.h"
#include "daemon/dataset/schema.h"
#include "daemon/mapping/mapping.h"

#include <string.h>
#include <unistd.h>

/* A setting, when there are settings; a command on the data set works without. */
static bool setting(CommandContext *context, const char *option, const char *name, const char **ret,
                    Error *err)
{
    const Config *config;
    *ret = context->option(context, option);
    if (*ret || (!context->option(context, "--config") && access(context->config_path, F_OK) != 0))
        return true;
    if (!command_config(context, &config, err))
        return false;
    *ret = section_text(config->main, name);
    return true;
}

static bool reference_load(CommandContext *context, const Reference **ret, Error *err)
{
    const char *path;
    *ret = NULL;
    return setting(context, "--reference", "reference", &path, err) &&
           (!path || reference_open(path, context->arena, ret, err));
}

static size_t table_rules(const Table *table)
{
    size_t count = 0;
    for (size_t i = 0; i < table->dataset->rule_count; i++)
        count += table->dataset->rules[i].table == table;
    return count;
}

static void list_tables(CommandContext *context, const Dataset *dataset)
{
    static const ListingColumn columns[] = {{"table", "TABLE", LISTING_TEXT, 0},
                                            {"title", "WHAT IT HOLDS", LISTING_TEXT, 44},
                                            {"elements", "ELEMENTS", LISTING_NUMBER, 0},
                                            {"rules", "RULES", LISTING_NUMBER, 0}};
    Listing *listing = listing_new(context, columns, COUNT_OF(columns));
    for (size_t i = 0; i < dataset->table_count; i++) {
        const Table *table = &dataset->tables[i];
        const char *values[] = {table->name, table->title,
                                shown_number(context, (int64_t)table->count),
                                shown_number(context, (int64_t)table_rules(table))};
        listing_row(listing, values);
    }
    listing_end(listing, "no tables");
}

static int run_list(CommandContext *context, Error *err)
{
    const Dataset *dataset;
    /* What `validate` is always told. */
    CheckContext check = {
        .period = 1, .provider = "", .submitter = "", .submitted_at = "2026-01-01T00:00:00"};
    if (!command_dataset(context, &dataset, err) || !reference_load(context, &check.reference, err))
        return EXIT_COULD_NOT;
    json_t *not_checked = json_array();
    Text reasons = text_new(context->arena, (size_t)1 << 20);
    size_t checked = 0;
    for (size_t i = 0; i < dataset->rule_count; i++) {
        const Rule *rule = &dataset->rules[i];
        const char *why = checker_not_checked(dataset, rule, &check);
        checked += !why;
        if (!why)
            continue;
        json_array_append_new(not_checked, json_pack("{s:s,s:s}", "rule", rule->id, "why", why));
        text_addf(&reasons, "  %-11s %s\n", rule->id, why);
    }
    if (!context->json) {
        list_tables(context, dataset);
        fputc('\n', context->out);
    }
    Details *details = details_new(context);
    details_text(details, "name", "Data set", dataset->name);
    details_text(details, "title", "Title", dataset->title);
    details_text(details, "version", "Version", dataset->version);
    details_number(details, "tables", "Tables", (int64_t)dataset->table_count);
    details_number(details, "elements", "Elements", (int64_t)dataset->element_count);
    details_number(details, "codes", "Code lists", (int64_t)dataset->list_count);
    details_number(details, "scales", "Scales", (int64_t)dataset->scale_count);
    details_number(details, "rules", "Rules", (int64_t)dataset->rule_count);
    details_number(details, "rules_checked", "Rules checked", (int64_t)checked);
    details_json(details, "not_checked", not_checked);
    details_end(details);
    if (!context->json && reasons.size)
        fprintf(context->out, "\nNot checked\n%s", text_get(&reasons));
    return EXIT_DONE;
}

static int run_xsd(CommandContext *context, Error *err)
{
    const Dataset *dataset;
    Text text = text_new(context->arena, (size_t)8 << 20);
    if (!command_dataset(context, &dataset, err))
        return EXIT_COULD_NOT;
    schema_write(dataset, &text);
    fwrite(text.bytes, 1, text.size, context->out);
    return EXIT_DONE;
}

/* The mapping, to say which of its lines fills an element; NULL when there is none to read. */
static bool mapping_load(CommandContext *context, const Dataset *dataset, bool needed,
                         const Mapping **ret, Error *err)
{
    const char *path;
    *ret = NULL;
    if (!setting(context, "--mapping", "mapping", &path, err))
        return false;
    if (!path)
        path = arena_format(context->arena, "%s/standard/mapping.yaml", dataset->folder);
    if (!needed && access(path, F_OK) != 0)
        return true;
    return mapping_open(path, dataset, context->arena, ret, err);
}

typedef struct Filling {
    const Mapping *mapping;
    Arena *arena;
} Filling;

static const char *filled_by(void *context, const Element *element)
{
    const Filling *filling = context;
    const MapLine *line = mapping_line(filling->mapping, element);
    return line ? arena_format(filling->arena, "%s (%s)", map_line_text(line, filling->arena),
                               map_line_place(line, filling->arena))
                : NULL;
}

static int run_describe(CommandContext *context, Error *err)
{
    const Dataset *dataset;
    Filling filling = {.arena = context->arena};
    Text text = text_new(context->arena, (size_t)8 << 20);
    const char *folder = context->option(context, "--markdown");
    if (!folder == !context->argument_count)
        return command_usage(err, "name one thing to describe: a rule, table, element, item, code "
                                  "list or scale"),
               EXIT_USAGE;
    if (!command_dataset(context, &dataset, err))
        return EXIT_COULD_NOT;
    if (folder)
        return describe_markdown(dataset, folder, err) ? EXIT_DONE : EXIT_COULD_NOT;
    if (!mapping_load(context, dataset, false, &filling.mapping, err))
        return EXIT_COULD_NOT;
    const char *what = context->arguments[0];
    DescribeFill fill = filling.mapping ? filled_by : NULL;
    if (context->json ? dataset_json(context, dataset, what, fill, &filling)
                      : describe(dataset, what, fill, &filling, &text)) {
        fputs(text_get(&text), context->out);
        return EXIT_DONE;
    }
    const char *near = describe_near(dataset, what, context->arena);
    error_set(err, ERROR_CONFIG, "dataset.describe", "nothing in %s is named \"%s\"%s%s%s",
              dataset->name, what, near ? "; did you mean " : "", near ? near : "",
              near ? "?" : "");
    return EXIT_COULD_NOT;
}

/* Why nothing fills an element: `table,element,why` beside the mapping; a blank element is the
 * whole table. */
typedef struct Unfilled {
    const char *table, *element, *why;
} Unfilled;

static bool unfilled_load(CommandContext *context, const char *folder, Unfilled **ret,
                          size_t *ret_count, Error *err)
{
    static const char *const names[] = {"table", "element", "why"};
    _cleanup_csv_ CsvReader *csv = NULL;
    const char *path = arena_format(context->arena, "%s/standard/unfilled.csv", folder);
    const CsvRow *row;
    size_t capacity = 0;
    int columns[3];
    *ret_count = 0;
    *ret = NULL;
    if (access(path, F_OK) != 0)
        return true;
    if (!csv_open(path, &csv, err) || !csv_require(csv, names, 3, columns, err))
        return false;
    for (;;) {
        if (!csv_next(csv, &row, err))
            return false;
        if (!row)
            return true;
        *ret = arena_grow(context->arena, *ret, *ret_count, &capacity, sizeof **ret);
        (*ret)[(*ret_count)++] =
            (Unfilled){.table = arena_text(context->arena, row->fields[columns[0]]),
                       .element = arena_text(context->arena, row->fields[columns[1]]),
                       .why = arena_text(context->arena, row->fields[columns[2]])};
    }
}

/* The element's own reason before its table's. */
static const char *why_unfilled(const Unfilled *reasons, size_t count, const Element *element)
{
    const char *why = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!text_equal(reasons[i].table, element->table->code))
            continue;
        if (text_equal(reasons[i].element, element->name))
            return reasons[i].why;
        if (!*reasons[i].element)
            why = reasons[i].why;
    }
    return why;
}

static int run_coverage(CommandContext *context, Error *err)
{
    static const ListingColumn columns[] = {
        {"table", "TABLE", LISTING_TEXT, 0},    {"element", "ELEMENT", LISTING_TEXT, 0},
        {"mandation", "M", LISTING_TEXT, 0},    {"filled", "FILLED", LISTING_BOOL, 0},
        {"from", "FROM", LISTING_TEXT, 60},     {"place", NULL, LISTING_TEXT, 0},
        {"why", "OR WHY NOT", LISTING_TEXT, 0},
    };
    const Dataset *dataset;
    const Mapping *mapping;
    Unfilled *reasons;
    size_t count, filled = 0, unexplained = 0;
    if (!command_dataset(context, &dataset, err) ||
        !mapping_load(context, dataset, true, &mapping, err) ||
        !unfilled_load(context, dataset->folder, &reasons, &count, err))
        return EXIT_COULD_NOT;
    Listing *listing = listing_new(context, columns, COUNT_OF(columns));
    for (size_t i = 0; i < dataset->table_count; i++)
        for (size_t j = 0; j < dataset->tables[i].count; j++) {
            const Element *element = &dataset->tables[i].elements[j];
            const MapLine *line = mapping_line(mapping, element);
            const char mandation[] = {element->mandation ? element->mandation : '-', '\0'};
            const char *why = line ? NULL : why_unfilled(reasons, count, element);
            const char *values[] = {element->table->name,
                                    element->name,
                                    mandation,
                                    line ? "yes" : "no",
                                    line ? map_line_text(line, context->arena) : NULL,
                                    line ? map_line_place(line, context->arena) : NULL,
                                    why};
            filled += line != NULL;
            unexplained += !line && !why;
            listing_row(listing, values);
        }
    listing_end(listing, "no elements");
    if (!context->json)
        fprintf(context->out,
                "\n%zu of %zu elements are filled; %zu are not, and nothing says why\n", filled,
                dataset->element_count, unexplained);
    return EXIT_DONE;
}

#define MAPPING_OPTION                                                                             \
    {                                                                                              \
        "--mapping", "FILE", false, "the mapping, if not the one in the settings"                  \
    }

static const CommandOption list_options[] = {
    {"--reference", "FILE", false, "reference data, if not the file in the settings"},
    DATASET_OPTION,
    {0},
};
static const CommandOption xsd_options[] = {DATASET_OPTION, {0}};
static const CommandOption describe_options[] = {
    {"--markdown", "FOLDER", false, "write pages about all of it instead"},
    MAPPING_OPTION,
    DATASET_OPTION,
    {0},
};
static const CommandOption coverage_options[] = {MAPPING_OPTION, DATASET_OPTION, {0}};

const Command dataset_commands[] = {
    {"dataset", "list", NULL, 0, 0, "The national data set: tables, rules, and what is not checked",
     NULL, list_options, run_list},
    {"dataset", "xsd", NULL, 0, 0, "Print the schema of the project's own XML documents", NULL,
     xsd_options, run_xsd},
    {"dataset", "describe", "[THING]", 0, 1,
     "What a rule, table, element, item, code list or scale is",
     "THING is, for example, MHS20168 (a rule), MHS201 (a table), AttendStatus (an element), "
     "MHS101.ReferClosReason, M201901 (an item number) or 1037651000000100 (a scale).",
     describe_options, run_describe},
    {"dataset", "coverage", NULL, 0, 0,
     "From what the mapping fills each national element, or why nothing can", NULL,
     coverage_options, run_coverage},
    {0},
};
