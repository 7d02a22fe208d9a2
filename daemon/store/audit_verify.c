/* SPDX-License-Identifier: Apache-2.0 */
/* The audit's reading side: listing, and recomputing every chain. */
#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "daemon/store/audit.h"
#include "daemon/store/copy.h"
#include "daemon/store/store_private.h"

#include <stdio.h>
#include <string.h>

#define RECORD_COLUMNS "writer, seq, number, at, event, fields, previous, hash, submission"
#define AT_SIZE 28

/* ---- reading ---- */

typedef struct Reading {
    AuditSink sink;
    void *context;
    char at[AT_SIZE];
    int64_t second; /* that `at` shows already */
} Reading;

/* RFC 3339 with microseconds.  A time that no event can have (before the year 1, or infinite) is no
 * text at all, and so has another hash. */
static const char *show_at(Reading *reading, const CopyRow *row)
{
    char text[CLOCK_TEXT_SIZE];
    int64_t at;
    if (!copy_time(row, 3, &at))
        return "";
    int64_t micro = ((at % CLOCK_SECOND) + CLOCK_SECOND) % CLOCK_SECOND;
    if (!reading->at[0] || reading->second != at - micro)
        snprintf(reading->at, AT_SIZE, "%.19s.000000Z", clock_format(at - micro, text));
    reading->second = at - micro;
    for (int i = 25; i > 19; i--, micro /= 10)
        reading->at[i] = (char)('0' + micro % 10);
    return reading->at;
}

static bool take_row(void *context, const CopyRow *row, Error *err)
{
    Reading *reading = context;
    AuditRecord record = {.writer = copy_text(row, 0),
                          .seq = copy_number(row, 1),
                          .number = copy_number(row, 2),
                          .at = show_at(reading, row),
                          .event = copy_text(row, 4),
                          .fields = copy_text(row, 5),
                          .submission = copy_number(row, 8)};
    copy_digest(row, 6, record.previous);
    copy_digest(row, 7, record.hash);
    return reading->sink(reading->context, &record, err);
}

static bool read_records(Store *store, const char *query, Arena *arena, AuditSink sink,
                         void *context, Error *err)
{
    Reading reading = {.sink = sink, .context = context};
    return copy_out(store, "read the audit", query, arena, take_row, &reading, err);
}

static void add_condition(Text *query, Store *store, const char *left, const char *text)
{
    if (text)
        text_addf(query, " and %s %s", left, copy_literal(store, text, query->arena));
}

static void add_bound(Text *query, const char *format_left, int64_t value, const char *right)
{
    if (value)
        text_addf(query, " and %s%lld%s", format_left, (long long)value, right);
}

bool audit_list(Store *store, const AuditFilter *filter, AuditSink sink, void *context, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Text query = text_new(arena, (size_t)64 << 10);
    text_add(&query, "select * from (select " RECORD_COLUMNS " from audit_event where true");
    add_condition(&query, store, "event =", filter->event);
    add_condition(&query, store, "fields ->> 'feed' =", filter->feed);
    add_condition(&query, store, "fields ->> 'provider' =", filter->provider);
    add_bound(&query, "submission = ", filter->submission, "");
    add_bound(&query, "number = ", filter->number, "");
    add_bound(&query, "at >= at(", filter->from, ")");
    add_bound(&query, "at < at(", filter->to, ")");
    text_add(&query, " order by number desc");
    if (filter->limit)
        text_addf(&query, " limit %lld", (long long)filter->limit);
    text_add(&query, ") newest order by number");
    if (!text_ok(&query))
        return error_set(err, ERROR_DATA, "audit.filter",
                         "cannot list the audit: a word is too long");
    return store_begin(store, &transaction, err) &&
           read_records(store, text_get(&query), arena, sink, context, err) &&
           store_commit(&transaction, err);
}

/* ---- chains ---- */

typedef struct Chain {
    const char *writer;
    int64_t seq;
    uint8_t hash[DIGEST_SIZE];
    bool bad; /* this writer's first fault is told already */
} Chain;

typedef struct Verify {
    Arena *arena, *scratch;
    AuditVerdict *verdict;
    AuditSumSink sink;
    void *context;
    Chain **slots; /* open addressing; a power of two, at most half full */
    size_t slot_count, fault_capacity;
} Verify;

static size_t slot_of(const Verify *verify, const char *writer)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *c = writer; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    size_t at = (size_t)hash & (verify->slot_count - 1);
    while (verify->slots[at] && strcmp(verify->slots[at]->writer, writer) != 0)
        at = (at + 1) & (verify->slot_count - 1);
    return at;
}

static void grow_slots(Verify *verify)
{
    Chain **old = verify->slots;
    size_t count = verify->slot_count;
    verify->slot_count = count ? count * 2 : 256;
    verify->slots = arena_array(verify->arena, verify->slot_count, sizeof(Chain *));
    for (size_t i = 0; i < count; i++)
        if (old[i])
            verify->slots[slot_of(verify, old[i]->writer)] = old[i];
}

static Chain *chain_of(Verify *verify, const char *writer)
{
    if ((size_t)verify->verdict->writers * 2 >= verify->slot_count)
        grow_slots(verify);
    size_t at = slot_of(verify, writer);
    if (verify->slots[at])
        return verify->slots[at];
    Chain *chain = arena_alloc(verify->arena, sizeof *chain);
    chain->writer = arena_text(verify->arena, writer);
    verify->slots[at] = chain;
    verify->verdict->writers++;
    return chain;
}

static void add_fault(Verify *verify, const char *writer, int64_t seq, const char *what)
{
    AuditVerdict *verdict = verify->verdict;
    verdict->faults = arena_grow(verify->arena, verdict->faults, verdict->fault_count,
                                 &verify->fault_capacity, sizeof *verdict->faults);
    verdict->faults[verdict->fault_count++] =
        (AuditFault){.writer = writer, .seq = seq, .what = what};
}

static void tell(Verify *verify, Chain *chain, int64_t seq, const char *what)
{
    if (!chain->bad)
        add_fault(verify, chain->writer, seq, what);
    chain->bad = true;
}

/* Is the submission by which it is found the one that it names?  A quote within a value has a
 * backslash before it, so that these bytes can only be the field's name. */
static bool well_filed(const AuditRecord *record)
{
    static const char name[] = "\"submission\":";
    const char *at = strstr(record->fields, name);
    return record->submission == (at ? strtoll(at + sizeof name - 1, NULL, 10) : 0);
}

static bool check_record(void *context, const AuditRecord *record, Error *err)
{
    Verify *verify = context;
    AuditSum sum = {.number = record->number};
    Chain *chain = chain_of(verify, record->writer);
    arena_reset(verify->scratch);
    audit_hash(record, verify->scratch, sum.hash);
    sum.same = memcmp(sum.hash, record->hash, DIGEST_SIZE) == 0;
    verify->verdict->events++;
    if (verify->sink)
        verify->sink(verify->context, &sum);
    if (record->seq != chain->seq + 1)
        tell(verify, chain, chain->seq + 1, "missing");
    else if (!sum.same)
        tell(verify, chain, record->seq, "edited");
    else if (memcmp(record->previous, chain->hash, DIGEST_SIZE) != 0)
        tell(verify, chain, record->seq, "reordered");
    else if (!audit_event_meaning(record->event))
        tell(verify, chain, record->seq, "unknown event");
    else if (!well_filed(record))
        tell(verify, chain, record->seq, "misfiled");
    chain->seq = record->seq;
    memcpy(chain->hash, record->hash, DIGEST_SIZE);
    return arena_check(verify->arena, err);
}

/* A submission's state is what its newest event says it became: an event cut from the end of a
 * chain, or a state changed by hand, shows here. */
static bool check_states(Store *store, Verify *verify, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "hold states against events",
                 "select q.id from submission_queue q left join lateral "
                 "(select fields ->> 'to' as state from audit_event a "
                 "where a.submission = q.id and fields ->> 'to' is not null order by number desc "
                 "limit 1) e "
                 "on true where e.state is distinct from q.state order by q.id",
                 NULL, &result, err))
        return false;
    for (int row = 0; row < PQntuples(result); row++)
        add_fault(verify,
                  arena_format(verify->arena, "submission:%lld",
                               (long long)sql_get_number(result, row, 0)),
                  0, "state without event");
    return true;
}

bool audit_check(Store *store, AuditSumSink sink, void *context, Arena *arena, AuditVerdict *ret,
                 Error *err)
{
    _cleanup_arena_ Arena *scratch = arena_new((size_t)1 << 20);
    *ret = (AuditVerdict){0};
    Verify verify = {
        .arena = arena, .scratch = scratch, .verdict = ret, .sink = sink, .context = context};
    return read_records(store, "select " RECORD_COLUMNS " from audit_event order by number", arena,
                        check_record, &verify, err) &&
           check_states(store, &verify, err);
}

bool audit_verify(Store *store, Arena *arena, AuditVerdict *ret, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    return store_begin(store, &transaction, err) && copy_snapshot(store, "read the audit", err) &&
           audit_check(store, NULL, NULL, arena, ret, err) && store_commit(&transaction, err);
}
