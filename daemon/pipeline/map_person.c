/* SPDX-License-Identifier: Apache-2.0 */
/* Maps one person for every open month and lets the national rules judge the rows. */
#include "daemon/pipeline/map_person.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/dataset/document.h"
#include "daemon/pipeline/gate.h"
#include "daemon/pipeline/map_findings.h"

#include <stdlib.h>
#include <string.h>

#define FRAGMENT_LIMIT ((size_t)1 << 20)

struct Mapper {
    const Tools *tools;
    Month months[CALENDAR_MONTHS_MAX];
    size_t month_count;
    bool *present;      /* by table: those of persons */
    Checker **checkers; /* beside settings->providers; made when first needed */
    PersonCheck *check; /* where the checkers' findings go while a person is judged */
    Arena *arena;
};

/* One row that holds from month to month. */
typedef struct Span {
    RowIn in;
    const MappedRow *row;
    uint8_t digest[DIGEST_SIZE];
    struct Span *next; /* same hash bucket */
} Span;

typedef struct PersonRun {
    Mapper *mapper;
    const PersonIn *in;
    Arena *arena;
    const char *key; /* local patient id */
    Span **spans;    /* in the order they were found */
    size_t count, capacity;
    Span **buckets;
    size_t bucket_count;
    Span **by_raw; /* the span of a raw row that no month blanked anything in */
    PersonCheck check;
    bool *active; /* beside settings->providers: has rows in an open month */
} PersonRun;

Mapper *mapper_new(const Tools *tools, Day today)
{
    Arena *arena = arena_new((size_t)16 << 20);
    Mapper *mapper = arena_alloc(arena, sizeof *mapper);
    mapper->arena = arena;
    mapper->tools = tools;
    mapper->month_count = calendar_open_months(tools->calendar, today, mapper->months);
    mapper->present = arena_array(arena, tools->dataset->table_count, sizeof *mapper->present);
    for (size_t i = 0; i < tools->dataset->table_count; i++)
        mapper->present[i] = tools->dataset->tables[i].person;
    mapper->checkers = arena_array(arena, tools->settings->provider_count, sizeof(Checker *));
    return mapper;
}

void mapper_free(Mapper *mapper)
{
    if (!mapper)
        return;
    for (size_t i = 0; i < mapper->tools->settings->provider_count; i++)
        checker_free(mapper->checkers[i]);
    arena_free(mapper->arena);
}

size_t mapper_months(const Mapper *mapper, const Month **ret)
{
    *ret = mapper->months;
    return mapper->month_count;
}

static void sink(void *context, const CheckFinding *finding)
{
    Mapper *mapper = context;
    person_check_add(mapper->check, finding);
}

static bool checker_for(Mapper *mapper, size_t provider, Month month, Checker **ret, Error *err)
{
    if (!mapper->checkers[provider]) {
        const ProviderSettings *settings = &mapper->tools->settings->providers[provider];
        CheckContext context = {.period = month,
                                .provider = settings->code,
                                .submitter = settings->submitter,
                                .reference = mapper->tools->reference,
                                .partial = true,
                                .present = mapper->present};
        if (!checker_new(mapper->tools->dataset, &context, sink, mapper,
                         &mapper->checkers[provider], err))
            return false;
    }
    *ret = mapper->checkers[provider];
    checker_reset(*ret, month);
    return true;
}

/* ---- spans ---- */

static size_t bucket_of(const PersonRun *run, const uint8_t digest[DIGEST_SIZE])
{
    uint64_t head;
    memcpy(&head, digest, sizeof head);
    return (size_t)head & (run->bucket_count - 1);
}

static bool same_span(const Span *span, const MappedRow *row, const uint8_t digest[DIGEST_SIZE])
{
    return memcmp(span->digest, digest, DIGEST_SIZE) == 0 &&
           span->row->row.table == row->row.table && span->row->provider == row->provider &&
           strcmp(span->in.row_key, row->key) == 0;
}

static Span *new_span(PersonRun *run, const MappedRow *row, const Text *fragment, Month month)
{
    Span *span = arena_alloc(run->arena, sizeof *span);
    span->row = row;
    span->in = (RowIn){.provider = row->provider->code,
                       .table = row->row.table->code,
                       .table_order = (int)row->row.table->index,
                       .person_key = run->key,
                       .row_key = row->key,
                       .first_month = month,
                       .last_month = month,
                       .fragment = fragment->bytes,
                       .fragment_size = fragment->size,
                       .digest = span->digest,
                       .lineage = mapping_lineage(row, run->arena)};
    run->spans = arena_grow(run->arena, run->spans, run->count, &run->capacity, sizeof(Span *));
    run->spans[run->count++] = span;
    return span;
}

/* A row that came back after a month without it begins a span of its own. */
static bool add_month(PersonRun *run, const MappedRow *row, const MappedRow *raw, Month month,
                      Error *err)
{
    Span **of_raw = row == raw ? &run->by_raw[raw->row.number - 1] : NULL;
    if (of_raw && *of_raw && (*of_raw)->in.last_month == month - 1) {
        (*of_raw)->in.last_month = month;
        return true;
    }
    Text fragment = text_new(run->arena, FRAGMENT_LIMIT);
    if (!row_fragment(&row->row, &fragment, err))
        return false;
    uint8_t digest[DIGEST_SIZE];
    digest_bytes(fragment.bytes, fragment.size, digest);
    Span **bucket = &run->buckets[bucket_of(run, digest)];
    Span *span = *bucket;
    while (span && !(same_span(span, row, digest) && span->in.last_month == month - 1))
        span = span->next;
    if (span) {
        span->in.last_month = month;
    } else {
        span = new_span(run, row, &fragment, month);
        memcpy(span->digest, digest, DIGEST_SIZE);
        span->next = *bucket;
        *bucket = span;
    }
    if (of_raw)
        *of_raw = span;
    return true;
}

static void spans_new(PersonRun *run, size_t rows)
{
    run->bucket_count = 16;
    while (run->bucket_count < rows * 2)
        run->bucket_count *= 2;
    if (!run->buckets)
        run->buckets = arena_array(run->arena, run->bucket_count, sizeof(Span *));
}

/* ---- months ---- */

static bool judge(PersonRun *run, size_t provider, const MappedRows *rows, Month month,
                  Checker **ret, Error *err)
{
    Checker *checker = NULL;
    CheckSummary summary;
    const ProviderSettings *settings = &run->mapper->tools->settings->providers[provider];
    if (!checker_for(run->mapper, provider, month, &checker, err))
        return false;
    person_check_month(&run->check, settings, rows, month);
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i]->provider == settings &&
            !checker_row(checker, &rows->items[i]->row, err))
            return false;
    *ret = checker;
    return checker_finish(checker, &summary, err);
}

static bool month_of_provider(PersonRun *run, size_t provider, const RawRows *raw,
                              const MappedRows *rows, Month month, Error *err)
{
    const ProviderSettings *settings = &run->mapper->tools->settings->providers[provider];
    Checker *checker = NULL;
    bool has_any = false;
    for (size_t i = 0; i < rows->count; i++)
        has_any = has_any || rows->items[i]->provider == settings;
    if (!has_any)
        return true;
    run->active[provider] = true;
    if (!judge(run, provider, rows, month, &checker, err))
        return false;
    if (person_check_refuses_file(&run->check))
        return true; /* the whole person stays out; the finding says why */
    for (size_t i = 0; i < rows->count; i++) {
        const MappedRow *row = rows->items[i];
        if (row->provider == settings &&
            checker_survives(checker, row->row.table, row->row.number) &&
            !add_month(run, row, raw->rows.items[row->row.number - 1], month, err))
            return false;
    }
    return true;
}

static bool run_month(PersonRun *run, const RawRows *raw, Month month, Error *err)
{
    MappedRows rows;
    mapping_select(run->mapper->tools->mapping, raw, month, run->arena, &rows);
    for (size_t i = 0; i < run->mapper->tools->settings->provider_count; i++)
        if (!month_of_provider(run, i, raw, &rows, month, err))
            return false;
    return arena_check(run->arena, err);
}

static void note_findings(PersonRun *run, const RawRows *raw, const FindingKind *const *reasons)
{
    const MappingSettings *settings = run->mapper->tools->settings;
    for (size_t i = 0; i < raw->withheld_count; i++) {
        size_t provider = (size_t)(raw->withheld[i] - settings->providers);
        person_check_gate(&run->check, reasons[provider], raw->withheld[i]);
    }
    for (size_t i = 0; i < raw->findings.count; i++) {
        const MapFinding *finding = &raw->findings.items[i];
        /* What stood in for a gap counts only where it was sent: not for a person whose months are
         * closed. */
        bool used = !finding->provider || severity_rejects(finding->kind->severity) ||
                    run->active[finding->provider - settings->providers];
        if (used)
            person_check_mapping(&run->check, finding);
    }
}

static bool run_months(PersonRun *run, const MapPerson *person, const FindingKind *const *reasons,
                       Error *err)
{
    const Mapper *mapper = run->mapper;
    RawRows raw = {0};
    for (size_t i = 0; i < mapper->month_count; i++) {
        Month month = mapper->months[i];
        if (i == 0 || month > raw.last) {
            if (i > 0)
                note_findings(run, &raw, reasons);
            if (!mapping_make(mapper->tools->mapping, person, month, run->arena, &raw, err))
                return false;
            spans_new(run, raw.rows.count);
            run->by_raw = arena_array(run->arena, raw.rows.count, sizeof(Span *));
        }
        if (!run_month(run, &raw, month, err))
            return false;
    }
    if (mapper->month_count)
        note_findings(run, &raw, reasons);
    return true;
}

static const FindingKind **ask_gate(const Mapper *mapper, const PersonBasis *basis, Arena *arena,
                                    bool *open)
{
    const Config *config = mapper->tools->config;
    size_t count = mapper->tools->settings->provider_count;
    const FindingKind **reasons = arena_array(arena, count, sizeof *reasons);
    for (size_t i = 0; i < count; i++) {
        const char *legal_basis = section_text(config->providers[i].section, "legal_basis");
        reasons[i] = gate_reason(basis, legal_basis);
        open[i] = !reasons[i];
    }
    return reasons;
}

bool map_person(Mapper *mapper, const PersonIn *in, Arena *arena, PersonRows *ret, Error *err)
{
    size_t providers = mapper->tools->settings->provider_count;
    bool *open = arena_array(arena, providers, sizeof *open);
    MapPerson person = {.feed = in->feed,
                        .id = in->person,
                        .records = in->records,
                        .references = in->references,
                        .settings = mapper->tools->settings,
                        .open = open};
    PersonRun run = {.mapper = mapper, .in = in, .arena = arena};
    run.key = mapping_person_key(&person, arena);
    run.active = arena_array(arena, providers, sizeof *run.active);
    run.check = (PersonCheck){.arena = arena, .feed = in->feed, .person = in->person};
    const FindingKind **reasons = ask_gate(mapper, in->basis, arena, open);
    mapper->check = &run.check;
    bool done = run_months(&run, &person, reasons, err);
    mapper->check = NULL;
    if (!done)
        return false;
    RowIn *rows = arena_array(arena, run.count, sizeof *rows);
    for (size_t i = 0; i < run.count; i++)
        rows[i] = run.spans[i]->in;
    *ret =
        (PersonRows){.feed = in->feed, .person = in->person, .rows = rows, .row_count = run.count};
    ret->findings = person_check_findings(&run.check, &ret->finding_count);
    return true;
}
