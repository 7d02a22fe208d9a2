/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow purge: what was erased by a feed's order, cleared from the tables, and certified. */
#include "daemon/store/purge.h"
#include "daemon/commands/audit_seal.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"

/* Said in every certificate: what an order to erase does not reach from here. */
static const char *const out_of_reach[] = {
    "PostgreSQL's write-ahead log, and replicas and archives fed by it, until it is recycled",
    "free space inside table files, until it is written over (VACUUM FULL rewrites the files)",
    "backups of the database, and of the machine, until their own retention ends",
    "spool files of documents built before: the sweep of the build role takes them",
    "documents that receivers have already taken in",
    "the case-management system and its exports",
};

static const char *time_value(const CommandContext *context, int64_t wall_us)
{
    return context->json ? json_time(context, wall_us) : shown_time(context, wall_us);
}

/* ---- list ---- */

static const ListingColumn columns[] = {
    {"number", "NUMBER", LISTING_NUMBER, 0}, {"feed", "FEED", LISTING_TEXT, 24},
    {"type", "TYPE", LISTING_TEXT, 16},      {"purged_at", "PURGED", LISTING_TEXT, 0},
    {"reason", "REASON", LISTING_TEXT, 32},  {"records", "RECORDS", LISTING_NUMBER, 0},
    {"rows", "ROWS", LISTING_NUMBER, 0},     {"vacuumed_at", "CLEARED", LISTING_TEXT, 0},
    {"subject", NULL, LISTING_TEXT, 0},
};

static int run_list(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    Purge *all;
    size_t count;
    if (!command_store(context, &store, err) ||
        !purge_list(store, 0, context->arena, &all, &count, err))
        return EXIT_COULD_NOT;
    Listing *listing = listing_new(context, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        char hex[DIGEST_HEX_SIZE];
        const char *values[] = {shown_number(context, all[i].id),
                                all[i].feed,
                                all[i].type,
                                time_value(context, all[i].purged_at),
                                all[i].reason,
                                shown_number(context, all[i].records),
                                shown_number(context, all[i].rows),
                                time_value(context, all[i].vacuumed_at),
                                arena_text(context->arena, digest_hex(all[i].subject, hex))};
        listing_row(listing, values);
    }
    listing_end(listing, "Nothing was purged.");
    return EXIT_DONE;
}

/* ---- vacuum ---- */

/* As the tables' owner: nobody else may. */
static int run_vacuum(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    const Config *config;
    int64_t done, waiting;
    if (!command_config(context, &config, err) ||
        !store_open(config_database(config, context->arena), "mhsflow", &store, err) ||
        !purge_vacuum(store, &done, &waiting, err))
        return EXIT_COULD_NOT;
    Details *details = details_new(context);
    details_number(details, "cleared", "Cleared", done);
    details_number(details, "waiting", "Still seen by an older snapshot", waiting);
    details_end(details);
    return waiting ? EXIT_FOUND : EXIT_DONE;
}

/* ---- certificate ---- */

static bool take_event(void *data, const AuditRecord *record, Error *err)
{
    struct {
        Arena *arena;
        char *body;
    } *found = data;
    (void)err;
    found->body = audit_body(record, found->arena);
    return true;
}

/* The event that tells of the purge, and its place under the newest signed tree head. */
static bool add_proof(CommandContext *context, Store *store, const Purge *purge, Details *details,
                      Error *err)
{
    struct {
        Arena *arena;
        char *body;
    } found = {.arena = context->arena};
    AuditFilter filter = {0};
    AuditTree tree;
    if (!purge_event(store, purge, &filter.number, err) ||
        !audit_tree_read(store, context->arena, &tree, err) ||
        (filter.number && !audit_list(store, &filter, take_event, &found, err)))
        return false;
    int64_t leaf = filter.number ? audit_tree_place(&tree, filter.number) : -1;
    bool is_sealed = leaf >= 0 && leaf < tree.covered;
    details_text(details, "event", "Audit event", found.body);
    details_text(details, "sealed", "Sealed",
                 is_sealed ? "yes: the signed tree head below covers the event"
                           : "not yet: ask again when the seal has run");
    if (!is_sealed)
        return true;
    details_number(details, "leaf", "Place in the seal", leaf);
    json_t *proof = audit_tree_proof(&tree, leaf);
    if (!context->json)
        for (size_t i = 0; i < json_array_size(proof); i++)
            details_text(details, "proof", i ? "" : "Proof",
                         arena_text(context->arena, json_string_value(json_array_get(proof, i))));
    details_json(details, "proof", proof);
    details_text(details, "checkpoint", "Signed tree head", arena_text(context->arena, tree.note));
    return true;
}

static int run_certificate(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    Purge *purge;
    size_t count;
    int64_t number, documents;
    char hex[DIGEST_HEX_SIZE];
    if (!command_number(context, 0, &number, err))
        return EXIT_USAGE;
    if (!command_store(context, &store, err) ||
        !purge_list(store, number, context->arena, &purge, &count, err) ||
        !purge_documents(store, &documents, err))
        return EXIT_COULD_NOT;
    if (!count) {
        error_set(err, ERROR_CONFIG, "purge.unknown", "there is no purge %lld", (long long)number);
        return EXIT_COULD_NOT;
    }
    Details *details = details_new(context);
    details_number(details, "number", "Purge", purge->id);
    details_text(details, "feed", "Ordered by feed", purge->feed);
    details_text(details, "type", "Of a record of type", purge->type);
    details_text(details, "subject", "Keyed hash of its id", digest_hex(purge->subject, hex));
    details_text(details, "purged_at", "Deleted at", time_value(context, purge->purged_at));
    details_text(details, "reason", "Reason", purge->reason);
    details_number(details, "records", "Records deleted", purge->records);
    details_number(details, "rows", "National rows deleted", purge->rows);
    details_text(details, "vacuumed_at", "Cleared from the tables at",
                 purge->vacuumed_at ? time_value(context, purge->vacuumed_at)
                 : context->json    ? NULL
                                    : "not yet: mhsflow purge vacuum");
    details_number(details, "documents", "Documents sent before, of all purges", documents);
    json_t *array = json_array();
    for (size_t i = 0; i < sizeof out_of_reach / sizeof *out_of_reach; i++) {
        json_array_append_new(array, json_string(out_of_reach[i]));
        if (!context->json)
            details_text(details, "out_of_reach", i ? "" : "Out of reach from here",
                         out_of_reach[i]);
    }
    details_json(details, "out_of_reach", array);
    bool done = add_proof(context, store, purge, details, err);
    details_end(details);
    return done ? EXIT_DONE : EXIT_COULD_NOT;
}

const Command purge_commands[] = {
    {"purge", "list", NULL, 0, 0, "what was erased by order of a feed", NULL, NULL, run_list},
    {"purge", "certificate", "NUMBER", 1, 1, "what one purge took, when and why, and the proof",
     "To be kept by whoever answers for confidentiality. Names nobody: the keyed hash can be made "
     "again only with the key in "
     "this database. The audit event, its path and the signed tree head can be checked without "
     "this "
     "program (tests/tools/verify-audit). Says what an erasure does not reach.",
     NULL, run_certificate},
    {"purge", "vacuum", NULL, 0, 0, "clear tables and indexes of what purges deleted",
     "As the tables' owner. Without it PostgreSQL does so in its own time. Ends with 1 while an "
     "older snapshot still sees "
     "some of it.",
     NULL, run_vacuum},
    {0},
};
