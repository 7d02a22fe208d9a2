/* SPDX-License-Identifier: Apache-2.0 */
/* Reading records back, and the consent that is in force. */
#include "daemon/store/source.h"

#include "daemon/store/audit.h"
#include "daemon/store/source_private.h"

#include <string.h>

const char *consent_name(ConsentDecision decision)
{
    static const char *const names[] = {
        [CONSENT_NONE] = "none",           [CONSENT_GIVEN] = "given",
        [CONSENT_REFUSED] = "refused",     [CONSENT_WITHDRAWN] = "withdrawn",
        [CONSENT_NOT_ASKED] = "not_asked", [CONSENT_LACKS_CAPACITY] = "lacks_capacity",
        [CONSENT_OTHER] = "other",
    };
    return names[decision];
}

ConsentDecision source_decision(const char *status, bool holds)
{
    if (!status)
        return CONSENT_NONE;
    if (strcmp(status, "given") == 0)
        return holds ? CONSENT_GIVEN : CONSENT_NONE; /* its valid_to has passed */
    for (ConsentDecision decision = CONSENT_REFUSED; decision < CONSENT_OTHER; decision++)
        if (strcmp(status, consent_name(decision)) == 0)
            return decision;
    return CONSENT_OTHER;
}

/* The view consent_in_force for one person: the same order, but one probe of an index each. */
#define CONSENT_OF_ONE                                                                             \
    "select d.id, d.status, d.status = 'given' and (d.valid_to is null"                            \
    " or d.valid_to >= mhsflow.today()) as holds from person_group(u.feed, u.person) g"            \
    " join consent_decision d on d.feed = g.feed and d.person = g.person"                          \
    " where d.purpose = $3 and d.valid_from <= mhsflow.today()"                                    \
    " order by d.valid_from desc, d.recorded_at desc nulls last, (d.status = 'given'), d.id desc " \
    "limit 1"

/* One row per asked person: place, status, holds, id, restricted, recheck day. */
bool source_bases(Store *store, const SqlList *feeds, const SqlList *people, const char *purpose,
                  Arena *arena, PersonBasis *ret, size_t count, Error *err)
{
    Sql sql = sql_new(arena);
    SqlList feed = *feeds, person = *people;
    sql_add(&sql, &feed);
    sql_add(&sql, &person);
    sql_text(&sql, purpose);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            store, "read consent",
            "select c.status, c.holds, c.id,"
            " exists (select from person_group(u.feed, u.person) g join source_record r"
            " on r.feed = g.feed and r.person = g.person where r.type = 'person' and r.restricted),"
            " (select min(day) - date '1970-01-01' from person_group(u.feed, u.person) g"
            " join consent_decision d on d.feed = g.feed and d.person = g.person,"
            " lateral (values (valid_from), (valid_to + 1)) v(day)"
            " where d.purpose = $3 and v.day > mhsflow.today())"
            " from unnest($1::text[], $2::text[]) with ordinality u(feed, person, place)"
            " left join lateral (" CONSENT_OF_ONE ") c on true order by place",
            &sql, &result, err))
        return false;
    for (int row = 0; row < PQntuples(result) && row < (int)count; row++)
        ret[row] = (PersonBasis){.decision = source_decision(sql_get_text(result, row, 0, arena),
                                                             sql_get_bool(result, row, 1)),
                                 .consent_id = sql_get_text(result, row, 2, arena),
                                 .restricted = sql_get_bool(result, row, 3),
                                 .recheck = (Day)sql_get_number(result, row, 4)};
    return true;
}

bool source_basis(Store *store, const char *feed, const char *person, const char *purpose,
                  Arena *arena, PersonBasis *ret, Error *err)
{
    SqlList feeds = sql_list(arena, SQL_TEXT), people = sql_list(arena, SQL_TEXT);
    sql_list_text(&feeds, feed);
    sql_list_text(&people, person);
    return source_bases(store, &feeds, &people, purpose, arena, ret, 1, err);
}

bool source_read_record(const PGresult *result, int row, const char *feed, Arena *arena,
                        Record **ret, Error *err)
{
    Record *record = arena_alloc(arena, sizeof *record);
    record->feed = feed;
    record->type = sql_get_text(result, row, 0, arena);
    record->id = sql_get_text(result, row, 1, arena);
    record->version = sql_get_number(result, row, 2);
    record->org = sql_get_text(result, row, 3, arena);
    if (!PQgetisnull(result, row, 4) &&
        !record_parse(PQgetvalue(result, row, 4), (size_t)PQgetlength(result, row, 4), arena,
                      &record->root, err))
        return error_wrap(err, "a stored record of type \"%s\"", record->type);
    *ret = record;
    return true;
}

bool source_get(Store *store, const char *feed, const char *type, const char *id, Arena *arena,
                Record **ret, const char **ret_person, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    sql_text(&sql, type);
    sql_text(&sql, id);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "read a record",
                 "select type, id, version, org, record, person from source_record"
                 " where feed = $1 and type = $2 and id = $3",
                 &sql, &result, err))
        return false;
    *ret = NULL;
    *ret_person = NULL;
    if (PQntuples(result) == 0)
        return true;
    *ret_person = sql_get_text(result, 0, 5, arena);
    return source_read_record(result, 0, arena_text(arena, feed), arena, ret, err);
}

bool source_standing(Store *store, const char *feed, const char *type, const char *id, Arena *arena,
                     RecordStanding *ret, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    sql_text(&sql, type);
    sql_text(&sql, id);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "see where a record stands",
                 "select deleted, restricted, owner is null and parent_id is not null, person,"
                 " parent_type, parent_id from source_record"
                 " where feed = $1 and type = $2 and id = $3",
                 &sql, &result, err))
        return false;
    *ret = (RecordStanding){0};
    if (PQntuples(result) == 0)
        return true;
    *ret = (RecordStanding){.held = true,
                            .deleted = sql_get_bool(result, 0, 0),
                            .restricted = sql_get_bool(result, 0, 1),
                            .parentless = sql_get_bool(result, 0, 2),
                            .person = sql_get_text(result, 0, 3, arena),
                            .parent_type = sql_get_text(result, 0, 4, arena),
                            .parent_id = sql_get_text(result, 0, 5, arena)};
    return true;
}

bool source_purged(Store *store, const char *type, const char *id, Arena *arena, bool *ret,
                   Error *err)
{
    FeedState *feeds;
    size_t count;
    *ret = false;
    if (!feed_list(store, arena, &feeds, &count, err))
        return false;
    for (size_t i = 0; i < count && !*ret; i++) {
        uint8_t subject[DIGEST_SIZE];
        Sql sql = sql_new(arena);
        _cleanup_result_ PGresult *result = NULL;
        if (!audit_subject(store, feeds[i].name, type, id, subject, err))
            return false;
        sql_text(&sql, feeds[i].name);
        sql_bytes(&sql, subject, sizeof subject);
        if (!sql_run(store, "look among what was purged",
                     "select from purged_record where feed = $1 and subject = $2", &sql, &result,
                     err))
            return false;
        *ret = PQntuples(result) > 0;
    }
    return true;
}

bool source_feeds_of(Store *store, const char *type, const char *id, Arena *arena,
                     const char ***ret, size_t *ret_count, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, type);
    sql_text(&sql, id);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "look for a record",
                 "select feed from feed_state f where exists (select from source_record s"
                 " where s.feed = f.feed and s.type = $1 and s.id = $2) order by feed",
                 &sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    const char **feeds = arena_array(arena, count + 1, sizeof *feeds);
    for (int row = 0; row < (int)count; row++)
        feeds[row] = sql_get_text(result, row, 0, arena);
    *ret = feeds;
    *ret_count = count;
    return true;
}

bool source_reference_version(Store *store, const char *feed, int64_t *ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "see whether reference records changed",
                 "select reference_version from feed_state where feed = $1", &sql, &result, err))
        return false;
    *ret = PQntuples(result) ? sql_get_number(result, 0, 0) : 0;
    return true;
}

bool source_reference(Store *store, const char *feed, Arena *arena, RecordList *ret,
                      int64_t *ret_version, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, feed);
    _cleanup_result_ PGresult *result = NULL;
    /* The number first: a change in between makes the list newer than it says, and it is read
     * again. */
    if (!source_reference_version(store, feed, ret_version, err) ||
        !sql_run(store, "read reference records",
                 "select type, id, version, org, record from source_record where feed = $1"
                 " and type in ('area', 'group_session', 'organisation', 'team', 'worker')"
                 " and not deleted and not restricted and record is not null order by type, id",
                 &sql, &result, err))
        return false;
    const char *name = arena_text(arena, feed);
    for (int row = 0; row < PQntuples(result); row++) {
        Record *record;
        if (!source_read_record(result, row, name, arena, &record, err))
            return false;
        record_list_add(ret, record, arena);
    }
    return true;
}
