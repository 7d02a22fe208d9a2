/* SPDX-License-Identifier: Apache-2.0 */
/* How we say who we are to a feed: a bearer token from a file, or one fetched by OAuth 2.0
 * client credentials (RFC 6749 section 4.4), kept until shortly before it ends. */
#pragma once

#include "daemon/config/option.h"
#include "daemon/net/http.h"

typedef struct MefAuth MefAuth;

/* CONFIG "feed.auth" when the settings name half of a way, or two ways. */
bool mef_auth_new(const Section *section, MefAuth **ret, Error *err);
void mef_auth_free(MefAuth *auth); /* NULL is fine */

/* The value of the Authorization header, valid until the next call; NULL when only a client
 * certificate speaks for us.  `renew`: the last one was refused; read or fetch another. */
bool mef_auth_value(MefAuth *auth, HttpClient *client, bool renew, const char **ret, Error *err);
