/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a page of changes in: records set by set, everything else one by one, in the page's order.
 */
#include "daemon/store/source.h"

#include "daemon/base/clock.h"
#include "daemon/store/audit.h"
#include "daemon/store/finding.h"
#include "daemon/store/rows.h"
#include "daemon/store/source_private.h"

#include <string.h>

#define PAGE_CAP ((size_t)512 << 20)
#define DEPTH_MAX 8 /* person → referral → contact → intervention, with room */

void names_add(Names *names, const char *name, Arena *arena)
{
    if (!name)
        return;
    names->items =
        arena_grow(arena, names->items, names->count, &names->capacity, sizeof *names->items);
    names->items[names->count++] = name;
}

SqlList names_list(const Names *names, Arena *arena)
{
    SqlList list = sql_list(arena, SQL_TEXT);
    for (size_t i = 0; i < names->count; i++)
        sql_list_text(&list, names->items[i]);
    return list;
}

static bool is_parent_type(const char *type)
{
    static const char *const parents[] = {
#define OWNER(type, field, parent) #parent,
#define USES(type, field)
#include "daemon/store/owner.def"
#undef OWNER
#undef USES
    };
    for (size_t i = 0; i < COUNT_OF(parents); i++)
        if (strcmp(parents[i], type) == 0 && strcmp(type, "person") != 0)
            return true;
    return false;
}

static bool is_reference_type(const char *type)
{
    static const char *const references[] = {
#define OWNER(type, field, parent)
#define USES(type, field) #type,
#include "daemon/store/owner.def"
#undef OWNER
#undef USES
    };
    for (size_t i = 0; i < COUNT_OF(references); i++)
        if (strcmp(references[i], type) == 0)
            return true;
    return false;
}

#define OWNER(type, field, parent)                                                                 \
    " when c.type = '" #type "' and c.record ->> '" #field "' <> '' then '" #parent "'"
#define USES(type, field)
const char source_store_statement[] =
    "with c as materialized ("
    " select distinct on (type, id) type, id, version, seq, us, org, record::jsonb as record"
    " from unnest($3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[], "
    "$9::text[])"
    " with ordinality as u(type, id, version, seq, us, org, record, place)"
    " order by type, id, version desc, place desc),"
    /* Whose is it, as the record itself says. */
    " n as materialized (select c.*,"
    " case when c.type = 'person' then 'person'"
#include "daemon/store/owner.def"
    " end as parent_type,"
#undef OWNER
#define OWNER(type, field, parent)                                                                 \
    " when c.type = '" #type "' and c.record ->> '" #field "' <> '' then c.record ->> '" #field "'"
    " case when c.type = 'person' then c.id"
#include "daemon/store/owner.def"
#undef OWNER
#undef USES
    " end as parent_id from c),"
    /* Beside what we hold.  LIMIT keeps the planner at one probe of the key per record, however
     * little it knows about the table; joining a page with all records of a feed would be
     * quadratic. */
    " o as materialized (select n.*, s.id is not null as known, s.person as old_person,"
    " s.owner as old_owner, s.parent_type as old_parent_type, s.parent_id as old_parent_id,"
    " coalesce(s.deleted, true) as old_deleted,"
    " s.id is null or s.record is distinct from n.record or s.deleted <> (n.record is null) as "
    "differs,"
    " s.id is null or n.version > s.version as newer, coalesce(s.round, $2) < $2 as old_round"
    " from n left join lateral (select * from source_record r where r.feed = $1 and r.type = n.type"
    " and r.id = n.id limit 1) s on true),"
    /* What is taken: newer, or in a new round different.  A tombstone keeps its owner. */
    " w as materialized (select o.*, newer or differs as take,"
    " case when record is null then old_owner when parent_type = 'person' then parent_id"
    " else (select p.owner from source_record p where p.feed = $1 and p.type = o.parent_type"
    " and p.id = o.parent_id) end as owner"
    " from o where newer or old_round),"
    " stored as (insert into source_record as s (feed, type, id, version, round, seq, recorded_at, "
    "org,"
    " deleted, parent_type, parent_id, owner, person, record)"
    " select $1, w.type, w.id, w.version, $2, w.seq, at(w.us), w.org, w.record is null,"
    " case when w.record is null then w.old_parent_type else w.parent_type end,"
    " case when w.record is null then w.old_parent_id else w.parent_id end,"
    " w.owner, coalesce(m.final, w.owner), w.record"
    " from w left join lateral (select final from person_merge e where e.feed = $1"
    " and e.merged = w.owner limit 1) m on true"
    " on conflict (feed, type, id) do update set version = excluded.version, round = "
    "excluded.round,"
    " seq = excluded.seq, recorded_at = excluded.recorded_at, org = coalesce(excluded.org, s.org),"
    " deleted = excluded.deleted, parent_type = excluded.parent_type, parent_id = "
    "excluded.parent_id,"
    " owner = excluded.owner, person = excluded.person, record = excluded.record"
    " returning s.type, s.id, s.owner, s.person)"
    " select w.type, w.id, w.take, w.known and not w.differs, w.record is null, w.old_deleted, "
    "w.old_person,"
    " t.person, t.owner is distinct from w.old_owner, w.parent_id is not null and t.owner is null,"
    " case when w.type = 'consent' then coalesce(word(w.record -> 'status'), '') end,"
    " case when w.type = 'consent' then coalesce(word(w.record -> 'purpose'), '') end,"
    " w.type = 'person' and w.record is not null"
    " from w join stored t using (type, id)";
enum {
    COL_TYPE,
    COL_ID,
    COL_TAKE,
    COL_UNCHANGED,
    COL_DELETED,
    COL_OLD_DELETED,
    COL_OLD_PERSON,
    COL_PERSON,
    COL_MOVED,
    COL_ORPHAN,
    COL_STATUS,
    COL_PURPOSE,
    COL_LIVE_PERSON,
};

static bool run_records(Apply *apply, const Change *changes, size_t count, PGresult **ret,
                        Error *err)
{
    Arena *arena = apply->arena;
    SqlList type = sql_list(arena, SQL_TEXT), id = sql_list(arena, SQL_TEXT),
            version = sql_list(arena, SQL_NUMBER), seq = sql_list(arena, SQL_NUMBER),
            us = sql_list(arena, SQL_NUMBER), org = sql_list(arena, SQL_TEXT),
            record = sql_list(arena, SQL_TEXT);
    for (size_t i = 0; i < count; i++) {
        int64_t wall = 0;
        if (changes[i].recorded_at)
            clock_parse(changes[i].recorded_at, &wall);
        sql_list_text(&type, changes[i].type);
        sql_list_text(&id, changes[i].id);
        sql_list_number(&version, changes[i].version);
        sql_list_number(&seq, changes[i].seq);
        sql_list_number_or_null(&us, wall);
        sql_list_text(&org, changes[i].org);
        sql_list_text(&record, changes[i].op == CHANGE_UPSERT ? changes[i].json : NULL);
    }
    Sql sql = sql_new(arena);
    sql_text(&sql, apply->feed);
    sql_number(&sql, apply->round);
    sql_add(&sql, &type);
    sql_add(&sql, &id);
    sql_add(&sql, &version);
    sql_add(&sql, &seq);
    sql_add(&sql, &us);
    sql_add(&sql, &org);
    sql_add(&sql, &record);
    return sql_run(apply->store, "store the records of a page", source_store_statement, &sql, ret,
                   err);
}

/* A word of the feed as one that the audit may hold. */
static const char *decision_word(const char *status)
{
    for (ConsentDecision decision = CONSENT_GIVEN; decision < CONSENT_OTHER; decision++)
        if (strcmp(status, consent_name(decision)) == 0)
            return consent_name(decision);
    return consent_name(CONSENT_OTHER);
}

static const char *purpose_word(const char *purpose)
{
    static const char *const purposes[] = {"mymup_record", "mhsds",      "alliance_report",
                                           "evaluation",   "case_study", "contact_gp"};
    for (size_t i = 0; i < COUNT_OF(purposes); i++)
        if (strcmp(purpose, purposes[i]) == 0)
            return purposes[i];
    return "other";
}

static bool audit_consent(Apply *apply, const PGresult *result, int row, Error *err)
{
    uint8_t subject[DIGEST_SIZE];
    const char *person = PQgetvalue(result, row, COL_PERSON);
    return audit_subject(apply->store, apply->feed, "person", person, subject, err) &&
           audit_append(
               apply->store, AUDIT_CONSENT_DECIDED,
               &(AuditFields){.feed = apply->feed,
                              .subject = subject,
                              .decision = PQgetvalue(result, row, COL_DELETED)[0] == 't'
                                              ? "deleted"
                                              : decision_word(PQgetvalue(result, row, COL_STATUS)),
                              .purpose = purpose_word(PQgetvalue(result, row, COL_PURPOSE))},
               err);
}

/* Children whose owner is not their parent's: given it, and so on downwards. */
static bool pass_owner_down(Apply *apply, Names types, Names ids, Error *err)
{
    for (int depth = 0; depth < DEPTH_MAX && ids.count; depth++) {
        SqlList type_list = names_list(&types, apply->arena),
                id_list = names_list(&ids, apply->arena);
        Sql sql = sql_new(apply->arena);
        sql_text(&sql, apply->feed);
        sql_add(&sql, &type_list);
        sql_add(&sql, &id_list);
        _cleanup_result_ PGresult *result = NULL;
        if (!sql_run(
                apply->store, "pass an owner down",
                "with x as materialized (select c.type, c.id, c.person, p.owner, p.person as now"
                " from unnest($2::text[], $3::text[]) f(type, id) cross join lateral"
                " (select * from source_record r where r.feed = $1 and r.type = f.type"
                " and r.id = f.id limit 1) p cross join lateral"
                " (select * from source_record r where r.feed = $1 and r.parent_type = f.type"
                " and r.parent_id = f.id and r.owner is distinct from p.owner offset 0) c)"
                " update source_record s set owner = x.owner, person = x.now from x"
                " where s.feed = $1 and s.type = x.type and s.id = x.id"
                " returning s.type, s.id, x.person, s.person",
                &sql, &result, err))
            return false;
        types.count = ids.count = 0;
        for (int row = 0; row < PQntuples(result); row++) {
            names_add(&types, sql_get_text(result, row, 0, apply->arena), apply->arena);
            names_add(&ids, sql_get_text(result, row, 1, apply->arena), apply->arena);
            names_add(&apply->people, sql_get_text(result, row, 2, apply->arena), apply->arena);
            names_add(&apply->people, sql_get_text(result, row, 3, apply->arena), apply->arena);
        }
    }
    return true;
}

/* Count one stored record and note whom it concerns. */
static bool note_record(Apply *apply, const PGresult *result, int row, Names *types, Names *ids,
                        Error *err)
{
    Arena *arena = apply->arena;
    bool deleted = sql_get_bool(result, row, COL_DELETED);
    apply->counts.stored++;
    apply->live += !deleted - !sql_get_bool(result, row, COL_OLD_DELETED);
    if (sql_get_bool(result, row, COL_UNCHANGED)) {
        apply->counts.unchanged++;
        return true;
    }
    const char *type = sql_get_text(result, row, COL_TYPE, arena);
    const char *id = sql_get_text(result, row, COL_ID, arena);
    apply->counts.deleted += deleted;
    apply->counts.orphans += sql_get_bool(result, row, COL_ORPHAN);
    names_add(&apply->people, sql_get_text(result, row, COL_OLD_PERSON, arena), arena);
    names_add(&apply->people, sql_get_text(result, row, COL_PERSON, arena), arena);
    if (strcmp(type, "person") == 0)
        names_add(&apply->identities, id, arena);
    if (sql_get_bool(result, row, COL_MOVED) && is_parent_type(type)) {
        names_add(types, type, arena);
        names_add(ids, id, arena);
    }
    if (is_reference_type(type))
        names_add(&apply->references, arena_format(arena, "%s:%s", type, id), arena);
    return strcmp(type, "consent") != 0 || PQgetisnull(result, row, COL_PERSON) ||
           audit_consent(apply, result, row, err);
}

/* People who are there after all. */
static bool part_again(Apply *apply, const PGresult *result, Error *err)
{
    Names people = {0};
    for (int row = 0; apply->has_old_merges && row < PQntuples(result); row++)
        if (sql_get_bool(result, row, COL_LIVE_PERSON))
            names_add(&people, sql_get_text(result, row, COL_ID, apply->arena), apply->arena);
    return !people.count || source_part_again(apply, &people, err);
}

static bool note_records(Apply *apply, const PGresult *result, size_t count, Error *err)
{
    Names types = {0}, ids = {0};
    int64_t before = apply->counts.stored;
    for (int row = 0; row < PQntuples(result); row++)
        if (sql_get_bool(result, row, COL_TAKE) &&
            !note_record(apply, result, row, &types, &ids, err))
            return false;
    apply->counts.ignored += (int64_t)count - (apply->counts.stored - before);
    return pass_owner_down(apply, types, ids, err) && part_again(apply, result, err);
}

/* PostgreSQL cannot hold it (a NUL in a text, a number without end): told, never in the others'
 * way. */
static bool refuse(Apply *apply, const Change *change, Error *err)
{
    apply->counts.refused++;
    return finding_add(
        apply->store,
        &(Finding){.source = FINDING_FEED,
                   .rule = "feed.refused",
                   .severity = "record rejected",
                   .feed = apply->feed,
                   .record_type = change->type,
                   .record_id = change->id,
                   .org = change->org,
                   .left_out = true,
                   .message = "the record holds text or a number that cannot be stored",
                   .remedy = "correct the record in the case-management system"},
        1, err);
}

static bool apply_records(Apply *apply, const Change *changes, size_t count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    Error problem = {0};
    if (!arena_check(apply->arena, err) ||
        !sql_do(apply->store, "mark a place", "savepoint records", NULL, NULL, err))
        return false;
    if (run_records(apply, changes, count, &result, &problem))
        return sql_do(apply->store, "let a place go", "release savepoint records", NULL, NULL,
                      err) &&
               note_records(apply, result, count, err);
    if (problem.kind != ERROR_DATA) {
        *err = problem;
        return false;
    }
    if (!sql_do(apply->store, "go back", "rollback to savepoint records", NULL, NULL, err) ||
        !sql_do(apply->store, "let a place go", "release savepoint records", NULL, NULL, err))
        return false;
    if (count == 1)
        return refuse(apply, changes, err);
    size_t half = count / 2;
    return apply_records(apply, changes, half, err) &&
           apply_records(apply, changes + half, count - half, err);
}

/* Leaves out what a purge took away before: its ids are never used again. */
static bool drop_purged(Apply *apply, Change *changes, size_t *count, Error *err)
{
    SqlList subjects = sql_list(apply->arena, SQL_BYTES);
    for (size_t i = 0; i < *count; i++) {
        uint8_t subject[DIGEST_SIZE];
        if (!audit_subject(apply->store, apply->feed, changes[i].type, changes[i].id, subject, err))
            return false;
        sql_list_bytes(&subjects, subject, sizeof subject);
    }
    Sql sql = sql_new(apply->arena);
    sql_text(&sql, apply->feed);
    sql_add(&sql, &subjects);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(apply->store, "look for what was purged",
                 "select place - 1 from unnest($2::bytea[]) with ordinality u(subject, place)"
                 " where exists (select from purged_record p where p.feed = $1"
                 " and p.subject = u.subject)",
                 &sql, &result, err))
        return false;
    for (int row = 0; row < PQntuples(result); row++)
        changes[sql_get_number(result, row, 0)].type = NULL;
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (changes[i].type)
            changes[kept++] = changes[i];
    apply->counts.ignored += (int64_t)(*count - kept);
    *count = kept;
    return true;
}

static bool apply_run(Apply *apply, const Change *changes, size_t count, Error *err)
{
    if (!apply->has_purges)
        return apply_records(apply, changes, count, err);
    Change *copy = arena_array(apply->arena, count, sizeof *copy);
    memcpy(copy, changes, count * sizeof *copy);
    return drop_purged(apply, copy, &count, err) &&
           (!count || apply_records(apply, copy, count, err));
}

static bool is_record(const Change *change)
{
    return change->op == CHANGE_UPSERT || change->op == CHANGE_DELETE;
}

static bool apply_one(Apply *apply, const Change *change, Error *err)
{
    switch (change->op) {
    case CHANGE_MERGE:
    case CHANGE_UNMERGE:
        return source_apply_merge(apply, change, err);
    case CHANGE_RESTRICT:
    case CHANGE_UNRESTRICT:
        return source_apply_restrict(apply, change, err);
    default:
        return source_apply_purge(apply, change, err);
    }
}

#define OWNER(type, field, parent)
#define USES(type, field) " or '" #type ":' || (s.record ->> '" #field "') = any($2::text[])"
static const char find_users[] = "select distinct s.person from source_record s where s.feed = $1 "
                                 "and s.person is not null and (false"
#include "daemon/store/owner.def"
                                 ")";
#undef OWNER
#undef USES

/* A partner's national rows depend on its lead: both are "used" by who uses either. */
static bool queue_users(Apply *apply, Error *err)
{
    Sql sql = sql_new(apply->arena);
    SqlList names = names_list(&apply->references, apply->arena);
    sql_text(&sql, apply->feed);
    sql_add(&sql, &names);
    _cleanup_result_ PGresult *partners = NULL, *users = NULL;
    if (!sql_do(apply->store, "note a change of reference records",
                "update feed_state set reference_version = reference_version + 1 where feed = $1 "
                "and $2::text[] is not null",
                &sql, NULL, err) ||
        !sql_run(apply->store, "look for partners of an organisation",
                 "select 'organisation:' || id from source_record where feed = $1 and type = "
                 "'organisation' "
                 "and ('organisation:' || (record ->> 'parent') = any($2::text[]) "
                 "or 'organisation:' || (record ->> 'submitting_org') = any($2::text[]))",
                 &sql, &partners, err))
        return false;
    for (int row = 0; row < PQntuples(partners); row++)
        names_add(&apply->references, sql_get_text(partners, row, 0, apply->arena), apply->arena);
    Sql ask = sql_new(apply->arena);
    SqlList all = names_list(&apply->references, apply->arena);
    sql_text(&ask, apply->feed);
    sql_add(&ask, &all);
    if (!sql_run(apply->store, "look for who uses a reference record", find_users, &ask, &users,
                 err))
        return false;
    for (int row = 0; row < PQntuples(users); row++)
        names_add(&apply->people, sql_get_text(users, row, 0, apply->arena), apply->arena);
    return months_touch(apply->store, err);
}

bool source_queue(Apply *apply, Error *err)
{
    if (!apply->people.count && !apply->other_people.count)
        return true;
    Sql sql = sql_new(apply->arena);
    SqlList people = names_list(&apply->people, apply->arena),
            other_feeds = names_list(&apply->other_feeds, apply->arena),
            other_people = names_list(&apply->other_people, apply->arena);
    sql_text(&sql, apply->feed);
    sql_add(&sql, &people);
    sql_add(&sql, &other_feeds);
    sql_add(&sql, &other_people);
    _cleanup_result_ PGresult *result = NULL;
    /* In order, so that two who queue the same people wait for each other and never in a circle.
     * Who waits already is only locked, so that nobody claims them before these records are there.
     * Who was set aside gets another try, alone, for the records may be better now. */
    if (!sql_run(apply->store, "queue people for mapping",
                 "with p as materialized (select $1::text collate \"C\" as feed,"
                 " unnest($2::text[]) collate \"C\" as person"
                 " union select * from unnest($3::text[], $4::text[])),"
                 " q as (insert into work (feed, person, queued_at, due_at)"
                 " select feed, person, mhsflow.now(), mhsflow.now() from p"
                 " order by feed, person" ON_QUEUED_AGAIN
                 " where work.claimed_until is not null or work.quarantined or work.attempts > 0"
                 " or work.crash_count > 1 or work.due_at > excluded.due_at)"
                 " select count(*) from p",
                 &sql, &result, err))
        return false;
    apply->counts.people += sql_get_number(result, 0, 0);
    return store_notify(apply->store, CHANNEL_WORK, err);
}

static bool lock_feed(Apply *apply, Error *err)
{
    Sql sql = sql_new(apply->arena);
    sql_text(&sql, apply->feed);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(apply->store, "lock a feed",
                 "select round, exists (select from purge p where p.feed = $1),"
                 " (select rule from match_setting),"
                 " exists (select from person_merge m where m.feed = $1 and m.round < f.round)"
                 " from feed_state f where feed = $1 for update",
                 &sql, &result, err))
        return false;
    if (PQntuples(result) == 0)
        return error_set(err, ERROR_CONFIG, "feed.unknown",
                         "cannot store: feed \"%s\" is not registered", apply->feed);
    apply->round = sql_get_number(result, 0, 0);
    apply->has_purges = sql_get_bool(result, 0, 1);
    apply->rule = match_rule_of(sql_get_text(result, 0, 2, apply->arena));
    apply->has_old_merges = sql_get_bool(result, 0, 3);
    return true;
}

static bool count_live(Apply *apply, Error *err)
{
    if (!apply->live)
        return true;
    Sql sql = sql_new(apply->arena);
    sql_text(&sql, apply->feed);
    sql_number(&sql, apply->live);
    return sql_do(apply->store, "count records",
                  "update feed_state set records = records + $2 where feed = $1", &sql, NULL, err);
}

bool source_apply(Store *store, const char *feed, const Change *changes, size_t count,
                  SourceCounts *ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(PAGE_CAP);
    Apply apply = {.store = store, .feed = feed, .arena = arena};
    apply.counts.changes = (int64_t)count;
    if (!sql_wants_transaction(store, err) || !lock_feed(&apply, err))
        return false;
    for (size_t i = 0; i < count;) {
        size_t run = i;
        while (run < count && is_record(&changes[run]))
            run++;
        if (run > i ? !apply_run(&apply, changes + i, run - i, err)
                    : !apply_one(&apply, &changes[i], err))
            return false;
        i = run > i ? run : i + 1;
    }
    if ((apply.references.count && !queue_users(&apply, err)) || !source_match(&apply, err) ||
        !source_queue(&apply, err) || !count_live(&apply, err))
        return false;
    *ret = apply.counts;
    return true;
}
