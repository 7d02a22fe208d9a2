/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes. */
#include "daemon/sign/note.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/file.h"
#include "daemon/sign/key_private.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#define KEY_HASH_SIZE 4
#define SIGNATURE_SIZE 64
#define DASH "\xe2\x80\x94 " /* an em dash and a space */
#define KEYS_LIMIT ((size_t)64 << 10)
#define KEYS_MOST 64

DEFINE_CLEANUP(BIO *, BIO_free_all, bio);
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free, pkey);
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free, md);

struct NoteKey {
    EVP_PKEY *pkey;
    uint8_t public[NOTE_PUBLIC_SIZE];
};

bool note_key_open(const char *path, NoteKey **ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(65536);
    _cleanup_note_key_ NoteKey *key = calloc(1, sizeof *key);
    size_t size = NOTE_PUBLIC_SIZE;
    if (!key)
        abort();
    if (!signer_private_key(file_credential_path(path, arena), &key->pkey, err))
        return error_wrap(err, "opening the sealing key");
    if (EVP_PKEY_get_base_id(key->pkey) != EVP_PKEY_ED25519 ||
        EVP_PKEY_get_raw_public_key(key->pkey, key->public, &size) != 1)
        return error_set(err, ERROR_CONFIG, "sign.key",
                         "the sealing key is of another kind than Ed25519");
    *ret = TAKE_PTR(key);
    return true;
}

void note_key_free(NoteKey *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

const char *note_key_public(const NoteKey *key, Arena *arena)
{
    _cleanup_(bio) BIO *bio = BIO_new(BIO_s_mem());
    char *bytes;
    if (!bio || PEM_write_bio_PUBKEY(bio, key->pkey) != 1)
        abort();
    long size = BIO_get_mem_data(bio, &bytes);
    return arena_copy(arena, bytes, (size_t)size);
}

static void key_hash(const char *name, const uint8_t public[NOTE_PUBLIC_SIZE],
                     uint8_t ret[KEY_HASH_SIZE])
{
    _cleanup_digest_ Digest *digest = digest_new();
    uint8_t whole[DIGEST_SIZE];
    digest_add(digest, name, strlen(name));
    digest_add(digest, "\n\x01", 2);
    digest_add(digest, public, NOTE_PUBLIC_SIZE);
    digest_finish(digest, whole);
    memcpy(ret, whole, KEY_HASH_SIZE);
}

bool note_sign(const NoteKey *key, const char *name, const char *text, Arena *arena,
               const char **ret, Error *err)
{
    _cleanup_(md) EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t bytes[KEY_HASH_SIZE + SIGNATURE_SIZE];
    size_t size = SIGNATURE_SIZE;
    key_hash(name, key->public, bytes);
    if (!context || EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) != 1 ||
        EVP_DigestSign(context, bytes + KEY_HASH_SIZE, &size, (const unsigned char *)text,
                       strlen(text)) != 1) {
        ERR_clear_error();
        return error_set(err, ERROR_LATER, "sign.note", "could not sign a checkpoint");
    }
    *ret = arena_format(arena, "%s\n" DASH "%s %s\n", text, name,
                        base64_encode(arena, bytes, sizeof bytes));
    return true;
}

bool note_public_read(const char *path, Arena *arena, NotePublic *ret, Error *err)
{
    char *text;
    size_t size, raw = NOTE_PUBLIC_SIZE;
    NotePublic keys = {.keys = arena_array(arena, KEYS_MOST, NOTE_PUBLIC_SIZE)};
    if (!file_read(path, KEYS_LIMIT, arena, &text, &size, err))
        return error_wrap(err, "reading the public sealing keys");
    _cleanup_(bio) BIO *bio = BIO_new_mem_buf(text, (int)size);
    for (EVP_PKEY *next;
         bio && keys.count < KEYS_MOST && (next = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL));) {
        _cleanup_(pkey) EVP_PKEY *pkey = next;
        if (EVP_PKEY_get_base_id(pkey) == EVP_PKEY_ED25519 &&
            EVP_PKEY_get_raw_public_key(pkey, keys.keys[keys.count], &raw) == 1)
            keys.count++;
    }
    ERR_clear_error(); /* the end of the file is an error to PEM_read */
    if (!keys.count)
        return error_set(err, ERROR_DATA, "sign.note_keys",
                         "there is no Ed25519 public key in \"%s\"", path);
    *ret = keys;
    return true;
}

static bool signature_holds(const uint8_t public[NOTE_PUBLIC_SIZE], const uint8_t *signature,
                            const char *text)
{
    _cleanup_(md) EVP_MD_CTX *context = EVP_MD_CTX_new();
    _cleanup_(pkey) EVP_PKEY *pkey =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public, NOTE_PUBLIC_SIZE);
    bool holds = context && pkey && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
                 EVP_DigestVerify(context, signature, SIGNATURE_SIZE, (const unsigned char *)text,
                                  strlen(text)) == 1;
    ERR_clear_error();
    return holds;
}

typedef struct Parts {
    const char *text, *name;
    const uint8_t *bytes; /* key hash and signature */
} Parts;

static bool take_apart(const char *note, Arena *arena, Parts *ret)
{
    const char *end = strstr(note, "\n\n" DASH);
    uint8_t *bytes;
    size_t size;
    if (!end)
        return false;
    char *line = arena_text(arena, end + 2 + strlen(DASH));
    char *word = strchr(line, ' ');
    if (!word || strcspn(line, "\n") + 1 != strlen(line)) /* one signature line, ended */
        return false;
    *word++ = '\0';
    word[strcspn(word, "\n")] = '\0';
    if (!base64_decode(arena, word, strlen(word), &bytes, &size) ||
        size != KEY_HASH_SIZE + SIGNATURE_SIZE)
        return false;
    *ret = (Parts){arena_copy(arena, note, (size_t)(end + 1 - note)), line, bytes};
    return true;
}

const char *note_key_id(const char *note, Arena *arena)
{
    Parts parts;
    if (!take_apart(note, arena, &parts))
        return NULL;
    return arena_format(arena, "%02x%02x%02x%02x", parts.bytes[0], parts.bytes[1], parts.bytes[2],
                        parts.bytes[3]);
}

bool note_holds(const NotePublic *keys, const char *note, Arena *arena, const char **ret)
{
    Parts parts;
    uint8_t hash[KEY_HASH_SIZE];
    if (!take_apart(note, arena, &parts))
        return false;
    for (size_t i = 0; i < keys->count; i++) {
        key_hash(parts.name, keys->keys[i], hash);
        if (memcmp(hash, parts.bytes, KEY_HASH_SIZE) == 0 &&
            signature_holds(keys->keys[i], parts.bytes + KEY_HASH_SIZE, parts.text)) {
            *ret = parts.text;
            return true;
        }
    }
    return false;
}
