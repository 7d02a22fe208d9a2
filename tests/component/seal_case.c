/* SPDX-License-Identifier: Apache-2.0 */
/* Short words for tests of the seal. */
#include "tests/component/seal_case.h"

#include "daemon/base/file.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void site_rekey(SealSite *site)
{
    const char *path = seal_copy_path(site->folder, "private.pem", arena);
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    FILE *file = fopen(path, "we");
    ck_assert(file && PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(file);
    EVP_PKEY_free(pkey);
    note_key_free(site->key);
    ok(note_key_open(path, &site->key, err));
    unlink(path);
    site->settings.key = site->key;
}

void site_open(SealSite *site)
{
    *site = (SealSite){0};
    snprintf(site->folder, sizeof site->folder, "/tmp/mhsflow-seal-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(site->folder));
    site->settings =
        (SealerSettings){.store = store, .name = "test.example/audit", .folder = site->folder};
    site_rekey(site);
}

void site_close(SealSite *site)
{
    ok(file_remove_folder(site->folder, err));
    note_key_free(site->key);
}

/* The linker gives all of the program this clock for the real one. */
int64_t wrapped_clock_wall(void) __asm__("__wrap_clock_wall");
int64_t real_clock_wall(void) __asm__("__real_clock_wall");
int64_t clock_step;

int64_t wrapped_clock_wall(void)
{
    return real_clock_wall() + clock_step;
}

void write_events(Store *on, int count)
{
    for (int i = 0; i < count; i++) {
        _cleanup_transaction_ Transaction transaction = {0};
        ok(store_begin(on, &transaction, err));
        ok(audit_append(on, AUDIT_FEED_CHANGED,
                        &(AuditFields){.feed = "f", .from = "ok", .to = "down"}, err));
        ok(store_commit(&transaction, err));
    }
}

void seal_now(const SealSite *site)
{
    _cleanup_sealer_ Sealer *sealer = NULL;
    bool more = true;
    ok(sealer_open(&site->settings, &sealer, err));
    while (more)
        ok(sealer_round(sealer, true, &more, err));
}

SealVerdict look(const SealSite *site)
{
    SealVerdict verdict;
    ok(seal_verify(store, site->folder, NULL, true, arena, &verdict, err));
    return verdict;
}
