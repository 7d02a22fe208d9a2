/* SPDX-License-Identifier: Apache-2.0 */
/* The seal's tables. */
#include "daemon/store/seal.h"

#include "daemon/store/copy.h"
#include "daemon/store/store_private.h"

#include <stdio.h>

#define ROWS_LIMIT ((size_t)64 << 20)

/* Looked up one by one: joined as a whole, each look would read all that is sealed. */
#define HAS_PLACE                                                                                  \
    "left join lateral (select true as there from audit_leaf l where l.number = e.number limit "   \
    "1) "                                                                                          \
    "sealed on true"

bool seal_lock(Store *store, int64_t *ret_newest, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_wants_transaction(store, err) ||
        !sql_do(store, "wait for another sealer",
                "select pg_advisory_xact_lock(hashtext('mhsflow.seal')), "
                "set_config('enable_sort', 'off', true)", /* the index has the order */
                NULL, NULL, err) ||
        !sql_run(store, "look for the newest checkpoint",
                 "select max(number) from audit_checkpoint", NULL, &result, err))
        return false;
    *ret_newest = sql_get_number(result, 0, 0);
    return true;
}

/* Before the events are read: what ends meanwhile is then looked at again, never passed over. */
static bool read_bound(Store *store, char ret[24], Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "look for events to seal",
                 "select pg_snapshot_xmin(pg_current_snapshot())::text", NULL, &result, err))
        return false;
    snprintf(ret, 24, "%s", PQgetvalue(result, 0, 0));
    return true;
}

/* Events of before transactions were noted, and of a server that this one was restored from.  They
 * do not come while a sealer runs, and so are looked for once. */
static bool find_foreign(Store *store, const Sql *sql, PGresult **ret, Error *err)
{
    return sql_run(store, "look for events to seal",
                   "select e.number, e.hash, e.xact, null from (select * from audit_event where "
                   "xact is null union all select * from audit_event where xact >= "
                   "pg_snapshot_xmax(pg_current_snapshot())) e " HAS_PLACE
                   " where sealed.there is null order by e.xact nulls first, e.number limit $1",
                   sql, ret, err);
}

/* Those that have a place too: they are passed over once, after each start. */
static bool find_own(Store *store, const SealPlace *place, size_t limit, Arena *arena,
                     PGresult **ret, Error *err)
{
    Sql sql = sql_new(arena);
    sql_number(&sql, (int64_t)limit + 1);
    sql_text(&sql, place->xact[0] ? place->xact : "0");
    sql_number(&sql, place->number);
    return sql_run(store, "look for events to seal",
                   "select e.number, e.hash, e.xact, sealed.there from (select number, hash, xact "
                   "from audit_event where (xact, number) > ($2::xid8, $3) and xact < "
                   "pg_snapshot_xmin(pg_current_snapshot()) order by xact, number limit $1) "
                   "e " HAS_PLACE " order by e.xact, e.number",
                   &sql, ret, err);
}

/* The first `limit` rows of a result that have no place yet; true in *ret_more: it has more rows.
 */
static void take_unsealed(const PGresult *result, size_t limit, Arena *arena, SealLeaf **ret,
                          size_t *ret_count, bool *ret_more)
{
    size_t rows = (size_t)PQntuples(result), end = rows > limit ? limit : rows, count = 0;
    SealLeaf *leaves = NULL;
    for (size_t row = 0; row < end; row++) {
        if (!PQgetisnull(result, (int)row, 3))
            continue;
        if (!leaves) /* passing over what is sealed takes no memory */
            leaves = arena_array(arena, end, sizeof *leaves);
        leaves[count].number = sql_get_number(result, (int)row, 0);
        sql_get_digest(result, (int)row, 1, leaves[count++].hash);
    }
    *ret = leaves;
    *ret_count = count;
    *ret_more = rows > limit;
}

static bool next_foreign(Store *store, size_t limit, Arena *arena, SealLeaf **ret,
                         size_t *ret_count, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    Sql sql = sql_new(arena);
    bool more;
    sql_number(&sql, (int64_t)limit);
    if (!find_foreign(store, &sql, &result, err))
        return false;
    take_unsealed(result, limit, arena, ret, ret_count, &more);
    return true;
}

static bool next_own(Store *store, SealPlace *place, size_t limit, Arena *arena, SealLeaf **ret,
                     size_t *ret_count, bool *ret_more, Error *err)
{
    char bound[sizeof place->xact];
    if (!read_bound(store, bound, err))
        return false;
    do {
        _cleanup_result_ PGresult *result = NULL;
        if (!find_own(store, place, limit, arena, &result, err))
            return false;
        take_unsealed(result, limit, arena, ret, ret_count, ret_more);
        int last = *ret_more ? (int)limit - 1 : 0;
        snprintf(place->xact, sizeof place->xact, "%s",
                 *ret_more ? PQgetvalue(result, last, 2) : bound);
        place->number = *ret_more ? sql_get_number(result, last, 0) : 0;
    } while (*ret_more && *ret_count == 0);
    return true;
}

bool seal_next(Store *store, SealPlace *place, size_t limit, Arena *arena, SealLeaf **ret,
               size_t *ret_count, bool *ret_more, Error *err)
{
    *ret_more = true;
    if (!sql_wants_transaction(store, err))
        return false;
    if (!place->own) {
        if (!next_foreign(store, limit, arena, ret, ret_count, err))
            return false;
        if (*ret_count > 0)
            return true;
        place->own = true;
    }
    return next_own(store, place, limit, arena, ret, ret_count, ret_more, err);
}

static bool store_leaves(Store *store, const SealLeaf *leaves, size_t count, Arena *arena,
                         Error *err)
{
    CopyIn in = copy_in_new(arena, ROWS_LIMIT, 3);
    for (size_t i = 0; i < count; i++) {
        copy_in_row(&in);
        copy_in_number(&in, leaves[i].leaf);
        copy_in_number(&in, leaves[i].number);
        copy_in_bytes(&in, leaves[i].hash, DIGEST_SIZE);
    }
    return count == 0 ||
           copy_in_run(store, "seal events", "audit_leaf (leaf, number, hash)", &in, err);
}

bool seal_store(Store *store, const SealLeaf *leaves, size_t count,
                const SealCheckpoint *checkpoints, size_t checkpoint_count, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(ROWS_LIMIT * 4);
    SqlList number = sql_list(arena, SQL_NUMBER), size = sql_list(arena, SQL_NUMBER),
            at = sql_list(arena, SQL_NUMBER), note = sql_list(arena, SQL_TEXT);
    Sql sql = sql_new(arena);
    for (size_t i = 0; i < checkpoint_count; i++) {
        sql_list_number(&number, checkpoints[i].number);
        sql_list_number(&size, checkpoints[i].size);
        sql_list_number(&at, checkpoints[i].at);
        sql_list_text(&note, checkpoints[i].note);
    }
    sql_add(&sql, &number);
    sql_add(&sql, &size);
    sql_add(&sql, &at);
    sql_add(&sql, &note);
    return store_leaves(store, leaves, count, arena, err) &&
           sql_do(store, "write checkpoints",
                  "insert into audit_checkpoint (number, size, at, note) "
                  "select number, size, at(us), note from unnest($1::bigint[], $2::bigint[], "
                  "$3::bigint[], $4::text[]) as c(number, size, us, note)",
                  &sql, NULL, err);
}

static bool take_checkpoint(void *data, const CopyRow *row, Error *err)
{
    const SealReader *reader = data;
    SealCheckpoint checkpoint = {
        .number = copy_number(row, 0), .size = copy_number(row, 1), .note = copy_text(row, 3)};
    copy_time(row, 2, &checkpoint.at);
    return reader->checkpoint(reader->data, &checkpoint, err);
}

static bool take_leaf(void *data, const CopyRow *row, Error *err)
{
    const SealReader *reader = data;
    SealLeaf leaf = {.leaf = copy_number(row, 0), .number = copy_number(row, 1)};
    copy_digest(row, 2, leaf.hash);
    return reader->leaf(reader->data, &leaf, err);
}

bool seal_read(Store *store, SealReader *reader, Error *err)
{
    static const char what[] = "read the seal";
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new(65536);
    return store_begin(store, &transaction, err) && copy_snapshot(store, what, err) &&
           (!reader->sum ||
            audit_check(store, reader->sum, reader->data, reader->arena, &reader->chains, err)) &&
           (!reader->checkpoint ||
            copy_out(store, what,
                     "select number, size, at, note from audit_checkpoint order by number", arena,
                     take_checkpoint, reader, err)) &&
           (!reader->leaf ||
            copy_out(store, what, "select leaf, number, hash from audit_leaf order by leaf", arena,
                     take_leaf, reader, err)) &&
           store_commit(&transaction, err);
}

bool seal_event_at(Store *store, int64_t leaf, int64_t *ret, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    _cleanup_arena_ Arena *arena = arena_new(65536);
    Sql sql = sql_new(arena);
    sql_number(&sql, leaf);
    if (!sql_run(store, "look for a sealed event", "select number from audit_leaf where leaf = $1",
                 &sql, &result, err))
        return false;
    *ret = PQntuples(result) ? sql_get_number(result, 0, 0) : 0;
    return true;
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
