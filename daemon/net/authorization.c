/* SPDX-License-Identifier: Apache-2.0 */
/* How we say who we are to a server. */
#include "daemon/net/authorization.h"

#include "daemon/base/clock.h"
#include "daemon/base/digest.h"
#include "daemon/base/file.h"
#include "daemon/base/json.h"
#include "daemon/base/text.h"
#include "daemon/net/assertion.h"
#include "daemon/net/retry_after.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_LIMIT ((size_t)64 << 10)
#define ANSWER_TIMEOUT_MS 60000
#define TOKEN_LIMIT 8192
#define EARLY_US (60 * CLOCK_SECOND) /* renewed so long before its end */
#define LIFE_UNSAID_S 300
#define LIFE_MOST_S 86400
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

struct Authorization {
    Arena *settings, *kept;
    const char *token_path;                      /* a token from a file */
    const char *url, *client_id, *scope;         /* or one fetched */
    const char *secret_path, *key_path, *key_id; /* by a secret, or by a key */
    const char *value;                           /* "Bearer …"; NULL: none yet */
    int64_t ends_at;                             /* clock_steady(); 0: does not end */
};

void authorization_free(Authorization *authorization)
{
    if (!authorization)
        return;
    arena_free(authorization->settings);
    arena_free(authorization->kept);
    free(authorization);
}

static bool settings_fit(const Authorization *way, Error *err)
{
    bool any = way->url || way->client_id || way->secret_path || way->key_path || way->key_id;
    bool both_halves = way->url && way->client_id && (way->secret_path || way->key_path);
    const char *wrong = NULL;
    if (any && way->token_path)
        wrong = "token and token_url are two ways to the same thing: keep one";
    else if (any && !both_halves)
        wrong = "token_url, client_id and one of client_secret and client_assertion_key belong "
                "together: one of them is missing";
    else if (way->secret_path && way->key_path)
        wrong = "client_secret and client_assertion_key are two ways to the same thing: keep one";
    else if (!way->key_path != !way->key_id)
        wrong = "client_assertion_key and client_key_id belong together: one of them is missing";
    return !wrong || error_set(err, ERROR_CONFIG, "auth.settings", "%s", wrong);
}

bool authorization_new(const Section *section, Authorization **ret, Error *err)
{
    Authorization *way = calloc(1, sizeof *way);
    if (!way)
        abort();
    way->settings = arena_new(256 << 10);
    way->kept = arena_new(1 << 20);
    way->token_path = arena_text(way->settings, section_text(section, "token"));
    way->url = arena_text(way->settings, section_text(section, "token_url"));
    way->client_id = arena_text(way->settings, section_text(section, "client_id"));
    way->secret_path = arena_text(way->settings, section_text(section, "client_secret"));
    way->key_path = arena_text(way->settings, section_text(section, "client_assertion_key"));
    way->key_id = arena_text(way->settings, section_text(section, "client_key_id"));
    way->scope = arena_text(way->settings, section_text(section, "scope"));
    if (!settings_fit(way, err)) {
        authorization_free(way);
        return false;
    }
    *ret = way;
    return true;
}

bool authorization_is_set(const Authorization *way)
{
    return way->token_path || way->url;
}

/* A token goes into a header as it is: only what RFC 6750 section 2.1 allows. */
static bool keep_token(Authorization *way, const char *token, Error *err)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
    size_t size = strlen(token);
    if (!size || size > TOKEN_LIMIT || strspn(token, allowed) != size)
        return error_set(err, ERROR_CONFIG, "auth.token", "what should be the token is none");
    way->value = arena_format(way->kept, "Bearer %s", token);
    return true;
}

static bool read_token(Authorization *way, Error *err)
{
    char *token;
    if (!file_secret(way->token_path, way->kept, &token, err))
        return error_wrap(err, "reading the token");
    way->ends_at = 0;
    return keep_token(way, token, err);
}

/* ---- a token that is fetched ---- */

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

static bool basic(Authorization *way, const char **ret, Error *err)
{
    char *secret;
    if (!file_secret(way->secret_path, way->kept, &secret, err))
        return error_wrap(err, "reading the client secret");
    const char *pair = arena_format(way->kept, "%s:%s", form_encoded(way->kept, way->client_id),
                                    form_encoded(way->kept, secret));
    *ret = arena_format(way->kept, "Basic %s", base64_encode(way->kept, pair, strlen(pair)));
    return true;
}

static bool signed_body(Authorization *way, const char *body, const char **ret, Error *err)
{
    AssertionClaims claims = {.key_id = way->key_id,
                              .client = way->client_id,
                              .audience = way->url,
                              .id = assertion_new_id(way->kept),
                              .ends = clock_wall() / CLOCK_SECOND + ASSERTION_LIFE_S};
    const char *assertion;
    if (!assertion_sign(way->key_path, &claims, way->kept, &assertion, err))
        return false;
    *ret = arena_format(way->kept, "%s&client_assertion_type=%s&client_assertion=%s", body,
                        form_encoded(way->kept, ASSERTION_TYPE), assertion);
    return true;
}

/* Seconds; some servers write the number as a text. */
static int64_t life_of(const json_t *root)
{
    int64_t life = LIFE_UNSAID_S;
    const char *text = json_get_text(root, "expires_in");
    if (!json_get_int(root, "expires_in", &life) && text)
        text_to_int64(text, &life);
    return life < 1 ? 1 : life > LIFE_MOST_S ? LIFE_MOST_S : life;
}

static bool read_answer(Authorization *way, const HttpResponse *response, Error *err)
{
    _cleanup_json_ json_t *root = NULL;
    Error ignored = {0};
    if (response->status == 400 || response->status == 401 || response->status == 403)
        return error_set(err, ERROR_CONFIG, "auth.credentials",
                         "the token server does not accept our client id and %s (status %d)",
                         way->key_path ? "key" : "secret", response->status);
    if (response->status != 200)
        return error_set(err, ERROR_LATER, "auth.token_server",
                         "the token server gives no token (status %d)", response->status);
    const char *token = json_parse(response->body, response->body_size, &root, &ignored)
                            ? json_get_text(root, "access_token")
                            : NULL;
    const char *type = json_get_text(root, "token_type");
    if (!token || (type && strcasecmp(type, "bearer") != 0))
        return error_set(err, ERROR_LATER, "auth.token_server",
                         "the token server's answer holds no bearer token");
    way->ends_at = clock_steady() + life_of(root) * CLOCK_SECOND;
    return keep_token(way, token, err);
}

static bool fetch_token(Authorization *way, HttpClient *client, int64_t *ret_wait_ms, Error *err)
{
    HttpResponse response;
    HttpFailure failure;
    HttpHeader headers[] = {{"Accept", "application/json"},
                            {"Content-Type", "application/x-www-form-urlencoded"},
                            {"Authorization", NULL}};
    const char *body = "grant_type=client_credentials";
    if (way->scope)
        body = arena_format(way->kept, "%s&scope=%s", body, form_encoded(way->kept, way->scope));
    if (!(way->key_path ? signed_body(way, body, &body, err) : basic(way, &headers[2].value, err)))
        return false;
    HttpRequest request = {.method = "POST",
                           .url = way->url,
                           .headers = headers,
                           .header_count = way->key_path ? 2 : 3,
                           .body = body,
                           .body_size = strlen(body),
                           .response_limit = ANSWER_LIMIT,
                           .total_timeout_ms = ANSWER_TIMEOUT_MS};
    if (!http_exchange(client, way->kept, &request, &response, &failure, err))
        return error_wrap(err, "asking for a token");
    *ret_wait_ms = retry_after_ms(http_header(&response, "retry-after"), clock_wall());
    return read_answer(way, &response, err);
}

bool authorization_value(Authorization *way, HttpClient *client, bool renew, const char **ret,
                         int64_t *ret_wait_ms, Error *err)
{
    bool ending = way->ends_at && clock_steady() > way->ends_at - EARLY_US;
    *ret_wait_ms = 0;
    if (!authorization_is_set(way)) {
        *ret = NULL;
        return true;
    }
    if (!way->value || renew || ending) {
        way->value = NULL;
        arena_reset(way->kept);
        if (!(way->url ? fetch_token(way, client, ret_wait_ms, err) : read_token(way, err)))
            return false;
    }
    *ret = way->value;
    return true;
}
