/* SPDX-License-Identifier: Apache-2.0 */
/* Short words for tests of the store: a database, a connection, made-up records and submissions. */
#pragma once

#include "daemon/base/digest.h"
#include "daemon/base/text.h"
#include "daemon/store/audit.h"
#include "daemon/store/rows.h"
#include "daemon/store/source.h"
#include "daemon/store/submission.h"
#include "daemon/store/work.h"
#include "tests/harness/pg.h"

#include <check.h>

/* `call` takes a trailing Error pointer named `err`: ok(store_now(store, &at, err)). */
#define ok(call)                                                                                   \
    do {                                                                                           \
        Error problem_ = {0}, *err = &problem_;                                                    \
        char text_[700];                                                                           \
        ck_assert_msg(call, "%s", error_text(err, text_, sizeof text_));                           \
    } while (0)
/* Fails, with this code. */
#define fails(code_, call)                                                                         \
    do {                                                                                           \
        Error problem_ = {0}, *err = &problem_;                                                    \
        ck_assert_msg(!(call), "did not fail");                                                    \
        ck_assert_str_eq(err->code, code_);                                                        \
    } while (0)

extern PgCluster *cluster;   /* started by CASE_MAIN */
extern const char *database; /* fresh for each test */
extern Store *store;         /* open on it, as role "test" */
extern Arena *arena;         /* reset for each test */
extern double case_timeout;  /* of one test, seconds; 60 unless set before case_run() */

/* Runs the tests of one file under a cluster of its own. */
#define CASE_MAIN(name, ...)                                                                       \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        return case_run(name, tests, sizeof tests / sizeof *tests);                                \
    }
int case_run(const char *name, const TTest *const *tests, size_t count);
/* The same and `loop` once for each index below `loops` (in _i). */
int case_run_loop(const char *name, const TTest *const *tests, size_t count, const TTest *loop,
                  size_t loops);

int64_t ask_number(const char *statement); /* as the owner, in schema mhsflow */
const char *ask_text(const char *statement);

/* One committed page of a feed named `feed` (registered here), cursor "changes". */
SourceCounts take_page(Store *on, const char *feed, const Change *changes, size_t count);
Change upsert(const char *type, const char *id, int64_t version, const char *json);
#define take(feed, ...)                                                                            \
    take_page(store, feed, (const Change[]){__VA_ARGS__},                                          \
              sizeof((const Change[]){__VA_ARGS__}) / sizeof(Change))

/* A person with consent, referral and contact, all ids made from `number`. */
void take_person(const char *feed, int number, const char *consent_status);

/* Claim everyone and put one MHS001 row each for the months given, as a mapper would; how many. */
size_t map_all(Store *on, const char *provider, Month first, Month last);
RowIn row_of(const char *provider, const char *table, const char *key, Month first, Month last,
             const char *content);

/* A ready submission of the provider's raised generation. */
int64_t build(Store *on, const char *provider, Month period, const char *held_reason);
SubmissionClaim claim_one(Store *on);
SubmissionState settle(Store *on, const SubmissionClaim *claim, Outcome outcome);
bool intend(Store *on, const SubmissionClaim *claim);
