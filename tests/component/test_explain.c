/* SPDX-License-Identifier: Apache-2.0 */
/* Why something is not sent, against a real database: the facts are found, and lead to the reason.
 */
#include "daemon/base/file.h"
#include "daemon/pipeline/cutoff.h"
#include "tests/component/build_case.h"

#include <string.h>
#include <unistd.h>

#define DUE (2026 * 12 + 9) /* October */

static Explanation *answers;
static size_t count;

static ExplainTools tools_of(const Site *site)
{
    return (ExplainTools){.store = store, .calendar = site->tools.calendar, .arena = arena};
}

static const Explanation *ask_record(const Site *site, const char *type, const char *id,
                                     Month month)
{
    ExplainTools tools = tools_of(site);
    ok(explain_record(&tools, type, id, month, &answers, &count, err));
    ck_assert_uint_ge(count, 1);
    return &answers[0];
}

#define says(site, type, id, code_)                                                                \
    ck_assert_str_eq(ask_record(site, type, id, DUE)->reason->code, code_)

static const char *of_submission(const Site *site, int64_t id)
{
    ExplainTools tools = tools_of(site);
    Explanation *answer = arena_alloc(arena, sizeof *answer);
    ok(explain_submission(&tools, id, answer, err));
    ck_assert_int_eq(answer->submission, id);
    return answer->reason->code;
}

/* Somebody of each role that an answer looks for. */
static void roles_run(void)
{
    static const char *const roles[] = {"build", "submit"};
    for (size_t i = 0; i < 2; i++) {
        _cleanup_store_ Store *role = NULL;
        ok(store_open(database, roles[i], &role, err));
        ok(store_beat(role, err));
    }
}

static void remove_record(const char *type, const char *id, ChangeOp op)
{
    take(FEED, (Change){.op = op, .type = type, .id = id, .version = 9, .reason = "request"});
}

START_TEST(the_life_of_a_record)
{
    Site *site = site_plain();
    roles_run();
    says(site, "contact", "CP1", "not_received");
    take_people(1, 1);
    says(site, "contact", "CP1", "to_be_mapped");
    map_everyone(site);
    says(site, "contact", "CP1", "to_build");
    ck_assert_str_eq(ask_record(site, "contact", "CP1", DUE - 1)->reason->code, "other_months");
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    says(site, "contact", "CP1", "ready");
    ck_assert_int_eq(answers[0].submission, site->result.submission);
    ck_assert_str_eq(of_submission(site, site->result.submission), "ready");
    accept(site->result.submission);
    says(site, "contact", "CP1", "sent");
    says(site, "person", "P1", "sent");
    ck_assert_int_eq(answers[0].accepted, site->result.submission);
    ck_assert_str_eq(of_submission(site, site->result.submission), "sent");
    remove_record("contact", "CP1", CHANGE_DELETE);
    map_everyone(site);
    says(site, "contact", "CP1", "deleted");
    says(site, "team", "T-1", "of_no_person");
    site_free(site);
}
END_TEST

/* An edit after the month was accepted: the old form was sent, the new one was not. */
START_TEST(an_edit_after_it_was_sent)
{
    Site *site = site_plain();
    roles_run();
    take_people(1, 1);
    map_everyone(site);
    build_october(site);
    accept(site->result.submission);
    take(FEED, upsert("contact", "CP1", 2,
                      "{\"id\":\"CP1\",\"referral\":\"RP1\",\"date\":\"2026-10-07\","
                      "\"medium\":\"01\",\"attendance\":\"5\",\"worker\":\"W-1\"}"));
    map_everyone(site);
    says(site, "contact", "CP1", "to_build");
    ck_assert_int_eq(answers[0].accepted, site->result.submission);
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    says(site, "contact", "CP1", "ready");
    ck_assert_int_eq(answers[0].revision, 2);
    site_free(site);
}
END_TEST

START_TEST(who_withdrew_is_withheld)
{
    Site *site = site_plain();
    roles_run();
    take_people(1, 2);
    map_everyone(site);
    build_october(site);
    accept(site->result.submission);
    take_consent(FEED, 1, 2, "withdrawn");
    map_everyone(site);
    for (int i = 0; i < 2; i++) {
        const Explanation *answer =
            ask_record(site, i ? "contact" : "person", i ? "CP1" : "P1", DUE);
        ck_assert_str_eq(answer->reason->code, "withheld");
        ck_assert_str_eq(answer->finding->rule, "withheld_withdrawn");
        ck_assert_str_eq(answer->so, answer->finding->message);
        ck_assert_int_eq(answer->accepted, site->result.submission);
    }
    says(site, "contact", "CP2", "sent");
    /* Without a month: October apart, because it was sent; what is alike is one answer. */
    ask_record(site, "person", "P1", 0);
    ck_assert_uint_ge(count, 2);
    ck_assert_uint_le(count, 3);
    site_free(site);
}
END_TEST

START_TEST(a_rule_over_the_whole_file)
{
    Site *site = site_plain();
    roles_run();
    take_people(1, 1);
    take_whole_person(FEED, 2, nhs_number(9));
    take_whole_person(FEED, 3, nhs_number(9));
    map_everyone(site);
    build_october(site);
    says(site, "person", "P2", "left_out_of_file");
    ck_assert_str_eq(answers[0].finding->rule, "MHS00147");
    says(site, "contact", "CP2", "left_out_of_file");
    ck_assert_str_eq(answers[0].finding->rule, "MHS00147");
    ck_assert_str_eq(answers[0].finding->record_id, "P2");
    says(site, "contact", "CP1", "ready");
    site_free(site);
}
END_TEST

START_TEST(a_referral_that_falls_takes_its_contact)
{
    Site *site = site_plain();
    roles_run();
    take_people(1, 1);
    take(FEED, upsert("referral", "RP1", 2,
                      "{\"id\":\"RP1\",\"person\":\"P1\",\"org\":\"O-NONE\",\"team\":\"T-1\","
                      "\"received_date\":\"2026-09-10\"}"));
    map_everyone(site);
    const Explanation *answer = ask_record(site, "contact", "CP1", 0);
    ck_assert_str_eq(answer->reason->code, "left_out");
    ck_assert_str_eq(answer->finding->rule, "organisation_unknown");
    ck_assert_str_eq(answer->finding->record_id, "RP1");
    site_free(site);
}
END_TEST

START_TEST(what_has_no_parent_or_is_purged)
{
    Site *site = site_plain();
    roles_run();
    take_people(1, 1);
    take(FEED,
         upsert("contact", "CX", 1, "{\"id\":\"CX\",\"referral\":\"RX\",\"date\":\"2026-10-06\"}"));
    says(site, "contact", "CX", "parentless");
    remove_record("person", "P1", CHANGE_PURGE);
    says(site, "person", "P1", "purged");
    site_free(site);
}
END_TEST

START_TEST(the_months_around)
{
    Site *site = site_plain();
    roles_run();
    take_people(1, 1);
    take(FEED, upsert("contact", "CN", 1,
                      "{\"id\":\"CN\",\"referral\":\"RP1\",\"date\":\"2026-11-06\","
                      "\"medium\":\"01\",\"attendance\":\"5\",\"worker\":\"W-1\"}"));
    map_everyone(site);
    const Explanation *answer = ask_record(site, "contact", "CN", 0);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(answer->first_month, DUE + 1);
    ck_assert_str_eq(answer->reason->code, "month_ahead");
    ck_assert_int_gt(answer->next_at, 0);
    site_free(site);
}
END_TEST

START_TEST(the_month_waits_for_a_person)
{
    Site *site = site_plain();
    roles_run();
    site->policy.release = "manual";
    take_people(1, 1);
    map_everyone(site);
    build_october(site);
    says(site, "contact", "CP1", "held_approval");
    ok(submission_cancel(store, site->result.submission, "tester", NULL, err));
    says(site, "contact", "CP1", "cancelled");
    ck_assert_str_eq(of_submission(site, site->result.submission), "cancelled");
    site_free(site);
}
END_TEST

START_TEST(routes_feeds_and_roles)
{
    Site *site = site_plain();
    take_people(1, 1);
    map_everyone(site);
    says(site, "contact", "CP1", "build_away");
    ask_text("update feed_state set complete = false");
    says(site, "contact", "CP1", "feed_filling");
    says(site, "contact", "CNONE", "feed_behind");
    ask_text("update feed_state set state = 'down'");
    says(site, "contact", "CP1", "feed_stopped");
    build_october(site);
    says(site, "contact", "CP1", "submit_away");
    ok(route_save(store, "r", "stopped", "http.unauthorised", "x", err));
    says(site, "contact", "CP1", "route_stopped");
    ck_assert_str_eq(answers[0].code, "http.unauthorised");
    SubmissionClaim claim = claim_one(store);
    says(site, "contact", "CP1", "sending");
    ok(submission_give_back(store, claim.info.id, claim.fence, "sign.away", 60000, err));
    ok(route_save(store, "r", "ok", NULL, "x", err));
    says(site, "contact", "CP1", "signer_away");
    site_free(site);
}
END_TEST

/* October's cut-off in two days; the case's day is the 23rd of November. */
static const Calendar *near_calendar(void)
{
    static const char path[] = "/tmp/mhsflow-near-calendar.csv";
    static const char lines[] =
        "month,opens,closes,source\n2026-10,2026-11-01,2026-11-25,published\n";
    const Calendar *calendar;
    ok(file_write(path, lines, strlen(lines), 0600, err));
    ok(calendar_load(path, arena, &calendar, err));
    unlink(path);
    return calendar;
}

static size_t look(const Calendar *calendar, Cutoff **ret)
{
    static const char *const providers[] = {"V9X01"};
    ExplainTools tools = {.store = store, .calendar = calendar, .arena = arena};
    size_t found;
    ok(cutoff_list(&tools, providers, 1, ret, &found, err));
    return found;
}

START_TEST(a_cut_off_that_is_near_is_told_with_its_reason)
{
    Site *site = site_plain();
    const Calendar *calendar = near_calendar();
    Cutoff *near;
    bool say;
    roles_run();
    ck_assert_uint_eq(look(calendar, &near), 0); /* nobody is in it */
    ask_text("update feed_state set complete = false");
    ck_assert_uint_eq(look(calendar, &near), 1); /* but who knows: the feed is not through */
    ck_assert_str_eq(near[0].why.reason->code, "feed_filling");
    ask_text("update feed_state set complete = true");
    site->policy.release = "manual";
    take_people(1, 2);
    ck_assert_uint_eq(look(calendar, &near), 0);
    map_everyone(site);
    ck_assert_uint_eq(look(calendar, &near), 1);
    ck_assert_str_eq(near[0].why.reason->code, "to_build");
    build_october(site);
    ck_assert_uint_eq(look(calendar, &near), 1);
    ck_assert_str_eq(near[0].why.reason->code, "held_approval");
    ck_assert_int_eq(near[0].days, 2);
    /* Once for this step and provider, and again on the last day. */
    ok(cutoff_say(store, near, &say, err));
    ck_assert(say);
    ok(cutoff_say(store, near, &say, err));
    ck_assert(!say);
    near[0].days = 1;
    ok(cutoff_say(store, near, &say, err));
    ck_assert(say);
    ok(submission_release(store, site->result.submission, "tester", NULL, err));
    accept(site->result.submission);
    ck_assert_uint_eq(look(calendar, &near), 0);
    ck_assert_uint_eq(look(site->tools.calendar, &near), 0); /* the 20th is behind us */
    site_free(site);
}
END_TEST

/* What was accepted with somebody who withdrew, or who was purged, until it is sent without them.
 */
START_TEST(what_was_sent_and_should_not_have_been)
{
    Site *site = site_plain();
    RecallMonth *months;
    size_t found;
    take_people(1, 60);
    map_everyone(site);
    build_october(site);
    accept(site->result.submission);
    ok(submission_recall(store, arena, &months, &found, err));
    ck_assert_uint_eq(found, 0);
    take_consent(FEED, 1, 2, "withdrawn");
    map_everyone(site);
    ok(submission_recall(store, arena, &months, &found, err));
    ck_assert_uint_eq(found, 1);
    ck_assert_int_eq(months[0].withdrawn, 1);
    ck_assert_int_eq(months[0].period, DUE);
    ck_assert(!months[0].purged);
    remove_record("person", "P2", CHANGE_PURGE);
    says(site, "contact", "CP2", "purged"); /* with the person */
    ok(submission_recall(store, arena, &months, &found, err));
    ck_assert_uint_eq(found, 1);
    ck_assert(months[0].purged);
    site->policy.shrink_percent = 50;
    map_everyone(site);
    ck_assert_int_eq(build_october(site), BUILD_QUEUED);
    accept(site->result.submission);
    ok(submission_recall(store, arena, &months, &found, err));
    ck_assert_uint_eq(found, 0);
    site_free(site);
}
END_TEST

START_TEST(a_row_by_its_key)
{
    Site *site = site_plain();
    ExplainTools tools = tools_of(site);
    roles_run();
    take_people(1, 1);
    map_everyone(site);
    const char *key = ask_text("select row_key from national_row where table_code = 'MHS201'");
    ok(explain_row(&tools, NULL, "MHS201", key, DUE, &answers, &count, err));
    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(answers[0].reason->code, "to_build");
    fails("explain.unknown",
          explain_row(&tools, NULL, "MHS201", "none", DUE, &answers, &count, err));
    site_free(site);
}
END_TEST

CASE_MAIN("explain", the_life_of_a_record, an_edit_after_it_was_sent, who_withdrew_is_withheld,
          a_rule_over_the_whole_file, a_referral_that_falls_takes_its_contact,
          what_has_no_parent_or_is_purged, the_months_around, the_month_waits_for_a_person,
          routes_feeds_and_roles, a_cut_off_that_is_near_is_told_with_its_reason,
          what_was_sent_and_should_not_have_been, a_row_by_its_key)
