/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes (C2SP signed-note, Ed25519): a few lines of text and a signature line.
 *
 *     <text, each line ended>
 *     <empty line>
 *     — <name> <base64 of key hash (4 bytes) and signature (64 bytes)>
 *
 * The signature is over the text with its last line feed; the key hash is the
 * first four bytes of SHA-256(name ‖ LF ‖ 0x01 ‖ public key).  What else signs
 * with Ed25519 here signs other bytes with another key: the sealing key seals only. */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/base/digest.h"

#include <stdint.h>

#define NOTE_PUBLIC_SIZE 32

typedef struct NoteKey NoteKey;

/* PEM, Ed25519, not encrypted; a path or "credential:NAME". */
bool note_key_open(const char *path, NoteKey **ret, Error *err);
void note_key_free(NoteKey *key); /* NULL is fine */
/* The public half as PEM (SubjectPublicKeyInfo), in `arena`. */
const char *note_key_public(const NoteKey *key, Arena *arena);

/* `name` has no spaces and no "+"; `text` ends in a line feed. */
bool note_sign(const NoteKey *key, const char *name, const char *text, Arena *arena,
               const char **ret, Error *err);

/* Public keys, from a file of one or more PEM blocks; DATA "sign.note_keys" when there is none. */
typedef struct NotePublic {
    uint8_t (*keys)[NOTE_PUBLIC_SIZE];
    size_t count;
} NotePublic;
bool note_public_read(const char *path, Arena *arena, NotePublic *ret, Error *err);

/* The key that a note names, as 8 hex digits (the hash of name and key); NULL when it is no note.
 */
const char *note_key_id(const char *note, Arena *arena);

/* Is `note` signed by one of the keys?  Its text, ended, in *ret. */
bool note_holds(const NotePublic *keys, const char *note, Arena *arena, const char **ret);

static inline void note_key_freep(NoteKey **key)
{
    note_key_free(*key);
}
#define _cleanup_note_key_ __attribute__((cleanup(note_key_freep)))
