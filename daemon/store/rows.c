/* SPDX-License-Identifier: Apache-2.0 */
/* National rows: a person's new rows against those that hold, and streaming what held at a
 * generation. */
#include "daemon/store/rows.h"

#include "daemon/store/audit.h"
#include "daemon/store/finding_private.h"

#include <string.h>

#define BATCH_CAP ((size_t)512 << 20)
#define PROVIDER_LOCK "hashtextextended('mhsflow.provider.' || code, 0)"

static SqlList provider_list(const PersonRows *people, size_t count, Arena *arena)
{
    SqlList list = sql_list(arena, SQL_TEXT);
    for (size_t i = 0; i < count; i++) {
        const char *last = NULL;
        for (size_t j = 0; j < people[i].row_count; j++) {
            if (last && strcmp(last, people[i].rows[j].provider) == 0)
                continue;
            last = people[i].rows[j].provider;
            sql_list_text(&list, last);
        }
        for (size_t j = 0; j < people[i].finding_count; j++)
            if (people[i].findings[j].provider)
                sql_list_text(&list, people[i].findings[j].provider);
    }
    return list;
}

static void add_people(Sql *sql, const PersonRows *people, size_t count)
{
    SqlList feed = sql_list(sql->arena, SQL_TEXT), person = sql_list(sql->arena, SQL_TEXT);
    for (size_t i = 0; i < count; i++) {
        sql_list_text(&feed, people[i].feed);
        sql_list_text(&person, people[i].person);
    }
    sql_add(sql, &feed);
    sql_add(sql, &person);
}

/* Shared locks on every provider that these people have or get rows at, in order of code: a build
 * that wants to raise one waits for us, and nobody waits in a circle. */
static bool lock_providers(Store *store, const PersonRows *people, size_t count, Arena *arena,
                           Error *err)
{
    Sql sql = sql_new(arena);
    SqlList given = provider_list(people, count, arena);
    add_people(&sql, people, count);
    sql_add(&sql, &given);
    _cleanup_result_ PGresult *result = NULL, *locked = NULL;
    if (!sql_run(store, "look for providers",
                 "select code, exists (select from provider p where p.code = a.code) from ("
                 " select distinct unnest($3::text[]) collate \"C\" as code union"
                 " select provider from unnest($1::text[], $2::text[]) u(feed, person)"
                 " join national_row r on r.feed = u.feed and r.person = u.person and r.gen_to is "
                 "null) a"
                 " order by code",
                 &sql, &result, err))
        return false;
    SqlList codes = sql_list(arena, SQL_TEXT), missing = sql_list(arena, SQL_TEXT);
    for (int row = 0; row < PQntuples(result); row++) {
        sql_list_text(&codes, PQgetvalue(result, row, 0));
        if (!sql_get_bool(result, row, 1))
            sql_list_text(&missing, PQgetvalue(result, row, 0));
    }
    if (missing.count) {
        Sql insert = sql_new(arena);
        sql_add(&insert, &missing);
        if (!sql_do(store, "note a provider",
                    "insert into provider (code) select unnest($1::text[]) on conflict do nothing",
                    &insert, NULL, err))
            return false;
    }
    Sql lock = sql_new(arena);
    sql_add(&lock, &codes);
    return sql_run(store, "lock providers",
                   "select pg_advisory_xact_lock_shared(" PROVIDER_LOCK
                   ") from (select unnest($1::text[]) as code) c",
                   &lock, &locked, err);
}

static bool maker(Store *store, const char *mapping_version, const char *dataset_version,
                  Arena *arena, int64_t *ret, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, mapping_version);
    sql_text(&sql, dataset_version);
    _cleanup_result_ PGresult *found = NULL, *made = NULL;
    if (!sql_run(store, "look for a mapping version",
                 "select id from row_maker where mapping_version = $1 and dataset_version = $2",
                 &sql, &found, err))
        return false;
    if (PQntuples(found)) {
        *ret = sql_get_number(found, 0, 0);
        return true;
    }
    if (!sql_run(store, "note a mapping version",
                 "insert into row_maker (mapping_version, dataset_version) values ($1, $2)"
                 " on conflict (mapping_version, dataset_version)"
                 " do update set mapping_version = excluded.mapping_version returning id",
                 &sql, &made, err))
        return false;
    *ret = sql_get_number(made, 0, 0);
    return true;
}

/* Equal rows may repeat (a table without a key), so the n-th new one meets the n-th old one. */
static const char put_rows[] =
    "with n as materialized (select *, row_number() over (partition by feed, person, provider, "
    "table_code,"
    " row_key, first_month, last_month, digest) as copy from unnest($3::text[], $4::text[], "
    "$5::text[],"
    " $6::text[], $7::bigint[], $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bytea[],"
    " $13::text[], $14::text[]) as r(feed, person, provider, table_code, table_order, person_key, "
    "row_key,"
    " first_month, last_month, digest, fragment, lineage)),"
    " o as materialized (select r.id, r.feed, r.person, r.provider, r.table_code, r.row_key, "
    "r.first_month,"
    " r.last_month, r.digest, r.gen_from, row_number() over (partition by r.feed, r.person, "
    "r.provider,"
    " r.table_code, r.row_key, r.first_month, r.last_month, r.digest) as copy"
    " from unnest($1::text[], $2::text[]) u(feed, person) cross join lateral (select * from "
    "national_row h"
    " where h.feed = u.feed and h.person = u.person and h.gen_to is null offset 0) r),"
    " gone as materialized (select o.*, p.generation + 1 as working from o join provider p on"
    " p.code = o.provider where not exists (select from n where (n.feed, n.person, n.provider, "
    "n.table_code,"
    " n.row_key, n.first_month, n.last_month, n.digest, n.copy) = (o.feed, o.person, o.provider,"
    " o.table_code, o.row_key, o.first_month, o.last_month, o.digest, o.copy))),"
    " fresh as materialized (select n.*, p.generation + 1 as working from n join provider p on"
    " p.code = n.provider where not exists (select from o where (n.feed, n.person, n.provider, "
    "n.table_code,"
    " n.row_key, n.first_month, n.last_month, n.digest, n.copy) = (o.feed, o.person, o.provider,"
    " o.table_code, o.row_key, o.first_month, o.last_month, o.digest, o.copy))),"
    /* What began in the working generation was never in a build: it may go without a trace. */
    " deleted as (delete from national_row r using gone g where r.id = g.id and g.gen_from = "
    "g.working"
    " returning 1),"
    " ended as (update national_row r set gen_to = g.working from gone g where r.id = g.id"
    " and g.gen_from < g.working returning 1),"
    " inserted as (insert into national_row (provider, table_code, table_order, feed, person, "
    "person_key,"
    " row_key, first_month, last_month, maker, gen_from, digest, fragment, lineage)"
    " select provider, table_code, table_order, feed, person, person_key, row_key, first_month, "
    "last_month,"
    " $15, working, digest, fragment, lineage::json from fresh returning 1),"
    " months as (select distinct provider, month, working from (select provider, working, "
    "first_month,"
    " last_month from gone union all select provider, working, first_month, last_month from fresh) "
    "c,"
    " generate_series(first_month, last_month) month),"
    /* Two seconds' slack, so that mappers side by side do not wait for one another's marks. */
    " marked as (insert into provider_month as m (provider, month, dirty_generation, dirty_since, "
    "dirty_at)"
    " select provider, month, working, mhsflow.now(), mhsflow.now() from months c where not exists"
    " (select from provider_month d where d.provider = c.provider and d.month = c.month"
    " and d.dirty_generation = c.working and d.dirty_at > mhsflow.now() - interval '2 seconds')"
    " order by provider, month on conflict (provider, month) do update set"
    " dirty_generation = excluded.dirty_generation, dirty_at = excluded.dirty_at, dirty_since ="
    " case when m.dirty_generation > m.built_generation then m.dirty_since else "
    "excluded.dirty_since end"
    " returning 1)"
    " select (select count(*) from n) - (select count(*) from inserted), (select count(*) from "
    "inserted),"
    " (select count(*) from ended), (select count(*) from deleted), (select count(*) from marked)";

static bool run_rows(Store *store, const PersonRows *people, size_t count, int64_t maker_id,
                     Arena *arena, RowCounts *ret, Error *err)
{
    enum {
        FEED,
        PERSON,
        PROVIDER,
        TABLE,
        ORDER,
        PERSON_KEY,
        ROW_KEY,
        FIRST,
        LAST,
        HASH,
        FRAGMENT,
        LINEAGE,
        LISTS
    };
    static const SqlType types[LISTS] = {
        [ORDER] = SQL_NUMBER, [FIRST] = SQL_NUMBER, [LAST] = SQL_NUMBER, [HASH] = SQL_BYTES};
    SqlList lists[LISTS];
    for (int i = 0; i < LISTS; i++)
        lists[i] = sql_list(arena, types[i]);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < people[i].row_count; j++) {
            const RowIn *row = &people[i].rows[j];
            sql_list_text(&lists[FEED], people[i].feed);
            sql_list_text(&lists[PERSON], people[i].person);
            sql_list_text(&lists[PROVIDER], row->provider);
            sql_list_text(&lists[TABLE], row->table);
            sql_list_number(&lists[ORDER], row->table_order);
            sql_list_text(&lists[PERSON_KEY], row->person_key);
            sql_list_text(&lists[ROW_KEY], row->row_key);
            sql_list_number(&lists[FIRST], row->first_month);
            sql_list_number(&lists[LAST], row->last_month);
            sql_list_bytes(&lists[HASH], row->digest, DIGEST_SIZE);
            sql_list_bytes(&lists[FRAGMENT], row->fragment, row->fragment_size);
            sql_list_text(&lists[LINEAGE], row->lineage);
        }
    Sql sql = sql_new(arena);
    add_people(&sql, people, count);
    for (int i = 0; i < LISTS; i++)
        sql_add(&sql, &lists[i]);
    sql_number(&sql, maker_id);
    _cleanup_result_ PGresult *result = NULL;
    if (!arena_check(arena, err) ||
        !sql_run(store, "put people's rows", put_rows, &sql, &result, err))
        return false;
    *ret = (RowCounts){.kept = sql_get_number(result, 0, 0),
                       .inserted = sql_get_number(result, 0, 1),
                       .ended = sql_get_number(result, 0, 2),
                       .deleted = sql_get_number(result, 0, 3)};
    return true;
}

static bool run_findings(Store *store, const PersonRows *people, size_t count, Arena *arena,
                         Error *err)
{
    FindingLists lists = finding_lists(arena);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < people[i].finding_count; j++)
            finding_lists_add(&lists, &people[i].findings[j], people[i].feed, people[i].person);
    Sql sql = sql_new(arena);
    finding_lists_finish(&lists, &sql);
    add_people(&sql, people, count);
    return arena_check(arena, err) &&
           sql_do(store, "put people's findings",
                  "with n as materialized (select distinct on (fingerprint) * from " FINDING_UNNEST
                  " as f(" FINDING_FIELDS ") order by fingerprint),"
                  " o as materialized (select f.id, f.fingerprint, f.gen_from, p.generation + 1 as "
                  "working"
                  " from unnest($25::text[], $26::text[]) u(feed, person) join finding f on f.feed "
                  "= u.feed"
                  " and f.person = u.person and f.gen_to is null left join provider p on p.code = "
                  "f.provider"
                  " where f.source in ('mapping', 'check', 'policy', 'gate')),"
                  " gone as (select * from o where not exists (select from n where n.fingerprint = "
                  "o.fingerprint)),"
                  " deleted as (delete from finding f using gone g where f.id = g.id"
                  " and (g.working is null or g.gen_from = g.working) returning 1),"
                  " ended as (update finding f set gen_to = g.working from gone g where f.id = g.id"
                  " and g.gen_from < g.working returning 1)"
                  " insert into finding (" FINDING_FIELDS ", found_at, gen_from)"
                  " select " FINDING_FIELDS ", mhsflow.now(), coalesce(p.generation + 1, 0) from n"
                  " left join provider p on p.code = n.provider"
                  " where not exists (select from o where n.fingerprint = o.fingerprint)"
                  " on conflict (fingerprint) where gen_to is null do nothing",
                  &sql, NULL, err);
}

bool rows_put(Store *store, const PersonRows *people, size_t count, const char *mapping_version,
              const char *dataset_version, RowCounts *ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(BATCH_CAP);
    int64_t maker_id;
    RowCounts counts;
    if (!sql_wants_transaction(store, err) || !lock_providers(store, people, count, arena, err) ||
        !maker(store, mapping_version, dataset_version, arena, &maker_id, err) ||
        !run_rows(store, people, count, maker_id, arena, &counts, err) ||
        !run_findings(store, people, count, arena, err))
        return false;
    if (counts.inserted + counts.ended + counts.deleted && !store_notify(store, CHANNEL_BUILD, err))
        return false;
    *ret = counts;
    return true;
}

bool provider_raise(Store *store, const char *provider, int64_t *ret_generation, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    _cleanup_result_ PGresult *locked = NULL, *result = NULL;
    Sql sql = sql_new(arena);
    sql_text(&sql, provider);
    /* The lock in a statement of its own: what the next one sees includes everyone it waited for.
     */
    if (!store_begin(store, &transaction, err) ||
        !sql_run(store, "wait for mappers",
                 "select pg_advisory_xact_lock(" PROVIDER_LOCK ") from (select $1::text as code) c",
                 &sql, &locked, err) ||
        !sql_run(
            store, "raise a generation",
            "insert into provider as p (code, generation) values ($1, 1)"
            " on conflict (code) do update set generation = p.generation + 1 returning generation",
            &sql, &result, err))
        return false;
    int64_t generation = sql_get_number(result, 0, 0);
    if (!audit_append(store, AUDIT_GENERATION_RAISED,
                      &(AuditFields){.provider = provider, .generation = generation}, err) ||
        !store_commit(&transaction, err))
        return false;
    *ret_generation = generation;
    return true;
}

bool months_dirty(Store *store, const char *provider, Arena *arena, ProviderMonth **ret,
                  size_t *ret_count, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, provider);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "look for months to build",
                 "select provider, month, dirty_generation, built_generation, us(dirty_since), "
                 "us(dirty_at),"
                 " reason from provider_month where dirty_generation > built_generation"
                 " and ($1::text is null or provider = $1) order by dirty_since, provider, month",
                 &sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    ProviderMonth *months = arena_array(arena, count + 1, sizeof *months);
    for (int row = 0; row < (int)count; row++)
        months[row] = (ProviderMonth){.provider = sql_get_text(result, row, 0, arena),
                                      .month = (Month)sql_get_number(result, row, 1),
                                      .dirty_generation = sql_get_number(result, row, 2),
                                      .built_generation = sql_get_number(result, row, 3),
                                      .dirty_since = sql_get_number(result, row, 4),
                                      .dirty_at = sql_get_number(result, row, 5),
                                      .reason = sql_get_text(result, row, 6, arena)};
    *ret = months;
    *ret_count = count;
    return true;
}

bool month_request(Store *store, const char *provider, Month month, const char *reason, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, provider);
    sql_number(&sql, month);
    sql_text(&sql, reason);
    return sql_do(
               store, "ask for a build",
               "with p as (insert into provider as q (code) values ($1) on conflict (code) do "
               "update"
               " set code = excluded.code returning code, generation)"
               " insert into provider_month as m (provider, month, dirty_generation, dirty_since, "
               "dirty_at,"
               " reason) select code, $2, generation + 1, mhsflow.now(), mhsflow.now(), $3 from p"
               " on conflict (provider, month) do update set dirty_generation = "
               "excluded.dirty_generation,"
               " dirty_at = excluded.dirty_at, reason = excluded.reason, dirty_since ="
               " case when m.dirty_generation > m.built_generation then m.dirty_since"
               " else excluded.dirty_since end",
               &sql, NULL, err) &&
           store_notify(store, CHANNEL_BUILD, err);
}

bool months_touch(Store *store, Error *err)
{
    _cleanup_result_ PGresult *locked = NULL;
    return sql_wants_transaction(store, err) &&
           sql_run(store, "lock providers", "select from provider order by code for share", NULL,
                   &locked, err) &&
           sql_do(store, "mark months",
                  "with w as materialized (select m.provider, m.month, p.generation + 1 as working"
                  " from provider_month m join provider p on p.code = m.provider where m.month >="
                  " extract(year from mhsflow.today()) * 12 + extract(month from mhsflow.today())"
                  " - 19 order by m.provider, m.month for update of m)"
                  " update provider_month m set dirty_generation = w.working, dirty_at ="
                  " mhsflow.now(), dirty_since = case when m.dirty_generation > m.built_generation"
                  " then m.dirty_since else mhsflow.now() end from w"
                  " where m.provider = w.provider and m.month = w.month",
                  NULL, NULL, err) &&
           store_notify(store, CHANNEL_BUILD, err);
}

bool month_built(Store *store, const char *provider, Month month, int64_t generation, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, provider);
    sql_number(&sql, month);
    sql_number(&sql, generation);
    return sql_wants_transaction(store, err) &&
           sql_do(store, "note a build",
                  "insert into provider_month as m (provider, month, dirty_generation, "
                  "built_generation)"
                  " values ($1, $2, 0, $3) on conflict (provider, month) do update set"
                  " built_generation = greatest(m.built_generation, excluded.built_generation),"
                  " reason = case when m.dirty_generation > excluded.built_generation then "
                  "m.reason end,"
                  " dirty_since = case when m.dirty_generation > excluded.built_generation then "
                  "m.dirty_since end",
                  &sql, NULL, err);
}

bool rows_settled(Store *store, bool *ret_settled, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "see whether people wait for mapping",
                 "select not exists (select from work where not quarantined and due_at <= (select "
                 "mhsflow.now()))",
                 NULL, &result, err))
        return false;
    *ret_settled = sql_get_bool(result, 0, 0);
    return true;
}

bool month_warned(Store *store, const char *provider, Month month, int days, bool *ret_first,
                  Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    int64_t rows;
    sql_text(&sql, provider);
    sql_number(&sql, month);
    sql_number(&sql, days);
    if (!sql_do(store, "note a warning",
                "insert into cutoff_warning (provider, month, days, at)"
                " values ($1, $2, $3, mhsflow.now()) on conflict do nothing",
                &sql, &rows, err))
        return false;
    *ret_first = rows > 0;
    return true;
}
