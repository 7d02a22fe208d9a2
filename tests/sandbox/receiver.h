/* SPDX-License-Identifier: Apache-2.0 */
/* The receiver of submissions: proves the sender, checks the document, decides once per key,
 * remembers. */
#ifndef SANDBOX_RECEIVER_H
#define SANDBOX_RECEIVER_H

#include "tests/sandbox/http.h"
#include "tests/sandbox/journal.h"
#include "tests/sandbox/sender.h"

typedef struct Receiver {
    const char *state;  /* journal.ndjson and accepted/ lie in it */
    const char *schema; /* NULL = the outer shape only */
    Sender sender;
    Journal journal;
    pthread_mutex_t lock;       /* of the journal and what follows */
    char busy[16][JOURNAL_KEY]; /* keys that are being decided; "" = free */
    uint32_t duplicates;        /* the same submission again: answered from memory */
    uint32_t refused_superseded, refused_reused, refused_signature;
    uint32_t lies;
} Receiver;

bool receiver_start(Receiver *receiver, const char *state, const char *schema,
                    const char *sender_certificate, bool any_time);
void receiver_stop(Receiver *receiver);
/* Where the document of an accepted or waiting entry lies; `ending` is "xml" or "p7s". Replaces
 * what `out` had. */
void receiver_document_path(const Receiver *receiver, const JournalEntry *entry,
                            JournalStatus status, const char *ending, Buffer *out);
void receiver_make_folders(const Receiver *receiver);
/* The handler of the HTTP server; `user` is the Receiver. */
void receiver_handle(void *user, const HttpRequest *request, HttpAnswer *answer);

/* Turns what waits into accepted or rejected; `key` "" = all. The number turned. */
uint32_t receiver_settle(Receiver *receiver, const char *key, bool accept);
void receiver_write_state(Receiver *receiver, Buffer *out);

#endif
