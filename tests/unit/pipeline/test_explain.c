/* SPDX-License-Identifier: Apache-2.0 */
/* Why something is not sent: each reason from the facts that make it, and nothing left unsaid. */
#include "daemon/pipeline/explain.h"
#include "tests/unit/suite.h"

#include <string.h>

/* A whole month that is ready and whose roles run: what each case changes one thing of. */
#define READY                                                                                      \
    .held = true, .rows = true, .feeds_complete = true, .build_alive = true, .submit_alive = true, \
    .in_newest = true
#define NOT_IN .held = true, .rows = true, .build_alive = true, .submit_alive = true

static const struct {
    const char *code;
    ExplainFacts facts;
} cases[] = {
    {"purged", {.purged = true, .feeds_complete = true}},
    {"feed_behind", {.feeds_complete = false}},
    {"not_received", {.feeds_complete = true}},
    {"deleted", {READY, .deleted = true}},
    {"restricted", {READY, .restricted = true, .of_no_person = true}},
    {"parentless", {READY, .parentless = true, .of_no_person = true}},
    {"of_no_person", {READY, .of_no_person = true}},
    {"set_aside", {READY, .set_aside = true}},
    {"to_be_mapped", {READY, .to_be_mapped = true}},
    {"withheld", {.held = true, .withheld = true, .fell = true}},
    {"left_out", {.held = true, .fell = true}},
    {"sent", {READY, .in_accepted = true, .fell = true, .month_closed = true}},
    {"other_months", {.held = true, .rows_elsewhere = true}},
    {"no_row", {.held = true}},
    {"month_ahead", {NOT_IN, .month_ahead = true}},
    {"month_closed", {NOT_IN, .month_closed = true, .to_build = true}},
    {"left_out_of_file", {NOT_IN, .out_of_file = true}},
    {"feed_stopped", {NOT_IN, .to_build = true, .feed_stopped = true}},
    {"feed_filling", {NOT_IN, .to_build = true}},
    {"people_to_map", {NOT_IN, .to_build = true, .feeds_complete = true, .people_to_map = true}},
    {"build_away",
     {.held = true, .rows = true, .to_build = true, .feeds_complete = true, .submit_alive = true}},
    {"to_build", {NOT_IN, .to_build = true, .feeds_complete = true}},
    {"not_built", {NOT_IN, .feeds_complete = true}},
    {"held_shrunk", {READY, .state = SUBMISSION_HELD, .held_reason = "shrunk"}},
    {"held_file", {READY, .state = SUBMISSION_HELD, .held_reason = "file_findings"}},
    {"held_approval", {READY, .state = SUBMISSION_HELD, .held_reason = "approval"}},
    {"held_person", {READY, .state = SUBMISSION_HELD, .held_reason = "person"}},
    {"rejected", {READY, .state = SUBMISSION_REJECTED}},
    {"cancelled", {READY, .state = SUBMISSION_CANCELLED}},
    {"superseded", {READY, .state = SUBMISSION_SUPERSEDED}},
    {"sending", {READY, .state = SUBMISSION_SENDING}},
    {"waiting", {READY, .state = SUBMISSION_WAITING, .later = true}},
    {"unsure", {READY, .state = SUBMISSION_UNSURE, .later = true}},
    {"purge_touched", {READY, .submission_purged = true}},
    {"behind_another", {READY, .another_on_its_way = true, .route_state = "stopped"}},
    {"route_stopped", {READY, .route_state = "stopped", .later = true}},
    {"signer_away", {READY, .signer_away = true, .later = true}},
    {"submit_away",
     {.held = true,
      .rows = true,
      .feeds_complete = true,
      .build_alive = true,
      .in_newest = true,
      .state = SUBMISSION_READY}},
    {"route_down", {READY, .route_state = "down", .later = true}},
    {"later", {READY, .route_state = "ok", .later = true}},
    {"ready", {READY}},
};

#define CASES (sizeof cases / sizeof *cases)

START_TEST(each_reason_has_its_facts)
{
    for (size_t i = 0; i < CASES; i++)
        ck_assert_str_eq(explain_judge(&cases[i].facts)->code, cases[i].code);
}
END_TEST

START_TEST(no_reason_is_without_a_case)
{
    size_t count;
    const ExplainReason *reasons = explain_reasons(&count);
    for (size_t i = 0; i < count; i++) {
        bool tried = false;
        for (size_t j = 0; j < CASES; j++)
            tried |= strcmp(cases[j].code, reasons[i].code) == 0;
        ck_assert_msg(tried, "%s", reasons[i].code);
    }
    ck_assert_uint_eq(count, CASES);
}
END_TEST

/* What needs a person says what to do, and every code is there once. */
START_TEST(whoever_is_needed_is_told_what_to_do)
{
    size_t count;
    const ExplainReason *reasons = explain_reasons(&count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_gt(strlen(reasons[i].so), 10);
        if (reasons[i].answer == EXPLAIN_IS_NEEDS)
            ck_assert_msg(strncmp(reasons[i].remedy, "nothing", 7) != 0, "%s", reasons[i].code);
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(reasons[j].code, reasons[i].code);
    }
}
END_TEST

SUITE("pipeline/explain", each_reason_has_its_facts, no_reason_is_without_a_case,
      whoever_is_needed_is_told_what_to_do);
