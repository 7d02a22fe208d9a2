/* SPDX-License-Identifier: Apache-2.0 */
/* What the submit role tells the journal. */
#include "daemon/roles/submit_say.h"

#include "daemon/base/log.h"
#include "daemon/base/text.h"

#include <stdio.h>

typedef struct Words {
    char id[24], revision[16], attempt[16], status[16], wait[32], period[CIVIL_TEXT_SIZE];
} Words;

static Words words_of(const SubmissionClaim *claim, const Delivered *delivered)
{
    Words words;
    snprintf(words.id, sizeof words.id, "%lld", (long long)claim->info.id);
    snprintf(words.revision, sizeof words.revision, "%d", claim->info.revision);
    snprintf(words.attempt, sizeof words.attempt, "%d", delivered->attempt);
    snprintf(words.status, sizeof words.status, "%d", delivered->answer.status);
    snprintf(words.wait, sizeof words.wait, "%lld s",
             (long long)((delivered->wait_ms + 999) / 1000));
    civil_format_month(claim->info.period, words.period);
    return words;
}

static void say(LogEvent event, const SubmissionClaim *claim, const Delivered *delivered,
                const Error *err)
{
    Words words = words_of(claim, delivered);
    bool open = delivered->state == SUBMISSION_READY || delivered->state == SUBMISSION_UNSURE ||
                delivered->state == SUBMISSION_WAITING;
    log_event(event, err, {"SUBMISSION", words.id}, {"PROVIDER", claim->info.provider},
              {"PERIOD", words.period}, {"REVISION", words.revision},
              {"ATTEMPT", delivered->attempt ? words.attempt : NULL},
              {"STATUS", delivered->answer.status ? words.status : NULL},
              {"REASON", delivered->answer.reason}, {"WAIT", open ? words.wait : NULL});
}

void submit_say(const SubmissionClaim *claim, const Delivered *delivered, bool asked)
{
    const Error *failure = delivered->failure.kind ? &delivered->failure : NULL;
    if (delivered->end == DELIVER_GATE_CLOSED) {
        say(LOG_SUBMISSION_GATE_CLOSED, claim, delivered, NULL);
        return;
    }
    if (delivered->end == DELIVER_GIVEN_BACK) {
        say(LOG_SUBMISSION_DELAYED, claim, delivered, failure);
        return;
    }
    /* A question that changed nothing has nothing to tell. */
    if (asked && delivered->state == claim->info.state)
        return;
    switch (delivered->state) {
    case SUBMISSION_ACCEPTED:
        say(LOG_SUBMISSION_ACCEPTED, claim, delivered, NULL);
        return;
    case SUBMISSION_REJECTED:
        say(LOG_SUBMISSION_REJECTED, claim, delivered, NULL);
        return;
    case SUBMISSION_UNSURE:
        say(LOG_SUBMISSION_UNSURE, claim, delivered, NULL);
        return;
    default:
        say(LOG_SUBMISSION_LATER, claim, delivered, failure);
        return;
    }
}

void submit_say_route(const DeliverRoute *route)
{
    LogEvent event = route->stopped        ? LOG_ROUTE_STOPPED
                     : route->breaker.open ? LOG_ROUTE_DOWN
                                           : LOG_ROUTE_BACK;
    log_event(event, NULL, {"ROUTE", route->name},
              {"REASON", event == LOG_ROUTE_BACK ? NULL : route->code});
}

void submit_say_stopped(const char *route, const Error *failure)
{
    log_event(LOG_ROUTE_STOPPED, failure, {"ROUTE", route});
}

void submit_say_awaiting(const char *what)
{
    static const char *said;
    if (what && !text_equal(what, said))
        log_event(LOG_AWAITING, NULL, {"REASON", what});
    said = what;
}

void submit_say_trouble(const Error *err)
{
    static const char *said;
    if (!text_equal(err->code, said))
        log_event(LOG_DATABASE_LOST, err);
    said = err->code;
}
