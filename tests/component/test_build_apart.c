/* SPDX-License-Identifier: Apache-2.0 */
/* Builds beside others: mappers in flight, a second builder, a process killed at each point, and
 * how much memory a large month takes. */
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/fault.h"
#include "tests/component/build_case.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE (20 * CLOCK_SECOND)

/* A build in a process and on a connection of its own; exits with its outcome, or 9. */
static pid_t build_elsewhere(Site *site, const char *fault)
{
    ck_assert_ptr_nonnull(site->references);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child)
        return child;
    Error err = {0};
    Store *own;
    if (fault)
        setenv("MHSFLOW_FAULT", fault, 1);
    if (!store_open(database, "build", &own, &err) ||
        !build_on(site, own, arena, &site->result, &err)) {
        fprintf(stderr, "# %s\n", err.code);
        _exit(strcmp(err.code, "build.overtaken") == 0 ? 8 : 9);
    }
    store_close(own);
    _exit((int)site->result.outcome);
}

static int wait_for(pid_t child, int options)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, options), child);
    return status;
}

static void stopped(pid_t child)
{
    int status = wait_for(child, WUNTRACED);
    ck_assert_msg(WIFSTOPPED(status), "the builder did not stop: %x", status);
}

static void ends_with(pid_t child, int outcome)
{
    int status = wait_for(child, 0);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), outcome);
}

/* The spool file that belongs to the newest submission, whole. */
static void newest_is_whole(const Site *site, int people)
{
    SubmissionInfo info = submission(ask_number("select max(id) from submission"));
    const char *path;
    ok(spool_ensure(store, site->tools.dataset, site->spool, &info, arena, &path, err));
    ck_assert_uint_eq(count_of(read_document(site, info.id), "<MHS001MPI>"), (size_t)people);
    ck_assert_int_eq(info.counts.people, people);
}

START_TEST(rows_that_come_after_the_generation_wait_for_the_next_build)
{
    Site *site = site_plain();
    take_people(1, 2);
    map_everyone(site);
    pid_t child = build_elsewhere(site, "build.after_generation:stop");
    stopped(child);
    take_people(3, 1);
    map_everyone(site);
    kill(child, SIGCONT);
    ends_with(child, BUILD_QUEUED);
    newest_is_whole(site, 2);
    ck_assert(month_is_dirty());
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    newest_is_whole(site, 3);
    ck_assert(!month_is_dirty());
    site_free(site);
}
END_TEST

static bool somebody_waits_for_a_lock(void)
{
    return ask_number("select count(*) from pg_locks where locktype = 'advisory' and not granted");
}

/* A mapper has written and not committed: the build waits for it, and has its rows. */
START_TEST(a_build_waits_for_mappers_in_flight)
{
    Site *site = site_plain();
    take_people(1, 2);
    map_everyone(site);
    Store *mapper;
    Transaction open = {0};
    RowCounts counts;
    const char *line = "<MHS003AccommStatus><LocalPatientID>bP1</LocalPatientID><AccommodationType>"
                       "02</AccommodationType></MHS003AccommStatus>\n";
    uint8_t digest[DIGEST_SIZE];
    digest_bytes(line, strlen(line), digest);
    RowIn rows[8];
    int count = (int)ask_number("select count(*) from national_row where person = 'P1'");
    ck_assert_int_lt(count, 7);
    for (int i = 0; i < count; i++) {
        const char *at = arena_format(arena,
                                      "from national_row where person = 'P1' order by id "
                                      "offset %d limit 1",
                                      i);
        const char *fragment = ask_text(arena_format(arena, "select fragment %s", at));
        uint8_t *own = arena_alloc(arena, DIGEST_SIZE);
        digest_bytes(fragment, strlen(fragment), own);
        rows[i] = (RowIn){
            .provider = "V9X01",
            .table = ask_text(arena_format(arena, "select table_code %s", at)),
            .table_order = (int)ask_number(arena_format(arena, "select table_order %s", at)),
            .person_key = "bP1",
            .row_key = ask_text(arena_format(arena, "select row_key %s", at)),
            .first_month = (Month)ask_number(arena_format(arena, "select first_month %s", at)),
            .last_month = (Month)ask_number(arena_format(arena, "select last_month %s", at)),
            .fragment = fragment,
            .fragment_size = strlen(fragment),
            .digest = own};
    }
    rows[count] = rows[0];
    rows[count].table = "MHS003";
    rows[count].table_order = (int)dataset_table(site->tools.dataset, "MHS003")->index;
    rows[count].row_key = "bP1|02";
    rows[count].fragment = line;
    rows[count].fragment_size = strlen(line);
    rows[count].digest = digest;
    PersonRows person = {
        .feed = FEED, .person = "P1", .rows = rows, .row_count = (size_t)count + 1};
    ok(store_open(database, "map", &mapper, err));
    ok(store_begin(mapper, &open, err));
    ok(rows_put(mapper, &person, 1, "m", "6.0", &counts, err));
    ck_assert_int_eq(counts.inserted, 1);
    pid_t child = build_elsewhere(site, NULL);
    for (int64_t until = clock_steady() + DEADLINE; !somebody_waits_for_a_lock();)
        ck_assert_int_lt(clock_steady(), until);
    ok(store_commit(&open, err));
    ends_with(child, BUILD_QUEUED);
    SubmissionInfo info = submission(1);
    ck_assert_uint_eq(count_of(read_document(site, info.id), line), 1);
    ck_assert(!month_is_dirty());
    store_close(mapper);
    site_free(site);
}
END_TEST

/* The slower of two builders has the older rows: it may not put them over the newer ones. */
static void overtaken(Site *site, const char *where)
{
    pid_t child = build_elsewhere(site, where);
    stopped(child);
    take_people(3, 1);
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    kill(child, SIGCONT);
    ends_with(child, 8);
    newest_is_whole(site, 3);
    ck_assert_int_eq(ask_number("select count(*) from submission_queue where state = 'ready'"), 1);
    ck_assert(!month_is_dirty());
}

START_TEST(an_overtaken_builder_gives_up)
{
    Site *site = site_plain();
    take_people(1, 2);
    map_everyone(site);
    overtaken(site, "build.after_generation:stop");
    site_free(site);
}
END_TEST

/* The quicker one found nothing new, the slower one is behind all the same. */
START_TEST(an_older_build_never_follows_a_newer_one)
{
    Site *site = site_plain();
    take_people(1, 2);
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    take_people(3, 1);
    map_everyone(site);
    pid_t child = build_elsewhere(site, "build.after_generation:stop");
    stopped(child);
    take_consent(FEED, 3, 2, "withdrawn");
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_SAME);
    kill(child, SIGCONT);
    ends_with(child, 8);
    newest_is_whole(site, 2);
    ck_assert(!month_is_dirty());
    site_free(site);
}
END_TEST

static int files_in(const char *path)
{
    int count = 0;
    _cleanup_closedir_ DIR *folder = opendir(path);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    return count;
}

static void killed_at(const char *fault)
{
    Site *site = site_plain();
    take_people(1, 2);
    map_everyone(site);
    int status = wait_for(build_elsewhere(site, fault), 0);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: %x", fault, status);
    bool committed = strcmp(fault, fault_name(FAULT_BUILD_AFTER_COMMIT)) == 0;
    ck_assert_int_eq(ask_number("select count(*) from submission"), committed);
    ck_assert(month_is_dirty() != committed);
    ok(month_request(store, "V9X01", OCTOBER, "gate", err));
    ck_assert_int_eq(build_october(site), committed ? BUILD_SAME : BUILD_QUEUED);
    ck_assert(!month_is_dirty());
    ck_assert_int_eq(ask_number("select count(*) from submission"), 1);
    ck_assert_int_eq(ask_number("select count(*) from audit_event where event = "
                                "'submission_built'"),
                     1);
    newest_is_whole(site, 2);
    ok(spool_sweep(store, site->spool, arena, err));
    ck_assert_int_eq(files_in(site->spool), 1);
    site_free(site);
}

START_TEST(killed_after_the_generation)
{
    killed_at(fault_name(FAULT_BUILD_AFTER_GENERATION));
}
END_TEST

START_TEST(killed_after_the_spool)
{
    killed_at(fault_name(FAULT_BUILD_AFTER_SPOOL));
}
END_TEST

START_TEST(killed_before_the_commit)
{
    killed_at(fault_name(FAULT_BUILD_BEFORE_COMMIT));
}
END_TEST

START_TEST(killed_after_the_commit)
{
    killed_at(fault_name(FAULT_BUILD_AFTER_COMMIT));
}
END_TEST

CASE_MAIN("build apart", rows_that_come_after_the_generation_wait_for_the_next_build,
          a_build_waits_for_mappers_in_flight, an_overtaken_builder_gives_up,
          an_older_build_never_follows_a_newer_one, killed_after_the_generation,
          killed_after_the_spool, killed_before_the_commit, killed_after_the_commit)
