/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow audit: what was done, listed, handed on, and proven untouched. */
#include "daemon/store/audit.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/json.h"
#include "daemon/base/text.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"

#include <string.h>

#define NEWEST 200

static const ListingColumn columns[] = {
    {"at", "WHEN", LISTING_TEXT, 0},       {"event", "WHAT", LISTING_TEXT, 0},
    {"submission", "ID", LISTING_TEXT, 0}, {"from", "FROM", LISTING_TEXT, 0},
    {"to", "TO", LISTING_TEXT, 0},         {"actor", "BY", LISTING_TEXT, 0},
    {"about", "ABOUT", LISTING_TEXT, 80},
};

typedef struct Reading {
    CommandContext *context;
    Listing *listing;
    int64_t count;
} Reading;

static bool read_time(const CommandContext *context, const char *option, int64_t *ret, Error *err)
{
    const char *text = context->option(context, option);
    Day day;

    *ret = 0;
    if (!text)
        return true;
    if (civil_parse_day(text, &day)) {
        *ret = civil_london_instant(day, 0, true);
        return true;
    }
    return clock_parse(text, ret) ||
           command_usage(err, "\"%s\" is not a day (YYYY-MM-DD) or an instant", text);
}

static bool read_filter(const CommandContext *context, int64_t newest, AuditFilter *ret, Error *err)
{
    const char *submission = context->option(context, "--submission");
    const char *limit = context->option(context, "--newest");

    *ret = (AuditFilter){.event = context->option(context, "--event"),
                         .feed = context->option(context, "--feed"),
                         .provider = context->option(context, "--provider"),
                         .limit = newest};
    if (submission && (!text_to_int64(submission, &ret->submission) || ret->submission < 1))
        return command_usage(err, "\"%s\" is not the number of a submission", submission);
    if (limit && (!text_to_int64(limit, &ret->limit) || ret->limit < 0))
        return command_usage(err, "\"%s\" is not a count", limit);
    if (ret->event && !audit_event_meaning(ret->event))
        return command_usage(err, "there is no event \"%s\"", ret->event);
    return read_time(context, "--from", &ret->from, err) &&
           read_time(context, "--to", &ret->to, err);
}

/* One event as hashed, with its hash beside: `{"at":…,"writer":…,"hash":"…"}`. */
static bool print_line(void *data, const AuditRecord *record, Error *err)
{
    Reading *reading = data;
    Arena *arena = arena_new((size_t)1 << 20);
    char hex[DIGEST_HEX_SIZE];
    char *body = audit_body(record, arena);

    (void)err;
    body[strlen(body) - 1] = '\0';
    fprintf(reading->context->out, "%s,\"hash\":\"%s\"}\n", body, digest_hex(record->hash, hex));
    arena_free(arena);
    return true;
}

/* What is left of the fields once those with a column of their own are out. */
static const char *rest_of(const CommandContext *context, json_t *fields)
{
    static const char *const shown[] = {"submission", "from", "to", "actor", "digest", "subject"};
    Text text = text_new(context->arena, 2048);
    const char *key;
    json_t *value;

    json_object_foreach(fields, key, value)
    {
        bool skip = false;

        for (size_t i = 0; i < COUNT_OF(shown); i++)
            skip = skip || text_equal(key, shown[i]);
        if (!skip)
            text_addf(&text, "%s%s=%s", text.size ? " " : "", key,
                      json_is_string(value) ? json_string_value(value)
                                            : json_number_text(context->arena, value));
    }
    return text_get(&text);
}

static bool list_line(void *data, const AuditRecord *record, Error *err)
{
    Reading *reading = data;
    CommandContext *context = reading->context;
    _cleanup_json_ json_t *fields = NULL;
    int64_t at = 0, submission = 0;

    if (!json_parse(record->fields, strlen(record->fields), &fields, err))
        return false;
    clock_parse(record->at, &at);
    json_get_int(fields, "submission", &submission);
    const char *values[] = {
        shown_time(context, at),
        record->event,
        submission ? shown_number(context, submission) : NULL,
        json_get_text(fields, "from"),
        json_get_text(fields, "to"),
        json_get_text(fields, "actor"),
        rest_of(context, fields),
    };
    listing_row(reading->listing, values);
    return true;
}

static int run_list(CommandContext *context, Error *err)
{
    Reading reading = {.context = context};
    _cleanup_store_ Store *store = NULL;
    AuditFilter filter;

    if (!read_filter(context, NEWEST, &filter, err))
        return EXIT_USAGE;
    if (!command_store(context, &store, err))
        return EXIT_COULD_NOT;
    if (context->json)
        return audit_list(store, &filter, print_line, &reading, err) ? EXIT_DONE : EXIT_COULD_NOT;
    reading.listing = listing_new(context, columns, COUNT_OF(columns));
    if (!audit_list(store, &filter, list_line, &reading, err))
        return EXIT_COULD_NOT;
    listing_end(reading.listing, "No event.");
    return EXIT_DONE;
}

static int run_export(CommandContext *context, Error *err)
{
    Reading reading = {.context = context};
    _cleanup_store_ Store *store = NULL;
    AuditFilter filter;

    if (!read_filter(context, 0, &filter, err))
        return EXIT_USAGE;
    if (!command_store(context, &store, err) ||
        !audit_list(store, &filter, print_line, &reading, err))
        return EXIT_COULD_NOT;
    return EXIT_DONE;
}

static void show_verdict(CommandContext *context, const AuditVerdict *verdict)
{
    Details *details = details_new(context);
    _cleanup_json_ json_t *faults = json_array();

    for (size_t i = 0; i < verdict->fault_count; i++) {
        const AuditFault *fault = &verdict->faults[i];
        json_array_append_new(faults, json_pack("{s:s, s:I, s:s}", "writer", fault->writer, "seq",
                                                (json_int_t)fault->seq, "what", fault->what));
        if (!context->json)
            fprintf(context->out, "%s %s, event %lld: %s\n",
                    coloured(context, COLOUR_BAD, "tampered:"), fault->writer,
                    (long long)fault->seq, fault->what);
    }
    details_text(details, "verdict", "audit",
                 verdict->fault_count ? coloured(context, COLOUR_BAD, "tampered")
                                      : coloured(context, COLOUR_GOOD, "intact"));
    details_number(details, "events", "events", verdict->events);
    details_number(details, "writers", "chains", verdict->writers);
    if (context->json)
        details_json(details, "faults", TAKE_PTR(faults));
    details_end(details);
}

static int run_verify(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    AuditVerdict verdict;

    if (!command_store(context, &store, err) || !audit_verify(store, context->arena, &verdict, err))
        return EXIT_COULD_NOT;
    show_verdict(context, &verdict);
    return verdict.fault_count ? EXIT_FOUND : EXIT_DONE;
}

static const CommandOption filter_options[] = {
    {"--event", "NAME", false, "only events of this name"},
    {"--submission", "ID", false, "only events of this submission"},
    {"--feed", "NAME", false, "only events of this feed"},
    {"--provider", "CODE", false, "only events that name this provider"},
    {"--from", "DAY", false, "from this day (London) or instant on"},
    {"--to", "DAY", false, "before this day or instant"},
    {"--newest", "N", false, "only the newest N (0: all)"},
    {0},
};
static const CommandOption no_options[] = {{0}};

const Command audit_commands[] = {
    {.noun = "audit",
     .verb = "list",
     .summary = "Show what was done, newest last",
     .help = "Every change of state of a submission, consent decision, feed and route has exactly "
             "one event. "
             "Shows the newest 200 unless told otherwise. No event holds personal data.",
     .options = filter_options,
     .run = run_list},
    {.noun = "audit",
     .verb = "verify",
     .summary = "Recompute every chain and hold it against the submissions",
     .help = "Ends with 1 and names the first bad event of each chain when something was changed, "
             "cut out "
             "or put in.",
     .options = no_options,
     .run = run_verify},
    {.noun = "audit",
     .verb = "export",
     .summary = "Write all events as JSON lines, for another program to verify",
     .help =
         "Each line is one event; without its \"hash\" and with keys in byte order it is what was "
         "hashed: SHA-256 over one zero byte and the line.",
     .options = filter_options,
     .run = run_export},
    {0},
};
