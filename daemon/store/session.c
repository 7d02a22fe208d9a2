/* SPDX-License-Identifier: Apache-2.0 */
/* Asks PostgreSQL about itself. */
#include "daemon/store/session.h"

#include "daemon/store/sql.h"

bool store_sessions(Store *store, Arena *arena, StoreSession **ret, size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "look who holds old rows",
                 "select kind, who, pid, seconds from sessions() order by seconds desc nulls last",
                 NULL, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    StoreSession *sessions = arena_array(arena, count + 1, sizeof *sessions);
    for (size_t i = 0; i < count; i++)
        sessions[i] = (StoreSession){.kind = sql_get_text(result, (int)i, 0, arena),
                                     .who = sql_get_text(result, (int)i, 1, arena),
                                     .pid = sql_get_number(result, (int)i, 2),
                                     .seconds = sql_get_number(result, (int)i, 3)};
    *ret = sessions;
    *ret_count = count;
    return true;
}

bool store_server_version(Store *store, Arena *arena, const char **ret_text, int64_t *ret_number,
                          Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "ask for PostgreSQL's version",
                 "select current_setting('server_version'), "
                 "current_setting('server_version_num')::bigint",
                 NULL, &result, err))
        return false;
    *ret_text = sql_get_text(result, 0, 0, arena);
    *ret_number = sql_get_number(result, 0, 1);
    return true;
}
