/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow queue recall: months that the receiver still holds with people who may no longer be in
 * them. */
#include "daemon/base/text.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"
#include "daemon/config/calendar.h"
#include "daemon/store/submission.h"

static const ListingColumn columns[] = {
    {"provider", "PROVIDER", LISTING_TEXT, 0},     {"period", "MONTH", LISTING_TEXT, 0},
    {"submission", "ACCEPTED", LISTING_NUMBER, 0}, {"revision", "REV", LISTING_NUMBER, 0},
    {"withdrawn", "WITHDRAWN", LISTING_NUMBER, 0}, {"purged", "PURGED", LISTING_BOOL, 0},
    {"beyond_recall", NULL, LISTING_BOOL, 0},      {"standing", "STANDING", LISTING_TEXT, 0},
};

static void show(CommandContext *context, Listing *listing, const RecallMonth *month, bool closed)
{
    const char *values[] = {
        month->provider,
        month_text(context, month->period),
        shown_number(context, month->submission),
        shown_number(context, month->revision),
        shown_number(context, month->withdrawn),
        month->purged ? "yes" : "no",
        closed ? "yes" : "no",
        closed ? "beyond recall: the month is closed; tell the receiver"
               : "a revision without them follows (`mhsflow queue list`)",
    };

    listing_row(listing, values);
}

static int run_recall(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    const Config *config;
    const Calendar *calendar;
    RecallMonth *months;
    size_t count;
    int64_t now;
    bool only_closed = context->option(context, "--closed") != NULL;

    if (!command_config(context, &config, err) || !command_store(context, &store, err) ||
        !calendar_load(section_text(config->main, "calendar"), context->arena, &calendar, err) ||
        !store_now(store, &now, err) ||
        !submission_recall(store, context->arena, &months, &count, err))
        return EXIT_COULD_NOT;
    Listing *listing = listing_new(context, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < count; i++) {
        bool closed = civil_london_day(now) > calendar_last_day(calendar, months[i].period);

        if (closed || !only_closed)
            show(context, listing, &months[i], closed);
    }
    listing_end(listing, "Nothing that was accepted holds anybody who withdrew or was purged.");
    return EXIT_DONE;
}

static const CommandOption recall_options[] = {
    {"--closed", NULL, false, "only months that can no longer be sent again"}, {0}};

const Command queue_recall_commands[] = {
    {"queue", "recall", NULL, 0, 0,
     "List the months that were sent with people who have since withdrawn, or whom a purge took "
     "out",
     "Of each month the last accepted revision counts.  A month that is still open is built and "
     "sent "
     "again by itself, without them; a closed one is beyond recall: whoever received it must be "
     "told.",
     recall_options, run_recall},
    {0},
};
