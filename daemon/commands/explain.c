/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow explain: why is this record, person or submission not sent?  One answer for each month.
 */
#include "daemon/pipeline/explain.h"

#include "daemon/base/text.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"

#include <string.h>

static const ListingColumn columns[] = {
    {"provider", "PROVIDER", LISTING_TEXT, 0},
    {"first_month", "FROM", LISTING_TEXT, 0},
    {"last_month", "TO", LISTING_TEXT, 0},
    {"answer", "ANSWER", LISTING_TEXT, 0},
    {"reason", "REASON", LISTING_TEXT, 0},
    {"submission", NULL, LISTING_NUMBER, 0},
    {"revision", NULL, LISTING_NUMBER, 0},
    {"accepted", NULL, LISTING_NUMBER, 0},
    {"so", NULL, LISTING_TEXT, 0},
    {"remedy", NULL, LISTING_TEXT, 0},
    {"rule", NULL, LISTING_TEXT, 0},
    {"record_type", NULL, LISTING_TEXT, 0},
    {"record_id", NULL, LISTING_TEXT, 0},
    {"field", NULL, LISTING_TEXT, 0},
    {"element", NULL, LISTING_TEXT, 0},
    {"code", NULL, LISTING_TEXT, 0},
    {"next_at", NULL, LISTING_TEXT, 0},
};

static void write_json(CommandContext *context, const Explanation *all, size_t count)
{
    Listing *listing = listing_new(context, columns, sizeof columns / sizeof *columns);

    for (size_t i = 0; i < count; i++) {
        const Explanation *one = &all[i];
        const Finding *finding = one->finding;
        const char *values[] = {
            one->provider,
            month_text(context, one->first_month),
            month_text(context, one->last_month),
            explain_answer_name(one->reason->answer),
            one->reason->code,
            one->submission ? shown_number(context, one->submission) : NULL,
            one->revision ? shown_number(context, one->revision) : NULL,
            one->accepted ? shown_number(context, one->accepted) : NULL,
            one->so,
            one->remedy,
            finding ? finding->rule : NULL,
            finding ? finding->record_type : NULL,
            finding ? finding->record_id : NULL,
            finding ? finding->field : NULL,
            finding ? finding->element : NULL,
            one->code,
            json_time(context, one->next_at),
        };

        listing_row(listing, values);
    }
    listing_end(listing, "");
}

static const char *where(const CommandContext *context, const Explanation *one)
{
    if (!one->first_month)
        return "";
    if (one->first_month == one->last_month)
        return arena_format(context->arena, "%s%s%s: ", one->provider ? one->provider : "",
                            one->provider ? " " : "", month_text(context, one->first_month));
    return arena_format(context->arena, "%s%s%s to %s: ", one->provider ? one->provider : "",
                        one->provider ? " " : "", month_text(context, one->first_month),
                        month_text(context, one->last_month));
}

/* Which rule, record and field: where the sentence leads. */
static void show_finding(const CommandContext *context, const Finding *finding)
{
    fprintf(context->out, "    rule      %s", finding->rule);
    if (finding->record_type)
        fprintf(context->out, ", %s/%s", finding->record_type, finding->record_id);
    if (finding->field)
        fprintf(context->out, ", field %s", finding->field);
    fputc('\n', context->out);
}

static void show(const CommandContext *context, const Explanation *one)
{
    static const Colour colours[] = {
        [EXPLAIN_IS_SENT] = COLOUR_GOOD,
        [EXPLAIN_IS_GOES] = COLOUR_WARN,
        [EXPLAIN_IS_NEEDS] = COLOUR_BAD,
        [EXPLAIN_IS_NEVER] = COLOUR_DIM,
    };
    ExplainAnswer answer = one->reason->answer;

    fprintf(context->out, "%s%s: %s (%s)\n", where(context, one),
            coloured(context, colours[answer], explain_answer_name(answer)), one->so,
            one->reason->code);
    if (one->finding)
        show_finding(context, one->finding);
    if (one->submission)
        fprintf(context->out, "    revision  %d, submission %lld%s%s%s\n", one->revision,
                (long long)one->submission, one->code ? " (" : "", one->code ? one->code : "",
                one->code ? ")" : "");
    if (one->accepted && one->accepted != one->submission)
        fprintf(context->out, "    sent      with submission %lld, which was accepted\n",
                (long long)one->accepted);
    if (one->next_at)
        fprintf(context->out, "    next      %s\n", shown_time(context, one->next_at));
    if (answer != EXPLAIN_IS_SENT)
        fprintf(context->out, "    do        %s\n", one->remedy);
}

/* submission:12; with :TABLE:ROW it is a row that a receiver names, which `trace` finds the key of.
 */
static int ask_submission(const ExplainTools *tools, const char *text, Explanation **ret,
                          size_t *ret_count, Error *err)
{
    int64_t id;

    if (!text_to_int64(text, &id) || id < 1) {
        command_usage(err, "a submission is written submission:NUMBER");
        return EXIT_USAGE;
    }
    *ret = arena_alloc(tools->arena, sizeof **ret);
    *ret_count = 1;
    return explain_submission(tools, id, *ret, err) ? EXIT_DONE : EXIT_COULD_NOT;
}

static int ask(CommandContext *context, const ExplainTools *tools, Month month, Explanation **ret,
               size_t *ret_count, Error *err)
{
    Arena *arena = context->arena;
    const char *reference = context->arguments[0], *colon = strchr(reference, ':'),
               *slash = strchr(reference, '/');
    bool done;

    if (text_starts(reference, "submission:"))
        return ask_submission(tools, colon + 1, ret, ret_count, err);
    if (colon && (!slash || colon < slash))
        done = explain_row(tools, context->option(context, "--provider"),
                           arena_copy(arena, reference, (size_t)(colon - reference)), colon + 1,
                           month, ret, ret_count, err);
    else
        done = explain_record(tools, arena_copy(arena, reference, (size_t)(slash - reference)),
                              slash + 1, month, ret, ret_count, err);
    return done ? EXIT_DONE : EXIT_COULD_NOT;
}

static int run_explain(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    const Config *config;
    Month month;
    Explanation *all;
    size_t count;

    if (!strpbrk(context->arguments[0], ":/")) {
        command_usage(err, "\"%s\" is not TYPE/ID, TABLE:KEY or submission:NUMBER",
                      context->arguments[0]);
        return EXIT_USAGE;
    }
    if (!command_period(context, &month, err))
        return EXIT_USAGE;
    if (!command_config(context, &config, err) || !command_store(context, &store, err))
        return EXIT_COULD_NOT;
    ExplainTools tools = {.store = store, .arena = context->arena};
    if (!calendar_load(section_text(config->main, "calendar"), context->arena, &tools.calendar,
                       err))
        return EXIT_COULD_NOT;
    int code = ask(context, &tools, month, &all, &count, err);
    if (code != EXIT_DONE)
        return code;
    if (context->json)
        write_json(context, all, count);
    for (size_t i = 0; !context->json && i < count; i++)
        show(context, &all[i]);
    return EXIT_DONE;
}

static const CommandOption explain_options[] = {
    {"--period", "YYYY-MM", false, "one month; else every month that it has to do with"},
    {"--provider", "CODE", false, "with TABLE:KEY: the rows of one provider only"},
    {0}};

const Command explain_commands[] = {
    {.noun = "explain",
     .arguments = "REF",
     .least = 1,
     .most = 1,
     .summary = "why a record, a person or a submission is not sent, and what to do",
     .help = "REF is a record (contact/C0004411) or a person (person/P0000123) with the id as the "
             "feed has it, a national row by its key (MHS201:C0004411), or a submission "
             "(submission:12). For each month the answer is \"sent\", \"goes\" (by itself, later), "
             "\"needs you\" or \"never\", with the one reason that decides.",
     .options = explain_options,
     .run = run_explain},
    {0}};
