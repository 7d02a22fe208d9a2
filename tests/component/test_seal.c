/* SPDX-License-Identifier: Apache-2.0 */
/* The seal: places in the order of ended transactions, checkpoints in time, a copy that a crash
 * cannot put ahead, no alarm over an honest history, an alarm over a changed one. */
#include "daemon/base/cleanup.h"
#include "tests/component/seal_case.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HISTORIES 50

static SealSite site;

static void expect_intact(int64_t sealed)
{
    SealVerdict verdict = look(&site);
    ck_assert_msg(verdict.state == SEAL_INTACT, "%s", verdict.reason);
    ck_assert_int_eq(verdict.sealed, sealed);
    ck_assert_int_eq(verdict.outside, sealed);
}

/* As a crash in the middle of a write: the end of the newest note is not there. */
static void cut_copy(int bytes)
{
    const char *path = seal_copy_path(site.folder, "checkpoints", arena);
    _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(ftruncate(fd, lseek(fd, 0, SEEK_END) - bytes), 0);
}

static int64_t count_events(void)
{
    return ask_number("select count(*) from audit_event");
}

START_TEST(seals_what_is_there)
{
    site_open(&site);
    write_events(store, 5);
    ck_assert_int_eq(look(&site).state, SEAL_CANNOT_TELL);
    seal_now(&site);
    expect_intact(count_events());
    write_events(store, 2);
    ck_assert_int_eq(look(&site).unsealed, 2);
    site_close(&site);
}
END_TEST

START_TEST(seals_nothing_too)
{
    site_open(&site);
    seal_now(&site);
    int64_t before = look(&site).checkpoints;
    seal_now(&site);
    ck_assert_int_eq(look(&site).checkpoints, before + 1);
    expect_intact(count_events());
    site_close(&site);
}
END_TEST

/* Not due and fewer than a batch: they wait.  A batch does not. */
START_TEST(waits_for_a_batch_or_its_time)
{
    _cleanup_sealer_ Sealer *sealer = NULL;
    bool more;
    site_open(&site);
    ok(sealer_open(&site.settings, &sealer, err));
    do /* the first after a start is due */
        ok(sealer_round(sealer, false, &more, err));
    while (more);
    int64_t sealed = look(&site).sealed;
    write_events(store, 3);
    ok(sealer_round(sealer, false, &more, err));
    ck_assert_int_eq(look(&site).sealed, sealed);
    write_events(store, SEAL_BATCH);
    int64_t checkpoints = look(&site).checkpoints;
    ok(sealer_round(sealer, false, &more, err));
    ck_assert(!more);
    ck_assert_int_eq(look(&site).sealed, sealed + 3 + SEAL_BATCH);
    ck_assert_int_eq(look(&site).checkpoints, checkpoints + 2);
    ok(sealer_round(sealer, true, &more, err));
    ck_assert(!more);
    expect_intact(count_events());
    site_close(&site);
}
END_TEST

/* An event whose transaction began first and ends last comes after all that ended before it, and
 * nothing that may still be overtaken is sealed. */
START_TEST(late_commits_come_after)
{
    Store *late;
    SourceCounts counts;
    Change change = upsert("person", "P1", 1, "{\"id\":\"P1\"}");
    site_open(&site);
    ok(store_open(database, "late", &late, err));
    ok(feed_register(late, "feed-b", "b", err));
    seal_now(&site);
    int64_t sealed = look(&site).sealed;
    {
        _cleanup_transaction_ Transaction transaction = {0};
        ok(store_begin(late, &transaction, err));
        ok(source_apply(late, "feed-b", &change, 1, &counts, err)); /* it has begun to write */
        write_events(store, 4);
        seal_now(&site);
        ck_assert_int_eq(look(&site).sealed, sealed);
        ok(audit_append(late, AUDIT_ROUTE_CHANGED,
                        &(AuditFields){.route = "r", .from = "ok", .to = "down"}, err));
        ok(store_commit(&transaction, err));
    }
    store_close(late);
    seal_now(&site);
    expect_intact(count_events());
    ck_assert_int_eq(
        ask_number("select count(*) from (select xact < lag(xact) over (order by leaf) "
                   "as back from audit_leaf join audit_event using (number)) o "
                   "where back"),
        0);
    site_close(&site);
}
END_TEST

/* What a crash leaves of the copy: a checkpoint that is only in the database, a cut note, leaves
 * without a checkpoint. */
START_TEST(catches_up_after_a_crash)
{
    site_open(&site);
    write_events(store, 5);
    for (int bytes = 0; bytes <= 160; bytes += 8) {
        write_events(store, 1);
        seal_now(&site);
        cut_copy(bytes); /* a note is longer than that */
        ck_assert_int_eq(look(&site).state, SEAL_INTACT);
        seal_now(&site);
        expect_intact(count_events());
    }
    site_close(&site);
}
END_TEST

START_TEST(refuses_to_seal_over_a_change)
{
    site_open(&site);
    write_events(store, 5);
    seal_now(&site);
    ask_text("alter table audit_leaf disable trigger append_only");
    ask_text("update audit_leaf set hash = sha256('x') where leaf = 2");
    Sealer *sealer;
    fails("seal.tampered", sealer_open(&site.settings, &sealer, err));
    SealVerdict verdict = look(&site);
    ck_assert_int_eq(verdict.state, SEAL_TAMPERED);
    ck_assert_int_eq(verdict.first_bad, 2);
    site_close(&site);
}
END_TEST

START_TEST(one_sealer_at_a_time)
{
    _cleanup_sealer_ Sealer *first = NULL;
    bool more;
    site_open(&site);
    ok(sealer_open(&site.settings, &first, err));
    seal_now(&site);
    fails("seal.stale", sealer_round(first, true, &more, err));
    expect_intact(count_events());
    site_close(&site);
}
END_TEST

/* Several writers, writers that roll back, sealers that die anywhere, cut copies, new keys. */
START_TEST(honest_histories_are_intact)
{
    Store *writers[3];
    srand((unsigned)_i + 1);
    site_open(&site);
    for (int i = 0; i < 3; i++)
        ok(store_open(database, "writer", &writers[i], err));
    for (int step = 0; step < 25; step++) {
        Store *writer = writers[rand() % 3];
        _cleanup_transaction_ Transaction transaction = {0};
        switch (rand() % 6) {
        case 0:
            seal_now(&site);
            break;
        case 1:
            site_rekey(&site);
            break;
        case 2:
            ok(store_begin(writer, &transaction, err));
            ok(audit_append(writer, AUDIT_ROUTE_CHANGED, &(AuditFields){.route = "r"}, err));
            break; /* rolled back */
        case 3:
            seal_now(&site);
            cut_copy(rand() % 40);
            break;
        default:
            write_events(writer, rand() % 8);
        }
        SealVerdict verdict = look(&site);
        ck_assert_msg(verdict.state != SEAL_TAMPERED, "seed %d: %s", _i + 1, verdict.reason);
    }
    seal_now(&site);
    expect_intact(count_events());
    for (int i = 0; i < 3; i++)
        store_close(writers[i]);
    site_close(&site);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {seals_what_is_there,           seals_nothing_too,
                                  waits_for_a_batch_or_its_time, late_commits_come_after,
                                  catches_up_after_a_crash,      refuses_to_seal_over_a_change,
                                  one_sealer_at_a_time};
    const char *wanted = getenv("MHSFLOW_SEAL_HISTORIES");
    return case_run_loop("seal", tests, sizeof tests / sizeof *tests, honest_histories_are_intact,
                         wanted ? strtoul(wanted, NULL, 10) : HISTORIES);
}
