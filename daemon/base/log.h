/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: for the operator, now.  Structured, rate limited, never personal data.
 *
 * Each event is declared once in log.def with its level, its text and what to do;
 * the systemd catalog and the tests come from there.  Fields are a closed list
 * (LOG_FIELDS), so that a record's content has no field to go into.  Only roles,
 * commands and main log; each failure once, by the one who knows the story.
 *
 * Under systemd (JOURNAL_STREAM set) events go to the journal with MESSAGE_ID;
 * otherwise as one line to standard error: "TIME level event key=value … text". */
#pragma once

#include "daemon/base/error.h"

#include <stdint.h>

typedef enum LogEvent {
#define LOG_EVENT(name, text, level, message_id, message, meaning, remedy) LOG_##name,
#include "daemon/base/log.def"
#undef LOG_EVENT
    LOG_EVENT_COUNT
} LogEvent;

typedef struct LogField {
    const char *key;   /* one of the names in LOG_FIELDS; anything else ends the process in tests */
    const char *value; /* NULL leaves the field out */
} LogField;

void log_open(const char *role); /* "poll": shown in each line, kept in the field ROLE */
void log_event_fields(LogEvent event, const Error *err, const LogField *fields, size_t count);

/* log_event(LOG_FEED_DOWN, &err, {"FEED", name}, {"WAIT", "30s"}); err may be NULL. */
#define log_event(event, err, ...)                                                                 \
    log_event_fields(event, err, (const LogField[]){{NULL, NULL}, ##__VA_ARGS__},                  \
                     sizeof((const LogField[]){{NULL, NULL}, ##__VA_ARGS__}) / sizeof(LogField))

typedef struct LogEventInfo {
    const char *name, *message_id, *message, *meaning, *remedy;
    int level; /* syslog's: 3 error, 4 warning, 5 notice, 6 info, 7 debug */
} LogEventInfo;
const LogEventInfo *log_event_info(LogEvent event);
