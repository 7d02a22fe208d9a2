/* SPDX-License-Identifier: Apache-2.0 */
/* Where the receiver keeps documents, and what it can be told and asked about them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/sandbox/json_writer.h"
#include "tests/sandbox/receiver.h"

/* Where documents lie, by status; rejected ones are not kept. */
static const char *const folders[] = {"accepted", "waiting"};

void receiver_make_folders(const Receiver *receiver)
{
    BUFFER_AUTO path = {0};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        buffer_clear(&path);
        buffer_format(&path, "%s/%s", receiver->state, folders[i]);
        (void)mkdir(path.data, 0700);
    }
}

void receiver_document_path(const Receiver *receiver, const JournalEntry *entry,
                            JournalStatus status, const char *ending, Buffer *out)
{
    buffer_clear(out);
    buffer_format(out, "%s/%s/%s-%s-r%u.%s", receiver->state, folders[status], entry->provider,
                  entry->period, entry->revision, ending);
}

/* What waited lies with the accepted ones from now on, or goes. */
static void move_document(const Receiver *receiver, const JournalEntry *entry)
{
    static const char *const endings[] = {"xml", "p7s"};
    BUFFER_AUTO from = {0};
    BUFFER_AUTO to = {0};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        receiver_document_path(receiver, entry, JOURNAL_WAITING, endings[i], &from);
        receiver_document_path(receiver, entry, JOURNAL_ACCEPTED, endings[i], &to);
        if (entry->status == JOURNAL_ACCEPTED)
            (void)rename(from.data, to.data);
        else
            (void)unlink(from.data);
    }
}

uint32_t receiver_settle(Receiver *receiver, const char *key, bool accept)
{
    uint32_t settled = 0;
    (void)pthread_mutex_lock(&receiver->lock);
    for (size_t i = 0; i < receiver->journal.count; i++) {
        JournalEntry entry = receiver->journal.entries[i];
        if (entry.status != JOURNAL_WAITING || (key[0] != '\0' && strcmp(key, entry.key) != 0))
            continue;
        entry.status = accept ? JOURNAL_ACCEPTED : JOURNAL_REJECTED;
        entry.findings = memory_or_die(strdup(entry.findings));
        entry.rows = memory_or_die(strdup(entry.rows));
        if (journal_put(&receiver->journal, &entry)) {
            settled++;
            move_document(receiver, &receiver->journal.entries[i]);
        } else {
            free(entry.findings);
            free(entry.rows);
        }
    }
    (void)pthread_mutex_unlock(&receiver->lock);
    return settled;
}

static void write_entry(const JournalEntry *entry, Buffer *out)
{
    put_open(out, NULL, '{');
    put_text(out, "key", entry->key);
    put_text(out, "digest", entry->digest);
    put_text(out, "provider", entry->provider);
    put_text(out, "period", entry->period);
    put_number(out, "revision", entry->revision);
    put_text(out, "status", journal_status_names[entry->status]);
    put_text(out, "reference", entry->reference);
    buffer_format(out, ",\"findings\":%s,\"rows\":%s}", entry->findings, entry->rows);
}

void receiver_write_state(Receiver *receiver, Buffer *out)
{
    uint32_t counts[3] = {0};
    (void)pthread_mutex_lock(&receiver->lock);
    for (size_t i = 0; i < receiver->journal.count; i++)
        counts[receiver->journal.entries[i].status]++;
    put_open(out, "receiver", '{');
    for (int i = 0; i < 3; i++)
        put_number(out, journal_status_names[i], counts[i]);
    put_number(out, "duplicates", receiver->duplicates);
    put_number(out, "refused_superseded", receiver->refused_superseded);
    put_number(out, "refused_reused", receiver->refused_reused);
    put_number(out, "refused_signature", receiver->refused_signature);
    put_number(out, "lies", receiver->lies);
    put_open(out, "submissions", '[');
    for (size_t i = 0; i < receiver->journal.count; i++) {
        if (i > 0)
            buffer_char(out, ',');
        BUFFER_AUTO one = {0};
        write_entry(&receiver->journal.entries[i], &one);
        buffer_add(out, one.data, one.length);
    }
    put_close(out, ']');
    put_close(out, '}');
    (void)pthread_mutex_unlock(&receiver->lock);
}
