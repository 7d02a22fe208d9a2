/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow audit: what was done, listed, handed on, and proven untouched. */
#include "daemon/store/audit.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/json.h"
#include "daemon/base/text.h"
#include "daemon/commands/audit_seal.h"
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

bool audit_read_filter(const CommandContext *context, int64_t newest, AuditFilter *ret, Error *err)
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

    if (!audit_read_filter(context, NEWEST, &filter, err))
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
static const CommandOption export_options[] = {
    {"--event", "NAME", false, "only events of this name"},
    {"--submission", "ID", false, "only events of this submission"},
    {"--feed", "NAME", false, "only events of this feed"},
    {"--provider", "CODE", false, "only events that name this provider"},
    {"--from", "DAY", false, "from this day (London) or instant on"},
    {"--to", "DAY", false, "before this day or instant"},
    {"--newest", "N", false, "only the newest N (0: all)"},
    {"--format", "FORMAT", false,
     "jsonl (the default), csv, or fhir (an R4 Bundle of AuditEvents)"},
    {"--proofs", NULL, false, "with the path from each sealed event to the newest checkpoint"},
    {0},
};
static const CommandOption verify_options[] = {
    {"--key", "FILE", false, "trust these public sealing keys (PEM), not those beside the copy"},
    {"--copy", "FOLDER", false,
     "the seal's copy to hold the database against (default: the seal folder)"},
    {0},
};
static const CommandOption restored_options[] = {
    {"--as", "NAME", false, "who says so, kept with it (default: your login name)"},
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
     .summary = "Hold the audit against its chains, its seal and what was signed",
     .help = "Recomputes every chain and the sealed tree, checks every checkpoint's signature, and "
             "compares with "
             "the copy outside the database and with the signer's own list. Ends with 0 when all "
             "is intact (or "
             "nothing is sealed here, which it says), 1 when something was changed, cut out, put "
             "in or set back, "
             "naming the first bad event, and 3 when that cannot be told. Events after the newest "
             "checkpoint are "
             "held by their chains only; their number is shown.",
     .options = verify_options,
     .run = audit_run_verify},
    {.noun = "audit",
     .verb = "prove",
     .arguments = "LEAF",
     .least = 1,
     .most = 1,
     .summary = "Write one sealed event with its proof, checkable without the database",
     .help = "LEAF is the event's place in the seal, from 0, as audit export shows it. The answer "
             "is one JSON "
             "object: the event as hashed, the path to the root, and the newest signed checkpoint.",
     .options = no_options,
     .run = audit_run_prove},
    {.noun = "audit",
     .verb = "restored",
     .summary = "Say that the database was set back to an older state on purpose",
     .help =
         "After a restore the copy outside has checkpoints that the database lacks, which looks "
         "like an attack: nothing is sealed until a person says that it was a restore. The word "
         "is an audit event with the name and what is given up. The copy outside is moved aside "
         "and kept; the role seal then writes it anew. Whoever holds an older copy still sees "
         "that the database was set back. Run it as a user who may write the seal folder.",
     .options = restored_options,
     .run = audit_run_restored},
    {.noun = "audit",
     .verb = "export",
     .summary =
         "Write all events, with places, proofs and checkpoints, for another program to verify",
     .help = "In JSON lines each event without \"hash\", \"leaf\" and \"proof\" and with keys in "
             "byte order is "
             "what was hashed: SHA-256 over one zero byte and the line. Checkpoints follow as "
             "lines of their own. "
             "tests/tools/verify-audit checks such a file with nothing but Python and openssl.",
     .options = export_options,
     .run = audit_run_export},
    {0},
};
