/* SPDX-License-Identifier: Apache-2.0 */
/* Findings: kept once, listed, grouped by root cause. */
#include "daemon/store/finding.h"

#include "daemon/store/finding_private.h"

#include <string.h>

#define FINGERPRINT_SIZE 16

const char *finding_source_name(FindingSource source)
{
    static const char *const names[] = {
#define FINDING_SOURCE(name, text, meaning) text,
#include "daemon/store/finding.def"
#undef FINDING_SOURCE
    };
    return names[source];
}

static FindingSource source_of(const char *name)
{
    for (int source = 0; source < FINDING_SOURCE_COUNT; source++)
        if (strcmp(name, finding_source_name((FindingSource)source)) == 0)
            return (FindingSource)source;
    return FINDING_FEED;
}

FindingLists finding_lists(Arena *arena)
{
    FindingLists lists = {0};
    for (int column = 0; column < FINDING_COLS; column++)
        lists.columns[column] = sql_list(arena, SQL_TEXT);
    lists.columns[FINDING_COL_FIRST].type = SQL_NUMBER;
    lists.columns[FINDING_COL_LAST].type = SQL_NUMBER;
    lists.columns[FINDING_COL_SUBMISSION].type = SQL_NUMBER;
    lists.columns[FINDING_COL_LEFT_OUT].type = SQL_BOOL;
    lists.columns[FINDING_COL_FINGERPRINT].type = SQL_BYTES;
    return lists;
}

void finding_lists_add(FindingLists *lists, const Finding *finding, const char *feed,
                       const char *person)
{
    const char *texts[FINDING_COLS] = {
        [FINDING_COL_SOURCE] = finding_source_name(finding->source),
        [FINDING_COL_RULE] = finding->rule,
        [FINDING_COL_SEVERITY] = finding->severity ? finding->severity : "note",
        [FINDING_COL_PROVIDER] = finding->provider,
        [FINDING_COL_FEED] = feed ? feed : finding->feed,
        [FINDING_COL_RECORD_TYPE] = finding->record_type,
        [FINDING_COL_RECORD_ID] = finding->record_id,
        [FINDING_COL_FIELD] = finding->field,
        [FINDING_COL_PERSON] = person ? person : finding->person,
        [FINDING_COL_ORG] = finding->org,
        [FINDING_COL_TABLE] = finding->table,
        [FINDING_COL_ELEMENT] = finding->element,
        [FINDING_COL_ROW_KEY] = finding->row_key,
        [FINDING_COL_CAUSE_RULE] = finding->cause_rule,
        [FINDING_COL_CAUSE_TABLE] = finding->cause_table,
        [FINDING_COL_CAUSE_KEY] = finding->cause_key,
        [FINDING_COL_MESSAGE] = finding->message,
        [FINDING_COL_REMEDY] = finding->remedy,
        [FINDING_COL_RECORD_FEED] = finding->record_feed,
    };
    _cleanup_digest_ Digest *digest = digest_new();
    for (int column = 0; column < FINDING_COLS; column++) {
        if (lists->columns[column].type != SQL_TEXT)
            continue;
        sql_list_text(&lists->columns[column], texts[column]);
        if (column == FINDING_COL_RECORD_FEED && !texts[column])
            continue; /* most have none: their fingerprint is as before there was one */
        const char *text =
            texts[column] ? texts[column] : "\x01"; /* no value is not the empty text */
        digest_add(digest, text, strlen(text) + 1);
    }
    int64_t numbers[] = {finding->first_month, finding->last_month, finding->submission,
                         finding->left_out};
    digest_add(digest, numbers, sizeof numbers);
    uint8_t fingerprint[DIGEST_SIZE];
    digest_finish(digest, fingerprint);
    sql_list_number_or_null(&lists->columns[FINDING_COL_FIRST], finding->first_month);
    sql_list_number_or_null(&lists->columns[FINDING_COL_LAST], finding->last_month);
    sql_list_number_or_null(&lists->columns[FINDING_COL_SUBMISSION], finding->submission);
    sql_list_bool(&lists->columns[FINDING_COL_LEFT_OUT], finding->left_out);
    sql_list_bytes(&lists->columns[FINDING_COL_FINGERPRINT], fingerprint, FINGERPRINT_SIZE);
    lists->count++;
}

void finding_lists_finish(FindingLists *lists, Sql *sql)
{
    for (int column = 0; column < FINDING_COLS; column++)
        sql_add(sql, &lists->columns[column]);
}

bool finding_add(Store *store, const Finding *findings, size_t count, Error *err)
{
    if (!sql_wants_transaction(store, err))
        return false;
    if (!count)
        return true;
    _cleanup_arena_ Arena *arena = arena_new((size_t)256 << 20);
    FindingLists lists = finding_lists(arena);
    for (size_t i = 0; i < count; i++)
        finding_lists_add(&lists, &findings[i], NULL, NULL);
    Sql sql = sql_new(arena);
    finding_lists_finish(&lists, &sql);
    return arena_check(arena, err) &&
           sql_do(store, "keep findings",
                  "insert into finding (" FINDING_FIELDS ", found_at) select " FINDING_FIELDS
                  ", mhsflow.now() from " FINDING_UNNEST " as n(" FINDING_FIELDS ")"
                  " on conflict (fingerprint) where gen_to is null do nothing",
                  &sql, NULL, err);
}

bool finding_clear(Store *store, FindingSource source, const char *feed, const char *person,
                   Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    Sql sql = sql_new(arena);
    sql_text(&sql, finding_source_name(source));
    sql_text(&sql, feed);
    sql_text(&sql, person);
    return sql_do(store, "clear findings",
                  "delete from finding where source = $1 and ($2::text is null or feed = $2)"
                  " and ($3::text is null or person = $3)",
                  &sql, NULL, err);
}

#define FILTER                                                                                     \
    "($1::text is null or provider = $1) and ($2::text is null or source = $2)"                    \
    " and ($3::text is null or rule = $3) and ($4::text is null or person = $4)"                   \
    " and ($5::text is null or $5 in (feed, record_feed)) and ($6::text is null or org = $6)"      \
    " and ($7::text is null or record_type = $7) and ($8::text is null or record_id = $8)"         \
    " and ($9::bigint is null or coalesce($9 between first_month and last_month, true))"           \
    " and ($10::bigint is null or submission = $10) and (left_out or not $11) and (gen_to is "     \
    "null or $12)" /* What a build found holds until the month is built again. */                  \
    " and (source <> 'build' or $12 or $10::bigint is not null or not exists (select from "        \
    "submission s join submission n using (data_set, provider, period) where s.id = "              \
    "finding.submission and n.id > s.id))"

static Sql filter_sql(const FindingFilter *filter, Arena *arena)
{
    Sql sql = sql_new(arena);
    sql_text(&sql, filter->provider);
    sql_text(&sql, filter->source);
    sql_text(&sql, filter->rule);
    sql_text(&sql, filter->person);
    sql_text(&sql, filter->feed);
    sql_text(&sql, filter->org);
    sql_text(&sql, filter->record_type);
    sql_text(&sql, filter->record_id);
    sql_number_or_null(&sql, filter->month);
    sql_number_or_null(&sql, filter->submission);
    sql_bool(&sql, filter->only_left_out);
    sql_bool(&sql, filter->past);
    return sql;
}

Finding finding_read(const PGresult *result, int row, Arena *arena)
{
    int column = 0;
    Finding finding = {0};
    const char **texts[FINDING_COLS] = {
        [FINDING_COL_RULE] = &finding.rule,
        [FINDING_COL_SEVERITY] = &finding.severity,
        [FINDING_COL_PROVIDER] = &finding.provider,
        [FINDING_COL_FEED] = &finding.feed,
        [FINDING_COL_RECORD_TYPE] = &finding.record_type,
        [FINDING_COL_RECORD_ID] = &finding.record_id,
        [FINDING_COL_FIELD] = &finding.field,
        [FINDING_COL_PERSON] = &finding.person,
        [FINDING_COL_ORG] = &finding.org,
        [FINDING_COL_TABLE] = &finding.table,
        [FINDING_COL_ELEMENT] = &finding.element,
        [FINDING_COL_ROW_KEY] = &finding.row_key,
        [FINDING_COL_CAUSE_RULE] = &finding.cause_rule,
        [FINDING_COL_CAUSE_TABLE] = &finding.cause_table,
        [FINDING_COL_CAUSE_KEY] = &finding.cause_key,
        [FINDING_COL_MESSAGE] = &finding.message,
        [FINDING_COL_REMEDY] = &finding.remedy,
        [FINDING_COL_RECORD_FEED] = &finding.record_feed,
    };
    for (; column < FINDING_COLS; column++)
        if (texts[column])
            *texts[column] = sql_get_text(result, row, column, arena);
    finding.source = source_of(PQgetvalue(result, row, FINDING_COL_SOURCE));
    finding.first_month = (Month)sql_get_number(result, row, FINDING_COL_FIRST);
    finding.last_month = (Month)sql_get_number(result, row, FINDING_COL_LAST);
    finding.left_out = sql_get_bool(result, row, FINDING_COL_LEFT_OUT);
    finding.submission = sql_get_number(result, row, FINDING_COL_SUBMISSION);
    finding.id = sql_get_number(result, row, column);
    finding.found_at = sql_get_number(result, row, column + 1);
    return finding;
}

bool finding_list(Store *store, const FindingFilter *filter, FindingSink sink, void *context,
                  Error *err)
{
    _cleanup_transaction_ Transaction transaction = {0};
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    _cleanup_arena_ Arena *rows = arena_new((size_t)64 << 20);
    Sql sql = filter_sql(filter, arena);
    if (!store_begin(store, &transaction, err) ||
        !sql_do(store, "read findings",
                "declare findings no scroll cursor for select " FINDING_FIELDS
                ", id, us(found_at) from finding where " FILTER
                " order by org nulls first, rule, record_type, record_id, id",
                &sql, NULL, err))
        return false;
    for (;;) {
        _cleanup_result_ PGresult *result = NULL;
        if (!sql_run(store, "read findings", "fetch 1000 from findings", NULL, &result, err))
            return false;
        if (PQntuples(result) == 0)
            return store_commit(&transaction, err);
        for (int row = 0; row < PQntuples(result); row++) {
            Finding finding = finding_read(result, row, rows);
            if (!sink(context, &finding, err))
                return false;
        }
        arena_reset(rows);
    }
}

bool finding_groups(Store *store, const FindingFilter *filter, Arena *arena, FindingGroup **ret,
                    size_t *ret_count, Error *err)
{
    Sql sql = filter_sql(filter, arena);
    _cleanup_result_ PGresult *result = NULL;
    /* A consequence is counted with its cause: by the cause's rule and table, where it has one. */
    if (!sql_run(store, "group findings",
                 "select source, coalesce(cause_rule, rule), coalesce(min(severity) filter (where "
                 "cause_rule"
                 " is null), min(severity)), coalesce(cause_table, table_code),"
                 " min(element) filter (where cause_rule is null),"
                 " coalesce(min(message) filter (where cause_rule is null), min(message)),"
                 " coalesce(min(remedy) filter (where cause_rule is null), min(remedy)), count(*),"
                 " count(distinct (feed, person)), count(distinct (feed, record_type, record_id)),"
                 " count(*) filter (where left_out)"
                 " from finding where " FILTER " group by 1, 2, 4 order by count(distinct "
                 "(feed, person)) desc, count(*) desc, 2, 4",
                 &sql, &result, err))
        return false;
    size_t count = (size_t)PQntuples(result);
    FindingGroup *groups = arena_array(arena, count + 1, sizeof *groups);
    for (int row = 0; row < (int)count; row++)
        groups[row] = (FindingGroup){.source = source_of(PQgetvalue(result, row, 0)),
                                     .rule = sql_get_text(result, row, 1, arena),
                                     .severity = sql_get_text(result, row, 2, arena),
                                     .table = sql_get_text(result, row, 3, arena),
                                     .element = sql_get_text(result, row, 4, arena),
                                     .message = sql_get_text(result, row, 5, arena),
                                     .remedy = sql_get_text(result, row, 6, arena),
                                     .findings = sql_get_number(result, row, 7),
                                     .people = sql_get_number(result, row, 8),
                                     .records = sql_get_number(result, row, 9),
                                     .left_out = sql_get_number(result, row, 10)};
    *ret = groups;
    *ret_count = count;
    return true;
}
