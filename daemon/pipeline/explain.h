/* SPDX-License-Identifier: Apache-2.0 */
/* Why is this not in that month's submission?  One answer for each provider and month, from data.
 *
 * explain_record(), explain_row() and explain_submission() read the facts from the
 * database; explain_judge() is pure and takes the first line of explain.def that
 * holds.  Nothing is changed, and no value of a record is read out. */
#pragma once

#include "daemon/config/calendar.h"
#include "daemon/store/rows.h"
#include "daemon/store/submission.h"

typedef enum ExplainAnswer {
    EXPLAIN_IS_SENT,  /* the receiver has it */
    EXPLAIN_IS_GOES,  /* it goes by itself, later */
    EXPLAIN_IS_NEEDS, /* it needs a person */
    EXPLAIN_IS_NEVER, /* it does not go, and that is right or cannot be helped */
} ExplainAnswer;
const char *explain_answer_name(ExplainAnswer answer); /* "sent" "goes" "needs you" "never" */

typedef struct ExplainReason {
    const char *code;
    ExplainAnswer answer;
    const char *so, *remedy;
} ExplainReason;

typedef struct ExplainFacts {
    /* the record */
    bool held, purged, deleted, restricted, parentless, of_no_person;
    /* its person */
    bool set_aside, to_be_mapped;
    bool withheld, fell; /* by a finding that holds in the month */
    /* its rows: that hold now, in the month and in others */
    bool rows, rows_elsewhere;
    /* the month */
    bool month_ahead, month_closed;
    bool to_build, feeds_complete, feed_stopped, people_to_map, build_alive;
    /* the submission that has the rows, or would have them */
    bool in_accepted, in_newest, out_of_file;
    SubmissionState state;
    const char *held_reason, *route_state;
    bool submission_purged, another_on_its_way, signer_away, submit_alive, later;
} ExplainFacts;

/* Every reason, in the order of the table. */
const ExplainReason *explain_reasons(size_t *ret_count);
const ExplainReason *explain_judge(const ExplainFacts *facts);

typedef struct Explanation {
    const char *provider; /* NULL: the answer is not about one month */
    Month first_month, last_month;
    const ExplainReason *reason;
    const char *so, *remedy; /* the finding's where there is one */
    const Finding *finding;  /* NULL: none decides */
    int64_t submission;      /* the revision spoken of; 0: none */
    int revision;            /* its revision */
    int64_t accepted;        /* the accepted revision that holds its rows as they are; 0: none */
    int64_t next_at;         /* microseconds: when it is tried, asked or opened; 0: not known */
    const char *code;        /* of the last answer, or of the route; NULL */
} Explanation;

typedef struct ExplainTools {
    Store *store;
    const Calendar *calendar;
    Arena *arena; /* what is returned lives here */
} ExplainTools;

/* A record, or a person as `person`; with `month` 0 every month that it has to do with. */
bool explain_record(const ExplainTools *tools, const char *type, const char *id, Month month,
                    Explanation **ret, size_t *ret_count, Error *err);
/* A row by its key; `provider` NULL: of any.  DATA "explain.unknown" when there never was one. */
bool explain_row(const ExplainTools *tools, const char *provider, const char *table,
                 const char *row_key, Month month, Explanation **ret, size_t *ret_count,
                 Error *err);
/* A whole month: why the receiver does not have it as it stands. */
bool explain_month(const ExplainTools *tools, const char *provider, Month month, Explanation *ret,
                   Error *err);
bool explain_submission(const ExplainTools *tools, int64_t id, Explanation *ret, Error *err);
