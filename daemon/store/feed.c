/* SPDX-License-Identifier: Apache-2.0 */
/* Where each feed stands, and what a person asks of it. */
#include "daemon/store/audit.h"
#include "daemon/store/source.h"
#include "daemon/store/source_private.h"

#include <string.h>

bool feed_register(Store *store, const char *feed, const char *id_prefix, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    sql_text(&sql, id_prefix ? id_prefix : "");
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_do(store, "register a feed",
                "insert into feed_state (feed, id_prefix, next_poll) select $1, $2, mhsflow.now()"
                " on conflict do nothing",
                &sql, NULL, err) ||
        !sql_run(store, "look at a feed",
                 "select feed = $1, id_prefix = $2, feed from feed_state where feed = $1 or "
                 "id_prefix = $2"
                 " order by feed <> $1",
                 &sql, &result, err))
        return false;
    if (!sql_get_bool(result, 0, 0))
        return error_set(err, ERROR_CONFIG, "feed.id_prefix",
                         "cannot use id_prefix \"%s\" for feed \"%s\": feed \"%s\" has it",
                         id_prefix, feed, PQgetvalue(result, 0, 2));
    if (!sql_get_bool(result, 0, 1))
        return error_set(
            err, ERROR_CONFIG, "feed.id_prefix",
            "cannot change the id_prefix of feed \"%s\": ids sent before would be others", feed);
    return true;
}

#define FEED_COLUMNS                                                                               \
    "f.feed, id_prefix, epoch, phase, cursor, etag, seq, head_seq, complete, state, "              \
    "us(next_poll), "                                                                              \
    "us(last_poll), us(last_ok), pages, changes, stored, ignored, unknown_types, unknown_fields, " \
    "refused, failures, last_error_code, last_error_text, remedy, records, round, missing, held, " \
    "allowed, us(last_news), silent"
/* What grows with what is held. */
#define FEED_COUNTS                                                                                \
    ", (select count(*) from source_record s where s.feed = f.feed and owner is null "             \
    "and parent_id is not null and not deleted), "                                                 \
    "(select count(*) from work w where w.feed = f.feed and not quarantined)"

static FeedState read_feed(const PGresult *result, int row, Arena *arena)
{
    bool counted = PQnfields(result) > 31;
    return (FeedState){
        .name = sql_get_text(result, row, 0, arena),
        .id_prefix = sql_get_text(result, row, 1, arena),
        .cursor = {.epoch = sql_get_text(result, row, 2, arena),
                   .phase = sql_get_text(result, row, 3, arena),
                   .cursor = sql_get_text(result, row, 4, arena),
                   .etag = sql_get_text(result, row, 5, arena),
                   .seq = sql_get_number(result, row, 6),
                   .head_seq = sql_get_number(result, row, 7),
                   .complete = sql_get_bool(result, row, 8),
                   .allowed = sql_get_text(result, row, 28, arena)},
        .state = sql_get_text(result, row, 9, arena),
        .next_poll = sql_get_number(result, row, 10),
        .last_poll = sql_get_number(result, row, 11),
        .last_ok = sql_get_number(result, row, 12),
        .pages = sql_get_number(result, row, 13),
        .changes = sql_get_number(result, row, 14),
        .stored = sql_get_number(result, row, 15),
        .ignored = sql_get_number(result, row, 16),
        .unknown_types = sql_get_number(result, row, 17),
        .unknown_fields = sql_get_number(result, row, 18),
        .refused = sql_get_number(result, row, 19),
        .failures = (int)sql_get_number(result, row, 20),
        .last_error_code = sql_get_text(result, row, 21, arena),
        .last_error_text = sql_get_text(result, row, 22, arena),
        .remedy = sql_get_text(result, row, 23, arena),
        .records = sql_get_number(result, row, 24),
        .orphans = counted ? sql_get_number(result, row, 31) : 0,
        .waiting = counted ? sql_get_number(result, row, 32) : 0,
        .round = sql_get_number(result, row, 25),
        .last_news = sql_get_number(result, row, 29),
        .silent = sql_get_bool(result, row, 30),
        .missing = sql_get_number(result, row, 26),
        .held = sql_get_text(result, row, 27, arena),
    };
}

static bool read_feeds(Store *store, const char *feed, bool counted, Arena *arena, FeedState **ret,
                       size_t *ret_count, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "read feeds",
                 counted ? "select " FEED_COLUMNS FEED_COUNTS
                           " from feed_state f where $1::text is null or feed = $1 order by feed"
                         : "select " FEED_COLUMNS " from feed_state f where feed = $1",
                 &sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    FeedState *all = arena_array(arena, count + 1, sizeof *all);
    for (int row = 0; row < (int)count; row++)
        all[row] = read_feed(result, row, arena);
    *ret = all;
    *ret_count = count;
    return true;
}

static bool unknown_feed(const char *feed, Error *err)
{
    return error_set(err, ERROR_CONFIG, "feed.unknown", "cannot find feed \"%s\" in the database",
                     feed);
}

static bool get(Store *store, const char *feed, bool counted, Arena *arena, FeedState *ret,
                Error *err)
{
    FeedState *all;
    size_t count;
    if (!read_feeds(store, feed, counted, arena, &all, &count, err))
        return false;
    if (!count)
        return unknown_feed(feed, err);
    *ret = all[0];
    return true;
}

bool feed_get(Store *store, const char *feed, Arena *arena, FeedState *ret, Error *err)
{
    return get(store, feed, true, arena, ret, err);
}

bool feed_place(Store *store, const char *feed, Arena *arena, FeedState *ret, Error *err)
{
    return get(store, feed, false, arena, ret, err);
}

bool feed_list(Store *store, Arena *arena, FeedState **ret, size_t *ret_count, Error *err)
{
    return read_feeds(store, NULL, true, arena, ret, ret_count, err);
}

bool feed_types(Store *store, const char *feed, Arena *arena, FeedType **ret, size_t *ret_count,
                Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            store, "count a feed's records",
            "select type, count(*) filter (where not deleted), count(*) filter (where deleted),"
            " count(*) filter (where restricted), count(*) filter (where owner is null"
            " and parent_id is not null and not deleted)"
            " from source_record where feed = $1 group by type order by type",
            &sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    FeedType *all = arena_array(arena, count + 1, sizeof *all);
    for (int row = 0; row < (int)count; row++)
        all[row] = (FeedType){.type = sql_get_text(result, row, 0, arena),
                              .live = sql_get_number(result, row, 1),
                              .deleted = sql_get_number(result, row, 2),
                              .restricted = sql_get_number(result, row, 3),
                              .orphans = sql_get_number(result, row, 4)};
    *ret = all;
    *ret_count = count;
    return true;
}

bool feed_all_complete(Store *store, const char *const *feeds, size_t count, Arena *arena,
                       bool *ret_complete, const char **ret_feed, Error *err)
{
    Sql sql = sql_new(arena);
    SqlList list = sql_list(arena, SQL_TEXT);
    for (size_t i = 0; i < count; i++)
        sql_list_text(&list, feeds[i]);
    sql_add(&sql, &list);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "see whether feeds are complete",
                 "select u.feed from unnest($1::text[]) u(feed) left join feed_state f"
                 " on f.feed = u.feed where f.complete is not true order by 1 limit 1",
                 &sql, &result, err))
        return false;
    *ret_complete = PQntuples(result) == 0;
    *ret_feed = *ret_complete ? NULL : sql_get_text(result, 0, 0, arena);
    return true;
}

/* One audit event when a feed's state became another. */
static bool audit_change(Store *store, const char *feed, const char *from, const char *to,
                         const char *code, const char *actor, Error *err)
{
    return strcmp(from, to) == 0 ||
           audit_append(
               store, AUDIT_FEED_CHANGED,
               &(AuditFields){.feed = feed, .from = from, .to = to, .code = code, .actor = actor},
               err);
}

bool feed_still_at(Store *store, const FeedState *seen, bool *ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_text(&sql, seen->name);
    sql_number(&sql, seen->round);
    sql_text(&sql, seen->cursor.epoch);
    sql_text(&sql, seen->cursor.phase);
    sql_text(&sql, seen->cursor.cursor);
    if (!sql_wants_transaction(store, err) ||
        !sql_run(store, "hold a feed's place",
                 "select (round, epoch, phase, cursor) is not distinct from ($2, $3, $4, $5)"
                 " from feed_state where feed = $1 for update",
                 &sql, &result, err))
        return false;
    *ret = PQntuples(result) == 1 && sql_get_bool(result, 0, 0);
    return true;
}

/* As SQL: the wait is parameter `wait`, what the asker saw is parameter `seen`. */
#define NEXT_POLL(wait, seen)                                                                      \
    "next_poll = case when " seen "::bigint in (0, us(f.next_poll)) then mhsflow.now() + "         \
    "ms(" wait ") else f.next_poll end"

bool feed_save_page(Store *store, const char *feed, const FeedCursor *next,
                    const SourceCounts *counts, NextPoll next_poll, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    sql_text(&sql, next->epoch);
    sql_text(&sql, next->phase ? next->phase : "");
    sql_text(&sql, next->cursor);
    sql_text(&sql, next->etag);
    sql_number(&sql, next->seq);
    sql_number(&sql, next->head_seq);
    sql_bool(&sql, next->complete);
    sql_number(&sql, next_poll.in_ms);
    sql_number(&sql, counts->changes);
    sql_number(&sql, counts->stored);
    sql_number(&sql, counts->ignored);
    sql_number(&sql, counts->unknown_types);
    sql_number(&sql, counts->unknown_fields);
    sql_number(&sql, counts->refused);
    sql_number(&sql, next_poll.seen);
    if (!sql_wants_transaction(store, err) ||
        !sql_run(
            store, "move a feed's cursor",
            "with o as (select * from feed_state where feed = $1 for update)"
            " update feed_state f set epoch = $2, phase = $3, cursor = $4, etag = $5, seq = $6,"
            " head_seq = $7, complete = $8, " NEXT_POLL(
                "$9",
                "$16") ","
                       " last_poll = mhsflow.now(), last_ok = mhsflow.now(), pages = f.pages + 1,"
                       " changes = f.changes + $10, stored = f.stored + $11, ignored = f.ignored + "
                       "$12,"
                       " unknown_types = f.unknown_types + $13, unknown_fields = f.unknown_fields "
                       "+ $14,"
                       " refused = f.refused + $15, failures = 0, last_error_code = null, "
                       "last_error_text = "
                       "null,"
                       " remedy = null, held = null, allowed = null, state = case when f.state = "
                       "'paused' then f.state else "
                       "'ok' end"
                       " from o where f.feed = o.feed"
                       " returning o.state, f.state, (o.epoch, o.phase, o.cursor, o.seq) is "
                       "distinct from"
                       " (f.epoch, f.phase, f.cursor, f.seq) or o.complete <> f.complete",
            &sql, &result, err))
        return false;
    if (PQntuples(result) == 0)
        return unknown_feed(feed, err);
    if (!audit_change(store, feed, PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1), NULL, NULL,
                      err))
        return false;
    if (!sql_get_bool(result, 0, 2) && !counts->changes)
        return true;
    if (next->complete && !store_notify(store, CHANNEL_BUILD, err))
        return false;
    return audit_append(store, AUDIT_FEED_ADVANCED,
                        &(AuditFields){.feed = feed,
                                       .sequence = next->seq,
                                       .head = next->head_seq,
                                       .changes = counts->changes,
                                       .stored = counts->stored,
                                       .people = counts->people},
                        err);
}

bool feed_note_news(Store *store, const char *feed, bool news, int64_t silence_ms, bool *ret_fell,
                    Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 10);
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    sql_bool(&sql, news);
    sql_number(&sql, silence_ms);
    if (!sql_wants_transaction(store, err) ||
        !sql_run(store, "note whether a feed has news",
                 "with o as (select feed, silent, coalesce(last_news, mhsflow.now()) as last_news"
                 " from feed_state where feed = $1)"
                 " update feed_state f set silent = not $2 and $3 > 0"
                 " and o.last_news < mhsflow.now() - ms($3),"
                 " last_news = case when $2 then mhsflow.now() else o.last_news end"
                 " from o where f.feed = o.feed returning f.silent and not o.silent",
                 &sql, &result, err))
        return false;
    *ret_fell = PQntuples(result) == 1 && sql_get_bool(result, 0, 0);
    return true;
}

/* Changes a feed's state in a transaction of its own, with its event.  `set` is SQL of ours. */
static bool change_state(Store *store, const char *feed, const char *set, Sql *sql,
                         const char *code, const char *actor, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_result_ PGresult *result = NULL;
    const char *statement = arena_format(
        sql->arena,
        "with o as (select feed, state from feed_state where feed = $1 for update)"
        " update feed_state f set %s from o where f.feed = o.feed returning o.state, f.state",
        set);
    if (!store_begin(store, &transaction, err) ||
        !sql_run(store, "change a feed's state", statement, sql, &result, err))
        return false;
    if (PQntuples(result) == 0)
        return unknown_feed(feed, err);
    return audit_change(store, feed, PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1), code,
                        actor, err) &&
           store_notify(store, CHANNEL_FEED, err) && store_commit(&transaction, err);
}

bool feed_save_failure(Store *store, const char *feed, const char *state, const Error *failure,
                       const char *remedy, const char *held, NextPoll next_poll, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    char text[sizeof failure->cause + sizeof failure->context + 64];
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    sql_text(&sql, state);
    sql_text(&sql, failure->code);
    sql_text(&sql, error_text(failure, text, sizeof text));
    sql_text(&sql, remedy);
    sql_number(&sql, next_poll.in_ms);
    sql_number(&sql, next_poll.seen);
    sql_text(&sql, held);
    return change_state(store, feed,
                        "state = case when f.state = 'paused' then f.state else $2 end,"
                        " failures = failures + 1, last_poll = mhsflow.now(), last_error_code = $3,"
                        " last_error_text = $4, remedy = $5, held = $8, " NEXT_POLL("$6", "$7"),
                        &sql, failure->code, NULL, err);
}

bool feed_restart(Store *store, const char *feed, const char *reason, const char *actor, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    int64_t rows;
    if (!sql_wants_transaction(store, err) ||
        !sql_do(store, "begin a feed anew",
                "update feed_state set round = round + 1, epoch = null, phase = '', cursor = null,"
                " etag = null, seq = 0, head_seq = 0, complete = false, next_poll = mhsflow.now(),"
                " missing = 0, drop_missing = null, held = null, allowed = null"
                " where feed = $1",
                &sql, &rows, err))
        return false;
    if (!rows)
        return unknown_feed(feed, err);
    return audit_append(store, AUDIT_FEED_RESTARTED,
                        &(AuditFields){.feed = feed, .code = reason, .actor = actor}, err) &&
           store_notify(store, CHANNEL_FEED, err);
}

static bool change_plain(Store *store, const char *feed, const char *set, const char *actor,
                         Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    return change_state(store, feed, set, &sql, NULL, actor, err);
}

bool feed_pause(Store *store, const char *feed, const char *actor, Error *err)
{
    return change_plain(store, feed, "state = 'paused'", actor, err);
}

bool feed_resume(Store *store, const char *feed, const char *actor, Error *err)
{
    return change_plain(
        store, feed,
        "state = case when f.state = 'paused' then 'ok' else f.state end, failures = 0,"
        " next_poll = mhsflow.now()",
        actor, err);
}

bool feed_poll_now(Store *store, const char *feed, Error *err)
{
    return change_plain(store, feed, "next_poll = mhsflow.now()", NULL, err);
}
