/* SPDX-License-Identifier: Apache-2.0 */
/* A PKCS#11 token for a test: SoftHSM in a private folder.  Ends the test when it cannot be made.
 *
 * SoftHSM finds its folder by SOFTHSM2_CONF, set for this process and its children: one token for
 * each test (each is a process of its own under libcheck). */
#pragma once

#include "daemon/base/arena.h"

#define TOKEN_MODULE "/usr/lib/softhsm/libsofthsm2.so"

typedef struct Token Token;

Token *token_new(void);
void token_free(Token *token);
const char *token_folder(const Token *token);
const char *token_pin_path(const Token *token);
/* An unencrypted private key in PEM gets onto the token; the file stays. */
void token_import(Token *token, const char *key_path, const char *label);
const char *token_uri(const Token *token, const char *label, Arena *arena);
