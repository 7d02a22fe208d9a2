/* SPDX-License-Identifier: Apache-2.0 */
/* Where each route to a receiver stands. */
#include "daemon/store/audit.h"
#include "daemon/store/store_private.h"
#include "daemon/store/submission.h"

#include <string.h>

bool route_save(Store *store, const char *route, const char *state, const char *code,
                const char *fingerprint, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    _cleanup_result_ PGresult *result = NULL;
    Sql ask = sql_new(arena), sql = sql_new(arena);
    sql_text(&ask, route);
    sql_text(&sql, route);
    sql_text(&sql, state);
    sql_text(&sql, code);
    sql_text(&sql, fingerprint);
    if (!store_begin(store, &transaction, err) ||
        !sql_run(store, "lock a route", "select state from route_state where route = $1 for update",
                 &ask, &result, err) ||
        !sql_do(
            store, "keep a route's state",
            "insert into route_state as r (route, state, code, fingerprint, since)"
            " values ($1, $2, $3, $4, mhsflow.now()) on conflict (route) do update"
            " set state = excluded.state, code = excluded.code, fingerprint = excluded.fingerprint,"
            " since = case when r.state = excluded.state then r.since else excluded.since end",
            &sql, NULL, err))
        return false;
    const char *before = PQntuples(result) ? PQgetvalue(result, 0, 0) : "ok";
    return (strcmp(before, state) == 0 ||
            audit_append(store, AUDIT_ROUTE_CHANGED,
                         &(AuditFields){.route = route, .from = before, .to = state, .code = code},
                         err)) &&
           store_commit(&transaction, err);
}

bool route_list(Store *store, Arena *arena, RouteState **ret, size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            store, "read routes",
            "select route, state, code, fingerprint, us(since) from route_state order by route",
            NULL, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    RouteState *all = arena_array(arena, count + 1, sizeof *all);
    for (int row = 0; row < (int)count; row++)
        all[row] = (RouteState){.route = sql_get_text(result, row, 0, arena),
                                .state = sql_get_text(result, row, 1, arena),
                                .code = sql_get_text(result, row, 2, arena),
                                .fingerprint = sql_get_text(result, row, 3, arena),
                                .since = sql_get_number(result, row, 4)};
    *ret = all;
    *ret_count = count;
    return true;
}
