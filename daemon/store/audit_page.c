/* SPDX-License-Identifier: Apache-2.0 */
/* The audit a part at a time, newest first, for pages. */
#include "daemon/store/audit.h"
#include "daemon/store/sql.h"

const char *const *audit_event_names(void)
{
    static const char *const names[] = {
#define AUDIT_EVENT(name, text, fields, meaning) text,
#include "daemon/store/audit.def"
#undef AUDIT_EVENT
        NULL};
    return names;
}

static AuditFound read_found(const PGresult *result, int row, Arena *arena)
{
    AuditFound found = {.record = {.writer = sql_get_text(result, row, 0, arena),
                                   .seq = sql_get_number(result, row, 1),
                                   .number = sql_get_number(result, row, 2),
                                   .event = sql_get_text(result, row, 4, arena),
                                   .fields = sql_get_text(result, row, 5, arena)},
                        .at_us = sql_get_number(result, row, 3),
                        .leaf = PQgetisnull(result, row, 8) ? -1 : sql_get_number(result, row, 8)};
    sql_get_digest(result, row, 6, found.record.previous);
    sql_get_digest(result, row, 7, found.record.hash);
    return found;
}

bool audit_search(Store *store, const AuditSearch *search, Arena *arena, AuditFound **ret,
                  size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    char hex[DIGEST_HEX_SIZE];
    Sql sql = sql_new(arena);
    sql_text(&sql, search->event);
    sql_text(&sql, search->actor);
    sql_text(&sql, search->subject ? digest_hex(search->subject, hex) : NULL);
    sql_number_or_null(&sql, search->submission);
    sql_number_or_null(&sql, search->from);
    sql_number_or_null(&sql, search->to);
    sql_number_or_null(&sql, search->before_at);
    sql_number(&sql, search->before);
    sql_number(&sql, (int64_t)search->limit);
    /* Parameters are known when the statement is planned, so that each search takes its own index.
     */
    if (!sql_run(store, "search the audit",
                 "select e.writer, e.seq, e.number, us(e.at), e.event, e.fields, e.previous, "
                 "e.hash, l.leaf from (select writer, seq, number, at, event, fields, previous, "
                 "hash from audit_event where ($1::text is null or event = $1)"
                 " and ($2::text is null or fields ->> 'actor' = $2)"
                 " and ($3::text is null or fields ->> 'subject' = $3)"
                 " and ($4::bigint is null or submission = $4)"
                 " and ($5::bigint is null or at >= at($5)) and ($6::bigint is null or at < at($6))"
                 " and ($7::bigint is null or (at, number) < (at($7), $8))"
                 " order by at desc, number desc limit $9) e left join audit_leaf l using (number)"
                 " order by e.at desc, e.number desc",
                 &sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    AuditFound *all = arena_array(arena, count + 1, sizeof *all);
    for (int row = 0; row < (int)count; row++)
        all[row] = read_found(result, row, arena);
    *ret = all;
    *ret_count = count;
    return true;
}

bool audit_sealed(Store *store, AuditSealed *ret, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "read the seal",
                 "select coalesce((select max(number) from audit_event), 0),"
                 " coalesce((select max(leaf) + 1 from audit_leaf), 0), c.number, us(c.at)"
                 " from (select) one left join lateral (select number, at from audit_checkpoint"
                 " order by number desc limit 1) c on true",
                 NULL, &result, err))
        return false;
    *ret = (AuditSealed){.events = sql_get_number(result, 0, 0),
                         .sealed = sql_get_number(result, 0, 1),
                         .checkpoint = sql_get_number(result, 0, 2),
                         .checkpoint_at = sql_get_number(result, 0, 3)};
    return true;
}
