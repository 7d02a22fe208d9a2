/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as the lists of one statement. */
#pragma once

#include "daemon/store/finding.h"
#include "daemon/store/store_private.h"

typedef enum FindingColumn {
    FINDING_COL_SOURCE,
    FINDING_COL_RULE,
    FINDING_COL_SEVERITY,
    FINDING_COL_PROVIDER,
    FINDING_COL_FIRST,
    FINDING_COL_LAST,
    FINDING_COL_FEED,
    FINDING_COL_RECORD_TYPE,
    FINDING_COL_RECORD_ID,
    FINDING_COL_FIELD,
    FINDING_COL_PERSON,
    FINDING_COL_ORG,
    FINDING_COL_TABLE,
    FINDING_COL_ELEMENT,
    FINDING_COL_ROW_KEY,
    FINDING_COL_CAUSE_RULE,
    FINDING_COL_CAUSE_TABLE,
    FINDING_COL_CAUSE_KEY,
    FINDING_COL_LEFT_OUT,
    FINDING_COL_MESSAGE,
    FINDING_COL_REMEDY,
    FINDING_COL_SUBMISSION,
    FINDING_COL_FINGERPRINT,
    FINDING_COL_RECORD_FEED,
    FINDING_COLS,
} FindingColumn;

typedef struct FindingLists {
    SqlList columns[FINDING_COLS];
    size_t count;
} FindingLists;

FindingLists finding_lists(Arena *arena);
/* `feed` and `person`, when not NULL, stand in for the finding's own. */
void finding_lists_add(FindingLists *lists, const Finding *finding, const char *feed,
                       const char *person);
void finding_lists_finish(FindingLists *lists, Sql *sql); /* parameters $1 to $24 must be free */

#define FINDING_FIELDS                                                                             \
    "source, rule, severity, provider, first_month, last_month, feed, record_type, record_id, "    \
    "field, "                                                                                      \
    "person, org, table_code, element, row_key, cause_rule, cause_table, cause_key, left_out, "    \
    "message, "                                                                                    \
    "remedy, submission, fingerprint, record_feed"
#define FINDING_UNNEST                                                                             \
    "unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], "          \
    "$7::text[], "                                                                                 \
    "$8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], "    \
    "$15::text[], $16::text[], $17::text[], $18::text[], $19::boolean[], $20::text[], "            \
    "$21::text[], "                                                                                \
    "$22::bigint[], $23::bytea[], $24::text[])"

/* A row of FINDING_FIELDS, id, us(found_at). */
Finding finding_read(const PGresult *result, int row, Arena *arena);
