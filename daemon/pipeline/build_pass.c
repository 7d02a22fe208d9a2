/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over a frozen month. */
#include "daemon/pipeline/build_pass.h"

#include "daemon/dataset/fragment.h"

#include <stdlib.h>
#include <string.h>

#define SCRATCH_CAP ((size_t)8 << 20)
#define FRAGMENT_LIMIT ((size_t)1 << 20)
#define PROGRESS_EVERY 4096
/* Rows without a person have no number in the database: theirs is made from table and key. */
#define MADE_HERE (UINT64_C(1) << 63)

/* The gate closed after these rows were made, and they could not be made anew. */
static const Rule withheld = {
    .id = "withheld_now",
    .level = RULE_GROUP,
    .severity = SEVERITY_GROUP_REJECTED,
    .message = "the person's consent or basis does not hold any more, and their records could not "
               "be mapped since: nothing of theirs is sent",
    .remedy = "see why the person was set aside: `mhsflow finding list --source work`"};
static const Exclusion closed = {.finding = {.rule = &withheld}};

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

static void leave_out(BuildPass *pass, int64_t row, const CheckFinding *why, Finding finding)
{
    Arena *arena = pass->arena;
    pass->left_out = arena_grow(arena, pass->left_out, pass->left_out_count,
                                &pass->left_out_capacity, sizeof *pass->left_out);
    finding.source = FINDING_BUILD;
    finding.rule = why->rule->id;
    finding.severity = severity_name(why->rule->severity);
    finding.provider = pass->provider->code;
    finding.first_month = finding.last_month = pass->month;
    finding.element = why->element ? why->element->name : NULL;
    finding.cause_rule = why->cause_rule ? why->cause_rule->id : NULL;
    finding.cause_table = why->cause_table ? why->cause_table->code : NULL;
    finding.left_out = true;
    finding.message = why->rule->message;
    finding.remedy = why->rule->remedy;
    pass->left_out[pass->left_out_count++] = (LeftOut){.row = row, .finding = finding};
}

static void leave_out_made(BuildPass *pass, const MappedRow *made, const CheckFinding *why)
{
    const Record *record = made->record;
    leave_out(pass, 0, why,
              (Finding){.feed = record ? record->feed : NULL,
                        .record_type = record ? record->type : NULL,
                        .record_id = record ? record->id : NULL,
                        .org = record ? record->org : NULL,
                        .table = made->row.table->code,
                        .row_key = arena_text(pass->arena, made->key)});
}

static bool add_made(Walk *walk, const MappedRow *made, Error *err)
{
    BuildPass *pass = walk->pass;
    uint64_t number = number_made_here(made->row.table, made->key, walk->scratch);
    const Exclusion *out = exclusions_row(pass->exclusions, number);
    if (out) {
        leave_out_made(pass, made, &out->finding);
        return true;
    }
    Text line = text_new(pass->arena, FRAGMENT_LIMIT);
    Row row = made->row;
    mapping_use(walk->used, &row); /* a group session names its worker */
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

/* The order in which submission_rows() will give them again. */
static int compare_keys(const void *a, const void *b)
{
    const MappedRow *const *one = a, *const *two = b;
    int order = strcmp((*one)->key, (*two)->key);
    if (order)
        return order;
    return (*one)->row.number < (*two)->row.number ? -1 : (*one)->row.number > (*two)->row.number;
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
        if (rows.count)
            qsort(rows.items, rows.count, sizeof(MappedRow *), compare_keys);
        for (size_t i = 0; i < rows.count; i++)
            if (!add_made(walk, rows.items[i], err) || !arena_check(pass->arena, err))
                return false;
    }
    return true;
}

static void leave_out_row(BuildPass *pass, const RowOut *out, const Table *table,
                          const CheckFinding *why)
{
    Arena *arena = pass->arena;
    const char *person = arena_text(arena, out->person);
    leave_out(pass, out->id, why,
              (Finding){.feed = arena_text(arena, out->feed),
                        .record_type = "person",
                        .record_id = person,
                        .person = person,
                        .table = table->code,
                        .row_key = arena_text(arena, out->row_key)});
}

/* Of a row that has done nothing wrong itself: it falls with its person, and names the root. */
static CheckFinding falls_with(const CheckFinding *person, const Table *table,
                               const Table *person_table)
{
    CheckFinding why = *person;
    if (!why.cause_rule && table != person_table) {
        why.cause_rule = person->rule;
        why.cause_table = person_table;
    }
    why.element = NULL;
    return why;
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
    CheckFinding why =
        own ? own->finding
            : falls_with(&person->finding, table, walk->pass->tools->dataset->person);
    leave_out_row(walk->pass, out, table, &why);
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
    for (size_t i = 0; i < pass->closed_count; i++)
        exclusions_add_person(pass->exclusions, pass->closed[i], &closed);
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
