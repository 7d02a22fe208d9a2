/* SPDX-License-Identifier: Apache-2.0 */
/* The seal's tables. */
#include "daemon/store/seal.h"

#include "daemon/store/store_private.h"

#include <stdio.h>

#define ENDED                                                                                      \
    "(e.xact is null or e.xact < pg_snapshot_xmin(pg_current_snapshot()) "                         \
    "or e.xact >= pg_snapshot_xmax(pg_current_snapshot()))"
#define NO_PLACE "not exists (select from audit_leaf l where l.number = e.number)"

bool seal_lock(Store *store, int64_t *ret_newest, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_wants_transaction(store, err) ||
        !sql_do(store, "wait for another sealer",
                "select pg_advisory_xact_lock(hashtext('mhsflow.seal'))", NULL, NULL, err) ||
        !sql_run(store, "look for the newest checkpoint",
                 "select max(number) from audit_checkpoint", NULL, &result, err))
        return false;
    *ret_newest = sql_get_number(result, 0, 0);
    return true;
}

/* Before the events are read: what ends meanwhile is then looked at again, never passed over. */
static bool read_bound(Store *store, char *ret, size_t room, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "look for events to seal",
                 "select pg_snapshot_xmin(pg_current_snapshot())::text", NULL, &result, err))
        return false;
    snprintf(ret, room, "%s", PQgetvalue(result, 0, 0));
    return true;
}

bool seal_next(Store *store, SealPlace *place, size_t limit, Arena *arena, SealLeaf **ret,
               size_t *ret_count, bool *ret_more, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    char bound[sizeof place->text];
    Sql sql = sql_new(arena);
    if (!sql_wants_transaction(store, err) || !read_bound(store, bound, sizeof bound, err))
        return false;
    sql_number(&sql, (int64_t)limit + 1);
    if (place->below)
        sql_text(&sql, place->below);
    if (!sql_run(store, "look for events to seal",
                 place->below
                     ? "select e.number, e.hash from audit_event e where e.xact >= "
                       "$2::xid8 and " ENDED " and " NO_PLACE " order by e.xact, e.number limit $1"
                     : "select e.number, e.hash from audit_event e where " ENDED " and " NO_PLACE
                       " order by e.xact nulls first, e.number limit $1",
                 &sql, &result, err))
        return false;
    size_t found = (size_t)PQntuples(result), count = found > limit ? limit : found;
    SealLeaf *leaves = arena_array(arena, count + 1, sizeof *leaves);
    for (size_t i = 0; i < count; i++) {
        leaves[i].number = sql_get_number(result, (int)i, 0);
        sql_get_digest(result, (int)i, 1, leaves[i].hash);
    }
    if (found <= limit) {
        snprintf(place->text, sizeof place->text, "%s", bound);
        place->below = place->text;
    }
    *ret = leaves;
    *ret_count = count;
    *ret_more = found > limit;
    return true;
}

bool seal_store(Store *store, const SealLeaf *leaves, size_t count,
                const SealCheckpoint *checkpoint, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
    SqlList leaf = sql_list(arena, SQL_NUMBER), number = sql_list(arena, SQL_NUMBER),
            hash = sql_list(arena, SQL_BYTES);
    Sql sql = sql_new(arena), head = sql_new(arena);
    if (!sql_wants_transaction(store, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        sql_list_number(&leaf, leaves[i].leaf);
        sql_list_number(&number, leaves[i].number);
        sql_list_bytes(&hash, leaves[i].hash, DIGEST_SIZE);
    }
    sql_add(&sql, &leaf);
    sql_add(&sql, &number);
    sql_add(&sql, &hash);
    sql_number(&head, checkpoint->number);
    sql_number(&head, checkpoint->size);
    sql_number(&head, checkpoint->at);
    sql_text(&head, checkpoint->note);
    return (count == 0 || sql_do(store, "seal events",
                                 "insert into audit_leaf (leaf, number, hash) "
                                 "select * from unnest($1::bigint[], $2::bigint[], $3::bytea[])",
                                 &sql, NULL, err)) &&
           sql_do(store, "write a checkpoint",
                  "insert into audit_checkpoint (number, size, at, note) "
                  "values ($1, $2, at($3), $4)",
                  &head, NULL, err);
}

static bool read_checkpoints(Store *store, const SealReader *reader, Arena *arena, Error *err)
{
    if (!reader->checkpoint)
        return true;
    for (int64_t last = 0;;) {
        _cleanup_result_ PGresult *result = NULL;
        arena_reset(arena);
        Sql sql = sql_new(arena);
        sql_number(&sql, last);
        if (!sql_run(store, "read the checkpoints",
                     "select number, size, (extract(epoch from at) * 1000000)::bigint, note "
                     "from audit_checkpoint where number > $1 order by number limit 1000",
                     &sql, &result, err))
            return false;
        for (int row = 0; row < PQntuples(result); row++) {
            SealCheckpoint checkpoint = {.number = sql_get_number(result, row, 0),
                                         .size = sql_get_number(result, row, 1),
                                         .at = sql_get_number(result, row, 2),
                                         .note = sql_get_text(result, row, 3, arena)};
            last = checkpoint.number;
            if (!reader->checkpoint(reader->data, &checkpoint, err))
                return false;
        }
        if (PQntuples(result) == 0)
            return true;
    }
}

static bool give_leaf(const SealReader *reader, const PGresult *result, int row, Arena *arena,
                      Error *err)
{
    SealLeaf leaf = {.leaf = sql_get_number(result, row, 0)};
    sql_get_digest(result, row, 1, leaf.hash);
    leaf.number = sql_get_number(result, row, 2);
    if (reader->with_events && leaf.number) {
        leaf.event = (AuditRecord){.number = leaf.number,
                                   .writer = sql_get_text(result, row, 3, arena),
                                   .seq = sql_get_number(result, row, 4),
                                   .at = sql_get_text(result, row, 5, arena),
                                   .event = sql_get_text(result, row, 6, arena),
                                   .fields = sql_get_text(result, row, 7, arena)};
        sql_get_digest(result, row, 8, leaf.event.previous);
        sql_get_digest(result, row, 9, leaf.event.hash);
    }
    return reader->leaf(reader->data, &leaf, err);
}

static bool read_leaves(Store *store, const SealReader *reader, Arena *arena, Error *err)
{
    if (!reader->leaf)
        return true;
    Sql sql = sql_new(arena);
    sql_number(&sql, reader->after);
    sql_number_or_null(&sql, reader->limit);
    if (!sql_do(store, "read the seal",
                reader->with_events
                    ? "declare leaves no scroll cursor for select l.leaf, l.hash, e.number, "
                      "e.writer, e.seq, to_char(e.at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
                      "e.event, e.fields, e.previous, e.hash from audit_leaf l left join "
                      "audit_event e on e.number = l.number where l.leaf >= $1 order by l.leaf "
                      "limit $2::bigint"
                    : "declare leaves no scroll cursor for select leaf, hash, number "
                      "from audit_leaf where leaf >= $1 order by leaf limit $2::bigint",
                &sql, NULL, err))
        return false;
    for (;;) {
        _cleanup_result_ PGresult *result = NULL;
        arena_reset(arena);
        if (!sql_run(store, "read the seal", "fetch 1000 from leaves", NULL, &result, err))
            return false;
        if (PQntuples(result) == 0)
            return true;
        for (int row = 0; row < PQntuples(result); row++)
            if (!give_leaf(reader, result, row, arena, err))
                return false;
    }
}

static bool count_unsealed(Store *store, int64_t *ret, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "count events without a seal",
                 "select count(*) from audit_event e where " NO_PLACE, NULL, &result, err))
        return false;
    *ret = sql_get_number(result, 0, 0);
    return true;
}

bool seal_read(Store *store, SealReader *reader, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)64 << 20);
    return store_begin(store, &transaction, err) &&
           sql_do(store, "read the seal", "set transaction isolation level repeatable read", NULL,
                  NULL, err) &&
           read_checkpoints(store, reader, arena, err) && read_leaves(store, reader, arena, err) &&
           (!reader->with_events || count_unsealed(store, &reader->unsealed, err)) &&
           store_commit(&transaction, err);
}

bool seal_documents(Store *store, Arena *arena, SealDocument **ret, size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "read what was signed",
                 "select id, document_digest, signature is not null from submission order by id",
                 NULL, &result, err))
        return false;
    *ret_count = (size_t)PQntuples(result);
    *ret = arena_array(arena, *ret_count + 1, sizeof **ret);
    for (size_t i = 0; i < *ret_count; i++) {
        uint8_t *digest = arena_alloc(arena, DIGEST_SIZE);
        sql_get_digest(result, (int)i, 1, digest);
        (*ret)[i] = (SealDocument){.submission = sql_get_number(result, (int)i, 0),
                                   .digest = digest,
                                   .is_signed = sql_get_bool(result, (int)i, 2)};
    }
    return true;
}
