/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow feed: how the feeds are, and a person's say over them. */
#include "daemon/base/text.h"
#include "daemon/commands/feed_replay.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"
#include "daemon/store/round.h"
#include "daemon/store/source.h"

#include <string.h>

/* For people in London's time, for programs in RFC 3339. */
static const char *time_value(const CommandContext *context, int64_t wall_us)
{
    return context->json ? json_time(context, wall_us) : shown_time(context, wall_us);
}

/* ---- list ---- */

static const ListingColumn list_columns[] = {
    {"name", "FEED", LISTING_TEXT, 24},
    {"state", "STATE", LISTING_TEXT, 0},
    {"place", "PLACE", LISTING_TEXT, 24},
    {"sequence", NULL, LISTING_NUMBER, 0},
    {"head", NULL, LISTING_NUMBER, 0},
    {"behind", "BEHIND", LISTING_NUMBER, 0},
    {"sequence", NULL, LISTING_NUMBER, 0},
    {"records", "RECORDS", LISTING_NUMBER, 0},
    {"orphans", "WITHOUT PARENT", LISTING_NUMBER, 0},
    {"refused", "SET ASIDE", LISTING_NUMBER, 0},
    {"last_ok", "LAST GOOD", LISTING_TEXT, 0},
    {"next_poll", NULL, LISTING_TEXT, 0},
    {"complete", NULL, LISTING_BOOL, 0},
    {"failures", NULL, LISTING_NUMBER, 0},
    {"waiting", NULL, LISTING_NUMBER, 0},
    {"error", "LAST ERROR", LISTING_TEXT, 60},
    {"remedy", NULL, LISTING_TEXT, 0},
};

/* Where the feed stands, in words. */
static const char *place_of(const FeedState *feed)
{
    if (feed->cursor.complete)
        return "at its head";
    if (!feed->cursor.phase || !*feed->cursor.phase)
        return "at its beginning";
    return feed->cursor.phase;
}

static int64_t behind(const FeedState *feed)
{
    int64_t lag = feed->cursor.head_seq - feed->cursor.seq;
    return lag > 0 && !feed->cursor.complete ? lag : 0;
}

static const char *state_shown(const CommandContext *context, const char *state)
{
    if (context->json)
        return state;
    if (text_equal(state, "ok"))
        return coloured(context, COLOUR_GOOD, state);
    if (text_equal(state, "down") || text_equal(state, "stopped"))
        return coloured(context, COLOUR_BAD, state);
    return coloured(context, COLOUR_WARN, state);
}

static void list_one(CommandContext *context, Listing *listing, const FeedState *feed)
{
    const char *values[] = {feed->name,
                            state_shown(context, feed->state),
                            place_of(feed),
                            shown_number(context, feed->cursor.seq),
                            shown_number(context, feed->cursor.head_seq),
                            shown_number(context, behind(feed)),
                            shown_number(context, feed->cursor.seq),
                            shown_number(context, feed->records),
                            shown_number(context, feed->orphans),
                            shown_number(context, feed->refused),
                            time_value(context, feed->last_ok),
                            time_value(context, feed->next_poll),
                            feed->cursor.complete ? "yes" : "no",
                            shown_number(context, feed->failures),
                            shown_number(context, feed->waiting),
                            feed->last_error_text,
                            feed->remedy};
    listing_row(listing, values);
}

static bool is_held(const FeedState *feeds, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(feeds[i].name, name))
            return true;
    return false;
}

static int run_list(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    const Config *config;
    FeedState *feeds;
    size_t count;
    if (!command_store(context, &store, err) || !command_config(context, &config, err) ||
        !feed_list(store, context->arena, &feeds, &count, err))
        return EXIT_COULD_NOT;
    Listing *listing =
        listing_new(context, list_columns, sizeof list_columns / sizeof *list_columns);
    for (size_t i = 0; i < count; i++)
        list_one(context, listing, &feeds[i]);
    for (size_t i = 0; i < config->feed_count; i++)
        if (!is_held(feeds, count, config->feeds[i].name))
            list_one(context, listing, &(FeedState){.name = config->feeds[i].name, .state = "new"});
    listing_end(listing, "The settings name no feed.");
    return EXIT_DONE;
}

/* ---- show ---- */

static void show_types(CommandContext *context, Details *details, const FeedType *types,
                       size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        const FeedType *type = &types[i];
        json_array_append_new(array, json_pack("{s:s,s:I,s:I,s:I,s:I}", "type", type->type, "live",
                                               (json_int_t)type->live, "deleted",
                                               (json_int_t)type->deleted, "restricted",
                                               (json_int_t)type->restricted, "orphans",
                                               (json_int_t)type->orphans));
        if (!context->json)
            details_text(
                details, type->type, arena_format(context->arena, "  %s", type->type),
                arena_format(context->arena,
                             "%lld held, %lld deleted, %lld restricted, %lld without parent",
                             (long long)type->live, (long long)type->deleted,
                             (long long)type->restricted, (long long)type->orphans));
    }
    details_json(details, "types", array);
}

static void show(CommandContext *context, const FeedState *feed, const FeedType *types,
                 size_t type_count)
{
    Details *details = details_new(context);
    details_text(details, "name", "Feed", feed->name);
    details_text(details, "state", "State", state_shown(context, feed->state));
    details_text(details, "id_prefix", "Id prefix", feed->id_prefix);
    details_text(details, "place", "Place", place_of(feed));
    details_text(details, "epoch", "Epoch", feed->cursor.epoch);
    details_number(details, "sequence", "Read up to", feed->cursor.seq);
    details_number(details, "head", "Head", feed->cursor.head_seq);
    details_text(details, "last_poll", "Last asked", time_value(context, feed->last_poll));
    details_text(details, "last_ok", "Last good answer", time_value(context, feed->last_ok));
    details_text(details, "last_news", "Last news", time_value(context, feed->last_news));
    if (feed->silent)
        details_text(details, "silent", "Silent",
                     "nothing new for longer than `silence` allows: ask whoever runs the feed "
                     "whether the export still works");
    details_text(details, "next_poll", "Asked again", time_value(context, feed->next_poll));
    details_number(details, "failures", "Failures in a row", feed->failures);
    details_text(details, "error", "Last error", feed->last_error_text);
    details_text(details, "remedy", "What to do", feed->remedy);
    details_number(details, "pages", "Pages taken in", feed->pages);
    details_number(details, "changes", "Changes", feed->changes);
    details_number(details, "stored", "  stored", feed->stored);
    details_number(details, "ignored", "  known before", feed->ignored);
    details_number(details, "refused", "Lines set aside", feed->refused);
    details_number(details, "unknown_types", "Of unknown type", feed->unknown_types);
    details_number(details, "unknown_fields", "Unknown fields", feed->unknown_fields);
    details_number(details, "records", "Records held", feed->records);
    details_number(details, "missing", "No longer in the feed", feed->missing);
    if (feed->missing || feed->held)
        details_text(details, "held", "Waits for a person", feed->held ? "a fall" : "deletions");
    details_number(details, "orphans", "Without parent", feed->orphans);
    details_number(details, "waiting", "Persons to be mapped", feed->waiting);
    show_types(context, details, types, type_count);
    details_end(details);
}

static int run_show(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    FeedState feed;
    FeedType *types;
    size_t count;
    if (!command_store(context, &store, err) ||
        !feed_get(store, context->arguments[0], context->arena, &feed, err) ||
        !feed_types(store, context->arguments[0], context->arena, &types, &count, err))
        return EXIT_COULD_NOT;
    show(context, &feed, types, count);
    return text_equal(feed.state, "down") || text_equal(feed.state, "stopped") ? EXIT_FOUND
                                                                               : EXIT_DONE;
}

/* ---- a person's say ---- */

static int done(CommandContext *context, const char *feed, const char *what)
{
    Details *details = details_new(context);
    details_text(details, "feed", "Feed", feed);
    details_text(details, "done", "Done", what);
    details_end(details);
    return EXIT_DONE;
}

static int run_poll(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    const char *feed = context->arguments[0];
    if (!command_store(context, &store, err) || !feed_poll_now(store, feed, err))
        return EXIT_COULD_NOT;
    return done(context, feed, "due now");
}

static int run_resync(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    const char *feed = context->arguments[0], *actor;
    if (!command_person(context, &actor, err) || !command_store(context, &store, err))
        return EXIT_COULD_NOT;
    {
        _cleanup_transaction_ Transaction transaction = {0};
        if (!store_begin(store, &transaction, err) ||
            !feed_restart(store, feed, "person", actor, err) || !store_commit(&transaction, err))
            return EXIT_COULD_NOT;
    }
    if (!feed_poll_now(store, feed, err))
        return EXIT_COULD_NOT;
    return done(context, feed, "read anew from its beginning; months wait until it is complete");
}

static int pause_or_resume(CommandContext *context,
                           bool (*change)(Store *, const char *, const char *, Error *),
                           const char *what, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    const char *feed = context->arguments[0], *actor;
    if (!command_person(context, &actor, err) || !command_store(context, &store, err) ||
        !change(store, feed, actor, err))
        return EXIT_COULD_NOT;
    return done(context, feed, what);
}

static int run_pause(CommandContext *context, Error *err)
{
    return pause_or_resume(context, feed_pause, "paused until `mhsflow feed resume`", err);
}

static int run_resume(CommandContext *context, Error *err)
{
    return pause_or_resume(context, feed_resume, "polled again", err);
}

/* What a feed no longer has, when that is too much to go unasked. */
static int run_reconcile(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    const char *name = context->arguments[0], *actor;
    FeedState feed;
    int64_t missing;
    bool yes = context->option(context, "--yes");
    if (!command_person(context, &actor, err) || !command_store(context, &store, err) ||
        !feed_get(store, name, context->arena, &feed, err) ||
        (yes && !round_allow(store, name, actor, &missing, err)))
        return EXIT_COULD_NOT;
    bool waits = feed.missing || feed.held;
    Details *details = details_new(context);
    details_text(details, "feed", "Feed", name);
    details_number(details, "missing", "No longer in the feed", feed.missing);
    if (feed.held)
        details_text(details, "held", "Held back", feed.last_error_text);
    if (yes)
        details_text(details, "done", "Done", "taken as it is at the next look at the feed");
    else if (waits)
        details_text(details, "remedy", "What to do",
                     "ask whoever sends it whether records were lost; to let them go here too: "
                     "--yes");
    details_end(details);
    return waits && !yes ? EXIT_FOUND : EXIT_DONE;
}

static const CommandOption reconcile_options[] = {
    {"--yes", NULL, false, "Let go of the records that the feed no longer has."},
    {"--as", "NAME", false, "The name kept in the audit; your login name when not given."},
    {0},
};

static const CommandOption by_person[] = {
    {"--as", "NAME", false, "The name kept in the audit; your login name when not given."},
    {0},
};

const Command feed_commands[] = {
    {"feed", "list", NULL, 0, 0, "how every feed is: state, place, lag, last error", NULL, NULL,
     run_list},
    {"feed", "show", "NAME", 1, 1, "one feed: place, counts by type, last error and its remedy",
     "Ends with 1 when the feed is down or stopped.", NULL, run_show},
    {"feed", "poll", "NAME", 1, 1, "ask the feed now, even when it is stopped", NULL, NULL,
     run_poll},
    {"feed", "resync", "NAME", 1, 1, "read everything of the feed again",
     "Forgets the place in the feed, not the records: every snapshot is read again and what "
     "differs is taken. "
     "Months are not built until it is complete.",
     by_person, run_resync},
    {"feed", "reconcile", "NAME", 1, 1,
     "what a feed no longer has, when that is too much to go unasked, and a person's yes to it",
     "A few records go unasked; more than the feed's `fall` (2 in 100) wait for --yes, because a "
     "server restored from an old copy has forgotten what is true, and a drop may be half a drop. "
     "The yes holds for just what waits now. Ends with 1 when something waits.",
     reconcile_options, run_reconcile},
    {"feed", "replay", "NAME", 1, 1,
     "map again what is already held, by the rules of now or others", feed_replay_help,
     feed_replay_options, feed_replay_run},
    {"feed", "pause", "NAME", 1, 1, "stop asking the feed", NULL, by_person, run_pause},
    {"feed", "resume", "NAME", 1, 1, "ask a paused feed again", NULL, by_person, run_resume},
    {0},
};
