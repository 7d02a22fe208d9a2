/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what was purged, and clears the tables of it. */
#include "daemon/store/purge.h"

#include "daemon/store/store_private.h"

bool purge_list(Store *store, int64_t id, Arena *arena, Purge **ret, size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_number_or_null(&sql, id);
    if (!sql_run(store, "list purges",
                 "select id, feed, type, reason, subject, us(purged_at), us(vacuumed_at), records,"
                 " rows from purge where $1::bigint is null or id = $1 order by id desc",
                 &sql, &result, err))
        return false;
    *ret_count = (size_t)PQntuples(result);
    *ret = arena_array(arena, *ret_count + 1, sizeof **ret);
    for (int row = 0; row < (int)*ret_count; row++) {
        Purge *purge = &(*ret)[row];
        *purge = (Purge){.id = sql_get_number(result, row, 0),
                         .feed = sql_get_text(result, row, 1, arena),
                         .type = sql_get_text(result, row, 2, arena),
                         .reason = sql_get_text(result, row, 3, arena),
                         .purged_at = sql_get_number(result, row, 5),
                         .vacuumed_at = sql_get_number(result, row, 6),
                         .records = sql_get_number(result, row, 7),
                         .rows = sql_get_number(result, row, 8)};
        sql_get_digest(result, row, 4, purge->subject);
    }
    return true;
}

bool purge_event(Store *store, const Purge *purge, int64_t *ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(64 << 10);
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    char hex[DIGEST_HEX_SIZE];
    sql_text(&sql, purge->feed);
    sql_text(&sql, digest_hex(purge->subject, hex));
    if (!sql_run(store, "look for the event of a purge",
                 "select coalesce(max(number), 0) from audit_event where event = 'purged'"
                 " and fields ->> 'feed' = $1 and fields ->> 'subject' = $2",
                 &sql, &result, err))
        return false;
    *ret = sql_get_number(result, 0, 0);
    return true;
}

bool purge_documents(Store *store, int64_t *ret, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "count documents that purges touched",
                 "select count(*) from submission s where purged and exists"
                 " (select from attempt a where a.submission = s.id)",
                 NULL, &result, err))
        return false;
    *ret = sql_get_number(result, 0, 0);
    return true;
}

static bool owns(Store *store, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "see whose the tables are",
                 "select pg_has_role(relowner, 'USAGE') and (pg_has_role('pg_read_all_stats',"
                 " 'USAGE')) from pg_class where oid = 'mhsflow.source_record'::regclass",
                 NULL, &result, err))
        return false;
    return sql_get_bool(result, 0, 0) ||
           error_set(err, ERROR_CONFIG, "purge.owner",
                     "cannot clear the tables: this login does not own them, or may not see who "
                     "holds old snapshots");
}

/* Those that no snapshot sees any more: of a session, a replica's slot or a prepared transaction.
 */
#define CLEARABLE                                                                                  \
    "select array_agg(p.id) from purge p where p.vacuumed_at is null and (p.xact is null or ("     \
    "p.xact < pg_snapshot_xmin(pg_current_snapshot()) and not exists (select from ("               \
    "select backend_xmin as held from pg_stat_activity where pid <> pg_backend_pid()"              \
    " union all select xmin from pg_replication_slots"                                             \
    " union all select transaction from pg_prepared_xacts) h"                                      \
    " where h.held is not null and age(h.held) >= age(p.xact::xid))))"

bool purge_vacuum(Store *store, int64_t *ret_done, int64_t *ret_waiting, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)8 << 20);
    _cleanup_result_ PGresult *ids = NULL, *left = NULL;
    Sql sql = sql_new(arena);
    *ret_done = *ret_waiting = 0;
    if (!owns(store, err) ||
        !sql_run(store, "look for purges to clear", CLEARABLE, NULL, &ids, err))
        return false;
    if (!PQgetisnull(ids, 0, 0)) {
        sql_text(&sql, sql_get_text(ids, 0, 0, arena));
        if (!sql_do(store, "clear what was purged",
                    "vacuum (index_cleanup on) mhsflow.source_record, mhsflow.national_row,"
                    " mhsflow.finding, mhsflow.work, mhsflow.person_merge, mhsflow.person_identity,"
                    " mhsflow.person_match",
                    NULL, NULL, err) ||
            !sql_do(store, "note what was cleared",
                    "update purge set vacuumed_at = mhsflow.now() where id = any($1::bigint[])",
                    &sql, ret_done, err))
            return false;
    }
    if (!sql_run(store, "count what waits to be cleared",
                 "select count(*) from purge where vacuumed_at is null", NULL, &left, err))
        return false;
    *ret_waiting = sql_get_number(left, 0, 0);
    return true;
}
