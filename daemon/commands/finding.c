/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow finding: what is wrong with the records, by cause for people, by organisation to hand on.
 */
#include "daemon/store/finding.h"

#include "daemon/base/text.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"

static bool source_known(const char *source, Error *err)
{
    const char *names[FINDING_SOURCE_COUNT], *nearest;

    if (!source)
        return true;
    for (int i = 0; i < FINDING_SOURCE_COUNT; i++) {
        names[i] = finding_source_name((FindingSource)i);
        if (text_equal(names[i], source))
            return true;
    }
    nearest = text_nearest(source, names, FINDING_SOURCE_COUNT);
    return command_usage(err, "there is no source \"%s\"%s%s%s", source,
                         nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                         nearest ? "\"?" : "");
}

static bool submission_of(const CommandContext *context, int64_t *ret, Error *err)
{
    const char *text = context->option(context, "--submission");

    *ret = 0;
    if (text && (!text_to_int64(text, ret) || *ret < 1))
        return command_usage(err, "\"%s\" is not the number of a submission", text);
    return true;
}

static bool read_filter(const CommandContext *context, FindingFilter *ret, Error *err)
{
    *ret = (FindingFilter){
        .provider = context->option(context, "--provider"),
        .source = context->option(context, "--source"),
        .rule = context->option(context, "--rule"),
        .org = context->option(context, "--org"),
        .only_left_out = context->option(context, "--left-out") != NULL,
        .past = context->option(context, "--past") != NULL,
    };
    return command_period(context, &ret->month, err) && source_known(ret->source, err) &&
           submission_of(context, &ret->submission, err);
}

/* ---- by cause ---- */

static const ListingColumn group_columns[] = {
    {"source", "SOURCE", LISTING_TEXT, 0},       {"rule", "RULE", LISTING_TEXT, 0},
    {"severity", "SEVERITY", LISTING_TEXT, 0},   {"people", "PEOPLE", LISTING_NUMBER, 0},
    {"records", "RECORDS", LISTING_NUMBER, 0},   {"findings", "FINDINGS", LISTING_NUMBER, 0},
    {"left_out", "LEFT OUT", LISTING_NUMBER, 0}, {"table", NULL, LISTING_TEXT, 0},
    {"element", NULL, LISTING_TEXT, 0},          {"message", NULL, LISTING_TEXT, 0},
    {"remedy", NULL, LISTING_TEXT, 0},
};

static void show_group(const CommandContext *context, const FindingGroup *group)
{
    Text line = text_new(context->arena, 4096);
    Colour colour = group->left_out ? COLOUR_BAD : COLOUR_WARN;

    text_addf(&line, "%6lld people  %6lld records", (long long)group->people,
              (long long)group->records);
    if (group->left_out)
        text_addf(&line, "  %6lld left out", (long long)group->left_out);
    else
        text_addf(&line, "  %15s", "");
    text_addf(&line, "  %s", coloured(context, colour, group->severity ? group->severity : "note"));
    text_addf(&line, "  %s", coloured(context, COLOUR_STRONG, group->rule));
    if (group->table)
        text_addf(&line, "  %s%s%s", group->table, group->element ? "." : "",
                  group->element ? group->element : "");
    fprintf(context->out, "%s\n", text_get(&line));
    if (group->message)
        fprintf(context->out, "        %s\n", group->message);
    if (group->remedy && *group->remedy)
        fprintf(context->out, "        do: %s\n", group->remedy);
}

static void json_group(CommandContext *context, Listing *listing, const FindingGroup *group)
{
    const char *values[] = {
        finding_source_name(group->source),
        group->rule,
        group->severity,
        shown_number(context, group->people),
        shown_number(context, group->records),
        shown_number(context, group->findings),
        shown_number(context, group->left_out),
        group->table,
        group->element,
        group->message,
        group->remedy,
    };

    listing_row(listing, values);
}

static int list_groups(CommandContext *context, Store *store, const FindingFilter *filter,
                       Error *err)
{
    Listing *listing =
        listing_new(context, group_columns, sizeof(group_columns) / sizeof(group_columns[0]));
    FindingGroup *groups;
    size_t count;

    if (!finding_groups(store, filter, context->arena, &groups, &count, err))
        return EXIT_COULD_NOT;
    for (size_t i = 0; i < count; i++) {
        if (context->json)
            json_group(context, listing, &groups[i]);
        else
            show_group(context, &groups[i]);
    }
    if (!context->json)
        fputs(count ? "\nThe records behind each: `mhsflow finding list --each --rule RULE`; as a "
                      "fix list "
                      "to hand on: `mhsflow finding export`.\n"
                    : "Nothing found.\n",
              context->out);
    return EXIT_DONE;
}

/* ---- one by one ---- */

static const ListingColumn each_columns[] = {
    {"rule", "RULE", LISTING_TEXT, 0},         {"severity", "SEVERITY", LISTING_TEXT, 0},
    {"org", "ORGANISATION", LISTING_TEXT, 0},  {"record_type", "RECORD", LISTING_TEXT, 0},
    {"record_id", "ID", LISTING_TEXT, 0},      {"field", "FIELD", LISTING_TEXT, 0},
    {"first_month", "FROM", LISTING_TEXT, 0},  {"last_month", "TO", LISTING_TEXT, 0},
    {"left_out", "LEFT OUT", LISTING_BOOL, 0}, {"message", "WHAT", LISTING_TEXT, 70},
    {"provider", NULL, LISTING_TEXT, 0},       {"source", NULL, LISTING_TEXT, 0},
    {"feed", NULL, LISTING_TEXT, 0},           {"person", NULL, LISTING_TEXT, 0},
    {"table", NULL, LISTING_TEXT, 0},          {"element", NULL, LISTING_TEXT, 0},
    {"row_key", NULL, LISTING_TEXT, 0},        {"cause_rule", NULL, LISTING_TEXT, 0},
    {"remedy", NULL, LISTING_TEXT, 0},         {"record_feed", NULL, LISTING_TEXT, 0},
};

typedef struct Each {
    CommandContext *context;
    Listing *listing;
    Text *csv;
} Each;

static bool each_row(void *data, const Finding *finding, Error *err)
{
    Each *each = data;
    const char *values[] = {
        finding->rule,
        finding->severity,
        finding->org,
        finding->record_type,
        finding->record_id,
        finding->field,
        month_text(each->context, finding->first_month),
        month_text(each->context, finding->last_month),
        finding->left_out ? "yes" : "no",
        finding->message,
        finding->provider,
        finding_source_name(finding->source),
        finding->feed,
        finding->person,
        finding->table,
        finding->element,
        finding->row_key,
        finding->cause_rule,
        finding->remedy,
        finding->record_feed,
    };

    listing_row(each->listing, values);
    return arena_check(each->context->arena, err);
}

static int list_each(CommandContext *context, Store *store, const FindingFilter *filter, Error *err)
{
    Each each = {.context = context,
                 .listing = listing_new(context, each_columns,
                                        sizeof(each_columns) / sizeof(each_columns[0]))};

    if (!finding_list(store, filter, each_row, &each, err))
        return EXIT_COULD_NOT;
    listing_end(each.listing, "Nothing found.");
    return EXIT_DONE;
}

static int run_list(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    FindingFilter filter;

    if (!read_filter(context, &filter, err))
        return EXIT_USAGE;
    if (!command_store(context, &store, err))
        return EXIT_COULD_NOT;
    return context->option(context, "--each") ? list_each(context, store, &filter, err)
                                              : list_groups(context, store, &filter, err);
}

/* ---- the fix list ---- */

/* Consequences are left out: whoever mends the cause mends them. */
static bool export_row(void *data, const Finding *finding, Error *err)
{
    Each *each = data;
    const char *values[] = {
        finding->org,
        finding->provider,
        finding->severity,
        finding->rule,
        finding->record_type,
        finding->record_id,
        finding->field,
        month_text(each->context, finding->first_month),
        month_text(each->context, finding->last_month),
        finding->left_out ? "yes" : "no",
        finding->message,
        finding->remedy,
    };

    if (finding->cause_rule)
        return true;
    text_clear(each->csv);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        text_add(each->csv, i ? "," : "");
        text_add_csv(each->csv, values[i] ? values[i] : "");
    }
    fprintf(each->context->out, "%s\r\n", text_get(each->csv));
    return arena_check(each->context->arena, err);
}

static int run_export(CommandContext *context, Error *err)
{
    Text csv = text_new(context->arena, 1 << 16);
    Each each = {.context = context, .csv = &csv};
    _cleanup_store_ Store *store = NULL;
    FindingFilter filter;

    if (!read_filter(context, &filter, err))
        return EXIT_USAGE;
    if (!command_store(context, &store, err))
        return EXIT_COULD_NOT;
    if (context->json)
        return list_each(context, store, &filter, err);
    fputs("organisation,provider,severity,rule,record,id,field,first_month,last_month,left_out,"
          "what,do\r\n",
          context->out);
    return finding_list(store, &filter, export_row, &each, err) ? EXIT_DONE : EXIT_COULD_NOT;
}

#define FILTERS                                                                                    \
    {"--provider", "CODE", false, "one provider only"},                                            \
        {"--period", "YYYY-MM", false, "one month only"},                                          \
        {"--source", "WORD", false,                                                                \
         "one source only: mapping, check, policy, gate, build, receiver, feed, work"},            \
        {"--rule", "RULE", false, "one rule only"},                                                \
        {"--org", "ID", false, "one organisation's only"},                                         \
        {"--submission", "ID", false, "those of one submission only"},                             \
        {"--left-out", NULL, false, "only those because of which something was left out"},         \
    {                                                                                              \
        "--past", NULL, false, "also those that no longer hold"                                    \
    }

static const CommandOption list_options[] = {
    {"--each", NULL, false, "one by one, with record and field, instead of by cause"},
    FILTERS,
    {0}};
static const CommandOption export_options[] = {
    {"--csv", NULL, false, "CSV (it is the default; --json gives one object per line)"},
    FILTERS,
    {0}};

const Command finding_commands[] = {
    {"finding", "list", NULL, 0, 0,
     "Show what is wrong with the records, by root cause, and what to do",
     "Consequences are counted with their cause: mending the cause mends them.", list_options,
     run_list},
    {"finding", "export", NULL, 0, 0,
     "Write the fix list by organisation and record, to hand on (CSV)",
     "Holds ids of records, never their values.  Text that a spreadsheet would take for a formula "
     "has a ' before it.",
     export_options, run_export},
    {0},
};
