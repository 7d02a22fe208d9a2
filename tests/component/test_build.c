/* SPDX-License-Identifier: Apache-2.0 */
/* From rows to a submission: what goes, what is left out and why, when a person must look. */
#include "daemon/base/file.h"
#include "tests/component/build_case.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool schema_accepts(const Site *site, const char *path)
{
    const char *xsd = arena_format(arena, "%s/mhsds-6.0.xsd", site->tools.dataset->folder);
    int status;
    pid_t child = fork();
    if (child == 0) {
        execlp("xmllint", "xmllint", "--noout", "--schema", xsd, path, NULL);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int64_t findings(const char *where)
{
    return ask_number(
        arena_format(arena, "select count(*) from finding where source = 'build' and %s", where));
}

/* A row of one person changed behind the mapping's back. */
static void change_row(const char *table, const char *person, const char *from, const char *to)
{
    pg_ask(database,
           arena_format(arena,
                        "update mhsflow.national_row set fragment = replace(fragment, '%s', '%s'),"
                        " digest = sha256(convert_to(replace(fragment, '%s', '%s'), 'UTF8'))"
                        " where table_code = '%s' and person = '%s' and gen_to is null",
                        from, to, from, to, table, person));
}

START_TEST(a_clean_month_is_ready_and_valid)
{
    Site *site = site_plain();
    take_people(1, 3);
    map_everyone(site);
    ck_assert(month_is_dirty());
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    SubmissionInfo info = submission(site->result.submission);
    ck_assert_int_eq(info.state, SUBMISSION_READY);
    ck_assert_int_eq(info.revision, 1);
    ck_assert_int_eq(info.counts.people, 3);
    ck_assert_int_eq(info.counts.referrals, 3);
    ck_assert_int_eq(info.counts.contacts, 3);
    ck_assert_int_eq(info.left_out, 0);
    ck_assert(!month_is_dirty());
    const char *path = spool_path(site, &info), *document = read_document(site, info.id);
    uint8_t digest[DIGEST_SIZE];
    digest_bytes(document, strlen(document), digest);
    ck_assert_mem_eq(digest, info.document_digest, DIGEST_SIZE);
    ck_assert_int_eq(info.document_size, (int64_t)strlen(document));
    ck_assert_int_eq(info.counts.rows, (int64_t)count_of(document, "\n") - 3);
    ck_assert(schema_accepts(site, path));
    struct stat stat_of;
    ck_assert_int_eq(stat(path, &stat_of), 0);
    ck_assert_uint_eq(stat_of.st_mode & 0007, 0);
    site_free(site);
}
END_TEST

START_TEST(a_shared_nhs_number_leaves_both_people_out)
{
    Site *site = site_plain();
    take_people(1, 1);
    take_whole_person(FEED, 2, nhs_number(9));
    take_whole_person(FEED, 3, nhs_number(9));
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    SubmissionInfo info = submission(site->result.submission);
    const char *document = read_document(site, info.id);
    ck_assert_int_eq(info.counts.people, 1);
    ck_assert_int_eq(info.left_out, 8);
    ck_assert_uint_eq(site->result.left_out, 8);
    ck_assert_uint_eq(count_of(document, ">bP1<"), 3);
    ck_assert_uint_eq(count_of(document, ">bP2<") + count_of(document, ">bP3<"), 0);
    ck_assert_int_eq(findings("rule = 'MHS00147' and cause_rule is null and left_out"
                              " and table_code = 'MHS001'"
                              " and record_type = 'person' and person in ('P2', 'P3')"),
                     2);
    ck_assert_int_eq(findings("cause_rule = 'MHS00147' and cause_table = 'MHS001' and left_out"
                              " and person in ('P2', 'P3')"),
                     6);
    ck_assert(schema_accepts(site, spool_path(site, &info)));
    /* For a person: one cause, two people. */
    FindingGroup *groups;
    size_t count;
    ok(finding_groups(store, &(FindingFilter){.source = "build"}, arena, &groups, &count, err));
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(groups[0].rule, "MHS00147");
    ck_assert_int_eq(groups[0].people, 2);
    ck_assert_int_eq(groups[0].left_out, 8);
    site_free(site);
}
END_TEST

START_TEST(only_people_who_cannot_go_are_no_empty_month)
{
    Site *site = site_plain();
    take_whole_person(FEED, 2, nhs_number(9));
    take_whole_person(FEED, 3, nhs_number(9));
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_HELD);
    ck_assert_str_eq(site->result.reason, "file_findings");
    ck_assert_int_eq(findings("rule = 'MHS00147' and left_out"), 2);
    site_free(site);
}
END_TEST

/* What mapping would have caught: the row in the database is bad all the same. */
START_TEST(a_bad_nhs_number_takes_the_whole_person)
{
    Site *site = site_plain();
    take_people(1, 2);
    map_everyone(site);
    change_row("MHS001", "P1", nhs_number(1), "9990000000");
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    const char *document = read_document(site, site->result.submission);
    ck_assert_uint_eq(
        count_of(document, ">bP1<") + count_of(document, "bRP1") + count_of(document, "bCP1"), 0);
    ck_assert_uint_eq(count_of(document, ">bP2<"), 3);
    ck_assert_int_eq(findings("rule = 'MHSREJ006a' and cause_rule is null and person = 'P1'"), 1);
    ck_assert_int_eq(findings("cause_rule = 'MHSREJ006a' and left_out and person = 'P1'"
                              " and table_code in ('MHS002', 'MHS101', 'MHS201')"),
                     3);
    site_free(site);
}
END_TEST

/* The referral falls: the person has none left, and with them all else; each names the root. */
START_TEST(a_fallen_referral_names_its_cause_down_to_the_person)
{
    Site *site = site_plain();
    take_people(1, 2);
    map_everyone(site);
    change_row("MHS101", "P1", "<OrgIDComm>V9C01</OrgIDComm>", "");
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    ck_assert_int_eq(site->result.counts.people, 1);
    ck_assert_int_eq(findings("rule = 'MHS10108' and cause_rule is null and table_code = 'MHS101'"),
                     1);
    ck_assert_int_eq(findings("cause_rule = 'MHS10108' and cause_table = 'MHS101' and left_out"),
                     3);
    site_free(site);
}
END_TEST

/* A contact that falls alone takes nobody along. */
START_TEST(a_bad_contact_falls_alone)
{
    Site *site = site_plain();
    take_people(1, 2);
    map_everyone(site);
    change_row("MHS201", "P1", "2026-10-06", "2026-13-06");
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    ck_assert_int_eq(site->result.counts.people, 2);
    ck_assert_int_eq(site->result.counts.contacts, 1);
    ck_assert_uint_eq(site->result.left_out, 1);
    ck_assert_int_eq(findings("person = 'P1' and table_code = 'MHS201' and left_out"
                              " and record_type = 'contact' and record_id = 'CP1'"
                              " and field = 'date' and element = 'CareContDate'"),
                     1);
    site_free(site);
}
END_TEST

START_TEST(the_same_content_makes_no_revision)
{
    Site *site = site_plain();
    take_people(1, 2);
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    ok(month_request(store, "V9X01", OCTOBER, "gate", err));
    ck_assert(month_is_dirty());
    ck_assert_int_eq(build_october(site), BUILD_SAME);
    ck_assert(!month_is_dirty());
    ck_assert_int_eq(ask_number("select count(*) from submission"), 1);
    ck_assert_int_eq(ask_number("select count(*) from submission_queue where state = 'ready'"), 1);
    site_free(site);
}
END_TEST

START_TEST(a_late_edit_supersedes_what_was_not_sent)
{
    Site *site = site_plain();
    take_people(1, 2);
    map_everyone(site);
    build_october(site);
    int64_t first = site->result.submission;
    take(FEED, upsert("contact", "CP1", 2,
                      "{\"id\":\"CP1\",\"referral\":\"RP1\",\"date\":\"2026-10-07\","
                      "\"medium\":\"01\",\"attendance\":\"5\",\"worker\":\"W-1\"}"));
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    ck_assert_int_eq(site->result.revision, 2);
    ck_assert_int_eq(submission(first).state, SUBMISSION_SUPERSEDED);
    ck_assert_int_eq(submission(site->result.submission).state, SUBMISSION_READY);
    ck_assert_uint_eq(count_of(read_document(site, site->result.submission), "2026-10-07"), 1);
    site_free(site);
}
END_TEST

/* The gate superseded a revision and the month is again what the receiver has: nothing to send. */
START_TEST(what_the_receiver_has_is_not_sent_again)
{
    Site *site = site_plain();
    take_people(1, 60);
    map_everyone(site);
    build_october(site);
    accept(site->result.submission);
    take_people(61, 1);
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    take_consent(FEED, 61, 2, "withdrawn");
    SubmissionClaim claim = claim_one(store);
    ck_assert(!intend(store, &claim));
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_SAME);
    ck_assert(!month_is_dirty());
    site_free(site);
}
END_TEST

START_TEST(a_month_that_shrank_is_held)
{
    Site *site = site_plain();
    take_people(1, 100);
    map_everyone(site);
    build_october(site);
    accept(site->result.submission);
    take_consent(FEED, 1, 2, "withdrawn");
    take_consent(FEED, 2, 2, "withdrawn");
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_QUEUED); /* two in a hundred may go */
    take_consent(FEED, 3, 2, "withdrawn");
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_HELD);
    ck_assert_str_eq(site->result.reason, "shrunk");
    SubmissionInfo info = submission(site->result.submission);
    ck_assert_int_eq(info.state, SUBMISSION_HELD);
    ck_assert_int_eq(info.counts.people, 97);
    ck_assert_int_eq(ask_number("select count(*) from submission_queue where state = 'ready'"), 0);
    site_free(site);
}
END_TEST

static BuildOutcome withdraw_one(Site *site, int number)
{
    take_consent(FEED, number, 2, "withdrawn");
    map_everyone(site);
    return build_october(site);
}

START_TEST(a_small_month_may_lose_as_many_as_the_floor)
{
    Site *site = site_plain();
    site->policy.shrink_floor = 2;
    take_people(1, 20);
    map_everyone(site);
    build_october(site);
    accept(site->result.submission);
    ck_assert_int_eq(withdraw_one(site, 1), BUILD_QUEUED); /* a twentieth */
    ck_assert_int_eq(withdraw_one(site, 2), BUILD_QUEUED);
    ck_assert_int_eq(withdraw_one(site, 3), BUILD_HELD); /* of what was accepted last: three */
    ck_assert_str_eq(site->result.reason, "shrunk");
    site_free(site);
}
END_TEST

START_TEST(half_a_month_is_held_whatever_the_floor)
{
    Site *site = site_plain();
    site->policy.shrink_floor = 100;
    take_people(1, 5);
    map_everyone(site);
    build_october(site);
    accept(site->result.submission);
    ck_assert_int_eq(withdraw_one(site, 1), BUILD_QUEUED);
    ck_assert_int_eq(withdraw_one(site, 2), BUILD_QUEUED);
    ck_assert_int_eq(withdraw_one(site, 3), BUILD_HELD);
    site_free(site);
}
END_TEST

static void release_way(const char *release, BuildOutcome first, BuildOutcome second)
{
    Site *site = site_plain();
    site->policy.release = release;
    take_people(1, 2);
    map_everyone(site);
    ck_assert_int_eq(build_october(site), first);
    int64_t id = site->result.submission;
    if (first == BUILD_HELD) {
        ck_assert_str_eq(site->result.reason, "approval");
        ok(submission_release(store, id, "somebody", NULL, err));
    }
    accept(id);
    take_people(3, 1);
    map_everyone(site);
    ck_assert_int_eq(build_october(site), second);
    site_free(site);
}

START_TEST(released_automatically)
{
    release_way("automatic", BUILD_QUEUED, BUILD_QUEUED);
}
END_TEST

START_TEST(the_first_revision_waits_for_a_person)
{
    release_way("approve", BUILD_HELD, BUILD_QUEUED);
}
END_TEST

START_TEST(every_revision_waits_for_a_person)
{
    release_way("manual", BUILD_HELD, BUILD_HELD);
}
END_TEST

/* A person may release what was held: it must be as good as any other. */
START_TEST(a_held_document_is_checked_too)
{
    Site *site = site_plain();
    site->policy.release = "manual";
    take_people(1, 2);
    map_everyone(site);
    ((Dataset *)(uintptr_t)site->tools.dataset)->folder = site->spool; /* no schema there */
    fails("file.open", build_on(site, store, arena, &site->result, err));
    ck_assert_int_eq(ask_number("select count(*) from submission"), 0);
    site_free(site);
}
END_TEST

START_TEST(an_empty_month_is_nothing_to_send)
{
    Site *site = site_plain();
    ok(month_request(store, "V9X01", OCTOBER, "gate", err));
    ck_assert_int_eq(build_october(site), BUILD_EMPTY);
    ck_assert(!month_is_dirty());
    ck_assert_int_eq(ask_number("select count(*) from submission"), 0);
    site_free(site);
}
END_TEST

static void everyone_goes(bool accepted)
{
    Site *site = site_plain();
    take_people(1, 2);
    map_everyone(site);
    build_october(site);
    int64_t first = site->result.submission;
    if (accepted)
        accept(first);
    take_consent(FEED, 1, 2, "withdrawn");
    take_consent(FEED, 2, 2, "withdrawn");
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_HELD);
    ck_assert_int_eq(submission(first).state,
                     accepted ? SUBMISSION_ACCEPTED : SUBMISSION_SUPERSEDED);
    ck_assert_int_eq(submission(site->result.submission).state, SUBMISSION_HELD);
    site_free(site);
}

START_TEST(everyone_gone_after_an_accepted_revision_is_held)
{
    everyone_goes(true);
}
END_TEST

START_TEST(everyone_gone_before_anything_was_sent_is_held)
{
    everyone_goes(false);
}
END_TEST

START_TEST(workers_and_teams_are_those_in_use)
{
    Site *site = site_plain();
    take(FEED,
         upsert("team", "T-2", 1, "{\"id\":\"T-2\",\"org\":\"O-L1\",\"mh_team_type\":\"A06\"}"),
         upsert("team", "T-3", 1, "{\"id\":\"T-3\",\"org\":\"O-L1\",\"mh_team_type\":\"A06\"}"),
         upsert("worker", "W-2", 1, "{\"id\":\"W-2\",\"org\":\"O-L1\",\"staff_group\":\"98\"}"),
         upsert("worker", "W-3", 1, "{\"id\":\"W-3\",\"org\":\"O-L1\",\"staff_group\":\"98\"}"),
         upsert("group_session", "G-1", 1,
                "{\"id\":\"G-1\",\"org\":\"O-L1\",\"date\":\"2026-10-08\",\"participants\":4,"
                "\"commissioner\":\"V9C01\",\"worker\":\"W-2\",\"duration_min\":60}"));
    take_people(1, 1);
    take_whole_person(FEED, 2, nhs_number(9));
    take_whole_person(FEED, 3, nhs_number(9));
    /* Only somebody who falls is with team T-3. */
    take(FEED, upsert("referral", "RP2", 2,
                      "{\"id\":\"RP2\",\"person\":\"P2\",\"org\":\"O-L1\",\"team\":\"T-3\","
                      "\"commissioner\":\"V9C01\",\"received_date\":\"2026-09-10\"}"));
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    const char *document = read_document(site, site->result.submission);
    ck_assert_uint_eq(count_of(document, "<MHS301GroupSession>"), 1);
    ck_assert_uint_eq(count_of(document, "<MHS902ServiceTeamDetails>"), 1);
    ck_assert_uint_eq(count_of(document, "<MHS902ServiceTeamDetails><CareProfTeamLocalID>bT-1<"),
                      1);
    ck_assert_uint_eq(count_of(document, "<MHS901StaffDetails>"), 1);
    ck_assert_uint_eq(count_of(document, "<MHS901StaffDetails><CareProfLocalID>bW-2<"), 1);
    site_free(site);
}
END_TEST

/* A row without a person that falls is shown, like any other. */
START_TEST(a_team_that_falls_is_shown)
{
    Site *site = site_plain();
    take(FEED, upsert("team", "T-1", 2, "{\"id\":\"T-1\",\"org\":\"O-L1\"}"));
    take_people(1, 1);
    map_everyone(site);
    build_october(site);
    const char *document = read_document(site, site->result.submission);
    ck_assert_uint_eq(count_of(document, "<MHS902ServiceTeamDetails>"), 0);
    ck_assert_int_eq(findings("left_out and table_code = 'MHS902' and record_type = 'team'"
                              " and record_id = 'T-1' and row_key is not null"),
                     1);
    site_free(site);
}
END_TEST

/* A team that only its own record changed in: nobody's rows move, and yet the month is another. */
START_TEST(a_changed_team_makes_the_month_another)
{
    Site *site = site_plain();
    take_people(1, 1);
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    take(FEED, upsert("team", "T-1", 2,
                      "{\"id\":\"T-1\",\"org\":\"O-L1\",\"mh_team_type\":\"A06\","
                      "\"age_group\":\"02\"}"));
    map_everyone(site);
    ck_assert(month_is_dirty());
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    ck_assert_uint_eq(count_of(read_document(site, site->result.submission),
                               "<ServTeamIntAgeGroup>02</ServTeamIntAgeGroup>"),
                      1);
    ck_assert(!month_is_dirty());
    site_free(site);
}
END_TEST

static bool not_current(void *context, bool *ret, Error *err)
{
    (void)context, (void)err;
    *ret = false;
    return true;
}

START_TEST(old_references_make_no_revision)
{
    Site *site = site_plain();
    take_people(1, 1);
    map_everyone(site);
    site->current = not_current;
    fails("build.references", build_on(site, store, arena, &site->result, err));
    ck_assert(month_is_dirty());
    site_free(site);
}
END_TEST

/* Somebody's mapping fails for good, and then they withdraw: their old rows still hold. */
START_TEST(who_withdrew_is_left_out_although_the_rows_still_hold)
{
    Site *site = site_plain();
    take_people(1, 3);
    map_everyone(site);
    take_consent(FEED, 1, 2, "withdrawn");
    pg_ask(database, "update mhsflow.work set quarantined = true");
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    ck_assert_int_eq(site->result.counts.people, 2);
    ck_assert_uint_eq(count_of(read_document(site, site->result.submission), "P1<"), 0);
    ck_assert_int_eq(findings("rule = 'withheld_now' and left_out and person = 'P1'"), 4);
    SubmissionClaim claim = claim_one(store);
    ck_assert(intend(store, &claim));
    site_free(site);
}
END_TEST

CASE_MAIN("build", a_clean_month_is_ready_and_valid, a_shared_nhs_number_leaves_both_people_out,
          only_people_who_cannot_go_are_no_empty_month, a_bad_nhs_number_takes_the_whole_person,
          a_fallen_referral_names_its_cause_down_to_the_person, a_bad_contact_falls_alone,
          the_same_content_makes_no_revision, a_late_edit_supersedes_what_was_not_sent,
          what_the_receiver_has_is_not_sent_again, a_month_that_shrank_is_held,
          a_small_month_may_lose_as_many_as_the_floor, half_a_month_is_held_whatever_the_floor,
          released_automatically, the_first_revision_waits_for_a_person,
          every_revision_waits_for_a_person, a_held_document_is_checked_too,
          an_empty_month_is_nothing_to_send, everyone_gone_after_an_accepted_revision_is_held,
          everyone_gone_before_anything_was_sent_is_held, workers_and_teams_are_those_in_use,
          a_team_that_falls_is_shown, a_changed_team_makes_the_month_another,
          old_references_make_no_revision, who_withdrew_is_left_out_although_the_rows_still_hold)
