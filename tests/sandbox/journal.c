/* SPDX-License-Identifier: Apache-2.0 */
/* Appends decisions to a file and keeps them by key. */
#include "tests/sandbox/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sandbox/json_writer.h"

const char *const journal_status_names[] = {"accepted", "waiting", "rejected"};

enum { STATUSES = 3, FILE_LIMIT = 256 * 1024 * 1024 };

static void free_entry(JournalEntry *entry)
{
    free(entry->findings);
    free(entry->rows);
}

/* Takes over the entry's texts. */
static void remember(Journal *journal, const JournalEntry *entry)
{
    for (size_t i = 0; i < journal->count; i++) {
        if (strcmp(journal->entries[i].key, entry->key) == 0) {
            free_entry(&journal->entries[i]);
            journal->entries[i] = *entry;
            return;
        }
    }
    if (journal->count == journal->capacity) {
        journal->capacity = journal->capacity == 0 ? 64 : journal->capacity * 2;
        journal->entries =
            memory_or_die(realloc(journal->entries, journal->capacity * sizeof *journal->entries));
    }
    journal->entries[journal->count++] = *entry;
}

static void take_text(char *to, size_t size, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    size_t length = text != NULL ? strnlen(text, size - 1) : 0;
    memcpy(to, text != NULL ? text : "", length);
    to[length] = '\0';
}

static char *take_json(const json_t *object, const char *key, const char *otherwise)
{
    const json_t *value = json_object_get(object, key);
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;
    return text != NULL ? text : memory_or_die(strdup(otherwise));
}

static bool read_line(Journal *journal, const char *line, size_t length)
{
    json_t *object = json_loadb(line, length, 0, NULL);
    JournalEntry entry = {0};
    if (object == NULL)
        return false;
    char status[16];
    take_text(entry.key, sizeof entry.key, object, "key");
    take_text(entry.digest, sizeof entry.digest, object, "digest");
    take_text(entry.data_set, sizeof entry.data_set, object, "data_set");
    take_text(entry.provider, sizeof entry.provider, object, "provider");
    take_text(entry.period, sizeof entry.period, object, "period");
    take_text(entry.reference, sizeof entry.reference, object, "reference");
    take_text(status, sizeof status, object, "status");
    entry.revision = (uint32_t)json_integer_value(json_object_get(object, "revision"));
    for (int i = 0; i < STATUSES; i++)
        if (strcmp(status, journal_status_names[i]) == 0)
            entry.status = (JournalStatus)i;
    entry.findings = take_json(object, "findings", "[]");
    entry.rows = take_json(object, "rows", "{}");
    json_decref(object);
    remember(journal, &entry);
    return true;
}

bool journal_open(Journal *journal, const char *path)
{
    *journal = (Journal){.fd = -1};
    BUFFER_AUTO text = {0};
    if (!buffer_read_file(&text, path, FILE_LIMIT) && errno != ENOENT)
        return false;
    size_t good = 0;
    for (const char *end; good < text.length; good = (size_t)(end - text.data) + 1) {
        end = memchr(text.data + good, '\n', text.length - good);
        if (end == NULL || !read_line(journal, text.data + good, (size_t)(end - text.data) - good))
            break;
    }
    journal->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return journal->fd >= 0 && ftruncate(journal->fd, (off_t)good) == 0;
}

void journal_close(Journal *journal)
{
    for (size_t i = 0; i < journal->count; i++)
        free_entry(&journal->entries[i]);
    free(journal->entries);
    if (journal->fd >= 0)
        (void)close(journal->fd);
    *journal = (Journal){.fd = -1};
}

bool journal_put(Journal *journal, const JournalEntry *entry)
{
    BUFFER_AUTO line = {0};
    put_open(&line, NULL, '{');
    put_text(&line, "key", entry->key);
    put_text(&line, "digest", entry->digest);
    put_text(&line, "data_set", entry->data_set);
    put_text(&line, "provider", entry->provider);
    put_text(&line, "period", entry->period);
    put_number(&line, "revision", entry->revision);
    put_text(&line, "status", journal_status_names[entry->status]);
    put_text(&line, "reference", entry->reference);
    buffer_format(&line, ",\"findings\":%s,\"rows\":%s}\n", entry->findings, entry->rows);
    if (write(journal->fd, line.data, line.length) != (ssize_t)line.length ||
        fsync(journal->fd) != 0)
        return false;
    remember(journal, entry);
    return true;
}

const JournalEntry *journal_find(const Journal *journal, const char *key)
{
    for (size_t i = 0; i < journal->count; i++)
        if (strcmp(journal->entries[i].key, key) == 0)
            return &journal->entries[i];
    return NULL;
}

const JournalEntry *journal_newest(const Journal *journal, const char *data_set,
                                   const char *provider, const char *period)
{
    const JournalEntry *newest = NULL;
    for (size_t i = 0; i < journal->count; i++) {
        const JournalEntry *entry = &journal->entries[i];
        if (entry->status != JOURNAL_REJECTED && strcmp(entry->data_set, data_set) == 0 &&
            strcmp(entry->provider, provider) == 0 && strcmp(entry->period, period) == 0 &&
            (newest == NULL || entry->revision > newest->revision))
            newest = entry;
    }
    return newest;
}
