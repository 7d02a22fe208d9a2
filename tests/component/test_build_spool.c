/* SPDX-License-Identifier: Apache-2.0 */
/* The spool is a cache: whatever happens to a file, the same bytes come back, unless a purge took
 * them; what may still go out stays. */
#include "daemon/base/file.h"
#include "tests/component/build_case.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool ensure(const Site *site, int64_t id, const char **ret_path, Error *err)
{
    SubmissionInfo info = submission(id);
    return spool_ensure(store, site->tools.dataset, site->spool, &info, arena, ret_path, err);
}

static void comes_back(const Site *site, int64_t id, const char *wanted)
{
    const char *path;
    ok(ensure(site, id, &path, err));
    ck_assert_str_eq(read_document(site, id), wanted);
}

static void overwrite(const char *path, size_t at, const char *byte)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pwrite(fd, byte, 1, (off_t)at), 1);
    close(fd);
}

START_TEST(a_lost_or_damaged_file_comes_back_the_same)
{
    Site *site = site_plain();
    take_people(1, 12);
    take_whole_person(FEED, 20, nhs_number(99));
    take_whole_person(FEED, 21, nhs_number(99));
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    int64_t id = site->result.submission;
    ck_assert_uint_eq(site->result.left_out, 8);
    SubmissionInfo info = submission(id);
    const char *wanted = read_document(site, id), *path = spool_path(site, &info);
    /* What changes later changes nothing. */
    take_people(30, 2);
    take_consent(FEED, 3, 2, "withdrawn");
    map_everyone(site);
    comes_back(site, id, wanted);
    ck_assert_int_eq(unlink(path), 0);
    comes_back(site, id, wanted);
    overwrite(path, strlen(wanted) / 2, "#");
    comes_back(site, id, wanted);
    ck_assert_int_eq(truncate(path, (off_t)strlen(wanted) - 1), 0);
    comes_back(site, id, wanted);
    unlink(path);
    ck_assert_int_eq(symlink("/etc/passwd", path), 0);
    comes_back(site, id, wanted);
    site_free(site);
}
END_TEST

/* The settings name feed z before feed a: rows without a person still have one order. */
START_TEST(two_feeds_have_one_order)
{
    static const char *const feeds[] = {"feed-z", "feed-a"};
    Site *site = site_new(feeds, 2, "");
    take_whole_person("feed-z", 1, nhs_number(1));
    take_whole_person("feed-a", 1, nhs_number(2));
    take_whole_person("feed-a", 10, nhs_number(3));
    take_whole_person("feed-a", 9, nhs_number(4));
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    int64_t id = site->result.submission;
    SubmissionInfo info = submission(id);
    const char *wanted = read_document(site, id);
    const char *at = wanted;
    static const char *const order[] = {"<MHS000Header>",
                                        "<MHS001MPI><LocalPatientID>aP1<",
                                        "<MHS001MPI><LocalPatientID>aP10<",
                                        "<MHS001MPI><LocalPatientID>aP9<",
                                        "<MHS001MPI><LocalPatientID>zP1<",
                                        "<MHS002GP>",
                                        "<MHS101Referral><ServiceRequestID>aRP1<",
                                        "<MHS201CareContact><CareContactID>aCP1<",
                                        "<CareProfTeamLocalID>aT-1<",
                                        "<CareProfTeamLocalID>zT-1<"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        at = strstr(i == 8 ? strstr(wanted, "<MHS902") : at, order[i]);
        ck_assert_msg(at, "%s does not stand where it should", order[i]);
    }
    const char *teams = strstr(wanted, "<MHS902");
    ck_assert(strstr(teams, ">aT-1<") < strstr(teams, ">zT-1<"));
    unlink(spool_path(site, &info));
    comes_back(site, id, wanted);
    /* The other way round in the settings: the same content. */
    static const char *const turned[] = {"feed-a", "feed-z"};
    site->feeds = turned;
    site->references = NULL;
    ok(month_request(store, "V9X01", OCTOBER, "gate", err));
    ck_assert_int_eq(build_october(site), BUILD_SAME);
    site_free(site);
}
END_TEST

START_TEST(what_a_purge_touched_does_not_come_back)
{
    Site *site = site_plain();
    take_people(1, 60);
    map_everyone(site);
    build_october(site);
    int64_t id = site->result.submission;
    accept(id);
    Change purge = {.op = CHANGE_PURGE,
                    .seq = 100000,
                    .type = "person",
                    .id = "P1",
                    .version = 9,
                    .org = "O-L1",
                    .recorded_at = "2026-11-22T08:11:00.000Z",
                    .reason = "erasure"};
    take(FEED, purge);
    const char *path;
    ck_assert(submission(id).purged);
    fails("submission.purged", ensure(site, id, &path, err)); /* the file is still there */
    SubmissionInfo info = submission(id);
    unlink(spool_path(site, &info));
    fails("submission.purged", ensure(site, id, &path, err));
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    ck_assert_int_eq(site->result.counts.people, 59);
    site_free(site);
}
END_TEST

static void leave_file(const Site *site, const char *name)
{
    ok(file_write(arena_format(arena, "%s/%s", site->spool, name), "x", 1, 0600, err));
}

static bool is_there(const Site *site, const char *name)
{
    return access(arena_format(arena, "%s/%s", site->spool, name), F_OK) == 0;
}

/* Of a process that is over. */
static pid_t dead_process(void)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return child;
}

START_TEST(the_sweep_keeps_what_may_still_go_out)
{
    Site *site = site_plain();
    take_people(1, 60);
    map_everyone(site);
    build_october(site);
    SubmissionInfo accepted = submission(site->result.submission);
    accept(accepted.id);
    take_people(61, 1);
    map_everyone(site);
    build_october(site);
    SubmissionInfo superseded = submission(site->result.submission);
    site->policy.release = "manual";
    take_people(62, 1);
    map_everyone(site);
    build_october(site);
    SubmissionInfo held = submission(site->result.submission);
    const char *mine = arena_format(arena, "mhsds-6.0-V9X01-2026-10-g9.xml.%d.part", (int)getpid());
    const char *left =
        arena_format(arena, "mhsds-6.0-V9X01-2026-10-g8.xml.%d.part", (int)dead_process());
    leave_file(site, mine);
    leave_file(site, left);
    leave_file(site, "somebody's notes");
    ok(spool_sweep(store, site->spool, arena, err));
    ck_assert(is_there(site, held.spool_name));
    ck_assert(is_there(site, mine));
    ck_assert(is_there(site, "somebody's notes"));
    ck_assert(!is_there(site, left));
    ck_assert(!is_there(site, accepted.spool_name));
    ck_assert(!is_there(site, superseded.spool_name));
    ok(submission_release(store, held.id, "somebody", NULL, err));
    ok(spool_sweep(store, site->spool, arena, err));
    ck_assert(is_there(site, held.spool_name));
    site_free(site);
}
END_TEST

/* In a process of its own whose clock was moved; the parent says what the header must begin with.
 */
static void header_begins_with(const char *wanted)
{
    Site *site = site_plain();
    take_people(1, 1);
    map_everyone(site);
    /* Before the month is over its header is refused: the month is held for that, with its header.
     */
    ck_assert_int_eq(build_october(site), BUILD_HELD);
    ck_assert_str_eq(site->result.reason, "file_findings");
    ck_assert_uint_eq(site->result.left_out, 0);
    ck_assert_int_ge(ask_number("select count(*) from finding where source = 'build' and table_code"
                                " = 'MHS000' and element is not null"),
                     1);
    ck_assert_int_eq(ask_number("select count(*) from finding where rule = 'MHSREJ002'"), 0);
    const char *element = "<DateTimeDatSetCreate>",
               *at = strstr(read_document(site, site->result.submission), element);
    ck_assert_msg(strncmp(at + strlen(element), wanted, strlen(wanted)) == 0, "%.19s, not %s",
                  at + strlen(element), wanted);
    const char *kept = submission(site->result.submission).document_created;
    ck_assert_int_eq(strncmp(at + strlen(element), kept, strlen(kept)), 0);
    site_free(site);
}

START_TEST(the_header_has_london_time)
{
    static const struct {
        const char *clock, *header;
    } instants[] = {{"2026-03-29T00:50:00Z", "2026-03-29T00:5"},
                    {"2026-03-29T01:00:05Z", "2026-03-29T02:0"},
                    {"2026-10-25T00:50:00Z", "2026-10-25T01:5"},
                    {"2026-10-25T01:00:05Z", "2026-10-25T01:0"},
                    {"2026-06-30T23:30:00Z", "2026-07-01T00:3"}};
    const char *asked = getenv("MHSFLOW_TEST_HEADER");
    if (asked) {
        header_begins_with(asked);
        return;
    }
    for (size_t i = 0; i < sizeof instants / sizeof *instants; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            setenv("MHSFLOW_CLOCK", instants[i].clock, 1);
            unsetenv("MHSFLOW_CLOCK_OFFSET");
            setenv("MHSFLOW_TEST_HEADER", instants[i].header, 1);
            setenv("CK_RUN_CASE", "the_header_has_london_time", 1);
            setenv("CK_TAP_LOG_FILE_NAME", "/dev/null", 1);
            execl("/proc/self/exe", "test_build_spool", NULL);
            _exit(127);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "at %s", instants[i].clock);
    }
}
END_TEST

CASE_MAIN("build spool", a_lost_or_damaged_file_comes_back_the_same, two_feeds_have_one_order,
          what_a_purge_touched_does_not_come_back, the_sweep_keeps_what_may_still_go_out,
          the_header_has_london_time)
