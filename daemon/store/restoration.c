/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a backup in the place of the database, and begins a new epoch. */
#include "daemon/store/restoration.h"

#include "daemon/base/text.h"
#include "daemon/store/migrate.h"
#include "daemon/store/submission_private.h"

static bool nobody_at_work(Store *store, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "look who is at work",
                 "select count(*) from pg_stat_activity where datname = current_database()"
                 " and application_name like 'mhsflow %' and pid <> pg_backend_pid()",
                 NULL, &result, err))
        return false;
    int64_t count = sql_get_number(result, 0, 0);
    return !count || error_set(err, ERROR_CONFIG, "db.busy",
                               "cannot restore while %lld processes of mhsflow are at work: stop "
                               "all roles but the database",
                               (long long)count);
}

bool restoration_prepare(const char *conninfo, Error *err)
{
    /* After a restore that broke off, what was there first is still set aside: what it left goes.
     */
    static const char set_aside[] = "do $$ begin"
                                    " if to_regnamespace('" RESTORATION_MARK "') is not null then"
                                    "  drop schema if exists mhsflow cascade;"
                                    " elsif to_regnamespace('mhsflow') is not null then"
                                    "  alter schema mhsflow rename to " RESTORATION_MARK ";"
                                    " else create schema " RESTORATION_MARK "; end if; end $$";
    _cleanup_store_ Store *store = NULL;
    return store_open_unchecked(conninfo, "restore", &store, err) && nobody_at_work(store, err) &&
           sql_do(store, "set the database aside", set_aside, NULL, NULL, err);
}

bool restoration_undo(const char *conninfo, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    return store_open_unchecked(conninfo, "restore", &store, err) &&
           sql_do(store, "put the database back",
                  "do $$ begin drop schema if exists mhsflow cascade;"
                  " alter schema " RESTORATION_MARK " rename to mhsflow; end $$",
                  NULL, NULL, err);
}

bool restoration_end(const char *conninfo, Error *err)
{
    _cleanup_store_ Store *store = NULL;
    return store_open_unchecked(conninfo, "restore", &store, err) &&
           sql_do(store, "remove what was there before", "drop schema " RESTORATION_MARK " cascade",
                  NULL, NULL, err);
}

/* One of a month may be asked about at a time: a newer one behind it waits for a person. */
static bool hold(Store *store, int64_t id, const char *actor, Arena *arena, Error *err)
{
    Sql sql = sql_new(arena);
    sql_number(&sql, id);
    sql_text(&sql, actor);
    return sql_do(store, "hold a submission",
                  "update submission set held_reason = 'restored', held_by = $2 where id = $1",
                  &sql, NULL, err) &&
           submission_move(store, id, SUBMISSION_READY, SUBMISSION_HELD, AUDIT_SUBMISSION_HELD, 0,
                           (AuditFields){.actor = actor}, err);
}

static bool ask_first(Store *store, const char *actor, Restoration *done, Arena *arena, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    /* What is on its way already comes first in its month. */
    if (!sql_run(store, "look what may have gone",
                 "select id, state, exists (select from submission_queue o where o.month_id = "
                 "q.month_id and o.id <> q.id and (o.state in ('sending', 'waiting', 'unsure')"
                 " or (o.state = 'ready' and o.id > q.id)))"
                 " from submission_queue q where state in ('ready', 'sending')"
                 " order by state = 'ready', id for update",
                 NULL, &result, err))
        return false;
    for (int row = 0; row < PQntuples(result); row++) {
        int64_t id = sql_get_number(result, row, 0);
        SubmissionState from = text_equal(PQgetvalue(result, row, 1), "sending")
                                   ? SUBMISSION_SENDING
                                   : SUBMISSION_READY;
        bool behind = from == SUBMISSION_READY && sql_get_bool(result, row, 2);
        if (behind ? !hold(store, id, actor, arena, err)
                   : !submission_move(store, id, from, SUBMISSION_UNSURE, AUDIT_SUBMISSION_UNSURE,
                                      0, (AuditFields){.code = "restored"}, err))
            return false;
        done->asked += !behind;
        done->held += behind;
    }
    return true;
}

static bool begin_epoch(Store *store, const char *actor, const uint8_t digest[DIGEST_SIZE],
                        Restoration *done, Arena *arena, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_text(&sql, actor);
    sql_bytes(&sql, digest, DIGEST_SIZE);
    if (!sql_run(
            store, "begin an epoch",
            "insert into restoration select coalesce(max(number), 0) + 1, mhsflow.now(), $1, $2"
            " from restoration returning number",
            &sql, &result, err))
        return false;
    done->epoch = sql_get_number(result, 0, 0);
    return sql_do(store, "forget who was there", "delete from presence", NULL, NULL, err) &&
           audit_append(store, AUDIT_DATABASE_RESTORED,
                        &(AuditFields){.actor = actor, .digest = digest, .generation = done->epoch},
                        err);
}

bool restoration_finish(const char *conninfo, const char *actor, const uint8_t digest[DIGEST_SIZE],
                        Restoration *ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
    _cleanup_store_ Store *store = NULL;
    _cleanup_transaction_ Transaction transaction = {0};
    Restoration done = {0};
    MigrateState schema;
    if (!migrate_run(conninfo, &schema, err) ||
        !store_open_unchecked(conninfo, "restore", &store, err) ||
        !store_begin(store, &transaction, err) ||
        !begin_epoch(store, actor, digest, &done, arena, err) ||
        !ask_first(store, actor, &done, arena, err) || !store_commit(&transaction, err))
        return false;
    *ret = done;
    return true;
}

bool restoration_holds(Store *store, const char *data_set, const char *provider, Month period,
                       bool *ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    sql_text(&sql, data_set);
    sql_text(&sql, provider);
    sql_number(&sql, period);
    if (!sql_run(store, "ask whether a person must look after a restore",
                 "select exists (select from restoration) and not exists (select from submission s"
                 " join submission_queue q using (id) where s.data_set = $1 and s.provider = $2"
                 " and s.period = $3 and s.revision > 1000 * (select max(number) from restoration)"
                 " and (q.state = 'accepted' or s.released_by is not null))",
                 &sql, &result, err))
        return false;
    *ret = sql_get_bool(result, 0, 0);
    return true;
}

bool restoration_last(Store *store, int64_t *ret_at, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "look for a restore", "select us(max(at)) from restoration", NULL, &result,
                 err))
        return false;
    *ret_at = sql_get_number(result, 0, 0);
    return true;
}

bool restoration_note_copy(const char *conninfo, const char *actor,
                           const uint8_t digest[DIGEST_SIZE], Error *err)
{
    _cleanup_store_ Store *store = NULL;
    _cleanup_transaction_ Transaction transaction = {0};
    return store_open_unchecked(conninfo, "backup", &store, err) &&
           store_begin(store, &transaction, err) &&
           audit_append(store, AUDIT_DATABASE_COPIED,
                        &(AuditFields){.actor = actor, .digest = digest}, err) &&
           store_commit(&transaction, err);
}
