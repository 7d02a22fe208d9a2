/* SPDX-License-Identifier: Apache-2.0 */
/* Who is there: each process start says so now and then. */
#include "daemon/base/clock.h"
#include "daemon/store/store_private.h"

#define BEAT_EVERY (10 * CLOCK_SECOND)

bool store_beat(Store *store, Error *err)
{
    int64_t steady = clock_steady();
    if (store->beat_at && steady - store->beat_at < BEAT_EVERY)
        return true;
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, store->holder);
    sql_text(&sql, store->role);
    sql_text(&sql, MHSFLOW_VERSION);
    sql_number(&sql, store->started_at);
    /* Those long gone are swept by whoever comes along. */
    if (!sql_do(
            store, "say that this process is there",
            "with gone as (delete from presence where seen_at < mhsflow.now() - interval '1 day') "
            "insert into presence (holder, role, version, started_at, seen_at) "
            "values ($1, $2, $3, at($4), mhsflow.now()) "
            "on conflict (holder) do update set seen_at = excluded.seen_at",
            &sql, NULL, err))
        return false;
    store->beat_at = steady;
    return true;
}

bool store_presences(Store *store, Arena *arena, Presence **ret, size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            store, "see who is there",
            "select role, holder, version, us(started_at), us(seen_at), "
            "seen_at > mhsflow.now() - interval '1 minute' from presence order by role, started_at",
            NULL, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    Presence *all = arena_array(arena, count + 1, sizeof *all);
    for (int row = 0; row < (int)count; row++)
        all[row] = (Presence){.role = sql_get_text(result, row, 0, arena),
                              .holder = sql_get_text(result, row, 1, arena),
                              .version = sql_get_text(result, row, 2, arena),
                              .started_at = sql_get_number(result, row, 3),
                              .seen_at = sql_get_number(result, row, 4),
                              .alive = sql_get_bool(result, row, 5)};
    *ret = all;
    *ret_count = count;
    return true;
}
