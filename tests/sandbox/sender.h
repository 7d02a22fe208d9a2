/* SPDX-License-Identifier: Apache-2.0 */
/* Who may send: reads the sender's certificates and proves that a request is theirs. */
#ifndef SANDBOX_SENDER_H
#define SANDBOX_SENDER_H

#include <openssl/x509.h>
#include <pthread.h>

#include "tests/sandbox/http.h"

enum { SENDER_NONCES = 16384 };

typedef struct Sender {
    const char *path; /* PEM, one or more certificates; may appear after the start */
    bool any_time;    /* do not hold `created` against the clock: a caseload with a --today */
    pthread_mutex_t lock;
    STACK_OF(X509) * certificates;  /* NULL = not there yet */
    uint64_t nonces[SENDER_NONCES]; /* hashes of the latest nonces */
    size_t nonce_count;
} Sender;

/* NULL = proven; else a static text: the code of the problem to answer. *ret_why says which test
 * failed. */
const char *sender_prove(Sender *sender, const HttpRequest *request, bool submission,
                         const char **ret_why);
bool sender_prove_document(Sender *sender, const Buffer *der, const Buffer *document);
void sender_close(Sender *sender);

#endif
