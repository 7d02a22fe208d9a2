/* SPDX-License-Identifier: Apache-2.0 */
/* Who is mapped again, and how what other rules make differs from what holds. */
#include "daemon/store/replay.h"

#include "daemon/store/audit.h"
#include "daemon/store/store_private.h"

#define CHOSEN                                                                                     \
    "select distinct s.person from source_record s where s.feed = $1 and s.person is not null"     \
    " and ($2::text is null or s.person = coalesce((select final from person_merge"                \
    " where feed = $1 and merged = $2), $2))"                                                      \
    " and ($3::text is null or s.type = $3)"                                                       \
    " and ($4::bigint is null or exists (select from national_row r where r.feed = s.feed"         \
    " and r.person = s.person and r.gen_to is null and $4 between r.first_month and r.last_month)" \
    " or exists (select from finding f where f.feed = s.feed and f.person = s.person"              \
    " and f.gen_to is null and $4 between f.first_month and f.last_month))"

static Sql chosen(const ReplayChoice *choice, Arena *arena)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, choice->feed);
    sql_text(&sql, choice->person);
    sql_text(&sql, choice->type);
    sql_number_or_null(&sql, choice->month);
    return sql;
}

bool replay_queue(Store *store, const ReplayChoice *choice, const char *actor, int64_t *ret_people,
                  Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    _cleanup_transaction_ Transaction transaction = {0};
    Sql sql = chosen(choice, arena);
    return store_begin(store, &transaction, err) &&
           sql_do(store, "queue people to be mapped again",
                  "insert into work (feed, person, queued_at, due_at)"
                  " select $1, person, mhsflow.now(), mhsflow.now() from (" CHOSEN ") p"
                  " order by person on conflict (feed, person) do update set"
                  " changed = work.changed + 1, due_at = least(work.due_at, excluded.due_at),"
                  " quarantined = false, crash_count = least(work.crash_count, 1), attempts = 0",
                  &sql, ret_people, err) &&
           audit_append(
               store, AUDIT_FEED_REPLAYED,
               &(AuditFields){
                   .feed = choice->feed, .people = *ret_people, .code = "now", .actor = actor},
               err) &&
           store_notify(store, CHANNEL_WORK, err) && store_commit(&transaction, err);
}

bool replay_people(Store *store, const ReplayChoice *choice, const char *after, size_t most,
                   Arena *arena, WorkItem **ret, size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = chosen(choice, arena);
    sql_text(&sql, after);
    sql_number(&sql, (int64_t)most);
    if (!sql_run(store, "list people to be mapped again",
                 "select p.person, f.id_prefix from (" CHOSEN
                 " and ($5::text is null or s.person > $5)) p join feed_state f on f.feed = $1"
                 " order by p.person limit $6",
                 &sql, &result, err))
        return false;
    *ret_count = (size_t)PQntuples(result);
    *ret = arena_array(arena, *ret_count + 1, sizeof **ret);
    for (int row = 0; row < (int)*ret_count; row++)
        (*ret)[row] = (WorkItem){.feed = choice->feed,
                                 .person = sql_get_text(result, row, 0, arena),
                                 .id_prefix = sql_get_text(result, row, 1, arena)};
    return true;
}

static void add_rows(Sql *sql, const PersonRows *people, size_t count)
{
    enum { FEED, PERSON, PROVIDER, TABLE, KEY, FIRST, LAST, HASH, LISTS };
    static const SqlType types[LISTS] = {
        [FIRST] = SQL_NUMBER, [LAST] = SQL_NUMBER, [HASH] = SQL_BYTES};
    SqlList lists[LISTS];
    for (int i = 0; i < LISTS; i++)
        lists[i] = sql_list(sql->arena, types[i]);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < people[i].row_count; j++) {
            const RowIn *row = &people[i].rows[j];
            sql_list_text(&lists[FEED], people[i].feed);
            sql_list_text(&lists[PERSON], people[i].person);
            sql_list_text(&lists[PROVIDER], row->provider);
            sql_list_text(&lists[TABLE], row->table);
            sql_list_text(&lists[KEY], row->row_key);
            sql_list_number(&lists[FIRST], row->first_month);
            sql_list_number(&lists[LAST], row->last_month);
            sql_list_bytes(&lists[HASH], row->digest, DIGEST_SIZE);
        }
    for (int i = 0; i < LISTS; i++)
        sql_add(sql, &lists[i]);
}

#define ROW_NAMES "feed, person, provider, table_code, row_key, first_month, last_month, digest"

bool rows_compare(Store *store, const PersonRows *people, size_t count, Arena *arena,
                  RowDifference **ret, size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    SqlList feed = sql_list(arena, SQL_TEXT), person = sql_list(arena, SQL_TEXT);
    Sql sql = sql_new(arena);
    for (size_t i = 0; i < count; i++) {
        sql_list_text(&feed, people[i].feed);
        sql_list_text(&person, people[i].person);
    }
    add_rows(&sql, people, count);
    sql_add(&sql, &feed);
    sql_add(&sql, &person);
    if (!arena_check(arena, err) ||
        !sql_run(store, "compare rows",
                 "with n as (select " ROW_NAMES ", count(*) as many from unnest($1::text[],"
                 " $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],"
                 " $8::bytea[]) u(" ROW_NAMES ") group by " ROW_NAMES "),"
                 " o as (select " ROW_NAMES ", count(*) as many from unnest($9::text[],"
                 " $10::text[]) u(of_feed, of_person) cross join lateral (select * from"
                 " national_row h where h.feed = u.of_feed and h.person = u.of_person"
                 " and h.gen_to is null offset 0) r group by " ROW_NAMES "),"
                 " j as (select coalesce(n.table_code, o.table_code) as table_code,"
                 " coalesce(n.many, 0) as fresh, coalesce(o.many, 0) as held from n full join o"
                 " on (n.feed, n.person, n.provider, n.table_code, n.row_key, n.first_month,"
                 " n.last_month, n.digest) = (o.feed, o.person, o.provider, o.table_code,"
                 " o.row_key, o.first_month, o.last_month, o.digest))"
                 " select table_code, sum(least(fresh, held)), sum(greatest(fresh - held, 0)),"
                 " sum(greatest(held - fresh, 0)) from j group by table_code order by table_code",
                 &sql, &result, err))
        return false;
    *ret_count = (size_t)PQntuples(result);
    *ret = arena_array(arena, *ret_count + 1, sizeof **ret);
    for (int row = 0; row < (int)*ret_count; row++)
        (*ret)[row] = (RowDifference){.table = sql_get_text(result, row, 0, arena),
                                      .same = sql_get_number(result, row, 1),
                                      .added = sql_get_number(result, row, 2),
                                      .gone = sql_get_number(result, row, 3)};
    return true;
}

bool replay_made_rows(Store *store, const char *mapping_version, int64_t *ret_rows, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(64 << 10);
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_text(&sql, mapping_version);
    if (!sql_run(store, "look for rows of a mapping",
                 "select count(*) from national_row r join row_maker m on m.id = r.maker"
                 " where m.mapping_version = $1",
                 &sql, &result, err))
        return false;
    *ret_rows = sql_get_number(result, 0, 0);
    return true;
}

bool replay_rehearsed(Store *store, const char *feed, const char *mapping_version, int64_t people,
                      const char *actor, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    return store_begin(store, &transaction, err) &&
           audit_append(store, AUDIT_FEED_REPLAYED,
                        &(AuditFields){.feed = feed,
                                       .version = mapping_version,
                                       .people = people,
                                       .code = "rehearsed",
                                       .actor = actor},
                        err) &&
           store_commit(&transaction, err);
}
