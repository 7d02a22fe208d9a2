/* SPDX-License-Identifier: Apache-2.0 */
/* National rows: an XML fragment each, the months for which it holds, and since which generation.
 *
 * A row holds at generation G when it began at or before G and has not ended by
 * G.  Mappers write into the working generation, one above the provider's; only a
 * build raises it, under a lock that waits for mappers in flight, so that what
 * holds at a raised generation never changes again.  A submission is the rows
 * that hold at its generation in its month. */
#pragma once

#include "daemon/base/civil.h"
#include "daemon/base/digest.h"
#include "daemon/store/finding.h"

typedef struct RowIn {
    const char *provider;
    const char *table;      /* "MHS101" */
    int table_order;        /* its place in the data set */
    const char *person_key; /* local patient id with the feed's prefix */
    const char *row_key;    /* sorts the rows of a table, byte by byte */
    Month first_month, last_month;
    const char *fragment; /* UTF-8 XML, with its line feed */
    size_t fragment_size;
    const uint8_t *digest; /* SHA-256 of the fragment */
    const char *lineage;   /* compact JSON: where each element came from; NULL: none */
} RowIn;

/* One person's outcome: all rows out, all findings out.  No rows: the person is withheld or fell.
 */
typedef struct PersonRows {
    const char *feed, *person;
    const RowIn *rows;
    size_t row_count;
    const Finding *findings; /* mapping, check, policy, gate; feed and person are filled in */
    size_t finding_count;
} PersonRows;

typedef struct RowCounts {
    int64_t kept, inserted, ended, deleted;
} RowCounts;

/* In a transaction, followed by work_done().  Rows that hold already stay untouched; what changed
 * marks its provider's months to be built. */
bool rows_put(Store *store, const PersonRows *people, size_t count, const char *mapping_version,
              const char *dataset_version, RowCounts *ret, Error *err);

/* ---- providers, months, generations ---- */

typedef struct ProviderMonth {
    const char *provider;
    Month month;
    int64_t dirty_generation, built_generation; /* to be built when the first is higher */
    int64_t dirty_since,
        dirty_at;       /* microseconds: first and last change since the last build; 0: none */
    const char *reason; /* why a build was asked for without a change of rows; or NULL */
} ProviderMonth;

/* Months that wait to be built, oldest change first.  `provider` NULL: all. */
bool months_dirty(Store *store, const char *provider, Arena *arena, ProviderMonth **ret,
                  size_t *ret_count, Error *err);
/* Have it built although no row changed; `reason` is one of our words.  In a transaction or out of
 * one. */
bool month_request(Store *store, const char *provider, Month month, const char *reason, Error *err);

/* A transaction of its own: somebody is warned, so many days before the month's cut-off; *ret_first
 * is false when somebody was before. */
bool month_warned(Store *store, const char *provider, Month month, int days, bool *ret_first,
                  Error *err);

/* In a transaction: a record changed that rows without a person are made of (team, worker, group
 * session …), so every month of the last year and a half that ever had rows is to be built again.
 * Serialized with provider_raise(): who raises later sees the change. */
bool months_touch(Store *store, Error *err);

/* A transaction of its own: waits for mappers in flight, raises, and gives what is now frozen. */
bool provider_raise(Store *store, const char *provider, int64_t *ret_generation, Error *err);
/* In a transaction (with submission_insert, or alone when the content did not change). */
bool month_built(Store *store, const char *provider, Month month, int64_t generation, Error *err);

/* Do persons of this provider still wait to be mapped?  Then a build would come too early. */
bool rows_settled(Store *store, bool *ret_settled, Error *err);

/* ---- reading ---- */

typedef struct RowOut {
    int64_t id;
    const char *table, *row_key;
    int table_order;
    const char *feed, *person, *person_key;
    const char *fragment;
    size_t fragment_size;
    const uint8_t *digest;
    Month first_month, last_month;
} RowOut;

/* False with *err set ends the stream.  The row is valid during the call; the connection is busy:
 * no other call on this store inside. */
typedef bool (*RowOutSink)(void *context, const RowOut *row, Error *err);

/* Every row that holds at the generation in the month, ordered by table, row key (bytes), digest:
 * always the same order.  Streamed: memory does not grow with the rows.  A transaction of its own.
 */
bool rows_stream(Store *store, const char *provider, Month month, int64_t generation,
                 RowOutSink sink, void *context, Error *err);

/* Whose rows hold at the generation in the month although they may not leave: restricted, or, with
 * `consent`, without a decision that holds today (somebody whose records could not be mapped
 * since). Local patient ids, each once, in order of bytes; `person_table` is where everyone has a
 * row. */
bool rows_closed_people(Store *store, const char *provider, Month month, int64_t generation,
                        int person_table, bool consent, Arena *arena, const char ***ret,
                        size_t *ret_count, Error *err);

/* For `trace`: rows made from a record, or with a key, newest first; those that hold now, or `past`
 * too. */
typedef struct RowTrace {
    int64_t id;
    const char *provider, *table, *row_key, *feed, *person, *fragment, *lineage, *mapping_version;
    Month first_month, last_month;
    int64_t gen_from, gen_to; /* gen_to 0: holds */
} RowTrace;
bool rows_of_person(Store *store, const char *feed, const char *person, bool past, Arena *arena,
                    RowTrace **ret, size_t *ret_count, Error *err);
bool rows_by_key(Store *store, const char *provider, const char *table, const char *row_key,
                 bool past, Arena *arena, RowTrace **ret, size_t *ret_count, Error *err);
