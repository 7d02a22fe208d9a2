/* SPDX-License-Identifier: Apache-2.0 */
/* What a full listing did not name is gone at the source: deleted here, like any other deletion. */
#include "daemon/store/source_private.h"

#define BATCH "5000"

static bool read_batch(Store *store, const char *feed, int64_t before, Arena *arena,
                       Change **ret_changes, size_t *ret_count, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    sql_number(&sql, before);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "look for what a full listing did not name",
                 "select type, id, version from source_record where feed = $1 and seq < $2 and not "
                 "deleted limit " BATCH,
                 &sql, &result, err))
        return false;
    *ret_count = (size_t)PQntuples(result);
    *ret_changes = arena_array(arena, *ret_count + 1, sizeof **ret_changes);
    for (int row = 0; row < (int)*ret_count; row++)
        (*ret_changes)[row] = (Change){.op = CHANGE_DELETE,
                                       .seq = before,
                                       .type = sql_get_text(result, row, 0, arena),
                                       .id = sql_get_text(result, row, 1, arena),
                                       .version = sql_get_number(result, row, 2) + 1};
    return true;
}

bool source_sweep(Store *store, const char *feed, int64_t before, SourceCounts *counts, Error *err)
{
    for (;;) {
        _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
        SourceCounts swept = {0};
        Change *changes;
        size_t count;
        if (!read_batch(store, feed, before, arena, &changes, &count, err))
            return false;
        if (!count)
            return true;
        if (!source_apply(store, feed, changes, count, &swept, err))
            return false;
        if (swept.stored != (int64_t)count)
            return error_set(err, ERROR_BUG, "source.sweep", "a swept record did not go");
        counts->changes += swept.changes;
        counts->stored += swept.stored;
        counts->deleted += swept.deleted;
        counts->people += swept.people;
        counts->orphans += swept.orphans;
    }
}
