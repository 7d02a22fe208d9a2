/* SPDX-License-Identifier: Apache-2.0 */
/* The signer's side of its socket: who may ask, how often, and what is kept of it.
 *
 * Never blocks and never waits: the role waits on signer_fd() and then calls
 * signer_step().  A caller whose user id is not allowed is cut off before a byte is
 * read.  Every signature is in the signer's list, synced, before the answer goes. */
#pragma once

#include "daemon/sign/key.h"
#include "daemon/sign/signed_log.h"

#include <sys/types.h>

typedef struct Signer Signer;

/* Somebody was refused: `uid` asked, `reason` is one of our words ("user", "rate", "malformed"). */
typedef void (*SignerRefused)(void *data, uid_t uid, const char *reason);

typedef struct SignerSettings {
    const char *socket_path; /* an old socket file there is replaced; a living signer is not */
    const uid_t *users;      /* who may ask, besides the signer's own user */
    size_t user_count;
    int64_t rate; /* signatures a minute */
    SignerRefused refused;
    void *refused_data;
} SignerSettings;

/* Borrows `key` and `log`.  LATER "sign.busy" when another signer answers at that path. */
bool signer_open(const SignerSettings *settings, const SignerKey *key, SignedLog *log, Signer **ret,
                 Error *err);
void signer_close(Signer *signer); /* NULL is fine; removes the socket file */
/* Another key from now on; who asked for the old one's id by then is told SIGN_KEY_CHANGED. */
void signer_rekey(Signer *signer, const SignerKey *key);
int signer_fd(const Signer *signer);
/* All that is ready now.  False only when signing has to end (its list cannot be synced). */
bool signer_step(Signer *signer, Error *err);
int64_t signer_signed(const Signer *signer); /* so many signatures since it opened */

static inline void signer_closep(Signer **signer)
{
    signer_close(*signer);
}
#define _cleanup_signer_ __attribute__((cleanup(signer_closep)))
