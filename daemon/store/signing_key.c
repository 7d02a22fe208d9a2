/* SPDX-License-Identifier: Apache-2.0 */
/* The signing key in force. */
#include "daemon/store/signing_key.h"

#include "daemon/base/clock.h"
#include "daemon/base/text.h"
#include "daemon/store/audit.h"
#include "daemon/store/store_private.h"

bool signing_key_get(Store *store, Arena *arena, SigningKey *ret, Error *err)
{
    _cleanup_result_ PGresult *result = NULL;
    if (!sql_run(store, "read the signing key in force",
                 "select key_id, us(certificate_end), us(since) from signing_key", NULL, &result,
                 err))
        return false;
    *ret = (SigningKey){0};
    if (PQntuples(result))
        *ret = (SigningKey){.key_id = sql_get_text(result, 0, 0, arena),
                            .certificate_end = sql_get_number(result, 0, 1) / CLOCK_SECOND,
                            .since = sql_get_number(result, 0, 2)};
    return true;
}

bool signing_key_save(Store *store, const char *key_id, int64_t certificate_end, Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    SigningKey before;
    Sql sql = sql_new(arena);
    sql_text(&sql, key_id);
    sql_number(&sql, certificate_end * CLOCK_SECOND);
    /* Two submit roles may see the change at once: the second finds nothing to change. */
    if (!store_begin(store, &transaction, err) ||
        !sql_do(store, "lock the signing key in force",
                "lock table signing_key in share row exclusive mode", NULL, NULL, err) ||
        !signing_key_get(store, arena, &before, err) ||
        !sql_do(
            store, "keep the signing key in force",
            "insert into signing_key as k (key_id, certificate_end, since)"
            " values ($1, at($2), mhsflow.now()) on conflict (only_row) do update"
            " set key_id = excluded.key_id, certificate_end = excluded.certificate_end,"
            " since = case when k.key_id = excluded.key_id then k.since else excluded.since end",
            &sql, NULL, err))
        return false;
    return (text_equal(before.key_id, key_id) ||
            audit_append(store, AUDIT_SIGNING_KEY_CHANGED,
                         &(AuditFields){.from = before.key_id, .to = key_id}, err)) &&
           store_commit(&transaction, err);
}
