/* SPDX-License-Identifier: Apache-2.0 */
/* One submit adapter, opened against a scripted peer. */
#include "tests/contract/submit_site.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/file.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *secret(SubmitSite *site, const char *name)
{
    const char *path = arena_format(site->settings, "%s/%s", site->folder, name);
    ck_assert(file_write(path, "TestKey\n", 8, 0600, &site->err));
    return path;
}

/* What a person would write for this adapter.  A new adapter adds its case here. */
static const char *settings_of(SubmitSite *site, Peer *peer, const char *more)
{
    if (strcmp(site->adapter->name, "https") == 0)
        return arena_format(site->settings,
                            "url: %s\nca: %s\nconnect_timeout: 2s\nstall_timeout: 1s\n"
                            "total_timeout: 4s\n%s",
                            peer_url(peer, "/msr/v1"), peer_ca_path(peer), more ? more : "");
    if (strcmp(site->adapter->name, "mesh") == 0)
        return arena_format(
            site->settings,
            "url: %s\nca: %s\nmailbox: X26ABC1\npassword: %s\nshared_key: %s\nto: X26ABC2\n"
            "workflow_id: WORK\nstate: %s/state\nchunk_size: 5MiB\ncompress: no\n"
            "inbox_interval: 0s\nconnect_timeout: 2s\nstall_timeout: 1s\ntotal_timeout: 4s\n%s",
            peer_url(peer, ""), peer_ca_path(peer), secret(site, "password"), secret(site, "key"),
            site->folder, more ? more : "");
    return NULL;
}

SubmitSpeech submit_speech(const SubmitAdapter *adapter)
{
    static const struct {
        const char *name;
        SubmitSpeech speech;
    } known[] = {{"https", SUBMIT_SPEAKS_MSR},
                 {"portal", SUBMIT_SPEAKS_TO_NOBODY},
                 {"mesh", SUBMIT_SPEAKS_HTTP}};
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(known[i].name, adapter->name) == 0)
            return known[i].speech;
    ck_abort_msg("nobody said what submit adapter %s speaks", adapter->name);
}

static bool fake_key(void *data, Arena *arena, const char **ret, Error *err)
{
    const SubmitSite *site = data;
    if (site->signer_away)
        return error_set(err, ERROR_LATER, "sign.away", "could not reach the signer");
    *ret = arena_text(arena, "0123456789abcdef");
    return true;
}

static bool fake_sign(void *data, Arena *arena, const char *key_id, const char *base, size_t size,
                      const uint8_t **ret, size_t *ret_size, Error *err)
{
    SubmitSite *site = data;
    (void)err;
    ck_assert_str_eq(key_id, "0123456789abcdef");
    site->signed_base = arena_copy(site->settings, base, size);
    *ret = (const uint8_t *)arena_copy(arena, "signature", 9);
    *ret_size = 9;
    return true;
}

static void write_document(SubmitSite *site)
{
    snprintf(site->document, sizeof site->document, "<MHSDS>%s</MHSDS>\n", SUBMIT_MARKER);
    snprintf(site->document_path, sizeof site->document_path, "/tmp/submit-document-XXXXXX");
    size_t size = strlen(site->document);
    int fd = mkstemp(site->document_path);
    ck_assert(fd >= 0 && write(fd, site->document, size) == (ssize_t)size);
    close(fd);
    digest_bytes(site->document, size, site->digest);
    site->submission = (Submission){
        .data_set = "mhsds-6.0",
        .provider = "V9X01",
        .period = "2026-10",
        .revision = 3,
        .idempotency_key = SUBMIT_KEY,
        .document_path = site->document_path,
        .document_size = (int64_t)size,
        .digest = site->digest,
        .signature = (const uint8_t *)"\x30\x03\x02\x01\x01",
        .signature_size = 5,
    };
}

SubmitSite *submit_site_with(const SubmitAdapter *adapter, Peer *peer, const char *more_settings)
{
    SubmitSite *site = calloc(1, sizeof *site);
    YamlNode *map;
    site->adapter = adapter;
    site->settings = arena_new(4 << 20);
    site->work = arena_new(4 << 20);
    site->signer = (RequestSigner){site, fake_key, fake_sign};
    write_document(site);
    snprintf(site->folder, sizeof site->folder, "/tmp/submit-site-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(site->folder));
    const char *text = settings_of(site, peer, more_settings);
    ck_assert_msg(text, "no settings are known for submit adapter %s", adapter->name);
    ck_assert(yaml_parse("settings", text, strlen(text), site->settings, &map, &site->err));
    ck_assert_msg(
        section_read(map, &adapter->options, 1, site->settings, &site->section, &site->err), "%s",
        site->err.cause);
    ck_assert_msg(adapter->open("here", site->section, &site->signer, &site->self, &site->err),
                  "%s", site->err.cause);
    return site;
}

SubmitSite *submit_site_new(const SubmitAdapter *adapter, Peer *peer)
{
    return submit_site_with(adapter, peer, NULL);
}

void submit_site_free(SubmitSite *site)
{
    site->adapter->close(site->self);
    unlink(site->document_path);
    file_remove_folder(arena_format(site->settings, "%s/state", site->folder), &site->err);
    file_remove_folder(site->folder, &site->err);
    arena_free(site->settings);
    arena_free(site->work);
    free(site);
}
