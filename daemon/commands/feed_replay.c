/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow feed replay: maps again what is already held, by the rules of now or, as a rehearsal,
 * others. */
#include "daemon/commands/feed_replay.h"

#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"
#include "daemon/pipeline/rehearse.h"

#define TOOLS_AND_RESULT_CAP ((size_t)512 << 20)

const char feed_replay_help[] =
    "By the rules of now: the persons are queued and the map role makes their rows again; rows "
    "that "
    "stay the same are not touched. With --rules FILE, a mapping as it was then or is to be: "
    "nothing is "
    "changed, and it is told how many rows would be the same, new or gone beside those that hold "
    "now. Of then the store keeps each mapping's version with the rows it made, not its text: keep "
    "mappings under version control. Settings, pack, consent and records are always those of now. "
    "Rehearsals end with 1 when a row would differ.";

const CommandOption feed_replay_options[] = {
    {"--person", "ID", false, "Only this person, as the feed has the id."},
    {"--type", "TYPE", false, "Only persons with a record of this type."},
    {"--period", "YYYY-MM", false, "Only persons with rows or findings in this month."},
    {"--rules", "FILE", false,
     "A mapping file to rehearse with; the settings' own when not given."},
    {"--as", "NAME", false, "The name kept in the audit; your login name when not given."},
    {0},
};

static void show_tables(CommandContext *context, Details *details, const Rehearsal *rehearsal,
                        bool *ret_differs)
{
    json_t *array = json_array();
    *ret_differs = false;
    for (size_t i = 0; i < rehearsal->table_count; i++) {
        const RowDifference *table = &rehearsal->tables[i];
        *ret_differs = *ret_differs || table->added || table->gone;
        json_array_append_new(array,
                              json_pack("{s:s,s:I,s:I,s:I}", "table", table->table, "same",
                                        (json_int_t)table->same, "new", (json_int_t)table->added,
                                        "gone", (json_int_t)table->gone));
        if (!context->json)
            details_text(details, table->table, arena_format(context->arena, "  %s", table->table),
                         arena_format(context->arena, "%lld the same, %lld new, %lld gone",
                                      (long long)table->same, (long long)table->added,
                                      (long long)table->gone));
    }
    details_json(details, "tables", array);
}

static int run_rehearsal(CommandContext *context, Store *store, const ReplayChoice *choice,
                         const char *rules, const char *actor, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(TOOLS_AND_RESULT_CAP);
    const Config *config;
    Rehearsal rehearsal;
    int64_t made;
    bool differs;
    if (!command_config(context, &config, err) ||
        !rehearse(store, config, rules, choice, arena, &rehearsal, err) ||
        !replay_made_rows(store, rehearsal.mapping_version, &made, err) ||
        !replay_rehearsed(store, choice->feed, rehearsal.mapping_version, rehearsal.people, actor,
                          err))
        return EXIT_COULD_NOT;
    Details *details = details_new(context);
    details_text(details, "feed", "Feed", choice->feed);
    details_text(details, "mapping", "Mapping", rehearsal.mapping_version);
    details_number(details, "rows_made", "Rows kept that it made", made);
    details_number(details, "people", "People", rehearsal.people);
    details_number(details, "unmapped", "Could not be mapped", rehearsal.unmapped);
    show_tables(context, details, &rehearsal, &differs);
    details_end(details);
    return differs ? EXIT_FOUND : EXIT_DONE;
}

int feed_replay_run(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    const char *period = context->option(context, "--period"), *actor;
    const char *rules = context->option(context, "--rules");
    ReplayChoice choice = {.feed = context->arguments[0],
                           .person = context->option(context, "--person"),
                           .type = context->option(context, "--type")};
    FeedState feed;
    int64_t people;
    if (period && !civil_parse_month(period, &choice.month)) {
        command_usage(err, "\"%s\" is not a month, YYYY-MM", period);
        return EXIT_USAGE;
    }
    if (!command_person(context, &actor, err) || !command_store(context, &store, err) ||
        !feed_place(store, choice.feed, context->arena, &feed, err))
        return EXIT_COULD_NOT;
    if (rules)
        return run_rehearsal(context, store, &choice, rules, actor, err);
    if (!replay_queue(store, &choice, actor, &people, err))
        return EXIT_COULD_NOT;
    Details *details = details_new(context);
    details_text(details, "feed", "Feed", choice.feed);
    details_number(details, "people", "People queued", people);
    details_text(details, "done", "Done", "the map role makes their rows again");
    details_end(details);
    return EXIT_DONE;
}
