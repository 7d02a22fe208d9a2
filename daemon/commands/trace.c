/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow trace: from a source record to the national elements made of it, and back. */
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"
#include "daemon/mapping/mapping.h"
#include "daemon/store/finding.h"
#include "daemon/store/match.h"
#include "daemon/store/rows.h"
#include "daemon/store/source.h"
#include "daemon/store/submission.h"

#include <string.h>

enum { VALUE_COLUMN = 4, COLUMNS = 16 };

typedef struct Trace {
    CommandContext *context;
    Store *store;
    Listing *listing;
    ListingColumn columns[COLUMNS];
    bool values, past;
    size_t shown;
} Trace;

static const ListingColumn element_columns[COLUMNS] = {
    {"provider", "PROVIDER", LISTING_TEXT, 0},   {"table", "TABLE", LISTING_TEXT, 0},
    {"row_key", "KEY", LISTING_TEXT, 24},        {"element", "ELEMENT", LISTING_TEXT, 0},
    {"value", "VALUE", LISTING_TEXT, 24},        {"record_type", NULL, LISTING_TEXT, 0},
    {"record_id", NULL, LISTING_TEXT, 0},        {"record_version", NULL, LISTING_NUMBER, 0},
    {"record", "RECORD", LISTING_TEXT, 0},       {"field", "FIELD", LISTING_TEXT, 0},
    {"code_line", "CODE LIST", LISTING_TEXT, 0}, {"mapping_line", "MAPPING", LISTING_TEXT, 0},
    {"mapping_version", NULL, LISTING_TEXT, 0},  {"first_month", "FROM", LISTING_TEXT, 0},
    {"last_month", "TO", LISTING_TEXT, 0},       {"holds", NULL, LISTING_BOOL, 0},
};

/* The element's text in the row's fragment, as it stands there; only when values were asked for. */
static const char *value_of(const Trace *trace, const RowTrace *row, const char *element)
{
    Arena *arena = trace->context->arena;
    if (!trace->values)
        return NULL;
    const char *start =
        row->fragment ? strstr(row->fragment, arena_format(arena, "<%s>", element)) : NULL;
    const char *end = start ? strstr(start, "</") : NULL;
    if (!end)
        return NULL;
    start += strlen(element) + 2;
    return arena_copy(arena, start, (size_t)(end - start));
}

static void show_entry(Trace *trace, const RowTrace *row, const LineageEntry *entry)
{
    Arena *arena = trace->context->arena;
    const char *record = entry->record_type
                             ? arena_format(arena, "%s/%s", entry->record_type, entry->record_id)
                             : NULL;
    const char *values[] = {row->provider,
                            row->table,
                            row->row_key,
                            entry->element,
                            value_of(trace, row, entry->element),
                            entry->record_type,
                            entry->record_id,
                            record ? arena_format(arena, "%lld", (long long)entry->record_version)
                                   : NULL,
                            record,
                            entry->field,
                            entry->code,
                            entry->line,
                            row->mapping_version,
                            month_text(trace->context, row->first_month),
                            month_text(trace->context, row->last_month),
                            row->gen_to ? "no" : "yes"};
    listing_row(trace->listing, values);
    trace->shown++;
}

static void start_listing(Trace *trace)
{
    memcpy(trace->columns, element_columns, sizeof element_columns);
    if (!trace->values)
        trace->columns[VALUE_COLUMN].title = NULL;
    trace->listing = listing_new(trace->context, trace->columns, COLUMNS);
}

/* All elements of the rows; with `type` only those that came from that record of `feed`. */
static bool show_rows(Trace *trace, const RowTrace *rows, size_t count, const char *feed,
                      const char *type, const char *id, Error *err)
{
    for (size_t i = 0; i < count; i++) {
        LineageEntry *entries;
        size_t entry_count;
        if (!rows[i].lineage)
            continue;
        if (!mapping_lineage_read(rows[i].lineage, trace->context->arena, &entries, &entry_count,
                                  err))
            return false;
        for (size_t j = 0; j < entry_count; j++)
            if (!type ||
                (text_equal(entries[j].record_type, type) && text_equal(entries[j].record_id, id) &&
                 text_equal(entries[j].record_feed ? entries[j].record_feed : rows[i].feed, feed)))
                show_entry(trace, &rows[i], &entries[j]);
        if (!arena_check(trace->context->arena, err))
            return false;
    }
    return true;
}

static bool show_finding(void *context, const Finding *finding, Error *err)
{
    const Trace *trace = context;
    (void)err;
    fprintf(trace->context->out, "%s (%s)%s%s%s%s: %s\n", finding->rule,
            finding->severity ? finding->severity : "note", finding->field ? " " : "",
            finding->field ? finding->field : "", finding->element ? " -> " : "",
            finding->element ? finding->element : "", finding->message ? finding->message : "");
    return true;
}

/* What is wrong with the record, for people; programs ask `finding list --json`. */
static bool show_findings(Trace *trace, const char *feed, const char *type, const char *id,
                          Error *err)
{
    FindingFilter filter = {.feed = feed, .record_type = type, .record_id = id};
    return trace->context->json || finding_list(trace->store, &filter, show_finding, trace, err);
}

static void say(const Trace *trace, const char *sentence)
{
    if (!trace->context->json)
        fprintf(trace->context->out, "%s\n", sentence);
}

/* Values are shown to somebody, and the audit has it first.  Without them there are only names. */
static bool will_show(Trace *trace, const char *feed, const char *kind, const char *id, Error *err)
{
    uint8_t subject[DIGEST_SIZE];
    AuditFields fields = {.feed = feed, .subject = subject, .code = "trace"};
    return !trace->values || (audit_subject(trace->store, feed, kind, id, subject, err) &&
                              command_shows(trace->context, trace->store, &fields, err));
}

static bool trace_in_feed(Trace *trace, const char *feed, const char *type, const char *id,
                          Error *err)
{
    Arena *arena = trace->context->arena;
    Record *record;
    const char *person, *lead_feed = feed;
    RowTrace *rows;
    size_t count;
    if (!source_get(trace->store, feed, type, id, arena, &record, &person, err))
        return false;
    if (!record)
        return true;
    say(trace, arena_format(arena, "%s/%s of feed %s, version %lld%s", type, id, feed,
                            (long long)record->version, record->root ? "" : ", deleted"));
    if (!person) {
        say(trace, "It belongs to no person: what it describes is put into a month when the month "
                   "is built.");
        return show_findings(trace, feed, type, id, err);
    }
    if (!match_lead(trace->store, &lead_feed, &person, arena, err) ||
        !rows_of_person(trace->store, lead_feed, person, trace->past, arena, &rows, &count, err))
        return false;
    if (!will_show(trace, feed, type, id, err))
        return false;
    start_listing(trace);
    if (!show_rows(trace, rows, count, feed, type, id, err))
        return false;
    listing_end(trace->listing, "No national element is made of it now.");
    return show_findings(trace, feed, type, id, err);
}

static int trace_record(Trace *trace, const char *type, const char *id, Error *err)
{
    const char **feeds;
    size_t count;
    if (!source_feeds_of(trace->store, type, id, trace->context->arena, &feeds, &count, err))
        return EXIT_COULD_NOT;
    if (!count) {
        error_set(err, ERROR_DATA, "trace.unknown",
                  "no feed holds a record of this type and id (an id as the feed has it, "
                  "without its id_prefix)");
        return EXIT_COULD_NOT;
    }
    for (size_t i = 0; i < count; i++)
        if (!trace_in_feed(trace, feeds[i], type, id, err))
            return EXIT_COULD_NOT;
    return EXIT_DONE;
}

static int trace_key(Trace *trace, const char *provider, const char *table, const char *key,
                     Error *err)
{
    RowTrace *rows;
    size_t count;
    if (!rows_by_key(trace->store, provider, table, key, trace->past, trace->context->arena, &rows,
                     &count, err))
        return EXIT_COULD_NOT;
    if (!count) {
        error_set(err, ERROR_DATA, "trace.unknown", "no row of this table has this key%s",
                  trace->past ? "" : " now; --past looks at former ones too");
        return EXIT_COULD_NOT;
    }
    if (!will_show(trace, rows[0].feed, table, key, err))
        return EXIT_COULD_NOT;
    start_listing(trace);
    if (!show_rows(trace, rows, count, NULL, NULL, NULL, err))
        return EXIT_COULD_NOT;
    listing_end(trace->listing, "The row has no lineage.");
    return EXIT_DONE;
}

typedef struct Wanted {
    const char *table;
    int64_t row, seen;
    Arena *arena;
    const char *key; /* NULL: not found yet */
    bool person;
} Wanted;

static bool find_row(void *context, const RowOut *row, Error *err)
{
    Wanted *wanted = context;
    (void)err;
    if (strcmp(row->table, wanted->table) != 0 || ++wanted->seen != wanted->row)
        return true;
    wanted->key = arena_text(wanted->arena, row->row_key);
    wanted->person = row->person != NULL;
    return true;
}

/* submission:12:MHS201:3, as a receiver's finding names a row. */
static int trace_submission(Trace *trace, const char *text, Error *err)
{
    Arena *arena = trace->context->arena;
    int64_t id;
    Wanted wanted = {.arena = arena};
    size_t first = strcspn(text, ":"), second = text[first] ? strcspn(text + first + 1, ":") : 0;
    const char *last = text[first] ? text + first + 1 + second : "";
    if (!second || *last != ':' || !text_to_int64(arena_copy(arena, text, first), &id) ||
        !text_to_int64(last + 1, &wanted.row) || wanted.row < 1) {
        command_usage(err, "a row of a submission is written submission:NUMBER:TABLE:ROW");
        return EXIT_USAGE;
    }
    wanted.table = arena_copy(arena, text + first + 1, second);
    SubmissionInfo info;
    if (!submission_get(trace->store, id, arena, &info, err) ||
        !submission_rows(trace->store, id, find_row, &wanted, err))
        return EXIT_COULD_NOT;
    if (!wanted.key) {
        error_set(err, ERROR_DATA, "trace.unknown", "the submission has no such row");
        return EXIT_COULD_NOT;
    }
    if (!wanted.person) {
        say(trace,
            arena_format(arena, "%s %s belongs to no person: it was made when the month was built.",
                         wanted.table, wanted.key));
        return EXIT_DONE;
    }
    trace->past = true; /* what was sent may have been replaced since */
    return trace_key(trace, info.provider, wanted.table, wanted.key, err);
}

static int run_trace(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    const char *reference = context->arguments[0], *colon = strchr(reference, ':'),
               *slash = strchr(reference, '/');
    if (!colon && !slash) {
        command_usage(err, "\"%s\" is not TYPE/ID, TABLE:KEY or submission:NUMBER:TABLE:ROW",
                      reference);
        return EXIT_USAGE;
    }
    if (!command_store(context, &store, err))
        return EXIT_COULD_NOT;
    Trace trace = {.context = context,
                   .store = store,
                   .values = context->option(context, "--show-values") != NULL,
                   .past = context->option(context, "--past") != NULL};
    if (text_starts(reference, "submission:"))
        return trace_submission(&trace, reference + strlen("submission:"), err);
    if (colon && (!slash || colon < slash))
        return trace_key(&trace, context->option(context, "--provider"),
                         arena_copy(context->arena, reference, (size_t)(colon - reference)),
                         colon + 1, err);
    return trace_record(&trace, arena_copy(context->arena, reference, (size_t)(slash - reference)),
                        slash + 1, err);
}

static const CommandOption trace_options[] = {
    {"--provider", "CODE", false, "with TABLE:KEY: the rows of one provider only"},
    {"--past", NULL, false, "also rows that no longer hold"},
    {"--show-values", NULL, false, "the values themselves; the audit keeps who saw them"},
    {"--as", "NAME", false, "who looks, kept with it (default: your login name)"},
    {0}};

const Command trace_commands[] = {
    {.noun = "trace",
     .arguments = "REF",
     .least = 1,
     .most = 1,
     .summary = "from a source record to its national elements, and back",
     .help = "REF is a record (contact/C0004411), a national row by its key (MHS201:C0004411), or "
             "a row of a "
             "submission as a receiver names it (submission:12:MHS201:3). Each element is shown "
             "with the "
             "record, version and field it came from, the code-list row and mapping line that made "
             "it, and "
             "the months for which it holds.",
     .options = trace_options,
     .run = run_trace},
    {0}};
