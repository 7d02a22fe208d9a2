/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP message signatures. */
#include "daemon/net/message_signature.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/digest.h"
#include "daemon/net/structured.h"

#include <ctype.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

DEFINE_CLEANUP(CURLU *, curl_url_cleanup, url);
DEFINE_CLEANUP(char *, curl_free, curl_text);

static bool refuse(Error *err, const char *what)
{
    return error_set(err, ERROR_BUG, "net.signature", "cannot write a signature base: %s", what);
}

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
            return false;
    return true;
}

static bool is_lower(const char *name)
{
    for (; *name; name++)
        if (isupper((unsigned char)*name))
            return false;
    return true;
}

static bool check_components(const MessageComponent *components, size_t count, Error *err)
{
    for (size_t i = 0; i < count; i++) {
        const MessageComponent *one = &components[i];
        if (!is_plain(one->name) || !is_lower(one->name) ||
            (one->parameters && !is_plain(one->parameters)))
            return refuse(err, "a component's name is not in lower case ASCII");
        for (size_t k = 0; k < i; k++)
            if (strcmp(components[k].name, one->name) == 0 &&
                text_equal(components[k].parameters, one->parameters))
                return refuse(err, "a component is named twice");
    }
    return true;
}

static bool add_identifier(Text *out, const MessageComponent *component)
{
    bool fine = structured_add_string(out, component->name);
    text_add(out, component->parameters);
    return fine;
}

static bool add_text_parameter(Text *out, const char *name, const char *value)
{
    if (!value)
        return true;
    text_addf(out, ";%s=", name);
    return structured_add_string(out, value);
}

bool message_parameters(const MessageComponent *components, size_t count,
                        const MessageParameters *parameters, Arena *arena, const char **ret,
                        Error *err)
{
    if (!check_components(components, count, err))
        return false;
    Text out = text_new(arena, MESSAGE_BASE_LIMIT);
    bool fine = true;
    text_add(&out, "(");
    for (size_t i = 0; i < count; i++) {
        text_add(&out, i ? " " : "");
        fine = add_identifier(&out, &components[i]) && fine;
    }
    text_add(&out, ")");
    if (parameters->created)
        text_addf(&out, ";created=%" PRId64, parameters->created);
    fine = add_text_parameter(&out, "keyid", parameters->key_id) && fine;
    fine = add_text_parameter(&out, "nonce", parameters->nonce) && fine;
    fine = add_text_parameter(&out, "tag", parameters->tag) && fine;
    fine = add_text_parameter(&out, "alg", parameters->algorithm) && fine;
    if (parameters->expires)
        text_addf(&out, ";expires=%" PRId64, parameters->expires);
    if (!fine || !text_ok(&out))
        return refuse(err, "a parameter is not in ASCII, or there is too much");
    *ret = text_get(&out);
    return true;
}

/* Without the white space around it (section 2.1). */
static char *trimmed(Arena *arena, const char *value)
{
    value += strspn(value, " \t");
    size_t size = strlen(value);
    while (size && (value[size - 1] == ' ' || value[size - 1] == '\t'))
        size--;
    return arena_copy(arena, value, size);
}

bool message_base(const MessageComponent *components, size_t count, const char *parameters,
                  Arena *arena, const char **ret, size_t *ret_size, Error *err)
{
    if (!check_components(components, count, err))
        return false;
    Text out = text_new(arena, MESSAGE_BASE_LIMIT);
    for (size_t i = 0; i < count; i++) {
        const char *value = components[i].value ? trimmed(arena, components[i].value) : NULL;
        if (!value || !is_plain(value))
            return refuse(err, "a component is absent, or its value is not one line of ASCII");
        add_identifier(&out, &components[i]);
        text_add(&out, ": ");
        text_add(&out, value);
        text_add(&out, "\n");
    }
    text_addf(&out, "\"@signature-params\": %s", parameters);
    if (!text_ok(&out))
        return refuse(err, "it is too long");
    *ret = text_get(&out);
    *ret_size = out.size;
    return true;
}

bool message_sign(const RequestSigner *signer, const MessageComponent *components, size_t count,
                  const char *tag, Arena *arena, MessageSignature *ret, Error *err)
{
    uint8_t nonce[18];
    if (getrandom(nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce)
        return error_set(err, ERROR_LATER, "net.signature", "could not get random bytes");
    MessageParameters parameters = {
        .created = clock_wall() / CLOCK_SECOND,
        .nonce = base64_encode(arena, nonce, sizeof nonce),
        .tag = tag,
    };
    const char *list, *base;
    const uint8_t *signature;
    size_t base_size, size;
    if (!signer->key(signer->data, arena, &parameters.key_id, err) ||
        !message_parameters(components, count, &parameters, arena, &list, err) ||
        !message_base(components, count, list, arena, &base, &base_size, err) ||
        !signer->sign(signer->data, arena, parameters.key_id, base, base_size, &signature, &size,
                      err))
        return error_wrap(err, "signing the request");
    *ret = (MessageSignature){
        .input = arena_format(arena, "sig1=%s", list),
        .signature = arena_format(arena, "sig1=%s", structured_bytes(arena, signature, size)),
    };
    return true;
}

bool message_target(const char *url, Arena *arena, const char **ret_authority,
                    const char **ret_path, Error *err)
{
    _cleanup_(url) CURLU *parts = curl_url();
    _cleanup_(curl_text) char *host = NULL, *port = NULL, *path = NULL;
    if (!parts || curl_url_set(parts, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_PATH, &path, 0) != CURLUE_OK)
        return error_set(err, ERROR_CONFIG, "net.url", "cannot read the address");
    char *lower = arena_text(arena, host);
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    *ret_authority = strcmp(port, "443") == 0 ? lower : arena_format(arena, "%s:%s", lower, port);
    *ret_path = arena_text(arena, *path ? path : "/");
    return true;
}
