/* SPDX-License-Identifier: Apache-2.0 */
/* The signer's own list of what it signed: append-only, on disk before the signature is handed out.
 *
 * One line each: TIME KIND KEYID SUBMISSION SHA256
 *   2026-11-23T02:20:00.123Z document 0123456789abcdef 42 <64 hex>
 * KIND is "document" (the digest is the document's) or "request" (of the signature
 * base).  A line cut short by a crash is ended at the next start and stays where it
 * is: its signature was never handed out. */
#pragma once

#include "daemon/sign/protocol.h"

typedef struct SignedLog SignedLog;

typedef struct SignedEntry {
    int64_t at; /* microseconds since 1970 */
    SignKind kind;
    char key_id[SIGN_KEY_ID_SIZE + 1];
    int64_t submission;
    uint8_t digest[DIGEST_SIZE];
} SignedEntry;

bool signed_log_open(const char *path, SignedLog **ret, Error *err);
/* Written and synced.  A failed sync is ERROR_BUG: what the disk holds is then unknown, and trying
 * again on the same descriptor would only hide it. */
bool signed_log_append(SignedLog *log, const SignedEntry *entry, Error *err);
void signed_log_close(SignedLog *log); /* NULL is fine */

typedef bool (*SignedSink)(void *data, const SignedEntry *entry, Error *err);
/* Every whole line in order; *ret_damaged counts the others. */
bool signed_log_read(const char *path, SignedSink sink, void *data, int64_t *ret_damaged,
                     Error *err);

static inline void signed_log_closep(SignedLog **log)
{
    signed_log_close(*log);
}
#define _cleanup_signed_log_ __attribute__((cleanup(signed_log_closep)))
