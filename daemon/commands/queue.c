/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow queue: the submissions, and what a person may do with one. */
#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/queue_show.h"
#include "daemon/commands/store_open.h"

static const ListingColumn columns[] = {
    {"id", "ID", LISTING_NUMBER, 0},           {"state", "STATE", LISTING_TEXT, 0},
    {"provider", "PROVIDER", LISTING_TEXT, 0}, {"period", "MONTH", LISTING_TEXT, 0},
    {"revision", "REV", LISTING_NUMBER, 0},    {"people", "PEOPLE", LISTING_NUMBER, 0},
    {"rows", "ROWS", LISTING_NUMBER, 0},       {"left_out", "LEFT OUT", LISTING_NUMBER, 0},
    {"due", "DUE BY", LISTING_TEXT, 0},        {"why", "WHY", LISTING_TEXT, 60},
    {"referrals", NULL, LISTING_NUMBER, 0},    {"contacts", NULL, LISTING_NUMBER, 0},
    {"deadline", NULL, LISTING_TEXT, 0},       {"created_at", NULL, LISTING_TEXT, 0},
    {"next_at", NULL, LISTING_TEXT, 0},        {"route", NULL, LISTING_TEXT, 0},
    {"attempts", NULL, LISTING_NUMBER, 0},     {"reference", NULL, LISTING_TEXT, 0},
};

static void list_row(const CommandContext *context, Listing *listing, const SubmissionInfo *info)
{
    const char *values[] = {
        shown_number(context, info->id),
        submission_state_name(info->state),
        info->provider,
        month_text(context, info->period),
        shown_number(context, info->revision),
        shown_number(context, info->counts.people),
        shown_number(context, info->counts.rows),
        shown_number(context, info->left_out),
        shown_time(context, info->deadline),
        queue_why(context, info),
        shown_number(context, info->counts.referrals),
        shown_number(context, info->counts.contacts),
        json_time(context, info->deadline),
        json_time(context, info->created_at),
        json_time(context, info->next_at),
        info->route,
        shown_number(context, info->attempts),
        info->reference,
    };

    listing_row(listing, values);
}

static bool state_known(const char *state, Error *err)
{
    const char *names[SUBMISSION_STATE_COUNT], *nearest;

    if (!state)
        return true;
    for (int i = 0; i < SUBMISSION_STATE_COUNT; i++) {
        names[i] = submission_state_name((SubmissionState)i);
        if (text_equal(names[i], state))
            return true;
    }
    nearest = text_nearest(state, names, SUBMISSION_STATE_COUNT);
    return command_usage(err, "there is no state \"%s\"%s%s%s", state,
                         nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                         nearest ? "\"?" : "");
}

static int run_list(CommandContext *context, Error *err)
{
    SubmissionFilter filter = {.provider = context->option(context, "--provider"),
                               .state = context->option(context, "--state")};
    bool all = context->option(context, "--all") || filter.state;
    Listing *listing = listing_new(context, columns, sizeof(columns) / sizeof(columns[0]));
    _cleanup_store_ Store *store = NULL;
    SubmissionInfo *list;
    size_t count;

    if (!command_period(context, &filter.period, err) || !state_known(filter.state, err))
        return EXIT_USAGE;
    if (!command_store(context, &store, err) ||
        !submission_list(store, &filter, context->arena, &list, &count, err))
        return EXIT_COULD_NOT;
    for (size_t i = 0; i < count; i++)
        if (all ||
            (list[i].state != SUBMISSION_SUPERSEDED && list[i].state != SUBMISSION_CANCELLED))
            list_row(context, listing, &list[i]);
    listing_end(listing, "No submission yet.");
    return EXIT_DONE;
}

static int run_show(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    int64_t id;

    if (!command_number(context, 0, &id, err))
        return EXIT_USAGE;
    if (!command_store(context, &store, err) || !queue_show(context, store, id, err))
        return EXIT_COULD_NOT;
    return EXIT_DONE;
}

typedef enum Deed { DEED_HOLD, DEED_RELEASE, DEED_RETRY, DEED_CANCEL } Deed;

static bool do_deed(Store *store, Deed deed, int64_t id, const char *person, const char *reason,
                    Error *err)
{
    switch (deed) {
    case DEED_HOLD:
        return submission_hold(store, id, person, reason, err);
    case DEED_RELEASE:
        return submission_release(store, id, person, reason, err);
    case DEED_RETRY:
        return submission_retry(store, id, person, err);
    default:
        return submission_cancel(store, id, person, reason, err);
    }
}

static void told(CommandContext *context, const char *done, int64_t id, const char *person)
{
    Details *details;

    if (!context->json) {
        fprintf(context->out, "submission %lld %s by %s\n", (long long)id, done, person);
        return;
    }
    details = details_new(context);
    details_number(details, "id", "submission", id);
    details_text(details, "done", "done", done);
    details_text(details, "by", "by", person);
    details_end(details);
}

static int run_deed(CommandContext *context, Deed deed, const char *done, Error *err)
{
    const char *reason = context->option(context, "--reason"), *person;
    _cleanup_store_ Store *store = NULL;
    int64_t id;

    for (int i = 0; i < context->argument_count; i++)
        if (!command_number(context, i, &id, err))
            return EXIT_USAGE;
    if (!command_person(context, &person, err) || !command_store(context, &store, err))
        return EXIT_COULD_NOT;
    for (int i = 0; i < context->argument_count; i++) {
        if (!command_number(context, i, &id, err) || !do_deed(store, deed, id, person, reason, err))
            return EXIT_COULD_NOT;
        told(context, done, id, person);
    }
    return EXIT_DONE;
}

static int run_hold(CommandContext *context, Error *err)
{
    return run_deed(context, DEED_HOLD, "held", err);
}

static int run_release(CommandContext *context, Error *err)
{
    return run_deed(context, DEED_RELEASE, "released", err);
}

static int run_retry(CommandContext *context, Error *err)
{
    return run_deed(context, DEED_RETRY, "made due now", err);
}

static int run_cancel(CommandContext *context, Error *err)
{
    return run_deed(context, DEED_CANCEL, "cancelled", err);
}

#define AS                                                                                         \
    {                                                                                              \
        "--as", "NAME", false, "who acts, kept with it (default: your login name)"                 \
    }

static const CommandOption list_options[] = {
    {"--provider", "CODE", false, "one provider only"},
    {"--period", "YYYY-MM", false, "one month only"},
    {"--state", "STATE", false,
     "one state only: ready, sending, waiting, unsure, accepted, rejected, held …"},
    {"--all", NULL, false, "superseded and cancelled revisions too"},
    {0}};
static const CommandOption reason_options[] = {
    {"--reason", "TEXT", true, "why; kept with the submission, never in the audit"}, AS, {0}};
static const CommandOption release_options[] = {
    {"--reason", "TEXT", false, "why; kept with the submission, never in the audit"}, AS, {0}};
static const CommandOption retry_options[] = {AS, {0}};

const Command queue_commands[] = {
    {"queue", "list", NULL, 0, 0,
     "Show the submissions: provider, month, state, when it is due, and why one waits", NULL,
     list_options, run_list},
    {"queue", "show", "ID", 1, 1, "Show the biography of a submission on one screen", NULL, NULL,
     run_show},
    {"queue", "hold", "ID...", 1, 100, "Keep submissions that are ready from being sent", NULL,
     reason_options, run_hold},
    {"queue", "release", "ID...", 1, 100,
     "Let submissions go that are held, or send refused ones again",
     "What is sent is what was built: the same bytes.  A refused month is usually better corrected "
     "at its source; a new "
     "revision then takes its place by itself.",
     release_options, run_release},
    {"queue", "retry", "ID...", 1, 100, "Try, or ask, now instead of at the next time due",
     "A route that is stopped or down is tried again with it, without a reload.", retry_options,
     run_retry},
    {"queue", "cancel", "ID...", 1, 100, "Take submissions out of the queue for good", NULL,
     reason_options, run_cancel},
    {0},
};
