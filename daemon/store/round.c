/* SPDX-License-Identifier: Apache-2.0 */
/* What a feed that was read anew no longer has. */
#include "daemon/store/round.h"

#include "daemon/store/audit.h"
#include "daemon/store/finding.h"
#include "daemon/store/sql.h"

#define RULE "feed.missing"

static bool unknown(const char *feed, Error *err)
{
    return error_set(err, ERROR_CONFIG, "feed.unknown", "cannot find feed \"%s\" in the database",
                     feed);
}

bool round_read(Store *store, const char *feed, Arena *arena, Round *ret, Error *err)
{
    Sql sql = sql_new(arena);
    _cleanup_result_ PGresult *state = NULL, *counts = NULL;
    sql_text(&sql, feed);
    *ret = (Round){0};
    if (!sql_wants_transaction(store, err) ||
        !sql_run(store, "read a feed's round",
                 "select round > reconciled, drop_missing from feed_state where feed = $1", &sql,
                 &state, err))
        return false;
    if (PQntuples(state) == 0)
        return unknown(feed, err);
    ret->open = sql_get_bool(state, 0, 0);
    ret->allowed_by = sql_get_text(state, 0, 1, arena);
    if (!ret->open)
        return true;
    if (!sql_run(store, "count what a feed no longer has",
                 "select count(*), count(*) filter (where s.round < f.round)"
                 " from source_record s join feed_state f using (feed)"
                 " where s.feed = $1 and not s.deleted",
                 &sql, &counts, err))
        return false;
    ret->live = sql_get_number(counts, 0, 0);
    ret->missing = sql_get_number(counts, 0, 1);
    return true;
}

bool round_missing(Store *store, const char *feed, size_t most, Arena *arena, Change **ret,
                   size_t *ret_count, Error *err)
{
    Sql sql = sql_new(arena);
    _cleanup_result_ PGresult *result = NULL;
    sql_text(&sql, feed);
    sql_number(&sql, (int64_t)most);
    if (!sql_run(store, "list what a feed no longer has",
                 "select s.type, s.id, s.version, f.seq"
                 " from source_record s join feed_state f using (feed)"
                 " where s.feed = $1 and not s.deleted and s.round < f.round"
                 " order by s.type, s.id limit $2",
                 &sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    Change *changes = arena_array(arena, count + 1, sizeof *changes);
    for (int row = 0; row < (int)count; row++)
        changes[row] = (Change){.op = CHANGE_DELETE,
                                .type = sql_get_text(result, row, 0, arena),
                                .id = sql_get_text(result, row, 1, arena),
                                .version = sql_get_number(result, row, 2),
                                .seq = sql_get_number(result, row, 3),
                                .reason = "absent"};
    *ret = changes;
    *ret_count = count;
    return true;
}

/* Round 0 is before every round: what comes is held against it as after a restart. */
bool round_mark_absent(Store *store, const char *feed, const Change *changes, size_t count,
                       Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)8 << 20);
    SqlList type = sql_list(arena, SQL_TEXT), id = sql_list(arena, SQL_TEXT);
    Sql sql = sql_new(arena);
    for (size_t i = 0; i < count; i++) {
        sql_list_text(&type, changes[i].type);
        sql_list_text(&id, changes[i].id);
    }
    sql_text(&sql, feed);
    sql_add(&sql, &type);
    sql_add(&sql, &id);
    return sql_do(store, "mark what was deleted as absent",
                  "update source_record s set round = 0"
                  " from unnest($2::text[], $3::text[]) as u(type, id)"
                  " where s.feed = $1 and s.type = u.type and s.id = u.id and s.deleted",
                  &sql, NULL, err);
}

bool round_settle(Store *store, const char *feed, const Round *round, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(64 << 10);
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    if (!sql_do(store, "settle a feed's round",
                "update feed_state set reconciled = round, missing = 0, drop_missing = null"
                " where feed = $1",
                &sql, NULL, err))
        return false;
    if (!round->missing)
        return true;
    return sql_do(store, "clear a finding",
                  "delete from finding where source = 'feed' and rule = '" RULE "' and feed = $1",
                  &sql, NULL, err) &&
           audit_append(store, AUDIT_FEED_RECONCILED,
                        &(AuditFields){.feed = feed,
                                       .records = round->missing,
                                       .actor = round->allowed_by,
                                       .code = round->allowed_by ? "person" : "few"},
                        err);
}

bool round_hold(Store *store, const char *feed, const Round *round, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(64 << 10);
    Sql sql = sql_new(arena);
    Finding finding = {
        .source = FINDING_FEED,
        .rule = RULE,
        .severity = "warning",
        .feed = feed,
        .message = "the feed was read anew and no longer has many records that are held here",
        .remedy = "ask the supplier whether records were lost; to delete them here too: "
                  "mhsflow feed reconcile NAME --yes"};
    sql_text(&sql, feed);
    sql_number(&sql, round->missing);
    return sql_do(store, "count what a feed no longer has",
                  "update feed_state set missing = $2 where feed = $1", &sql, NULL, err) &&
           finding_add(store, &finding, 1, err);
}

static bool count_waiting(Store *store, const char *feed, int64_t *ret_missing, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(64 << 10);
    Sql sql = sql_new(arena);
    _cleanup_result_ PGresult *result = NULL;
    sql_text(&sql, feed);
    if (!sql_run(store, "read what waits for a person",
                 "select missing from feed_state where feed = $1", &sql, &result, err))
        return false;
    if (PQntuples(result) == 0)
        return unknown(feed, err);
    *ret_missing = sql_get_number(result, 0, 0);
    return true;
}

bool round_allow(Store *store, const char *feed, const char *actor, int64_t *ret_missing,
                 Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(64 << 10);
    _cleanup_transaction_ Transaction transaction = {0};
    int64_t rows;
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    sql_text(&sql, actor);
    if (!store_begin(store, &transaction, err) || !count_waiting(store, feed, ret_missing, err) ||
        !sql_do(store, "keep a person's word",
                "update feed_state set drop_missing = case when missing > 0 then $2 end,"
                " allowed = held, next_poll = mhsflow.now()"
                " where feed = $1 and (missing > 0 or held is not null)",
                &sql, &rows, err))
        return false;
    if (!rows)
        return error_set(err, ERROR_CONFIG, "feed.nothing_missing",
                         "nothing of feed \"%s\" waits for a person's word", feed);
    return audit_append(store, AUDIT_FEED_RECONCILED,
                        &(AuditFields){
                            .feed = feed, .records = *ret_missing, .actor = actor, .code = "asked"},
                        err) &&
           store_notify(store, CHANNEL_FEED, err) && store_commit(&transaction, err);
}
