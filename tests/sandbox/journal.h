/* SPDX-License-Identifier: Apache-2.0 */
/* The receiver's memory: one line per decision, on disk before the answer leaves.
 *
 * Read again at the start, so that a restarted receiver answers status questions and counts nothing
 * twice. */
#ifndef SANDBOX_JOURNAL_H
#define SANDBOX_JOURNAL_H

#include "tests/sandbox/buffer.h"

enum { JOURNAL_KEY = 65 };

typedef enum JournalStatus { JOURNAL_ACCEPTED, JOURNAL_WAITING, JOURNAL_REJECTED } JournalStatus;
extern const char *const journal_status_names[];

typedef struct JournalEntry {
    char key[JOURNAL_KEY];
    char digest[JOURNAL_KEY]; /* of the document, hex */
    char data_set[24];
    char provider[8];
    char period[8];
    uint32_t revision;
    JournalStatus status;
    char reference[24];
    char *findings; /* JSON array text */
    char *rows;     /* JSON object text: table → rows */
} JournalEntry;

typedef struct Journal {
    int fd;
    JournalEntry *entries; /* one per key, in order of arrival */
    size_t count;
    size_t capacity;
} Journal;

/* A torn last line, from a crash in the middle of a write, is cut off. */
bool journal_open(Journal *journal, const char *path);
void journal_close(Journal *journal);
/* Adds the entry, or replaces that of the same key; takes over findings and rows when it succeeds.
 */
bool journal_put(Journal *journal, const JournalEntry *entry);
const JournalEntry *journal_find(const Journal *journal, const char *key);
/* The highest revision of that provider and month that was accepted or is waiting; NULL = none. */
const JournalEntry *journal_newest(const Journal *journal, const char *data_set,
                                   const char *provider, const char *period);

#endif
