/* SPDX-License-Identifier: Apache-2.0 */
/* How we say who we are to a feed. */
#include "adapters/feed/mef_auth.h"

#include "daemon/base/clock.h"
#include "daemon/base/digest.h"
#include "daemon/base/file.h"
#include "daemon/base/json.h"
#include "daemon/base/text.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_LIMIT ((size_t)64 << 10)
#define TOKEN_LIMIT 8192
#define EARLY_US (60 * CLOCK_SECOND) /* renewed so long before its end */
#define LIFE_MOST_S 86400

struct MefAuth {
    Arena *settings, *kept;
    const char *token_path;                            /* a token from a file */
    const char *url, *client_id, *secret_path, *scope; /* or one fetched */
    const char *value;                                 /* "Bearer …"; NULL: none yet */
    int64_t ends_at;                                   /* clock_steady(); 0: does not end */
};

void mef_auth_free(MefAuth *auth)
{
    if (!auth)
        return;
    arena_free(auth->settings);
    arena_free(auth->kept);
    free(auth);
}

static bool settings_fit(const MefAuth *auth, Error *err)
{
    bool any = auth->url || auth->client_id || auth->secret_path;
    bool all = auth->url && auth->client_id && auth->secret_path;
    if (any && !all)
        return error_set(
            err, ERROR_CONFIG, "feed.auth",
            "token_url, client_id and client_secret belong together: one of them is missing");
    if (any && auth->token_path)
        return error_set(err, ERROR_CONFIG, "feed.auth",
                         "token and token_url are two ways to the same thing: keep one");
    return true;
}

bool mef_auth_new(const Section *section, MefAuth **ret, Error *err)
{
    MefAuth *auth = calloc(1, sizeof *auth);
    if (!auth)
        return error_set(err, ERROR_LATER, "feed.memory", "no memory for a feed");
    auth->settings = arena_new(256 << 10);
    auth->kept = arena_new(1 << 20);
    auth->token_path = arena_text(auth->settings, section_text(section, "token"));
    auth->url = arena_text(auth->settings, section_text(section, "token_url"));
    auth->client_id = arena_text(auth->settings, section_text(section, "client_id"));
    auth->secret_path = arena_text(auth->settings, section_text(section, "client_secret"));
    auth->scope = arena_text(auth->settings, section_text(section, "scope"));
    if (!settings_fit(auth, err)) {
        mef_auth_free(auth);
        return false;
    }
    *ret = auth;
    return true;
}

/* A token goes into a header as it is: only what RFC 6750 section 2.1 allows. */
static bool keep_token(MefAuth *auth, const char *token, Error *err)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
    size_t size = strlen(token);
    if (!size || size > TOKEN_LIMIT || strspn(token, allowed) != size)
        return error_set(err, ERROR_CONFIG, "feed.token",
                         "what should be the feed's token is none");
    auth->value = arena_format(auth->kept, "Bearer %s", token);
    return true;
}

static bool read_token(MefAuth *auth, Error *err)
{
    char *token;
    if (!file_secret(auth->token_path, auth->kept, &token, err))
        return error_wrap(err, "reading the feed's token");
    auth->ends_at = 0;
    return keep_token(auth, token, err);
}

/* application/x-www-form-urlencoded, as RFC 6749 appendix B asks for in both places. */
static const char *form_encoded(Arena *arena, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    Text out = text_new(arena, 64 << 10);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (strchr(plain, *c))
            text_add_bytes(&out, c, 1);
        else
            text_addf(&out, "%%%02X", *c);
    }
    return text_get(&out);
}

static const char *basic(MefAuth *auth, const char *secret)
{
    const char *pair = arena_format(auth->kept, "%s:%s", form_encoded(auth->kept, auth->client_id),
                                    form_encoded(auth->kept, secret));
    return arena_format(auth->kept, "Basic %s", base64_encode(auth->kept, pair, strlen(pair)));
}

static bool read_answer(MefAuth *auth, const HttpResponse *response, Error *err)
{
    _cleanup_json_ json_t *root = NULL;
    Error ignored = {0};
    int64_t life = 300; /* when the server does not say */
    if (response->status == 400 || response->status == 401 || response->status == 403)
        return error_set(err, ERROR_CONFIG, "feed.credentials",
                         "the token server does not accept our client id and secret (status %d)",
                         response->status);
    if (response->status != 200)
        return error_set(err, ERROR_LATER, "feed.token_server",
                         "the token server gives no token (status %d)", response->status);
    const char *token = json_parse(response->body, response->body_size, &root, &ignored)
                            ? json_get_text(root, "access_token")
                            : NULL;
    const char *type = json_get_text(root, "token_type");
    if (!token || (type && strcasecmp(type, "bearer") != 0))
        return error_set(err, ERROR_LATER, "feed.token_server",
                         "the token server's answer holds no bearer token");
    json_get_int(root, "expires_in", &life);
    life = life < 1 ? 1 : life > LIFE_MOST_S ? LIFE_MOST_S : life;
    auth->ends_at = clock_steady() + life * CLOCK_SECOND;
    return keep_token(auth, token, err);
}

static bool fetch_token(MefAuth *auth, HttpClient *client, Error *err)
{
    HttpResponse response;
    HttpFailure failure;
    char *secret;
    if (!file_secret(auth->secret_path, auth->kept, &secret, err))
        return error_wrap(err, "reading the feed's client secret");
    HttpHeader headers[] = {{"Accept", "application/json"},
                            {"Content-Type", "application/x-www-form-urlencoded"},
                            {"Authorization", basic(auth, secret)}};
    const char *body = "grant_type=client_credentials";
    if (auth->scope)
        body = arena_format(auth->kept, "%s&scope=%s", body, form_encoded(auth->kept, auth->scope));
    HttpRequest request = {.method = "POST",
                           .url = auth->url,
                           .headers = headers,
                           .header_count = sizeof headers / sizeof *headers,
                           .body = body,
                           .body_size = strlen(body),
                           .response_limit = ANSWER_LIMIT};
    if (!http_exchange(client, auth->kept, &request, &response, &failure, err))
        return error_wrap(err, "asking for a token");
    return read_answer(auth, &response, err);
}

bool mef_auth_value(MefAuth *auth, HttpClient *client, bool renew, const char **ret, Error *err)
{
    bool ending = auth->ends_at && clock_steady() > auth->ends_at - EARLY_US;
    if (!auth->token_path && !auth->url) {
        *ret = NULL;
        return true;
    }
    if (!auth->value || renew || ending) {
        auth->value = NULL;
        arena_reset(auth->kept);
        if (!(auth->url ? fetch_token(auth, client, err) : read_token(auth, err)))
            return false;
    }
    *ret = auth->value;
    return true;
}
