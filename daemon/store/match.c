/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps what people are known by, and who goes under whose local id, in the page's transaction. */
#include "daemon/store/match.h"

#include "daemon/store/audit.h"
#include "daemon/store/finding.h"
#include "daemon/store/source_private.h"

#include <string.h>

#define RUN_CAP ((size_t)1 << 30)

static const struct {
    const char *code, *message, *remedy;
    bool doubtful;
} verdicts[MATCH_COUNT] = {
#define MATCH(name, code, doubtful, message, remedy)                                               \
    [MATCH_##name] = {code, message, remedy, doubtful},
#include "daemon/store/match.def"
#undef MATCH
};

/* One look at some people and everyone whom their numbers and global ids connect with them. */
typedef struct Look {
    Apply *apply;
    Arena *arena;
    Names numbers, globals; /* old and new ones of who changed */
    Names feeds, people;    /* who changed */
    Names apart_feeds, apart_people;
    SqlList together[5]; /* feed, person, lead's feed, lead's person, rule */
    Names looked_feeds, looked_people;
    Finding *findings;
    size_t finding_count, finding_capacity;
} Look;

/* Two pages must not look at one person at the same time, each without the other's change. */
static bool lock_matching(Store *store, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    return sql_run(store, "wait for other matching",
                   "select pg_advisory_xact_lock(hashtextextended('mhsflow.match', 0))", NULL,
                   &result, err);
}

/* ---- what people are known by ---- */

static bool refresh(Look *look, const char *feed, const Names *people, Error *err)
{
    Sql sql = sql_new(look->arena);
    SqlList list = names_list(people, look->arena);
    sql_text(&sql, feed);
    sql_add(&sql, &list);
    sql_bool(&sql, look->apply->rule != MATCH_RULE_NO);
    sql_bool(&sql, look->apply->rule == MATCH_RULE_GLOBAL_ID);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            look->apply->store, "note what people are known by",
            "with p as (select distinct unnest($2::text[]) collate \"C\" as person),"
            " s as materialized (select p.person,"
            " case when $3 then to_nhs_number(word(r.record -> 'nhs_number')) end as number,"
            " to_day(word(r.record -> 'birth_date')) as birth,"
            " case when $4 then nullif(word(r.record -> 'global_id'), '') end as global"
            " from p left join lateral (select record from source_record r where r.feed = $1"
            " and r.type = 'person' and r.id = p.person and r.person = r.id and not r.deleted"
            " limit 1) r on true),"
            " n as (select person, number, global,"
            " case when number is not null or global is not null then birth end as birth from s),"
            " c as materialized (select n.*, i.nhs_number as old_number, i.global_id as old_global"
            " from n left join lateral (select * from person_identity i where i.feed = $1"
            " and i.person = n.person limit 1) i on true where (n.number, n.birth, n.global)"
            " is distinct from (i.nhs_number, i.birth_date, i.global_id)),"
            " gone as (delete from person_identity i using c where i.feed = $1"
            " and i.person = c.person and c.number is null and c.global is null),"
            " kept as (insert into person_identity (feed, person, nhs_number, birth_date, "
            "global_id)"
            " select $1, person, number, birth, global from c where number is not null"
            " or global is not null order by person on conflict (feed, person) do update set"
            " nhs_number = excluded.nhs_number, birth_date = excluded.birth_date,"
            " global_id = excluded.global_id)"
            " select person, number, old_number, global, old_global from c",
            &sql, &result, err))
        return false;
    for (int row = 0; row < PQntuples(result); row++) {
        names_add(&look->feeds, feed, look->arena);
        names_add(&look->people, sql_get_text(result, row, 0, look->arena), look->arena);
        for (int column = 1; column <= 2; column++) {
            names_add(&look->numbers, sql_get_text(result, row, column, look->arena), look->arena);
            names_add(&look->globals, sql_get_text(result, row, column + 2, look->arena),
                      look->arena);
        }
    }
    return true;
}

/* ---- whom that connects ---- */

static bool read_connected(Look *look, Identity **ret, size_t *ret_count, Error *err)
{
    Sql sql = sql_new(look->arena);
    const Names *lists[] = {&look->numbers, &look->globals, &look->feeds, &look->people};
    SqlList list[COUNT_OF(lists)];
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        list[i] = names_list(lists[i], look->arena);
        sql_add(&sql, &list[i]);
    }
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            look->apply->store, "look for people known by the same",
            "with c as materialized (select * from people_known_by($1::text[], $2::text[]))"
            " select c.feed, c.person, c.nhs_number, c.birth_date::text, c.global_id, c.known,"
            " m.lead_feed, m.lead_person from c left join person_match m"
            " on m.feed = c.feed and m.person = c.person"
            " union all select u.feed, u.person, null, null, null, 0, m.lead_feed, m.lead_person"
            " from (select distinct * from unnest($3::text[], $4::text[])) u(feed, person)"
            " left join person_match m on m.feed = u.feed and m.person = u.person"
            " where not exists (select from c where c.feed = u.feed and c.person = u.person)"
            " order by 6, 1, 2",
            &sql, &result, err))
        return false;
    *ret_count = (size_t)PQntuples(result);
    *ret = arena_array(look->arena, *ret_count + 1, sizeof **ret);
    for (int row = 0; row < PQntuples(result); row++)
        (*ret)[row] = (Identity){.feed = sql_get_text(result, row, 0, look->arena),
                                 .person = sql_get_text(result, row, 1, look->arena),
                                 .nhs_number = sql_get_text(result, row, 2, look->arena),
                                 .birth_date = sql_get_text(result, row, 3, look->arena),
                                 .global_id = sql_get_text(result, row, 4, look->arena),
                                 .known = sql_get_number(result, row, 5),
                                 .lead_feed = sql_get_text(result, row, 6, look->arena),
                                 .lead_person = sql_get_text(result, row, 7, look->arena)};
    return true;
}

/* ---- what comes of it ---- */

static void queue(Look *look, const char *feed, const char *person)
{
    if (!feed)
        return;
    names_add(&look->apply->other_feeds, arena_text(look->apply->arena, feed), look->apply->arena);
    names_add(&look->apply->other_people, arena_text(look->apply->arena, person),
              look->apply->arena);
}

static bool audit_move(Look *look, const Identity *one, AuditEvent event, Error *err)
{
    uint8_t subject[DIGEST_SIZE];
    return audit_subject(look->apply->store, one->feed, "person", one->person, subject, err) &&
           audit_append(look->apply->store, event,
                        &(AuditFields){.feed = one->feed,
                                       .subject = subject,
                                       .code = match_rule_name(look->apply->rule)},
                        err);
}

/* `lead` NULL: on its own. */
static bool move(Look *look, const Identity *one, const Identity *lead, Error *err)
{
    bool stays = lead ? one->lead_feed && strcmp(one->lead_feed, lead->feed) == 0 &&
                            strcmp(one->lead_person, lead->person) == 0
                      : !one->lead_feed;
    if (stays)
        return true;
    names_add(&look->apart_feeds, one->feed, look->arena);
    names_add(&look->apart_people, one->person, look->arena);
    queue(look, one->feed, one->person);
    queue(look, one->lead_feed, one->lead_person);
    if (one->lead_feed && !audit_move(look, one, AUDIT_PERSON_PARTED, err))
        return false;
    if (!lead)
        return true;
    const char *const texts[] = {one->feed, one->person, lead->feed, lead->person,
                                 match_rule_name(look->apply->rule)};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        sql_list_text(&look->together[i], texts[i]);
    queue(look, lead->feed, lead->person);
    return audit_move(look, one, AUDIT_PERSON_MATCHED, err);
}

static void say(Look *look, const Identity *one, const Identity *other, MatchVerdict verdict)
{
    look->findings = arena_grow(look->arena, look->findings, look->finding_count,
                                &look->finding_capacity, sizeof *look->findings);
    look->findings[look->finding_count++] =
        (Finding){.source = FINDING_MATCH,
                  .rule = verdicts[verdict].code,
                  .severity = verdicts[verdict].doubtful ? "warning" : "note",
                  .feed = one->feed,
                  .person = one->person,
                  .record_type = "person",
                  .record_id = one->person,
                  .message = arena_format(look->arena, "%s (feed \"%s\")",
                                          verdicts[verdict].message, other->feed),
                  .remedy = verdicts[verdict].remedy};
}

/* Somebody of another feed where there is one. */
static const Identity *other_than(const Identity *people, size_t count, size_t at)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(people[i].feed, people[at].feed) != 0)
            return &people[i];
    return &people[at];
}

static bool settle_group(Look *look, const Identity *people, size_t count, Error *err)
{
    size_t lead = 0;
    MatchVerdict verdict = match_decide(people, count, look->apply->rule, &lead);
    for (size_t i = 0; i < count; i++) {
        const Identity *under = verdict == MATCH_SAME && i != lead ? &people[lead] : NULL;
        names_add(&look->looked_feeds, people[i].feed, look->arena);
        names_add(&look->looked_people, people[i].person, look->arena);
        if (!move(look, &people[i], under, err))
            return false;
        if (under || verdicts[verdict].doubtful)
            say(look, &people[i], under ? under : other_than(people, count, i), verdict);
    }
    return true;
}

static bool write_moves(Look *look, Error *err)
{
    Sql apart = sql_new(look->arena), together = sql_new(look->arena), old = sql_new(look->arena);
    SqlList feeds = names_list(&look->apart_feeds, look->arena),
            people = names_list(&look->apart_people, look->arena),
            looked_feeds = names_list(&look->looked_feeds, look->arena),
            looked_people = names_list(&look->looked_people, look->arena);
    bool moved = look->apart_people.count > 0;
    sql_add(&apart, &feeds);
    sql_add(&apart, &people);
    for (size_t i = 0; i < COUNT_OF(look->together); i++)
        sql_add(&together, &look->together[i]);
    sql_add(&old, &looked_feeds);
    sql_add(&old, &looked_people);
    Store *store = look->apply->store;
    return (!moved ||
            (sql_do(
                 store, "let people part",
                 "delete from person_match m using unnest($1::text[], $2::text[]) u(feed, person)"
                 " where m.feed = u.feed and m.person = u.person",
                 &apart, NULL, err) &&
             sql_do(store, "put people together",
                    "insert into person_match (feed, person, lead_feed, lead_person, rule)"
                    " select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], "
                    "$5::text[])",
                    &together, NULL, err))) &&
           sql_do(store, "clear findings of matching",
                  "delete from finding f using unnest($1::text[], $2::text[]) u(feed, person)"
                  " where f.feed = u.feed and f.person = u.person and f.gen_to is null"
                  " and f.source = 'match'",
                  &old, NULL, err) &&
           finding_add(store, look->findings, look->finding_count, err);
}

static bool settle(Look *look, Error *err)
{
    Identity *people;
    size_t count;
    if (!look->people.count)
        return true;
    if (!arena_check(look->arena, err) || !read_connected(look, &people, &count, err))
        return false;
    for (size_t i = 0; i < COUNT_OF(look->together); i++)
        look->together[i] = sql_list(look->arena, SQL_TEXT);
    match_groups(people, count, look->apply->rule);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && people[to].group == people[from].group;)
            to++;
        if (!settle_group(look, &people[from], to - from, err))
            return false;
    }
    return write_moves(look, err);
}

/* ---- when ---- */

bool source_match(Apply *apply, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(RUN_CAP);
    Look look = {.apply = apply, .arena = arena};
    if (apply->rule == MATCH_RULE_NO || !apply->identities.count)
        return true;
    return lock_matching(apply->store, err) &&
           refresh(&look, apply->feed, &apply->identities, err) && settle(&look, err);
}

/* Who goes under another's local id until now, though the rule may no longer know them by anything.
 */
static bool add_followers(Look *look, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(look->apply->store, "look for people put together",
                 "select feed, person from person_match", NULL, &result, err))
        return false;
    for (int row = 0; row < PQntuples(result); row++) {
        names_add(&look->feeds, sql_get_text(result, row, 0, look->arena), look->arena);
        names_add(&look->people, sql_get_text(result, row, 1, look->arena), look->arena);
    }
    return true;
}

/* Everyone who has, or had, something to be known by. */
static bool look_at_everyone(Apply *apply, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(RUN_CAP);
    _cleanup_result_ PGresult *result = NULL;
    Look look = {.apply = apply, .arena = arena};
    Names people = {0};
    const char *feed = NULL;
    if (!sql_run(apply->store, "look for people",
                 "select feed, id from source_record where type = 'person' order by feed, seq, id",
                 NULL, &result, err))
        return false;
    for (int row = 0; row <= PQntuples(result); row++) {
        bool end = row == PQntuples(result);
        if (feed && (end || strcmp(feed, PQgetvalue(result, row, 0)) != 0)) {
            if (!refresh(&look, feed, &people, err))
                return false;
            people.count = 0;
        }
        if (end)
            break;
        feed = sql_get_text(result, row, 0, arena);
        names_add(&people, sql_get_text(result, row, 1, arena), arena);
    }
    return add_followers(&look, err) && settle(&look, err);
}

bool match_settings(Store *store, MatchRule rule, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new(RUN_CAP);
    Sql sql = sql_new(arena);
    sql_text(&sql, match_rule_name(rule));
    Apply apply = {.store = store, .arena = arena, .rule = rule};
    int64_t changed;
    if (!store_begin(store, &transaction, err) || !lock_matching(store, err) ||
        !sql_do(store, "note the rule of matching",
                "insert into match_setting as s (rule) values ($1) on conflict (only_row)"
                " do update set rule = excluded.rule where s.rule <> excluded.rule",
                &sql, &changed, err))
        return false;
    if (!changed)
        return store_commit(&transaction, err);
    /* The rule may know people by something else: all of it is noted anew. */
    return sql_do(store, "forget what people are known by", "delete from person_identity", NULL,
                  NULL, err) &&
           finding_clear(store, FINDING_MATCH, NULL, NULL, err) && look_at_everyone(&apply, err) &&
           source_queue(&apply, err) &&
           audit_append(
               store, AUDIT_SETTINGS_SWITCHED,
               &(AuditFields){.code = match_rule_name(rule), .people = apply.counts.people}, err) &&
           store_commit(&transaction, err);
}

bool match_lead(Store *store, const char **feed, const char **person, Arena *arena, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, *feed);
    sql_text(&sql, *person);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "look for whom a person goes under",
                 "select lead_feed, lead_person from person_match where feed = $1 and person = $2",
                 &sql, &result, err))
        return false;
    if (PQntuples(result)) {
        *feed = sql_get_text(result, 0, 0, arena);
        *person = sql_get_text(result, 0, 1, arena);
    }
    return true;
}
