/* SPDX-License-Identifier: Apache-2.0 */
/* A private key on a PKCS#11 token, by way of OpenSSL's engine. */
#define OPENSSL_SUPPRESS_DEPRECATED /* engines: Debian 12 has no provider for PKCS#11 */
#include "daemon/sign/token.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>
#include <string.h>

/* The token's own words (CKR_PIN_INCORRECT to CKR_PIN_LOCKED); the engine hands them on. */
#define FIRST_PIN_REASON 0xa0
#define LAST_PIN_REASON 0xa4

DEFINE_CLEANUP(UI_METHOD *, UI_destroy_method, ui);

static bool refuse(Error *err, const char *code, const char *what)
{
    ERR_clear_error();
    return error_set(err, ERROR_CONFIG, code, "%s", what);
}

bool signer_token_named(const char *key)
{
    return text_starts(key, "pkcs11:");
}

/* A PIN is never asked of a terminal. */
static int refuse_to_ask(UI *ui)
{
    (void)ui;
    return 0;
}

static bool open_engine(const char *module, ENGINE **ret, Error *err)
{
    static ENGINE *engine;
    if (!engine) {
        ENGINE_load_builtin_engines();
        ENGINE *found = ENGINE_by_id("pkcs11");
        if (!found)
            return refuse(err, "sign.token",
                          "there is no PKCS#11 here: install libengine-pkcs11-openssl");
        if (ENGINE_ctrl_cmd_string(found, "QUIET", NULL, 0) != 1 ||
            (module && ENGINE_ctrl_cmd_string(found, "MODULE_PATH", module, 0) != 1) ||
            ENGINE_init(found) != 1) {
            ENGINE_free(found);
            return refuse(err, "sign.token", "the PKCS#11 engine could not be started");
        }
        engine = found;
    }
    *ret = engine;
    return true;
}

static bool explain(Error *err)
{
    unsigned long number;
    bool pin = false, module = false;
    while ((number = ERR_get_error())) {
        int reason = ERR_GET_REASON(number);
        pin = pin || (reason >= FIRST_PIN_REASON && reason <= LAST_PIN_REASON);
        module = module || reason == 1025; /* libp11: the module cannot be loaded */
    }
    if (pin)
        return refuse(err, "sign.pin", "the token refused the PIN");
    return refuse(err, "sign.token",
                  module ? "the PKCS#11 module cannot be loaded (signing: pkcs11_module)"
                         : "the token has no such key, or is not there (signing: key)");
}

static EVP_PKEY *load(ENGINE *engine, const char *uri)
{
    _cleanup_(ui) UI_METHOD *nobody = UI_create_method("mhsflow");
    if (!nobody || UI_method_set_opener(nobody, refuse_to_ask) != 0)
        abort();
    return ENGINE_load_private_key(engine, uri, nobody, NULL);
}

bool signer_token_key(const SignerToken *token, EVP_PKEY **ret, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)256 << 10);
    ENGINE *engine;
    char *pin;
    if (strstr(token->uri, "pin-value") || strstr(token->uri, "pin-source"))
        return refuse(err, "sign.token", "a PIN must not stand in a key's name: use signing: pin");
    if (!token->pin)
        return refuse(err, "sign.token", "a key on a token needs its PIN (signing: pin)");
    if (!open_engine(token->module, &engine, err) || !file_secret(token->pin, arena, &pin, err)) {
        err->kind = ERROR_CONFIG;
        return false;
    }
    bool told = ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0) == 1;
    explicit_bzero(pin, strlen(pin));
    EVP_PKEY *key = told ? load(engine, token->uri) : NULL;
    if (!key)
        return explain(err);
    ERR_clear_error();
    *ret = key;
    return true;
}
