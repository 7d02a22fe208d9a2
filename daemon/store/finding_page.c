/* SPDX-License-Identifier: Apache-2.0 */
/* Findings a part at a time, for pages and fix lists. */
#include "daemon/store/finding_private.h"

/* The same conditions as the two indexes, so that either is walked in its order. */
#define ORG "coalesce(org, '')"
#define CAUSE "coalesce(cause_rule, rule)"

bool finding_part(Store *store, const FindingPart *part, Arena *arena, Finding **ret,
                  size_t *ret_count, FindingPlace *ret_next, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_text(&sql, part->cause);
    sql_text(&sql, part->org);
    sql_text(&sql, part->source);
    sql_text(&sql, part->after.org ? part->after.org : "");
    sql_text(&sql, part->after.cause ? part->after.cause : "");
    sql_number(&sql, part->after.id);
    sql_number(&sql, (int64_t)part->limit);
    if (!sql_run(store, "read findings",
                 "select " FINDING_FIELDS ", id, us(found_at), " ORG ", " CAUSE " from finding f"
                 " where gen_to is null and ($1::text is null or " CAUSE " = $1)"
                 " and ($2::text is null or " ORG " = $2) and ($3::text is null or source = $3)"
                 " and (" ORG ", " CAUSE ", id) > ($4, $5, $6)"
                 " and (source <> 'build' or not exists (select from submission s join submission n"
                 " using (data_set, provider, period) where s.id = f.submission and n.id > s.id))"
                 " order by " ORG ", " CAUSE ", id limit $7",
                 &sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    Finding *all = arena_array(arena, count + 1, sizeof *all);
    for (int row = 0; row < (int)count; row++)
        all[row] = finding_read(result, row, arena);
    if (count)
        *ret_next =
            (FindingPlace){.org = sql_get_text(result, (int)count - 1, FINDING_COLS + 2, arena),
                           .cause = sql_get_text(result, (int)count - 1, FINDING_COLS + 3, arena),
                           .id = all[count - 1].id};
    *ret = all;
    *ret_count = count;
    return true;
}
