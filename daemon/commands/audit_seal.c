/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow audit verify and prove: is the record of what was done still what it was? */
#include "daemon/commands/audit_seal.h"

#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"
#include "daemon/pipeline/seal.h"
#include "daemon/pipeline/seal_verify.h"
#include "daemon/sign/signed_log.h"
#include "daemon/store/restoration.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what the signer's list says ---- */

typedef struct SignedCheck {
    SealDocument *documents;
    size_t count;
    bool looked;
    int64_t entries, unknown, damaged;
    int64_t restored_at; /* the last restore of a backup; 0: none */
    int64_t forked;      /* signed before it, and not in the backup */
    int64_t first;       /* submission of the first entry that the database does not have so */
} SignedCheck;

static bool take_entry(void *data, const SignedEntry *entry, Error *err)
{
    SignedCheck *check = data;
    bool known = false;
    size_t low = 0, high = check->count;

    (void)err;
    if (entry->kind != SIGN_DOCUMENT)
        return true;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (check->documents[middle].submission < entry->submission)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < check->count && check->documents[low].submission == entry->submission)
        known = memcmp(check->documents[low].digest, entry->digest, DIGEST_SIZE) == 0;
    check->entries++;
    if (!known && entry->at < check->restored_at)
        check->forked++;
    else if (!known && !check->unknown++)
        check->first = entry->submission;
    return true;
}

/* Everything that was signed here must be a submission with that digest; another machine may have
 * signed more. */
static bool check_signed(CommandContext *context, const Config *config, Store *store,
                         SignedCheck *ret, Error *err)
{
    const char *path = config_sign_log(config, context->arena);

    *ret = (SignedCheck){0};
    if (access(path, R_OK) != 0)
        return true;
    ret->looked = true;
    return restoration_last(store, &ret->restored_at, err) &&
           seal_documents(store, context->arena, &ret->documents, &ret->count, err) &&
           signed_log_read(path, take_entry, ret, &ret->damaged, err);
}

/* ---- the verdict ---- */

typedef struct Whole {
    SealVerdict seal;
    SignedCheck list;
} Whole;

static const char *const state_names[] = {[SEAL_UNSEALED] = "unsealed",
                                          [SEAL_INTACT] = "intact",
                                          [SEAL_TAMPERED] = "tampered",
                                          [SEAL_CANNOT_TELL] = "cannot tell"};

static SealState state_of(const Whole *whole)
{
    if (whole->seal.chains.fault_count || whole->list.unknown)
        return SEAL_TAMPERED;
    return whole->seal.state;
}

static void show_faults(CommandContext *context, const Whole *whole, json_t *faults)
{
    for (size_t i = 0; i < whole->seal.chains.fault_count; i++) {
        const AuditFault *fault = &whole->seal.chains.faults[i];

        json_array_append_new(faults, json_pack("{s:s, s:I, s:s}", "writer", fault->writer, "seq",
                                                (json_int_t)fault->seq, "what", fault->what));
        if (!context->json)
            fprintf(context->out, "%s %s, event %lld: %s\n",
                    coloured(context, COLOUR_BAD, "tampered:"), fault->writer,
                    (long long)fault->seq, fault->what);
    }
    if (context->json)
        return;
    if (whole->seal.reason && whole->seal.first_bad >= 0)
        fprintf(context->out, "%s sealed event %lld: %s\n",
                coloured(context, COLOUR_BAD, "tampered:"), (long long)whole->seal.first_bad,
                whole->seal.reason);
    else if (whole->seal.reason)
        fprintf(context->out, "%s: %s\n",
                coloured(context, COLOUR_BAD, state_names[whole->seal.state]), whole->seal.reason);
    if (whole->list.unknown)
        fprintf(context->out,
                "%s submission %lld was signed with a document that the database does not have\n",
                coloured(context, COLOUR_BAD, "tampered:"), (long long)whole->list.first);
}

static void show_seal(CommandContext *context, Details *details, const SealVerdict *seal)
{
    details_number(details, "sealed", "sealed", seal->sealed);
    details_number(details, "outside", "covered outside", seal->outside);
    details_number(details, "checkpoints", "checkpoints", seal->checkpoints);
    details_number(details, "unsealed", "not sealed yet", seal->unsealed);
    if (context->json) {
        details_number(details, "window_seconds", NULL, SEAL_EVERY / CLOCK_SECOND);
        details_number(details, "window_events", NULL, SEAL_BATCH);
        details_text(details, "seal", NULL, state_names[seal->state]);
        details_text(details, "reason", NULL, seal->reason);
        details_json(details, "first_bad",
                     seal->first_bad < 0 ? json_null() : json_integer(seal->first_bad));
        details_text(details, "sealed_at", NULL, json_time(context, seal->sealed_at));
    } else {
        details_text(details, "sealed_at", "sealed last", shown_time(context, seal->sealed_at));
    }
}

static void show(CommandContext *context, const Whole *whole)
{
    Details *details;
    SealState state = state_of(whole);
    json_t *faults = json_array();

    show_faults(context, whole, faults);
    details = details_new(context);
    details_text(details, "verdict", "audit",
                 coloured(context,
                          state == SEAL_INTACT     ? COLOUR_GOOD
                          : state == SEAL_UNSEALED ? COLOUR_WARN
                                                   : COLOUR_BAD,
                          state_names[state]));
    details_number(details, "events", "events", whole->seal.chains.events);
    details_number(details, "writers", "chains", whole->seal.chains.writers);
    show_seal(context, details, &whole->seal);
    if (whole->list.looked)
        details_number(details, "signed", "signed documents", whole->list.entries);
    else
        details_text(details, "signed", "signed documents",
                     "the signer's list cannot be read here: not compared");
    if (whole->list.restored_at)
        details_number(details, "forked", "signed before a restore, not in the backup",
                       whole->list.forked);
    if (context->json)
        details_json(details, "faults", faults);
    else
        json_decref(faults);
    details_end(details);
    if (!context->json && state == SEAL_INTACT)
        fprintf(context->out,
                "What came after the newest checkpoint (a minute or 1,000 events at most while the "
                "role seal runs; %lld now)\nis held by its chains only: whether some of it was cut "
                "off cannot be told.\n",
                (long long)whole->seal.unsealed);
    if (!context->json && state == SEAL_UNSEALED)
        fprintf(context->out,
                "Every chain holds, but nothing is sealed: who may change the database "
                "could have rewritten it all. Set seal_key.\n");
}

int audit_run_verify(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    const Config *config;
    const char *copy = context->option(context, "--copy");
    Whole whole;

    if (!command_config(context, &config, err) || !command_store(context, &store, err) ||
        !seal_verify(store, copy ? copy : config_seal_folder(config, context->arena),
                     context->option(context, "--key"),
                     section_text(config->main, "seal_key") != NULL, context->arena, &whole.seal,
                     err) ||
        !check_signed(context, config, store, &whole.list, err))
        return EXIT_COULD_NOT;
    show(context, &whole);
    switch (state_of(&whole)) {
    case SEAL_TAMPERED:
        return EXIT_FOUND;
    case SEAL_CANNOT_TELL:
        return EXIT_COULD_NOT;
    default:
        return EXIT_DONE;
    }
}

/* ---- the tree ---- */

typedef struct Reading {
    Arena *arena;
    AuditTree *tree;
} Reading;

static bool take_checkpoint(void *data, const SealCheckpoint *checkpoint, Error *err)
{
    Reading *reading = data;

    (void)err;
    reading->tree->covered = checkpoint->size;
    snprintf(reading->tree->note, sizeof reading->tree->note, "%s", checkpoint->note);
    return true;
}

static bool take_leaf(void *data, const SealLeaf *leaf, Error *err)
{
    Reading *reading = data;
    AuditTree *tree = reading->tree;

    tree->places = arena_grow(reading->arena, tree->places, tree->count, &tree->capacity,
                              sizeof *tree->places);
    tree->places[tree->count++] = (AuditPlace){.number = leaf->number, .leaf = leaf->leaf};
    merkle_tree_add(tree->tree, leaf->hash);
    return arena_check(reading->arena, err);
}

static int by_number(const void *a, const void *b)
{
    const AuditPlace *left = a, *right = b;

    return (left->number > right->number) - (left->number < right->number);
}

bool audit_tree_read(Store *store, Arena *arena, AuditTree *ret, Error *err)
{
    Reading reading = {.arena = arena, .tree = ret};
    SealReader reader = {.checkpoint = take_checkpoint, .leaf = take_leaf, .data = &reading};

    *ret = (AuditTree){.tree = merkle_tree_new(arena)};
    if (!seal_read(store, &reader, err))
        return false;
    if (ret->covered > (int64_t)ret->count)
        ret->covered = (int64_t)ret->count;
    if (ret->count)
        qsort(ret->places, ret->count, sizeof *ret->places, by_number);
    return true;
}

int64_t audit_tree_place(const AuditTree *tree, int64_t number)
{
    AuditPlace wanted = {.number = number};
    const AuditPlace *found =
        tree->count ? bsearch(&wanted, tree->places, tree->count, sizeof wanted, by_number) : NULL;

    return found ? found->leaf : -1;
}

json_t *audit_tree_proof(const AuditTree *tree, int64_t leaf)
{
    uint8_t path[MERKLE_LEVELS][DIGEST_SIZE];
    char hex[DIGEST_HEX_SIZE];
    size_t count = merkle_tree_proof(tree->tree, leaf, tree->covered, path);
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(digest_hex(path[i], hex)));
    return list;
}

/* ---- prove ---- */

typedef struct Found {
    CommandContext *context;
    char *body;
} Found;

static bool take_event(void *data, const AuditRecord *record, Error *err)
{
    Found *found = data;

    (void)err;
    found->body = audit_body(record, found->context->arena);
    return true;
}

int audit_run_prove(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    Found found = {.context = context};
    AuditFilter filter = {0};
    AuditTree tree;
    int64_t leaf;
    json_t *answer;

    if (!text_to_int64(context->arguments[0], &leaf) || leaf < 0) {
        command_usage(err, "\"%s\" is not a place in the seal", context->arguments[0]);
        return EXIT_USAGE;
    }
    if (!command_store(context, &store, err) ||
        !audit_tree_read(store, context->arena, &tree, err) ||
        !seal_event_at(store, leaf, &filter.number, err) ||
        (filter.number && !audit_list(store, &filter, take_event, &found, err)))
        return EXIT_COULD_NOT;
    if (leaf >= tree.covered || !found.body) {
        error_set(err, ERROR_DATA, "audit.leaf", "there is no sealed event %lld", (long long)leaf);
        return EXIT_COULD_NOT;
    }
    answer = json_pack("{s:s, s:I, s:o, s:s}", "event", found.body, "leaf", (json_int_t)leaf,
                       "proof", audit_tree_proof(&tree, leaf), "checkpoint", tree.note);
    fprintf(context->out, "%s\n", json_canonical(context->arena, answer));
    json_decref(answer);
    return EXIT_DONE;
}
