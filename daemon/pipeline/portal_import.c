/* SPDX-License-Identifier: Apache-2.0 */
/* The portal's reports: findings, outcome, differences. */
#include "daemon/pipeline/portal_import.h"

#include "daemon/base/text.h"
#include "daemon/mapping/mapping.h"
#include "daemon/pipeline/portal_tie.h"
#include "daemon/store/source.h"

#include <stdlib.h>
#include <string.h>

#define MOST_NAMED 5000 /* findings that name the very record; of more, the person is named */
#define FILE_RULES "MHSREJ"
#define TABLE_COUNTS "MHSARV"

typedef struct Import {
    Store *store;
    const Dataset *dataset;
    const SubmissionInfo *info;
    const PortalReports *reports;
    Arena *arena;
    PortalImport *out;
    PortalTies ties;
    size_t capacity;
} Import;

static bool is_finding(const PortalLine *line)
{
    return line->kind == PORTAL_REPORT_VALIDATIONS || line->kind == PORTAL_REPORT_DATA_QUALITY;
}

/* ---- findings ---- */

static Finding finding_of(const Import *import, const PortalLine *line)
{
    const Rule *rule = dataset_rule(import->dataset, line->code);
    bool rejected = line->kind == PORTAL_REPORT_VALIDATIONS;
    const SubmissionInfo *info = import->info;
    return (Finding){
        .source = FINDING_RECEIVER,
        .rule = line->code,
        .severity = rule       ? severity_name(rule->severity)
                    : rejected ? "record rejected"
                               : "warning",
        .provider = info->provider,
        .first_month = info->period,
        .last_month = info->period,
        .table = rule ? rule->table->code : NULL,
        .element = rule && rule->element ? rule->element->name : NULL,
        .message = rule ? rule->message : "The portal named a rule that is not in our rules.",
        .remedy = rule ? rule->remedy : "Look it up in NHS England's specification.",
        .left_out = rejected,
        .submission = info->id,
    };
}

static Finding *add_finding(Import *import, const PortalLine *line)
{
    PortalImport *out = import->out;
    out->findings = arena_grow(import->arena, out->findings, out->finding_count, &import->capacity,
                               sizeof *out->findings);
    Finding *finding = &out->findings[out->finding_count++];
    *finding = finding_of(import, line);
    return finding;
}

static void add_line(Import *import, size_t index)
{
    const PortalLine *line = &import->reports->lines[index];
    const PortalTie *ties;
    size_t count = portal_ties_of(&import->ties, index, &ties);
    import->out->tied += count > 0;
    if (!count)
        add_finding(import, line);
    for (size_t i = 0; i < count; i++) {
        Finding *finding = add_finding(import, line);
        finding->table = ties[i].table->code;
        finding->feed = ties[i].feed;
        finding->person = ties[i].person;
        finding->row_key = ties[i].row_key;
    }
}

/* The row as it was sent; NULL: it is gone, or was made without records. */
static const RowTrace *find_row(const Import *import, const RowTrace *traces, size_t count)
{
    const SubmissionInfo *info = import->info;
    for (size_t i = 0; i < count; i++)
        if (traces[i].lineage && traces[i].first_month <= info->period &&
            traces[i].last_month >= info->period && traces[i].gen_from <= info->generation &&
            (!traces[i].gen_to || traces[i].gen_to > info->generation))
            return &traces[i];
    return NULL;
}

/* The record behind the element at fault and its field; else the first record of the row. */
static void take_record(const LineageEntry *entries, size_t count, Finding *finding)
{
    for (size_t i = 0; i < count; i++) {
        bool at_fault = text_equal(entries[i].element, finding->element);
        if (!entries[i].record_type || (finding->record_id && !at_fault))
            continue;
        finding->record_type = entries[i].record_type;
        finding->record_id = entries[i].record_id;
        finding->field = at_fault ? entries[i].field : NULL;
        if (at_fault)
            return;
    }
}

/* Whose fix list it belongs to is the record's own word. */
static bool take_organisation(Import *import, Finding *finding, Error *err)
{
    const char *person;
    Record *record;
    if (!finding->record_id)
        return true;
    if (!source_get(import->store, finding->feed, finding->record_type, finding->record_id,
                    import->arena, &record, &person, err))
        return false;
    finding->org = record ? record->org : NULL;
    return true;
}

static bool name_record(Import *import, Finding *finding, Error *err)
{
    LineageEntry *entries;
    RowTrace *traces;
    size_t count;
    if (!arena_check(import->arena, err) ||
        !rows_by_key(import->store, finding->provider, finding->table, finding->row_key, true,
                     import->arena, &traces, &count, err))
        return false;
    const RowTrace *row = find_row(import, traces, count);
    if (!row)
        return true;
    if (!mapping_lineage_read(row->lineage, import->arena, &entries, &count, err))
        return false;
    take_record(entries, count, finding);
    return take_organisation(import, finding, err);
}

static bool name_records(Import *import, Error *err)
{
    PortalImport *out = import->out;
    for (size_t i = 0, named = 0; i < out->finding_count && named < MOST_NAMED; i++) {
        if (!out->findings[i].row_key || !out->findings[i].person)
            continue;
        named++;
        if (!name_record(import, &out->findings[i], err))
            return false;
    }
    return true;
}

static bool refuses_file(const Import *import, const PortalLine *line)
{
    const Rule *rule = dataset_rule(import->dataset, line->code);
    return line->kind == PORTAL_REPORT_VALIDATIONS &&
           (text_starts(line->code, FILE_RULES) ||
            (rule && rule->severity == SEVERITY_FILE_REJECTED));
}

static void add_lines(Import *import)
{
    PortalImport *out = import->out;
    out->outcome = OUTCOME_ACCEPTED;
    out->unreadable = import->reports->unreadable;
    for (size_t i = 0; i < import->reports->count; i++) {
        const PortalLine *line = &import->reports->lines[i];
        if (!is_finding(line))
            continue;
        out->lines++;
        out->rejected_lines += line->kind == PORTAL_REPORT_VALIDATIONS;
        out->warning_lines += line->kind == PORTAL_REPORT_DATA_QUALITY;
        if (refuses_file(import, line))
            out->outcome = OUTCOME_REJECTED;
        add_line(import, i);
    }
}

/* ---- differences ---- */

typedef struct Mark { /* a rule on a row; row_key "" where nobody knows */
    const char *rule, *table, *row_key;
    bool ours;
} Mark;

typedef struct Marks {
    Mark *items;
    size_t count, capacity;
    Arena *arena;
} Marks;

static void add_mark(Marks *marks, const Finding *finding, bool ours)
{
    Arena *arena = marks->arena;
    const char *key = arena_text(arena, finding->row_key),
               *table = arena_text(arena, finding->table);
    marks->items =
        arena_grow(arena, marks->items, marks->count, &marks->capacity, sizeof *marks->items);
    marks->items[marks->count++] =
        (Mark){arena_text(arena, finding->rule), table ? table : "", key ? key : "", ours};
}

/* Ours about what was sent: national rules only, and nothing that we kept back ourselves. */
static bool take_ours(void *context, const Finding *finding, Error *err)
{
    Marks *marks = context;
    bool national = finding->source == FINDING_CHECK || finding->source == FINDING_BUILD;
    if (national && !finding->left_out && !finding->cause_rule)
        add_mark(marks, finding, true);
    return arena_check(marks->arena, err);
}

static int compare_marks(const void *a, const void *b)
{
    const Mark *one = a, *two = b;
    int order = strcmp(one->rule, two->rule);
    order = order ? order : strcmp(one->table, two->table);
    order = order ? order : strcmp(one->row_key, two->row_key);
    return order ? order : (int)one->ours - (int)two->ours;
}

static bool same_row(const Mark *one, const Mark *two)
{
    return *one->row_key && strcmp(one->row_key, two->row_key) == 0 &&
           strcmp(one->table, two->table) == 0;
}

/* One rule's marks, in order.  Rows first; what ties to no row is compared by number. */
static PortalDifference compare_rule(const Import *import, const Mark *marks, size_t count)
{
    const Rule *rule = dataset_rule(import->dataset, marks->rule);
    PortalDifference ret = {.rule = marks->rule,
                            .severity = rule ? severity_name(rule->severity) : NULL,
                            .message = rule ? rule->message : NULL};
    int64_t loose_portal = 0, loose_ours = 0;
    for (size_t i = 0, next; i < count; i = next) {
        int64_t by[2] = {0, 0};
        for (next = i; next < count && (next == i || same_row(&marks[i], &marks[next])); next++)
            by[marks[next].ours]++;
        ret.portal += by[0];
        ret.ours += by[1];
        if (!*marks[i].row_key) {
            loose_portal += by[0];
            loose_ours += by[1];
            continue;
        }
        ret.only_portal += by[0] && !by[1];
        ret.only_ours += by[1] && !by[0];
    }
    /* A line that ties to no row may well be one of the rows that only we named. */
    int64_t paired = loose_portal < ret.only_ours ? loose_portal : ret.only_ours;
    ret.only_ours -= paired;
    loose_portal -= paired;
    ret.only_portal += loose_portal > loose_ours ? loose_portal - loose_ours : 0;
    ret.only_ours += loose_ours > loose_portal ? loose_ours - loose_portal : 0;
    return ret;
}

static bool compare(Import *import, Error *err)
{
    PortalImport *out = import->out;
    Marks marks = {.arena = import->arena};
    FindingFilter filter = {.provider = import->info->provider, .month = import->info->period};
    for (size_t i = 0; i < out->finding_count; i++)
        add_mark(&marks, &out->findings[i], false);
    if (!finding_list(import->store, &filter, take_ours, &marks, err))
        return false;
    qsort(marks.items, marks.count, marks.count ? sizeof *marks.items : 1, compare_marks);
    size_t capacity = 0;
    for (size_t i = 0, next; i < marks.count; i = next) {
        for (next = i;
             next < marks.count && text_equal(marks.items[i].rule, marks.items[next].rule);)
            next++;
        PortalDifference one = compare_rule(import, &marks.items[i], next - i);
        if (!one.only_portal && !one.only_ours)
            continue;
        out->differences = arena_grow(import->arena, out->differences, out->difference_count,
                                      &capacity, sizeof *out->differences);
        out->differences[out->difference_count++] = one;
    }
    return true;
}

/* ---- rows carried on ---- */

static void compare_tables(Import *import)
{
    PortalImport *out = import->out;
    out->tables = arena_array(import->arena, import->reports->count + 1, sizeof *out->tables);
    for (size_t i = 0; i < import->reports->count; i++) {
        const PortalLine *line = &import->reports->lines[i];
        if (line->kind != PORTAL_REPORT_AGGREGATION || !text_starts(line->code, TABLE_COUNTS))
            continue;
        const Table *table =
            dataset_table(import->dataset,
                          arena_format(import->arena, "MHS%s", line->code + strlen(TABLE_COUNTS)));
        if (!table || line->numerator < 0)
            continue;
        int64_t sent = import->ties.rows[table->index];
        if (sent != line->numerator)
            out->tables[out->table_count++] = (PortalTable){table->code, sent, line->numerator};
    }
}

bool portal_import(Store *store, const Dataset *dataset, const SubmissionInfo *info,
                   const PortalReports *reports, Arena *arena, PortalImport *ret, Error *err)
{
    Import import = {store, dataset, info, reports, arena, ret, {0}, 0};
    *ret = (PortalImport){0};
    if (!portal_tie(store, dataset, info, reports, arena, &import.ties, err))
        return false;
    add_lines(&import);
    compare_tables(&import);
    return name_records(&import, err) && compare(&import, err);
}
