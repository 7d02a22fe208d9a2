/* SPDX-License-Identifier: Apache-2.0 */
/* Changes that are not a record: merge and unmerge, restrict and unrestrict, purge. */
#include "daemon/store/audit.h"
#include "daemon/store/source_private.h"

#include <string.h>

static bool audit_about(Apply *apply, AuditEvent event, const char *type, const char *id,
                        AuditFields fields, Error *err)
{
    uint8_t subject[DIGEST_SIZE];
    if (!audit_subject(apply->store, apply->feed, type, id, subject, err))
        return false;
    fields.feed = apply->feed;
    fields.subject = subject;
    return audit_append(apply->store, event, &fields, err);
}

/* The merge graph has an edge from each merged person to the survivor; `final` is where the edges
 * end. An edge that would close a circle takes the place of the older one that it contradicts. */
static bool set_edge(Apply *apply, const char *merged, const char *survivor, const Change *change,
                     bool *ret_changed, Error *err)
{
    Sql sql = sql_new(apply->arena);
    sql_text(&sql, apply->feed);
    sql_text(&sql, merged);
    sql_text(&sql, survivor);
    sql_number(&sql, change->version);
    sql_number(&sql, apply->round);
    sql_number(&sql, change->seq);
    int64_t rows;
    if (!sql_do(apply->store, "keep a merge",
                "insert into person_merge as m (feed, merged, survivor, final, version, round, seq)"
                " values ($1, $2, $3, coalesce($3, $2), $4, $5, $6)"
                " on conflict (feed, merged) do update set survivor = excluded.survivor,"
                " version = excluded.version, round = excluded.round, seq = excluded.seq"
                " where (excluded.round, excluded.seq, excluded.version) > (m.round, m.seq,"
                " m.version) and (excluded.round > m.round or (excluded.survivor, excluded.version)"
                " is distinct from (m.survivor, m.version))",
                &sql, &rows, err))
        return false;
    *ret_changed = rows > 0;
    if (!rows || !survivor)
        return true;
    return sql_do(
        apply->store, "open a circle of merges",
        "with recursive chain(node, via) as (select $3::text collate \"C\", null::text collate "
        "\"C\""
        " union select m.survivor, m.merged from chain c join person_merge m on m.feed = $1"
        " and m.merged = c.node and m.survivor is not null)"
        " update person_merge m set survivor = null from chain c"
        " where c.node = $2 and m.feed = $1 and m.merged = c.via"
        " and ($4::bigint, $5::bigint, $6::bigint) is not null",
        &sql, NULL, err);
}

/* Everyone whom edges connect with $2. */
#define COMPONENT                                                                                  \
    "with recursive component(node) as (select $2::text collate \"C\""                             \
    " union select case when m.merged = c.node then m.survivor else m.merged end"                  \
    " from component c join person_merge m on m.feed = $1 and m.survivor is not null"              \
    " and (m.merged = c.node or m.survivor = c.node))"

/* Follow the edges anew for all of them, and give the records to whom the edges lead. */
static bool move_people(Apply *apply, const char *person, Error *err)
{
    Sql sql = sql_new(apply->arena);
    sql_text(&sql, apply->feed);
    sql_text(&sql, person);
    _cleanup_result_ PGresult *moved = NULL;
    if (!sql_do(apply->store, "follow merges",
                COMPONENT
                ", up(start, node) as (select node, node from component"
                " union select u.start, m.survivor from up u join person_merge m on m.feed = $1"
                " and m.merged = u.node and m.survivor is not null)"
                " update person_merge m set final = u.node from up u"
                " where m.feed = $1 and m.merged = u.start and not exists"
                " (select from person_merge x where x.feed = $1 and x.merged = u.node"
                " and x.survivor is not null)",
                &sql, NULL, err) ||
        !sql_run(
            apply->store, "move records to a survivor",
            COMPONENT
            /* Their own, still theirs or moved before: an index for each. */
            " update source_record s set person = x.final from (select m.final, o.type, o.id,"
            " o.person from component c join person_merge m on m.feed = $1 and m.merged = c.node"
            " cross join lateral (select r.* from source_record r where r.feed = $1"
            " and r.person = m.merged and r.owner = m.merged union all select r.* from"
            " source_record r where r.feed = $1 and r.owner = m.merged and r.owner <> r.person"
            " offset 0) o where o.person <> m.final) x"
            " where s.feed = $1 and s.type = x.type and s.id = x.id"
            " returning x.person, s.person",
            &sql, &moved, err))
        return false;
    for (int row = 0; row < PQntuples(moved); row++) {
        names_add(&apply->people, sql_get_text(moved, row, 0, apply->arena), apply->arena);
        names_add(&apply->people, sql_get_text(moved, row, 1, apply->arena), apply->arena);
    }
    return true;
}

static bool raise_version(Apply *apply, const Change *change, Error *err)
{
    Sql sql = sql_new(apply->arena);
    sql_text(&sql, apply->feed);
    sql_text(&sql, change->type);
    sql_text(&sql, change->id);
    sql_number(&sql, change->version);
    return sql_do(apply->store, "raise a record's version",
                  "update source_record set version = $4 where feed = $1 and type = $2 and id = $3"
                  " and version < $4",
                  &sql, NULL, err);
}

bool source_apply_merge(Apply *apply, const Change *change, Error *err)
{
    bool merge = change->op == CHANGE_MERGE;
    const char *survivor = change->survivor ? change->survivor : change->id;
    if (strcmp(change->type, "person") != 0) {
        /* Workers and organisations: their users come again with the survivor's id, or keep an id
         * that stays known; the reference lists are read again. */
        names_add(&apply->references, arena_format(apply->arena, "%s:%s", change->type, survivor),
                  apply->arena);
        for (size_t i = 0; i < change->merged_count; i++)
            names_add(&apply->references,
                      arena_format(apply->arena, "%s:%s", change->type, change->merged[i]),
                      apply->arena);
        apply->counts.merged++;
        return raise_version(apply, change, err);
    }
    bool any = false;
    for (size_t i = 0; i < change->merged_count; i++) {
        const char *merged = change->merged[i];
        bool changed;
        if (strcmp(merged, survivor) == 0)
            continue;
        if (!set_edge(apply, merged, merge ? survivor : NULL, change, &changed, err))
            return false;
        if (!changed)
            continue;
        any = true;
        names_add(&apply->people, arena_text(apply->arena, survivor), apply->arena);
        names_add(&apply->identities, arena_text(apply->arena, survivor), apply->arena);
        names_add(&apply->identities, arena_text(apply->arena, merged), apply->arena);
        if (!move_people(apply, merged, err) || !move_people(apply, survivor, err) ||
            !audit_about(apply, merge ? AUDIT_PERSON_MERGED : AUDIT_PERSON_UNMERGED, "person",
                         merged, (AuditFields){0}, err))
            return false;
    }
    if (any)
        apply->counts.merged++;
    else
        apply->counts.ignored++;
    return raise_version(apply, change, err);
}

bool source_part_again(Apply *apply, const Names *people, Error *err)
{
    Sql sql = sql_new(apply->arena);
    SqlList list = names_list(people, apply->arena);
    _cleanup_result_ PGresult *result = NULL;
    sql_text(&sql, apply->feed);
    sql_add(&sql, &list);
    sql_number(&sql, apply->round);
    if (!sql_run(apply->store, "take back merges that a feed read anew does not know",
                 "update person_merge m set survivor = null, round = $3, seq = 0 from"
                 " (select merged, survivor from person_merge where feed = $1"
                 " and merged = any($2::text[]) and survivor is not null and round < $3"
                 " order by merged for update) o where m.feed = $1 and m.merged = o.merged"
                 " returning m.merged, o.survivor",
                 &sql, &result, err))
        return false;
    for (int row = 0; row < PQntuples(result); row++) {
        const char *merged = sql_get_text(result, row, 0, apply->arena);
        const char *survivor = sql_get_text(result, row, 1, apply->arena);
        names_add(&apply->people, survivor, apply->arena);
        if (!move_people(apply, merged, err) || !move_people(apply, survivor, err) ||
            !audit_about(apply, AUDIT_PERSON_UNMERGED, "person", merged, (AuditFields){0}, err))
            return false;
    }
    return true;
}

bool source_apply_restrict(Apply *apply, const Change *change, Error *err)
{
    bool restricted = change->op == CHANGE_RESTRICT;
    Sql sql = sql_new(apply->arena);
    sql_text(&sql, apply->feed);
    sql_text(&sql, change->type);
    sql_text(&sql, change->id);
    sql_number(&sql, change->version);
    sql_number(&sql, apply->round);
    sql_bool(&sql, restricted);
    _cleanup_result_ PGresult *result = NULL;
    /* Before its record came, the flag waits in a stub. */
    if (!sql_run(apply->store, "restrict a record",
                 "insert into source_record as s (feed, type, id, version, round, deleted, "
                 "restricted, owner,"
                 " person) select $1, $2, $3, $4, $5, true, $6,"
                 " case when $2 = 'person' then $3 end,"
                 " case when $2 = 'person' then coalesce((select final from person_merge"
                 " where feed = $1 and merged = $3), $3) end"
                 " on conflict (feed, type, id) do update set version = excluded.version,"
                 " restricted = excluded.restricted where excluded.version > s.version"
                 " returning person",
                 &sql, &result, err))
        return false;
    if (PQntuples(result) == 0) {
        apply->counts.ignored++;
        return true;
    }
    apply->counts.restricted++;
    names_add(&apply->people, sql_get_text(result, 0, 0, apply->arena), apply->arena);
    if (strcmp(change->type, "person") == 0)
        names_add(&apply->people, arena_text(apply->arena, change->id), apply->arena);
    return audit_about(apply, restricted ? AUDIT_PERSON_RESTRICTED : AUDIT_PERSON_UNRESTRICTED,
                       change->type, change->id, (AuditFields){0}, err);
}

/* The keyed hash of all that went: a page that comes twice brings none of it back.  What only an
 * earlier reading knew goes too, but a restored server may give its id to another record; and a
 * record that was deleted before hangs where it was last seen, which may not be where it was. */
static bool keep_subjects(Apply *apply, const PGresult *gone, const Change *change, Error *err)
{
    SqlList subjects = sql_list(apply->arena, SQL_BYTES);
    Sql sql = sql_new(apply->arena);
    for (int row = -1; row < PQntuples(gone); row++) {
        uint8_t subject[DIGEST_SIZE];
        if (row >= 0 && (sql_get_bool(gone, row, 1) || sql_get_number(gone, row, 4) < apply->round))
            continue;
        const char *type = row < 0 ? change->type : PQgetvalue(gone, row, 2);
        const char *id = row < 0 ? change->id : PQgetvalue(gone, row, 3);
        if (!audit_subject(apply->store, apply->feed, type, id, subject, err))
            return false;
        sql_list_bytes(&subjects, subject, sizeof subject);
    }
    sql_text(&sql, apply->feed);
    sql_add(&sql, &subjects);
    return sql_do(apply->store, "keep what was purged",
                  "insert into purged_record (feed, subject) select $1, unnest($2::bytea[])"
                  " on conflict do nothing",
                  &sql, NULL, err);
}

/* The record, and what hangs on it, with all people they were counted to. */
static bool delete_records(Apply *apply, const Change *change, Names *ret_people,
                           int64_t *ret_records, Error *err)
{
    Sql sql = sql_new(apply->arena);
    sql_text(&sql, apply->feed);
    sql_text(&sql, change->type);
    sql_text(&sql, change->id);
    sql_number(&sql, apply->round);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(apply->store, "purge records",
                 /* Never from what only an earlier reading knew to what this one says. */
                 "with recursive tree(type, id, round) as (select $2::text collate \"C\","
                 " $3::text collate \"C\", $4::bigint union select s.type, s.id, s.round"
                 " from tree t join source_record s on s.feed = $1 and s.parent_type = t.type"
                 " and s.parent_id = t.id and s.round <= t.round)"
                 " delete from source_record s using tree t where s.feed = $1 and s.type = t.type "
                 "and s.id = t.id"
                 " returning s.person, s.deleted, s.type, s.id, s.round",
                 &sql, &result, err))
        return false;
    *ret_records = PQntuples(result);
    for (int row = 0; row < PQntuples(result); row++) {
        apply->live -= !sql_get_bool(result, row, 1);
        names_add(ret_people, sql_get_text(result, row, 0, apply->arena), apply->arena);
    }
    if (!keep_subjects(apply, result, change, err))
        return false;
    if (strcmp(change->type, "person") == 0)
        names_add(ret_people, arena_text(apply->arena, change->id), apply->arena);
    return true;
}

/* All rows ever made for these people go, also those that a past submission was made of: it is
 * marked, cannot be built again, and cannot leave.  Mappers in flight lose their claim. */
static bool delete_rows(Apply *apply, const Names *feeds, const Names *people, int64_t *ret_rows,
                        Error *err)
{
    Sql sql = sql_new(apply->arena);
    SqlList feed_list = names_list(feeds, apply->arena), list = names_list(people, apply->arena);
    sql_add(&sql, &feed_list);
    sql_add(&sql, &list);
    return sql_do(apply->store, "stop mappers of purged people",
                  "update work set fence = fence + 1, claimed_until = null, claimed_by = null"
                  " where (feed, person) in (select * from unnest($1::text[], $2::text[]))",
                  &sql, NULL, err) &&
           sql_do(
               apply->store, "mark submissions that a purge touches",
               "update submission s set purged = true from national_row r"
               " where (r.feed, r.person) in (select * from unnest($1::text[], $2::text[])) and "
               "r.provider = s.provider"
               " and s.period between r.first_month and r.last_month and r.gen_from <= s.generation"
               " and (r.gen_to is null or r.gen_to > s.generation) and not s.purged",
               &sql, NULL, err) &&
           sql_do(apply->store, "mark months that a purge touches",
                  "with r as (select distinct provider, first_month, last_month from national_row"
                  " where (feed, person) in (select * from unnest($1::text[], $2::text[]))),"
                  " p as (update provider set purged_generation = generation"
                  " where code in (select provider from r) returning code, generation)"
                  " insert into provider_month as m (provider, month, dirty_generation, "
                  "dirty_since, dirty_at,"
                  " reason) select distinct p.code, month, p.generation + 1, mhsflow.now(), "
                  "mhsflow.now(), 'purge'"
                  " from p join r on r.provider = p.code, generate_series(r.first_month, "
                  "r.last_month) month"
                  " on conflict (provider, month) do update set dirty_generation = "
                  "excluded.dirty_generation,"
                  " dirty_since = coalesce(m.dirty_since, excluded.dirty_since), dirty_at = "
                  "excluded.dirty_at,"
                  " reason = excluded.reason",
                  &sql, NULL, err) &&
           sql_do(apply->store, "purge findings",
                  "delete from finding where (feed, person) in (select * from unnest($1::text[], "
                  "$2::text[]))",
                  &sql, NULL, err) &&
           sql_do(apply->store, "purge rows",
                  "delete from national_row where (feed, person) in (select * from "
                  "unnest($1::text[], $2::text[]))",
                  &sql, ret_rows, err) &&
           store_notify(apply->store, CHANNEL_BUILD, err);
}

/* Rows that purged records are in may be made under another feed's local id. */
static bool add_leads(Apply *apply, Names *feeds, Names *people, Error *err)
{
    Sql sql = sql_new(apply->arena);
    SqlList list = names_list(people, apply->arena);
    sql_text(&sql, apply->feed);
    sql_add(&sql, &list);
    _cleanup_result_ PGresult *result = NULL;
    for (size_t i = 0; i < people->count; i++)
        names_add(feeds, apply->feed, apply->arena);
    if (!sql_run(apply->store, "look for whom purged people go under",
                 "select distinct lead_feed, lead_person from person_match"
                 " where feed = $1 and person = any($2::text[])",
                 &sql, &result, err))
        return false;
    for (int row = 0; row < PQntuples(result); row++) {
        const char *feed = sql_get_text(result, row, 0, apply->arena),
                   *person = sql_get_text(result, row, 1, apply->arena);
        names_add(feeds, feed, apply->arena);
        names_add(people, person, apply->arena);
        names_add(&apply->other_feeds, feed, apply->arena);
        names_add(&apply->other_people, person, apply->arena);
    }
    return true;
}

static bool purge_one(Apply *apply, const Change *change, Error *err)
{
    Names people = {0}, feeds = {0}, all = {0};
    int64_t records, rows = 0;
    uint8_t subject[DIGEST_SIZE];
    if (!delete_records(apply, change, &people, &records, err))
        return false;
    for (size_t i = 0; i < people.count; i++)
        names_add(&all, people.items[i], apply->arena);
    if (!add_leads(apply, &feeds, &all, err) ||
        (people.count && !delete_rows(apply, &feeds, &all, &rows, err)) ||
        !audit_subject(apply->store, apply->feed, change->type, change->id, subject, err))
        return false;
    Sql sql = sql_new(apply->arena);
    sql_text(&sql, apply->feed);
    sql_text(&sql, change->type);
    sql_bytes(&sql, subject, sizeof subject);
    sql_number(&sql, change->version);
    sql_text(&sql, change->reason);
    sql_number(&sql, records);
    sql_number(&sql, rows);
    if (strcmp(change->type, "person") == 0) {
        names_add(&apply->identities, arena_text(apply->arena, change->id), apply->arena);
        Sql edge = sql_new(apply->arena);
        sql_text(&edge, apply->feed);
        sql_text(&edge, change->id);
        if (!sql_do(apply->store, "purge a merge",
                    "delete from person_merge where feed = $1 and merged = $2", &edge, NULL, err))
            return false;
    }
    int64_t fresh;
    if (!sql_do(apply->store, "keep a purge",
                "insert into purge (feed, type, subject, version, purged_at, reason, records, rows)"
                " select $1, $2, $3, $4, mhsflow.now(), $5, $6, $7 where $6 > 0 or not exists"
                " (select from purge where feed = $1 and subject = $3)",
                &sql, &fresh, err))
        return false;
    if (!fresh) { /* the page came twice */
        apply->counts.ignored++;
        return true;
    }
    apply->counts.purged++;
    apply->has_purges = true;
    for (size_t i = 0; i < people.count; i++)
        names_add(&apply->people, people.items[i], apply->arena);
    return audit_about(apply, AUDIT_PURGED, change->type, change->id,
                       (AuditFields){.records = records, .rows = rows}, err);
}

/* Who was merged into the person is the same person, and goes first. */
bool source_apply_purge(Apply *apply, const Change *change, Error *err)
{
    Sql sql = sql_new(apply->arena);
    _cleanup_result_ PGresult *result = NULL;
    sql_text(&sql, apply->feed);
    sql_text(&sql, change->id);
    if (strcmp(change->type, "person") != 0)
        return purge_one(apply, change, err);
    if (!sql_run(apply->store, "look for who was merged into a purged person",
                 "select merged from person_merge where feed = $1 and final = $2"
                 " and merged <> $2 and survivor is not null order by merged",
                 &sql, &result, err))
        return false;
    for (int row = 0; row < PQntuples(result); row++) {
        Change merged = *change;
        merged.id = sql_get_text(result, row, 0, apply->arena);
        if (!purge_one(apply, &merged, err))
            return false;
    }
    return purge_one(apply, change, err);
}
