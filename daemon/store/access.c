/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens and sessions of the pages. */
#include "daemon/store/access.h"

#include "daemon/base/text.h"
#include "daemon/store/audit.h"
#include "daemon/store/sql.h"

#include <openssl/rand.h>
#include <string.h>

#define ROLES "viewer, manager or auditor"

static void make_secret(char ret[ACCESS_SECRET_SIZE])
{
    uint8_t bytes[DIGEST_SIZE];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        abort(); /* no random numbers: no secrets */
    digest_hex(bytes, ret);
}

static void hash_secret(const char *secret, uint8_t ret[DIGEST_SIZE])
{
    digest_bytes(secret, strlen(secret), ret);
}

static bool check_words(const char *name, const char *role, Error *err)
{
    static const char *const roles[] = {"viewer", "manager", "auditor"};
    bool known = false;
    for (size_t i = 0; i < COUNT_OF(roles); i++)
        known |= text_equal(role, roles[i]);
    if (!known)
        return error_set(err, ERROR_CONFIG, "access.role",
                         "cannot make a token: its role is not " ROLES);
    if (!*name || strlen(name) > 64)
        return error_set(err, ERROR_CONFIG, "access.name",
                         "cannot make a token: its name is empty or has more than 64 characters");
    return true;
}

static bool write_token(Store *store, const char *name, const char *role, Day until,
                        const char *actor, const uint8_t *hash, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    char day[CIVIL_TEXT_SIZE];
    int64_t rows;
    Sql sql = sql_new(arena);
    sql_text(&sql, name);
    sql_text(&sql, role);
    sql_bytes(&sql, hash, DIGEST_SIZE);
    sql_text(&sql, actor);
    sql_text(&sql, civil_format_day(until, day));
    if (!sql_do(store, "make a token",
                "insert into console_token (name, role, hash, created_at, created_by, ends_at)"
                " select $1, $2, $3, mhsflow.now(), $4,"
                " ($5::date + 1)::timestamp at time zone 'Europe/London' where $5::date >= "
                "mhsflow.today()"
                " on conflict (name) do update set role = excluded.role, hash = excluded.hash,"
                " created_at = excluded.created_at, created_by = excluded.created_by,"
                " ends_at = excluded.ends_at, ended_by = null",
                &sql, &rows, err))
        return false;
    if (!rows)
        return error_set(err, ERROR_CONFIG, "access.until",
                         "cannot make a token: its last day is over");
    Sql sessions = sql_new(arena);
    sql_text(&sessions, name);
    return sql_do(store, "end sessions", "delete from console_session where name = $1", &sessions,
                  NULL, err);
}

bool access_make(Store *store, const char *name, const char *role, Day until, const char *actor,
                 char ret_token[ACCESS_SECRET_SIZE], Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    char secret[ACCESS_SECRET_SIZE];
    uint8_t hash[DIGEST_SIZE];
    make_secret(secret);
    hash_secret(secret, hash);
    if (!check_words(name, role, err) || !store_begin(store, &transaction, err) ||
        !write_token(store, name, role, until, actor, hash, err) ||
        !audit_append(store, AUDIT_TOKEN_MADE,
                      &(AuditFields){.actor = actor, .name = name, .code = role}, err) ||
        !store_commit(&transaction, err))
        return false;
    memcpy(ret_token, secret, ACCESS_SECRET_SIZE);
    return true;
}

bool access_end(Store *store, const char *name, const char *actor, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    _cleanup_transaction_ Transaction transaction = {0};
    int64_t rows;
    Sql sql = sql_new(arena), sessions = sql_new(arena);
    sql_text(&sql, name);
    sql_text(&sql, actor);
    sql_text(&sessions, name);
    if (!store_begin(store, &transaction, err) ||
        !sql_do(store, "end a token",
                "update console_token set ended_by = $2 where name = $1 and ended_by is null", &sql,
                &rows, err))
        return false;
    if (!rows)
        return error_set(err, ERROR_CONFIG, "access.unknown",
                         "cannot find a token of that name that holds");
    return sql_do(store, "end sessions", "delete from console_session where name = $1", &sessions,
                  NULL, err) &&
           audit_append(store, AUDIT_TOKEN_ENDED, &(AuditFields){.actor = actor, .name = name},
                        err) &&
           store_commit(&transaction, err);
}

bool access_list(Store *store, Arena *arena, AccessToken **ret, size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(
            store, "list tokens",
            "select name, role, created_by, ended_by, us(created_at), us(ends_at), ended_by is "
            "null and ends_at > mhsflow.now() from console_token order by name",
            NULL, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    AccessToken *all = arena_array(arena, count + 1, sizeof *all);
    for (int row = 0; row < (int)count; row++)
        all[row] = (AccessToken){.name = sql_get_text(result, row, 0, arena),
                                 .role = sql_get_text(result, row, 1, arena),
                                 .created_by = sql_get_text(result, row, 2, arena),
                                 .ended_by = sql_get_text(result, row, 3, arena),
                                 .created_at = sql_get_number(result, row, 4),
                                 .ends_at = sql_get_number(result, row, 5),
                                 .holds = sql_get_bool(result, row, 6)};
    *ret = all;
    *ret_count = count;
    return true;
}

/* `where`: which token; it has one parameter beside the session's hash. */
static bool begin_session(Store *store, const char *statement, Sql *sql, const char *way,
                          Arena *arena, AccessSession *ret, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_result_ PGresult *result = NULL;
    AccessSession session = {0};
    uint8_t hash[DIGEST_SIZE];
    make_secret(session.secret);
    hash_secret(session.secret, hash);
    sql_bytes(sql, hash, sizeof hash);
    if (!store_begin(store, &transaction, err) ||
        !sql_do(store, "sweep old sessions",
                "delete from console_session where seen_at < mhsflow.now() - interval '1 day'",
                NULL, NULL, err) ||
        !sql_run(store, "sign in", statement, sql, &result, err))
        return false;
    if (PQntuples(result)) {
        session.name = sql_get_text(result, 0, 0, arena);
        session.role = sql_get_text(result, 0, 1, arena);
        if (!audit_append(store, AUDIT_SIGNED_IN,
                          &(AuditFields){.actor = session.name, .code = way, .to = session.role},
                          err))
            return false;
    }
    if (!store_commit(&transaction, err))
        return false;
    *ret = session;
    return true;
}

#define BEGIN_SESSION(where)                                                                       \
    "with t as (select name, role from console_token where " where                                 \
    " and ended_by is null and ends_at > mhsflow.now()), s as (insert into console_session"        \
    " select $2, name, mhsflow.now(), mhsflow.now() from t) select name, role from t"

bool access_sign_in(Store *store, const char *token, Arena *arena, AccessSession *ret, Error *err)
{
    uint8_t hash[DIGEST_SIZE];
    Sql sql = sql_new(arena);
    hash_secret(token, hash);
    sql_bytes(&sql, hash, sizeof hash);
    return begin_session(store, BEGIN_SESSION("hash = $1"), &sql, "token", arena, ret, err);
}

bool access_admit(Store *store, const char *name, Arena *arena, AccessSession *ret, Error *err)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, name);
    return begin_session(store, BEGIN_SESSION("name = $1"), &sql, "proxy", arena, ret, err);
}

bool access_session(Store *store, const char *secret, const AccessLimits *limits, Arena *arena,
                    AccessSession *ret, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    AccessSession session = {0};
    uint8_t hash[DIGEST_SIZE];
    Sql sql = sql_new(arena);
    *ret = session;
    if (strlen(secret) != ACCESS_SECRET_SIZE - 1)
        return true;
    memcpy(session.secret, secret, ACCESS_SECRET_SIZE);
    hash_secret(secret, hash);
    sql_bytes(&sql, hash, sizeof hash);
    sql_number(&sql, limits->idle_ms);
    sql_number(&sql, limits->longest_ms);
    /* Seen is written at most once a minute: a page is a read. */
    if (!sql_run(store, "look for a session",
                 "with s as (select s.hash, s.seen_at, t.name, t.role from console_session s join"
                 " console_token t using (name) where s.hash = $1 and t.ended_by is null"
                 " and t.ends_at > mhsflow.now() and s.seen_at > mhsflow.now() - ms($2)"
                 " and s.started_at > mhsflow.now() - ms($3)),"
                 " u as (update console_session c set seen_at = mhsflow.now() from s"
                 " where c.hash = s.hash and s.seen_at < mhsflow.now() - least(interval '1 minute',"
                 " ms($2 / 4))) select name, role from s",
                 &sql, &result, err))
        return false;
    if (PQntuples(result)) {
        session.name = sql_get_text(result, 0, 0, arena);
        session.role = sql_get_text(result, 0, 1, arena);
        *ret = session;
    }
    return true;
}

bool access_sign_out(Store *store, const AccessSession *session, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    uint8_t hash[DIGEST_SIZE];
    Sql sql = sql_new(arena);
    hash_secret(session->secret, hash);
    sql_bytes(&sql, hash, sizeof hash);
    return sql_do(store, "sign out", "delete from console_session where hash = $1", &sql, NULL,
                  err);
}
