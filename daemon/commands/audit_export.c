/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow audit export: JSON lines, CSV, or a FHIR bundle, with places, proofs and checkpoints. */
#include "daemon/commands/audit_seal.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/commands/store_open.h"

#include <string.h>

#define LINE_CAP ((size_t)1 << 20)

typedef struct Export {
    CommandContext *context;
    AuditTree tree;
    bool proofs, first;
    Arena *line;
} Export;

static json_t *proof_of(const Export *export, int64_t leaf)
{
    bool wanted = export->proofs && leaf >= 0 && leaf < export->tree.covered;

    return wanted ? audit_tree_proof(&export->tree, leaf) : NULL;
}

/* The event as hashed, with its hash, its place and its path beside. */
static bool write_json(void *data, const AuditRecord *record, Error *err)
{
    Export *export = data;
    FILE *out = export->context->out;
    int64_t leaf = audit_tree_place(&export->tree, record->number);
    _cleanup_json_ json_t *proof = proof_of(export, leaf);
    char hex[DIGEST_HEX_SIZE];

    (void)err;
    arena_reset(export->line);
    char *body = audit_body(record, export->line);
    body[strlen(body) - 1] = '\0';
    fprintf(out, "%s,\"hash\":\"%s\"", body, digest_hex(record->hash, hex));
    if (leaf >= 0)
        fprintf(out, ",\"leaf\":%lld", (long long)leaf);
    if (proof)
        fprintf(out, ",\"proof\":%s", json_canonical(export->line, proof));
    fputs("}\n", out);
    return true;
}

static bool write_csv(void *data, const AuditRecord *record, Error *err)
{
    Export *export = data;
    int64_t leaf = audit_tree_place(&export->tree, record->number);
    _cleanup_json_ json_t *proof = proof_of(export, leaf);
    json_t *node;
    char hex[DIGEST_HEX_SIZE];
    size_t i;

    (void)err;
    arena_reset(export->line);
    Text text = text_new(export->line, LINE_CAP);
    if (leaf >= 0)
        text_addf(&text, "%lld", (long long)leaf);
    text_addf(&text, ",%s,%lld,%s,%s,", record->writer, (long long)record->seq, record->at,
              record->event);
    text_add_csv(&text, record->fields);
    text_addf(&text, ",%s,", digest_hex(record->previous, hex));
    text_addf(&text, "%s,", digest_hex(record->hash, hex));
    json_array_foreach(proof, i, node)
        text_addf(&text, "%s%s", i ? " " : "", json_string_value(node));
    fprintf(export->context->out, "%s\r\n", text_get(&text));
    return true;
}

static void write_entry(Export *export, json_t *resource)
{
    json_t *entry = json_pack("{s:o}", "resource", resource);

    fprintf(export->context->out, "%s\n%s", export->first ? "" : ",",
            json_canonical(export->line, entry));
    export->first = false;
    json_decref(entry);
}

static bool write_fhir(void *data, const AuditRecord *record, Error *err)
{
    Export *export = data;
    int64_t leaf = audit_tree_place(&export->tree, record->number);

    (void)err;
    arena_reset(export->line);
    write_entry(export, audit_fhir_event(record, leaf, proof_of(export, leaf)));
    return true;
}

static bool json_checkpoint(void *data, const SealCheckpoint *checkpoint, Error *err)
{
    Export *export = data;

    (void)err;
    arena_reset(export->line);
    Text text = text_new(export->line, LINE_CAP);
    text_add_json(&text, checkpoint->note);
    fprintf(export->context->out, "{\"checkpoint\":%s,\"number\":%lld,\"size\":%lld}\n",
            text_get(&text), (long long)checkpoint->number, (long long)checkpoint->size);
    return true;
}

static bool fhir_checkpoint(void *data, const SealCheckpoint *checkpoint, Error *err)
{
    Export *export = data;

    (void)err;
    arena_reset(export->line);
    write_entry(export, audit_fhir_checkpoint(export->line, checkpoint->note));
    return true;
}

typedef struct Format {
    const char *name, *head, *tail;
    AuditSink event;
    bool (*checkpoint)(void *data, const SealCheckpoint *checkpoint, Error *err);
} Format;

static const Format formats[] = {
    {"jsonl", "", "", write_json, json_checkpoint},
    {"csv", "leaf,writer,seq,at,event,fields,previous,hash,proof\r\n", "", write_csv, NULL},
    {"fhir", "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[", "\n]}\n",
     write_fhir, fhir_checkpoint},
};

static bool read_format(const CommandContext *context, const Format **ret, Error *err)
{
    const char *name = context->option(context, "--format");

    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (!name || strcmp(name, formats[i].name) == 0) {
            *ret = &formats[i];
            return true;
        }
    return command_usage(err, "\"%s\" is not a format: jsonl, csv or fhir", name);
}

static bool write_all(Export *export, const Format *format, const AuditFilter *filter, Store *store,
                      Error *err)
{
    SealReader reader = {.checkpoint = format->checkpoint, .data = export};

    fputs(format->head, export->context->out);
    if (!audit_list(store, filter, format->event, export, err) || !seal_read(store, &reader, err))
        return false;
    fputs(format->tail, export->context->out);
    return true;
}

int audit_run_export(CommandContext *context, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    _cleanup_arena_ Arena *line = arena_new(LINE_CAP * 8);
    Export export = {.context = context, .first = true, .line = line};
    const Format *format;
    AuditFilter filter;

    export.proofs = context->option(context, "--proofs") != NULL;
    if (!audit_read_filter(context, 0, &filter, err) || !read_format(context, &format, err))
        return EXIT_USAGE;
    if (!command_store(context, &store, err) ||
        !audit_tree_read(store, context->arena, &export.tree, err) ||
        !write_all(&export, format, &filter, store, err))
        return EXIT_COULD_NOT;
    return EXIT_DONE;
}
