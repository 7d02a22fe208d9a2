/* SPDX-License-Identifier: Apache-2.0 */
/* The seal: places in the order of ended transactions, checkpoints in time, a copy that a crash
 * cannot put ahead, no alarm over an honest history, an alarm over a changed one. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/file.h"
#include "daemon/pipeline/seal_mirror.h"
#include "daemon/pipeline/seal_restore.h"
#include "tests/component/seal_case.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HISTORIES 25

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

/* The event that says so is sealed by the new key, the one before by the old; both verify. */
START_TEST(a_new_key_is_an_event)
{
    static const char changes[] =
        "select count(*) from audit_event where event = 'seal_key_changed'"
        " and fields ->> 'from' <> fields ->> 'to'";
    site_open(&site);
    write_events(store, 3);
    seal_now(&site);
    ck_assert_int_eq(ask_number(changes), 0);
    for (int i = 1; i <= 3; i++) {
        site_rekey(&site);
        seal_now(&site);
        seal_now(&site); /* the same key again: nothing to say */
        ck_assert_int_eq(ask_number(changes), i);
        expect_intact(count_events());
    }
    ck_assert_int_eq(
        ask_number("select count(*) from audit_event a join audit_event b on b.event = a.event and"
                   " b.fields ->> 'from' = a.fields ->> 'to' where a.event = 'seal_key_changed'"),
        2);
    site_close(&site);
}
END_TEST

/* As after a restore: the events and the seal of before `checkpoint`, and nothing else. */
static void set_back(int64_t checkpoint)
{
    ask_text("alter table audit_event disable trigger append_only;"
             "alter table audit_leaf disable trigger append_only;"
             "alter table audit_checkpoint disable trigger append_only");
    ask_text(
        arena_format(arena,
                     "delete from audit_checkpoint where number > %lld;"
                     "delete from audit_leaf where leaf >= (select coalesce(max(size), 0) from "
                     "audit_checkpoint);"
                     "delete from audit_event where number not in (select number from "
                     "audit_leaf)",
                     (long long)checkpoint));
}

START_TEST(a_restore_is_said_by_a_person)
{
    SealRestored restored;
    Sealer *sealer;
    site_open(&site);
    write_events(store, 3);
    seal_now(&site);
    SealVerdict old = look(&site);
    ok(seal_restore(store, site.folder, "somebody", &restored, err));
    ck_assert(!restored.behind); /* nothing was set back: nothing is written */
    ck_assert_int_eq(look(&site).unsealed, 0);
    write_events(store, 4);
    seal_now(&site);
    set_back(old.checkpoints);
    fails("seal.tampered", sealer_open(&site.settings, &sealer, err));
    ck_assert_int_eq(look(&site).state, SEAL_TAMPERED);
    Store *fresh; /* a restored database has no writer of before */
    ok(store_open(database, "operate", &fresh, err));
    ok(seal_restore(fresh, site.folder, "somebody", &restored, err));
    ck_assert(restored.behind);
    ck_assert_int_eq(restored.kept, old.sealed);
    ck_assert_int_eq(restored.given_up, 4);
    store_close(fresh);
    seal_now(&site);
    expect_intact(old.sealed + 1);
    ck_assert_str_eq(ask_text("select fields ->> 'actor' from audit_event join audit_leaf using "
                              "(number) where event = 'seal_set_back'"),
                     "somebody");
    ck_assert_int_eq(access(seal_copy_path(site.folder, "checkpoints.1", arena), R_OK), 0);
    ck_assert_int_eq(access(seal_copy_path(site.folder, "leaves.1", arena), R_OK), 0);
    site_close(&site);
}
END_TEST

START_TEST(another_history_is_no_restore)
{
    SealRestored restored;
    site_open(&site);
    write_events(store, 3);
    seal_now(&site);
    seal_now(&site);
    set_back(1);
    ask_text("update audit_checkpoint set note = replace(note, 'test', 'best')");
    fails("seal.tampered", seal_restore(store, site.folder, "somebody", &restored, err));
    ck_assert_int_eq(ask_number("select count(*) from audit_event where event = "
                                "'seal_set_back'"),
                     0);
    site_close(&site);
}
END_TEST

static void expect_same(const char *folder, const char *mirror, const char *name)
{
    char *one, *other;
    size_t size, other_size;
    ok(file_read(seal_copy_path(folder, name, arena), 1 << 20, arena, &one, &size, err));
    ok(file_read(seal_copy_path(mirror, name, arena), 1 << 20, arena, &other, &other_size, err));
    ck_assert_uint_eq(size, other_size);
    ck_assert_mem_eq(one, other, size);
}

/* What was missed while it was away is made up for; what does not continue is left alone. */
START_TEST(a_second_folder_follows)
{
    site_open(&site);
    const char *mirror = arena_format(arena, "%s-mirror", site.folder);
    const char *leaves = seal_copy_path(mirror, "leaves", arena);
    for (int i = 0; i < 3; i++) {
        write_events(store, 3 + 200 * i);
        seal_now(&site);
        if (i == 1) /* as cut short by a full disk */
            ck_assert_int_eq(truncate(leaves, 17), 0);
        ok(seal_mirror(site.folder, mirror, err));
        expect_same(site.folder, mirror, "checkpoints");
        expect_same(site.folder, mirror, "leaves");
        expect_same(site.folder, mirror, "keys.pem");
    }
    ok(file_write(leaves, "x", 1, 0644, err));
    fails("seal.mirror", seal_mirror(site.folder, mirror, err));
    ck_assert_int_eq(truncate(leaves, 1 << 20), 0);
    fails("seal.mirror", seal_mirror(site.folder, mirror, err));
    ok(file_remove_folder(mirror, err));
    site_close(&site);
}
END_TEST

/* As a sealer whose database has the wrong time. */
static void seal_by_a_wrong_clock(int hours)
{
    Store *wrong;
    SealSite with = site;
    const char *conninfo = arena_format(arena, "%s options='-c mhsflow.clock_offset=%lld'",
                                        database, (long long)hours * 3600 * CLOCK_SECOND);
    ok(store_open(conninfo, "seal", &wrong, err));
    with.settings.store = wrong;
    seal_now(&with);
    store_close(wrong);
}

/* Several writers, writers that roll back, sealers that die anywhere, cut copies, new keys,
 * restores that somebody said, clocks that go wrong by up to ten years either way. */
START_TEST(honest_histories_are_intact)
{
    Store *writers[3];
    clock_step = 0;
    srand((unsigned)_i + 1);
    site_open(&site);
    const char *mirror = arena_format(arena, "%s-mirror", site.folder);
    for (int i = 0; i < 3; i++)
        ok(store_open(database, "writer", &writers[i], err));
    for (int step = 0; step < 25; step++) {
        Store *writer = writers[rand() % 3];
        _cleanup_transaction_ Transaction transaction = {0};
        switch (rand() % 9) {
        case 6:
            clock_step = (rand() % 2001 - 1000) * INT64_C(315576) * CLOCK_SECOND;
            break;
        case 7:
            seal_by_a_wrong_clock(rand() % 20001 - 10000);
            break;
        case 8:
            seal_now(&site);
            ok(seal_mirror(site.folder, mirror, err));
            break;
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
    ok(file_remove_folder(mirror, err));
    site_close(&site);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        seals_what_is_there,           seals_nothing_too,        waits_for_a_batch_or_its_time,
        late_commits_come_after,       catches_up_after_a_crash, refuses_to_seal_over_a_change,
        one_sealer_at_a_time,          a_new_key_is_an_event,    a_restore_is_said_by_a_person,
        another_history_is_no_restore, a_second_folder_follows};
    const char *wanted = getenv("MHSFLOW_SEAL_HISTORIES");
    return case_run_loop("seal", tests, sizeof tests / sizeof *tests, honest_histories_are_intact,
                         wanted ? strtoul(wanted, NULL, 10) : HISTORIES);
}
