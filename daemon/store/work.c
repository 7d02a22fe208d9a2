/* SPDX-License-Identifier: Apache-2.0 */
/* Persons whose rows must be made again: claim, read, finish. */
#include "daemon/store/work.h"

#include "daemon/base/fault.h"
#include "daemon/base/text.h"
#include "daemon/store/audit.h"
#include "daemon/store/finding.h"
#include "daemon/store/source_private.h"

#include <string.h>

#define FAILURES_MAX 5
#define CRASHES_MAX 2

/* Feeds whose first snapshot still runs wait: mapping half a caseload would be thrown away. */
#define CLAIM(which, limit)                                                                        \
    "with c as (select w.feed, w.person from work w where not w.quarantined"                       \
    " and w.due_at <= (select mhsflow.now())"                                                      \
    " and (w.claimed_until is null or w.claimed_until < (select mhsflow.now())) and " which        \
    " and not exists (select from feed_state f where f.feed = w.feed and f.phase like "            \
    "'snapshot:%')"                                                                                \
    " order by w.due_at, w.feed, w.person limit " limit " for update skip locked)"                 \
    " update work w set claimed_until = mhsflow.now() + ms($2), claimed_by = $3, fence = w.fence " \
    "+ 1,"                                                                                         \
    " crash_count = w.crash_count + (w.claimed_until is not null)::integer"                        \
    " from c, feed_state f where w.feed = c.feed and w.person = c.person and f.feed = w.feed"      \
    " returning w.feed, w.person, w.fence, w.changed, w.attempts, w.crash_count, f.id_prefix,"     \
    " exists (select from person_match m where m.feed = w.feed and m.person = w.person)"

static bool set_aside(Store *store, const WorkItem *item, const char *code, Error *err)
{
    uint8_t subject[DIGEST_SIZE];
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, item->feed);
    sql_text(&sql, item->person);
    sql_number(&sql, item->fence);
    int64_t rows;
    if (!sql_do(store, "set a person aside",
                "update work set quarantined = true, claimed_until = null, claimed_by = null"
                " where feed = $1 and person = $2 and fence = $3",
                &sql, &rows, err))
        return false;
    if (!rows)
        return true; /* somebody else has the person now */
    return audit_subject(store, item->feed, "person", item->person, subject, err) &&
           audit_append(store, AUDIT_WORK_QUARANTINED,
                        &(AuditFields){.feed = item->feed, .subject = subject, .code = code},
                        err) &&
           finding_add(
               store,
               &(Finding){.source = FINDING_WORK,
                          .rule = code,
                          .severity = "record rejected",
                          .feed = item->feed,
                          .person = item->person,
                          .record_type = "person",
                          .record_id = item->person,
                          .left_out = true,
                          .message = "the person's records could not be mapped and were set aside",
                          .remedy = "correct the records; any change queues the person again"},
               1, err);
}

static bool claim(Store *store, const char *statement, size_t limit, int64_t lease_ms, Arena *arena,
                  WorkItem **ret, size_t *ret_count, Error *err)
{
    Sql sql = sql_new(arena);
    sql_number(&sql, (int64_t)limit);
    sql_number(&sql, lease_ms);
    sql_text(&sql, store_holder(store));
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "claim work", statement, &sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    WorkItem *items = arena_array(arena, count + 1, sizeof *items);
    for (int row = 0; row < (int)count; row++)
        items[row] = (WorkItem){.feed = sql_get_text(result, row, 0, arena),
                                .person = sql_get_text(result, row, 1, arena),
                                .fence = sql_get_number(result, row, 2),
                                .changed = sql_get_number(result, row, 3),
                                .attempts = (int)sql_get_number(result, row, 4),
                                .crashes = (int)sql_get_number(result, row, 5),
                                .id_prefix = sql_get_text(result, row, 6, arena),
                                .follows = sql_get_bool(result, row, 7)};
    *ret = items;
    *ret_count = count;
    return true;
}

/* Those whose mapper died before, one at a time. */
static bool claim_crashed(Store *store, int64_t lease_ms, Arena *arena, WorkItem **ret,
                          size_t *ret_count, Error *err)
{
    for (;;) {
        if (!claim(store, CLAIM("(w.crash_count > 0 or w.claimed_until is not null)", "$1"), 1,
                   lease_ms, arena, ret, ret_count, err))
            return false;
        if (*ret_count == 0 || (*ret)[0].crashes < CRASHES_MAX)
            return true;
        if (!set_aside(store, *ret, "work.crashed", err))
            return false;
    }
}

/* Who goes under another feed's local id has no rows: the lead is mapped, with all records.  In a
 * transaction of its own, so that nobody holds work while waiting for work. */
static bool pass_on(Store *store, const WorkItem *items, size_t count, Arena *arena, Error *err)
{
    SqlList feeds = sql_list(arena, SQL_TEXT), people = sql_list(arena, SQL_TEXT);
    for (size_t i = 0; i < count; i++)
        if (items[i].follows) {
            sql_list_text(&feeds, items[i].feed);
            sql_list_text(&people, items[i].person);
        }
    if (!feeds.count)
        return true;
    Sql sql = sql_new(arena);
    sql_add(&sql, &feeds);
    sql_add(&sql, &people);
    return sql_do(store, "pass work on",
                  "insert into work (feed, person, queued_at, due_at)"
                  " select distinct m.lead_feed, m.lead_person, mhsflow.now(), mhsflow.now()"
                  " from unnest($1::text[], $2::text[]) u(feed, person) join person_match m"
                  " on m.feed = u.feed and m.person = u.person order by 1, 2" ON_QUEUED_AGAIN,
                  &sql, NULL, err);
}

bool work_claim(Store *store, size_t limit, int64_t lease_ms, Arena *arena, WorkItem **ret,
                size_t *ret_count, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    if (!store_begin(store, &transaction, err) ||
        !claim(store, CLAIM("w.crash_count = 0 and w.claimed_until is null", "$1"), limit, lease_ms,
               arena, ret, ret_count, err))
        return false;
    if (*ret_count == 0 && !claim_crashed(store, lease_ms, arena, ret, ret_count, err))
        return false;
    if (!store_commit(&transaction, err))
        return false;
    if (*ret_count)
        FAULT(MAP_AFTER_CLAIM);
    return pass_on(store, *ret, *ret_count, arena, err);
}

static void add_items(Sql *sql, const WorkItem *items, size_t count)
{
    SqlList feed = sql_list(sql->arena, SQL_TEXT), person = sql_list(sql->arena, SQL_TEXT),
            fence = sql_list(sql->arena, SQL_NUMBER), changed = sql_list(sql->arena, SQL_NUMBER);
    for (size_t i = 0; i < count; i++) {
        sql_list_text(&feed, items[i].feed);
        sql_list_text(&person, items[i].person);
        sql_list_number(&fence, items[i].fence);
        sql_list_number(&changed, items[i].changed);
    }
    sql_add(sql, &feed);
    sql_add(sql, &person);
    sql_add(sql, &fence);
    sql_add(sql, &changed);
}

bool work_records(Store *store, const WorkItem *items, size_t count, const char *purpose,
                  Arena *arena, RecordList *lists, PersonBasis *basis, Error *err)
{
    SqlList feeds = sql_list(arena, SQL_TEXT), people = sql_list(arena, SQL_TEXT);
    for (size_t i = 0; i < count; i++) {
        sql_list_text(&feeds, items[i].feed);
        sql_list_text(&people, items[i].person);
    }
    if (!source_bases(store, &feeds, &people, purpose, arena, basis, count, err))
        return false;
    Sql sql = sql_new(arena);
    sql_add(&sql, &feeds);
    sql_add(&sql, &people);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "read people's records",
                 "select s.type, s.id, s.version, s.org, s.record, u.place - 1, s.feed"
                 " from unnest($1::text[], $2::text[]) with ordinality u(feed, person, place)"
                 " cross join lateral (select u.feed, u.person where not exists (select from"
                 " person_match m where m.feed = u.feed and m.person = u.person) union all"
                 " select m.feed, m.person from person_match m where m.lead_feed = u.feed"
                 " and m.lead_person = u.person) g"
                 " cross join lateral (select * from source_record r where r.feed = g.feed"
                 " and r.person = g.person and not r.deleted and not r.restricted"
                 " and r.record is not null offset 0) s"
                 " order by place, s.type, s.id, s.feed",
                 &sql, &result, err))
        return false;
    for (int row = 0; row < PQntuples(result); row++) {
        size_t place = (size_t)sql_get_number(result, row, 5);
        Record *record;
        const char *feed = PQgetvalue(result, row, 6);
        if (!source_read_record(result, row,
                                text_equal(feed, items[place].feed) ? items[place].feed
                                                                    : arena_text(arena, feed),
                                arena, &record, err))
            return false;
        record_list_add(&lists[place], record, arena);
    }
    return true;
}

bool work_done(Store *store, const WorkItem *items, size_t count, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
    Sql sql = sql_new(arena);
    add_items(&sql, items, count);
    _cleanup_result_ PGresult *result = NULL;
    /* Locked in order.  `later`: the next day on which a decision about them begins or ends. */
    if (!sql_wants_transaction(store, err) ||
        !sql_run(
            store, "finish work",
            "with d as materialized (select w.feed, w.person, w.changed = u.changed as same"
            " from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) u(feed, person, "
            "fence, changed)"
            " join work w on w.feed = u.feed and w.person = u.person and w.fence = u.fence"
            " and w.claimed_until is not null order by w.feed, w.person for update of w),"
            " l as materialized (select d.*, (select min(day) from person_group(d.feed, d.person) g"
            " join consent_decision c on c.feed = g.feed and c.person = g.person,"
            " lateral (values (valid_from), (valid_to + 1)) v(day)"
            " where v.day > mhsflow.today()) as later from d),"
            " gone as (delete from work w using l where w.feed = l.feed and w.person = l.person"
            " and l.same and l.later is null returning 1),"
            " stay as (update work w set claimed_until = null, claimed_by = null, attempts = 0,"
            " crash_count = 0, due_at = case when l.same"
            " then l.later::timestamp at time zone 'Europe/London' else w.due_at end"
            " from l where w.feed = l.feed and w.person = l.person and not (l.same and l.later is "
            "null)"
            " returning 1),"
            " cleared as (delete from finding f using l where f.source = 'work' and f.feed = l.feed"
            " and f.person = l.person returning 1)"
            " select count(*) from l",
            &sql, &result, err))
        return false;
    if (sql_get_number(result, 0, 0) != (int64_t)count)
        return error_set(err, ERROR_LATER, "work.stale",
                         "could not finish work: another mapper has some of it now");
    return true;
}

bool work_fail(Store *store, const WorkItem *item, const Error *failure, int64_t wait_ms,
               Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    if (!store_begin(store, &transaction, err))
        return false;
    if (failure->kind == ERROR_DATA || item->attempts + 1 >= FAILURES_MAX)
        return set_aside(store, item, failure->code, err) && store_commit(&transaction, err);
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, item->feed);
    sql_text(&sql, item->person);
    sql_number(&sql, item->fence);
    sql_number(&sql, wait_ms);
    return sql_do(
               store, "put work off",
               "update work set claimed_until = null, claimed_by = null, attempts = attempts + 1,"
               " due_at = mhsflow.now() + ms($4) where feed = $1 and person = $2 and fence = $3",
               &sql, NULL, err) &&
           store_commit(&transaction, err);
}

bool work_release(Store *store, const WorkItem *items, size_t count, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
    Sql sql = sql_new(arena);
    add_items(&sql, items, count);
    return sql_do(store, "give work back",
                  "update work w set claimed_until = null, claimed_by = null"
                  " from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) u(feed, "
                  "person, fence, changed)"
                  " where w.feed = u.feed and w.person = u.person and w.fence = u.fence and "
                  "u.changed is not null",
                  &sql, NULL, err);
}

static bool requeue(Store *store, const char *feed, int64_t *ret_people, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    return sql_do(
               store, "queue everyone again",
               "insert into work (feed, person, queued_at, due_at)"
               " select feed, person, mhsflow.now(), mhsflow.now() from (select distinct feed, "
               "person"
               " from source_record where person is not null and ($1::text is null or feed = $1)) p"
               " order by feed, person" ON_QUEUED_AGAIN,
               &sql, ret_people, err) &&
           store_notify(store, CHANNEL_WORK, err);
}

bool work_requeue_all(Store *store, const char *feed, const char *reason, int64_t *ret_people,
                      Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    return store_begin(store, &transaction, err) && requeue(store, feed, ret_people, err) &&
           audit_append(store, AUDIT_SETTINGS_SWITCHED,
                        &(AuditFields){.people = *ret_people, .code = reason}, err) &&
           store_commit(&transaction, err);
}

bool work_settings(Store *store, const char *fingerprint, bool *ret_changed, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, fingerprint);
    int64_t changed, people;
    if (!store_begin(store, &transaction, err) ||
        !sql_do(store, "note what makes the rows",
                "insert into work_setting as s (fingerprint, set_at) values ($1, mhsflow.now())"
                " on conflict (only_row) do update set fingerprint = excluded.fingerprint,"
                " set_at = excluded.set_at where s.fingerprint <> excluded.fingerprint",
                &sql, &changed, err))
        return false;
    *ret_changed = changed > 0;
    if (changed && (!requeue(store, NULL, &people, err) ||
                    !audit_append(store, AUDIT_SETTINGS_SWITCHED,
                                  &(AuditFields){.version = fingerprint, .people = people}, err)))
        return false;
    return store_commit(&transaction, err);
}

bool work_state(Store *store, WorkState *ret, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            store, "look at the work",
            "select count(*) filter (where not quarantined and due_at <= mhsflow.now()"
            " and claimed_until is null), count(*) filter (where not quarantined"
            " and due_at > mhsflow.now()), count(*) filter (where claimed_until is not null),"
            " count(*) filter (where quarantined), us(min(queued_at) filter (where not quarantined"
            " and due_at <= mhsflow.now())), us(min(greatest(due_at, claimed_until))"
            " filter (where not quarantined)) from work",
            NULL, &result, err))
        return false;
    *ret = (WorkState){.waiting = sql_get_number(result, 0, 0),
                       .later = sql_get_number(result, 0, 1),
                       .claimed = sql_get_number(result, 0, 2),
                       .quarantined = sql_get_number(result, 0, 3),
                       .oldest_us = sql_get_number(result, 0, 4),
                       .next_due = sql_get_number(result, 0, 5)};
    return true;
}

bool work_person(Store *store, const char *feed, const char *person, WorkPerson *ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    sql_text(&sql, person);
    if (!sql_run(store, "look at a person's work",
                 "select not quarantined and (due_at <= mhsflow.now() or claimed_until is not null "
                 "or attempts > 0), quarantined from work where feed = $1 and person = $2",
                 &sql, &result, err))
        return false;
    *ret = (WorkPerson){0};
    if (PQntuples(result))
        *ret = (WorkPerson){.waiting = sql_get_bool(result, 0, 0),
                            .set_aside = sql_get_bool(result, 0, 1)};
    return true;
}
