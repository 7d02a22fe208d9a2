/* SPDX-License-Identifier: Apache-2.0 */
/* How we say who we are to a server: a bearer token from a file, or one fetched by OAuth 2.0 client
 * credentials (RFC 6749 section 4.4), kept until shortly before it ends.
 *
 * To the token server we show a secret (`client_secret_basic`) or a statement
 * signed with a key (`private_key_jwt`, net/assertion.h).  One for each feed or
 * route; what it holds never reaches a log, an error or a file. */
#pragma once

#include "daemon/config/option.h"
#include "daemon/net/http.h"

typedef struct Authorization Authorization;

#define AUTHORIZATION_OPTION(name, type, help)                                                     \
    {                                                                                              \
        name, OPTION_##type, NULL, NULL, NULL, NULL, false, OPTION_RELOAD, help                    \
    }

/* Rows for the option table of an adapter that speaks this way. */
#define AUTHORIZATION_OPTIONS                                                                      \
    AUTHORIZATION_OPTION("token", SECRET,                                                          \
                         "The file that holds the bearer token.  It is read again when the token " \
                         "is no longer accepted."),                                                \
        AUTHORIZATION_OPTION("token_url", URL,                                                     \
                             "Where a token is fetched instead (OAuth 2.0 client credentials), "   \
                             "with client_id and one of client_secret and client_assertion_key.  " \
                             "`ca` and `proxy` hold for it too."),                                 \
        AUTHORIZATION_OPTION("client_id", TEXT, "Our name at token_url."),                         \
        AUTHORIZATION_OPTION("client_secret", SECRET,                                              \
                             "The file that holds our secret at token_url."),                      \
        AUTHORIZATION_OPTION("client_assertion_key", SECRET,                                       \
                             "The private key (PEM) that signs who we are at token_url, instead "  \
                             "of a secret: RSA (RS512) or P-256 (ES256).  A key of its own, "      \
                             "never that of `signing`."),                                          \
        AUTHORIZATION_OPTION("client_key_id", TEXT,                                                \
                             "The name (kid) under which token_url knows the public half of "      \
                             "client_assertion_key."),                                             \
        AUTHORIZATION_OPTION("scope", TEXT,                                                        \
                             "The scopes to ask for at token_url, separated by "                   \
                             "spaces.")

/* CONFIG "auth.settings" when the settings name half of a way, or two ways. */
bool authorization_new(const Section *section, Authorization **ret, Error *err);
void authorization_free(Authorization *authorization); /* NULL is fine */

/* Do the settings name a way?  (A client certificate may be enough.) */
bool authorization_is_set(const Authorization *authorization);

/* The value of the Authorization header, valid until the next call; NULL when the settings name
 * none.  `renew`: the last one was refused; read or fetch another.  CONFIG when a person must look
 * ("auth.credentials", "auth.key", "auth.token"), LATER when the token server has a fault
 * ("auth.token_server", or as net/http.h says): *ret_wait_ms is then what it asked for, or 0. */
bool authorization_value(Authorization *authorization, HttpClient *client, bool renew,
                         const char **ret, int64_t *ret_wait_ms, Error *err);
