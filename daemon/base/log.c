/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: structured events, a closed list of fields. */
#include "daemon/base/log.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#define MOST_FIELDS 24
#define FIELD_SIZE 768

static const LogEventInfo events[] = {
#define LOG_EVENT(name, text, level, message_id, message, meaning, remedy)                         \
    {text, message_id, message, meaning, remedy, level},
#include "daemon/base/log.def"
#undef LOG_EVENT
};

static const char *const allowed[] = {
#define LOG_FIELD(name, meaning) #name,
#include "daemon/base/log_fields.def"
#undef LOG_FIELD
};

static const char *current_role = "main";

void log_open(const char *role)
{
    current_role = role;
}

const LogEventInfo *log_event_info(LogEvent event)
{
    return &events[event];
}

static bool known_field(const char *key)
{
    for (size_t i = 0; i < COUNT_OF(allowed); i++)
        if (strcmp(allowed[i], key) == 0)
            return true;
    return false;
}

/* Whatever a peer could have put in stays one word or sentence on one line. */
static void put(char *line, size_t size, const char *text)
{
    size_t used = strlen(line);
    for (; *text && used + 1 < size; text++)
        line[used++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
    line[used] = '\0';
}

static void to_stderr(const LogEventInfo *info, const Error *err, const LogField *fields,
                      size_t count)
{
    static const char *const levels[] = {"emerg",   "alert",  "crit", "error",
                                         "warning", "notice", "info", "debug"};
    char line[2048] = "", time[CLOCK_TEXT_SIZE], text[640];
    snprintf(line, sizeof line, "%s %s %s %s:", clock_format(clock_wall(), time),
             levels[info->level], current_role, info->name);
    for (size_t i = 0; i < count; i++) {
        if (!fields[i].key || !fields[i].value)
            continue;
        put(line, sizeof line, " ");
        put(line, sizeof line, fields[i].key);
        put(line, sizeof line, "=");
        put(line, sizeof line, fields[i].value);
    }
    put(line, sizeof line, " ");
    put(line, sizeof line, err ? error_text(err, text, sizeof text) : info->message);
    fprintf(stderr, "%s\n", line);
}

typedef struct Entry {
    struct iovec parts[MOST_FIELDS];
    char bytes[MOST_FIELDS][FIELD_SIZE];
    int count;
} Entry;

static void entry_add(Entry *entry, const char *key, const char *value)
{
    if (entry->count == MOST_FIELDS)
        return;
    char *field = entry->bytes[entry->count];
    field[0] = '\0';
    put(field, FIELD_SIZE, key);
    put(field, FIELD_SIZE, "=");
    put(field, FIELD_SIZE, value);
    entry->parts[entry->count++] = (struct iovec){field, strlen(field)};
}

static void to_journal(const LogEventInfo *info, const Error *err, const LogField *fields,
                       size_t count)
{
    static Entry entry;
    char priority[2] = {(char)('0' + info->level), '\0'}, message[FIELD_SIZE], text[640];
    entry.count = 0;
    snprintf(message, sizeof message, "%s%s%s", info->message, err ? ": " : "",
             err ? error_text(err, text, sizeof text) : "");
    entry_add(&entry, "MESSAGE", message);
    entry_add(&entry, "MESSAGE_ID", info->message_id);
    entry_add(&entry, "PRIORITY", priority);
    entry_add(&entry, "SYSLOG_IDENTIFIER", "mhsflowd");
    entry_add(&entry, "MHSFLOW_ROLE", current_role);
    entry_add(&entry, "MHSFLOW_EVENT", info->name);
    if (err)
        entry_add(&entry, "MHSFLOW_ERROR_CODE", err->code);
    for (size_t i = 0; i < count; i++) {
        char key[64];
        if (!fields[i].key || !fields[i].value)
            continue;
        snprintf(key, sizeof key, "MHSFLOW_%s", fields[i].key);
        entry_add(&entry, key, fields[i].value);
    }
    sd_journal_sendv(entry.parts, entry.count);
}

void log_event_fields(LogEvent event, const Error *err, const LogField *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert(!fields[i].key || known_field(fields[i].key));
    if (getenv("JOURNAL_STREAM"))
        to_journal(&events[event], err, fields, count);
    else
        to_stderr(&events[event], err, fields, count);
}
