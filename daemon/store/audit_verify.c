/* SPDX-License-Identifier: Apache-2.0 */
/* The audit's reading side: listing, and recomputing every chain. */
#include "daemon/store/audit.h"
#include "daemon/store/store_private.h"

#include <stdio.h>
#include <string.h>

#define RECORD_COLUMNS                                                                             \
    "writer, seq, number, to_char(at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), event, fields, "       \
    "previous, hash"

static AuditRecord read_record(const PGresult *result, int row, Arena *arena)
{
    AuditRecord record = {
        .writer = sql_get_text(result, row, 0, arena),
        .seq = sql_get_number(result, row, 1),
        .number = sql_get_number(result, row, 2),
        .at = sql_get_text(result, row, 3, arena),
        .event = sql_get_text(result, row, 4, arena),
        .fields = sql_get_text(result, row, 5, arena),
    };
    sql_get_digest(result, row, 6, record.previous);
    sql_get_digest(result, row, 7, record.hash);
    return record;
}

/* Give every row of a query to `sink`, a thousand at a time. */
static bool stream(Store *store, const char *query, const Sql *sql, AuditSink sink, void *context,
                   Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
    const char *declare = arena_format(sql->arena, "declare audit no scroll cursor for %s", query);
    if (!store_begin(store, &transaction, err) ||
        !sql_do(store, "read the audit", "set transaction isolation level repeatable read", NULL,
                NULL, err) ||
        !sql_do(store, "read the audit", declare, sql, NULL, err))
        return false;
    for (;;) {
        _cleanup_result_ PGresult *result = NULL;
        if (!sql_run(store, "read the audit", "fetch 1000 from audit", NULL, &result, err))
            return false;
        if (PQntuples(result) == 0)
            return store_commit(&transaction, err);
        for (int row = 0; row < PQntuples(result); row++) {
            AuditRecord record = read_record(result, row, arena);
            if (!sink(context, &record, err))
                return false;
        }
        arena_reset(arena);
    }
}

bool audit_list(Store *store, const AuditFilter *filter, AuditSink sink, void *context, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, filter->event);
    sql_text(&sql, filter->feed);
    sql_text(&sql, filter->provider);
    sql_number_or_null(&sql, filter->submission);
    sql_number_or_null(&sql, filter->from);
    sql_number_or_null(&sql, filter->to);
    sql_number_or_null(&sql, filter->limit);
    return stream(
        store,
        "select * from (select " RECORD_COLUMNS " from audit_event "
        "where ($1::text is null or event = $1) "
        "and ($2::text is null or fields ->> 'feed' = $2) "
        "and ($3::text is null or fields ->> 'provider' = $3) "
        "and ($4::bigint is null or submission = $4) "
        "and ($5::bigint is null or at >= at($5)) and ($6::bigint is null or at < at($6)) "
        "order by number desc limit $7::bigint) newest order by number",
        &sql, sink, context, err);
}

typedef struct Verify {
    Arena *arena, *scratch;
    AuditVerdict *verdict;
    char writer[AUDIT_WRITER_SIZE];
    int64_t seq;
    uint8_t hash[DIGEST_SIZE];
    bool bad; /* this writer's first fault is told already */
} Verify;

static void tell(Verify *verify, const char *writer, int64_t seq, const char *what)
{
    AuditVerdict *verdict = verify->verdict;
    if (verify->bad)
        return;
    verify->bad = true;
    AuditFault *faults = arena_array(verify->arena, verdict->fault_count + 1, sizeof *faults);
    if (verdict->fault_count)
        memcpy(faults, verdict->faults, verdict->fault_count * sizeof *faults);
    faults[verdict->fault_count++] =
        (AuditFault){.writer = arena_text(verify->arena, writer), .seq = seq, .what = what};
    verdict->faults = faults;
}

static void leaf_hash(const char *body, uint8_t ret[DIGEST_SIZE])
{
    _cleanup_digest_ Digest *digest = digest_new();
    digest_add(digest, "", 1);
    digest_add(digest, body, strlen(body));
    digest_finish(digest, ret);
}

static bool check_record(void *context, const AuditRecord *record, Error *err)
{
    Verify *verify = context;
    (void)err;
    if (strcmp(record->writer, verify->writer) != 0) {
        snprintf(verify->writer, sizeof verify->writer, "%s", record->writer);
        verify->seq = 0;
        verify->bad = false;
        memset(verify->hash, 0, sizeof verify->hash);
        verify->verdict->writers++;
    }
    verify->verdict->events++;
    uint8_t hash[DIGEST_SIZE];
    leaf_hash(audit_body(record, verify->scratch), hash);
    arena_reset(verify->scratch);
    if (record->seq != verify->seq + 1)
        tell(verify, record->writer, verify->seq + 1, "missing");
    else if (memcmp(hash, record->hash, DIGEST_SIZE) != 0)
        tell(verify, record->writer, record->seq, "edited");
    else if (memcmp(record->previous, verify->hash, DIGEST_SIZE) != 0)
        tell(verify, record->writer, record->seq, "reordered");
    else if (!audit_event_meaning(record->event))
        tell(verify, record->writer, record->seq, "unknown event");
    verify->seq = record->seq;
    memcpy(verify->hash, record->hash, DIGEST_SIZE);
    return true;
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
    for (int row = 0; row < PQntuples(result); row++) {
        verify->bad = false;
        tell(verify,
             arena_format(verify->arena, "submission:%lld",
                          (long long)sql_get_number(result, row, 0)),
             0, "state without event");
    }
    return true;
}

bool audit_verify(Store *store, Arena *arena, AuditVerdict *ret, Error *err)
{
    _cleanup_arena_ Arena *scratch = arena_new((size_t)16 << 20);
    _cleanup_arena_ Arena *parameters = arena_new((size_t)1 << 20);
    *ret = (AuditVerdict){0};
    Verify verify = {.arena = arena, .scratch = scratch, .verdict = ret};
    Sql sql = sql_new(parameters);
    return stream(store, "select " RECORD_COLUMNS " from audit_event order by writer, seq", &sql,
                  check_record, &verify, err) &&
           check_states(store, &verify, err);
}
