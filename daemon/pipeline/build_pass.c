/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over a frozen month. */
#include "daemon/pipeline/build_pass.h"

#include "daemon/dataset/fragment.h"

#include <string.h>

#define SCRATCH_CAP ((size_t)8 << 20)
#define FRAGMENT_LIMIT ((size_t)1 << 20)
#define PROGRESS_EVERY 4096
/* Rows without a person have no number in the database: theirs is made from table and key. */
#define MADE_HERE (UINT64_C(1) << 63)

typedef struct Walk {
    BuildPass *pass;
    SpoolFile *file;
    DocumentWriter writer;
    Checker *checker;
    Digest *content;
    UsedIds *used;
    Arena *scratch; /* one row */
    size_t next;    /* tables before this one have their rows without a person */
    uint64_t seen;
} Walk;

static bool give(Walk *walk, Row *row, uint64_t number, const char *fragment, size_t size,
                 Error *err)
{
    const BuildTools *tools = walk->pass->tools;
    row->number = number;
    walk->pass->counts.rows++;
    walk->pass->counts.people += row->table == tools->dataset->person;
    walk->pass->counts.referrals += row->table == tools->dataset->referral;
    walk->pass->counts.contacts += row->table == tools->dataset->contact;
    if (tools->progress && ++walk->seen % PROGRESS_EVERY == 0)
        tools->progress(tools->progress_context);
    return checker_row(walk->checker, row, err) &&
           document_fragment(&walk->writer, row->table, fragment, size, err);
}

/* What decides "different": the row's line, without the moment at which the file was made. */
static bool add_content(Walk *walk, const Row *row, const char *fragment, size_t size, Error *err)
{
    if (row->table != walk->pass->tools->dataset->header) {
        digest_add(walk->content, fragment, size);
        return true;
    }
    Row *timeless = row_new(row->table, walk->scratch);
    for (size_t i = 0; i < row->table->count; i++)
        if (row->table->elements[i].kind != VALUE_DATETIME)
            timeless->values[i] = row->values[i];
    Text line = text_new(walk->scratch, FRAGMENT_LIMIT);
    if (!row_fragment(timeless, &line, err))
        return false;
    digest_add(walk->content, text_get(&line), line.size);
    return true;
}

static uint64_t number_made_here(const Table *table, const char *key, Arena *scratch)
{
    uint8_t digest[DIGEST_SIZE];
    uint64_t number;
    const char *name = arena_format(scratch, "%s %s", table->code, key);
    digest_bytes(name, strlen(name), digest);
    memcpy(&number, digest, sizeof number);
    return number | MADE_HERE;
}

static bool add_made(Walk *walk, const MappedRow *made, Error *err)
{
    BuildPass *pass = walk->pass;
    uint64_t number = number_made_here(made->row.table, made->key, walk->scratch);
    if (exclusions_row(pass->exclusions, number))
        return true;
    Text line = text_new(pass->arena, FRAGMENT_LIMIT);
    Row row = made->row;
    if (!row_fragment(&row, &line, err) ||
        !add_content(walk, &row, text_get(&line), line.size, err) ||
        !give(walk, &row, number, text_get(&line), line.size, err))
        return false;
    pass->rows = arena_grow(pass->arena, pass->rows, pass->row_count, &pass->row_capacity,
                            sizeof *pass->rows);
    pass->rows[pass->row_count++] = (SubmissionRow){.table = row.table->code,
                                                    .row_key = arena_text(pass->arena, made->key),
                                                    .table_order = (int)row.table->index,
                                                    .fragment = text_get(&line),
                                                    .fragment_size = line.size};
    return true;
}

/* The rows without a person of all tables before `table`. */
static bool make_rows_before(Walk *walk, size_t table, Error *err)
{
    BuildPass *pass = walk->pass;
    const BuildTools *tools = pass->tools;
    MapReference reference = {.references = tools->source_references,
                              .settings = tools->settings,
                              .provider = pass->provider,
                              .month = pass->month,
                              .created_at = pass->created_at,
                              .used = walk->used};
    for (; walk->next < table; walk->next++) {
        const Table *at = &tools->dataset->tables[walk->next];
        MappedRows rows = {0};
        if (!mapping_is_reference(tools->mapping, at))
            continue;
        if (!mapping_reference(tools->mapping, &reference, at, pass->arena, &rows, &pass->findings,
                               err))
            return false;
        for (size_t i = 0; i < rows.count; i++)
            if (!add_made(walk, rows.items[i], err) || !arena_check(pass->arena, err))
                return false;
    }
    return true;
}

static void leave_out(BuildPass *pass, const RowOut *out, const CheckFinding *why)
{
    Arena *arena = pass->arena;
    pass->left_out = arena_grow(arena, pass->left_out, pass->left_out_count,
                                &pass->left_out_capacity, sizeof *pass->left_out);
    const char *person = arena_text(arena, out->person);
    pass->left_out[pass->left_out_count++] =
        (LeftOut){.row = out->id,
                  .finding = {.source = FINDING_BUILD,
                              .rule = why->rule->id,
                              .severity = severity_name(why->rule->severity),
                              .provider = pass->provider->code,
                              .first_month = pass->month,
                              .last_month = pass->month,
                              .feed = arena_text(arena, out->feed),
                              .record_type = "person",
                              .record_id = person,
                              .person = person,
                              .table = arena_text(arena, out->table),
                              .element = why->element ? why->element->name : NULL,
                              .row_key = arena_text(arena, out->row_key),
                              .cause_rule = why->cause_rule ? why->cause_rule->id : NULL,
                              .cause_table = why->cause_table ? why->cause_table->code : NULL,
                              .left_out = true,
                              .message = why->rule->message,
                              .remedy = why->rule->remedy}};
}

/* Does this row fall?  A person's row that falls takes the person along, under its rule. */
static bool falls(Walk *walk, const RowOut *out, const Table *table)
{
    Exclusions *exclusions = walk->pass->exclusions;
    const Exclusion *own = exclusions_row(exclusions, (uint64_t)out->id);
    const Exclusion *person = exclusions_person(exclusions, out->person_key);
    if (own && table == walk->pass->tools->dataset->person)
        exclusions_add_person(exclusions, out->person_key, own);
    if (!own && !person)
        return false;
    CheckFinding why = own ? own->finding : person->finding;
    if (!own) { /* it has done nothing wrong itself */
        why.cause_rule =
            person->finding.cause_rule ? person->finding.cause_rule : person->finding.rule;
        why.cause_table = walk->pass->tools->dataset->person;
        why.element = NULL;
    }
    leave_out(walk->pass, out, &why);
    return true;
}

static bool take_row(void *context, const RowOut *out, Error *err)
{
    Walk *walk = context;
    const Table *table = dataset_table(walk->pass->tools->dataset, out->table);
    Row *row;
    arena_reset(walk->scratch);
    if (!table)
        return error_set(
            err, ERROR_CONFIG, "build.table",
            "stored rows are of table \"%s\", which the data set does not have: map again",
            out->table);
    if (!make_rows_before(walk, table->index, err) || !arena_check(walk->pass->arena, err))
        return false;
    if (falls(walk, out, table))
        return true;
    if (!fragment_read(table, out->fragment, out->fragment_size, walk->scratch, &row, err))
        return false;
    mapping_use(walk->used, row);
    digest_add(walk->content, out->fragment, out->fragment_size);
    return give(walk, row, (uint64_t)out->id, out->fragment, out->fragment_size, err);
}

static bool walk_rows(Walk *walk, Error *err)
{
    const BuildPass *pass = walk->pass;
    const BuildTools *tools = pass->tools;
    CheckSummary summary;
    return document_begin(&walk->writer, tools->dataset, spool_file_sink, walk->file, err) &&
           rows_stream(tools->store, pass->provider->code, pass->month, pass->generation, take_row,
                       walk, err) &&
           make_rows_before(walk, tools->dataset->table_count, err) &&
           document_end(&walk->writer, err) && checker_finish(walk->checker, &summary, err);
}

bool build_pass(BuildPass *pass, SpoolFile *file, Error *err)
{
    const BuildTools *tools = pass->tools;
    _cleanup_arena_ Arena *scratch = arena_new(SCRATCH_CAP);
    _cleanup_checker_ Checker *checker = NULL;
    _cleanup_digest_ Digest *content = digest_new();
    CheckContext context = {.period = pass->month,
                            .provider = pass->provider->code,
                            .submitter = pass->provider->submitter,
                            .submitted_at = pass->created_at,
                            .reference = tools->reference};
    exclusions_start_pass(pass->exclusions);
    if (!checker_new(tools->dataset, &context, exclusions_add, pass->exclusions, &checker, err))
        return false;
    Walk walk = {.pass = pass,
                 .file = file,
                 .checker = checker,
                 .content = content,
                 .scratch = scratch,
                 .used = mapping_used_new(tools->mapping, pass->arena)};
    if (!walk_rows(&walk, err) || !spool_file_finish(file, pass->document_digest, err))
        return false;
    digest_finish(content, pass->content_digest);
    return true;
}
