/* SPDX-License-Identifier: Apache-2.0 */
/* Rebuilds the signature base of a message and verifies signatures with OpenSSL. */
#include "tests/sandbox/signature.h"

#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>
#include <strings.h>

enum { P256_HALF = 32, PSS_SALT = 64 };

static void add_authority(const char *authority, Buffer *out)
{
    size_t length = strlen(authority);
    if (length > 4 && strcmp(authority + length - 4, ":443") == 0)
        length -= 4;
    for (size_t i = 0; i < length; i++)
        buffer_char(out, (char)tolower((unsigned char)authority[i]));
}

/* The raw value of one query parameter; false when it is absent or there twice. */
static bool add_query_parameter(const char *query, const char *name, Buffer *out)
{
    size_t length = strlen(name);
    int found = 0;
    for (const char *at = query; at != NULL && *at != '\0'; at = strchr(at, '&')) {
        at += *at == '&';
        if (strncmp(at, name, length) == 0 && at[length] == '=' && found++ == 0)
            buffer_add(out, at + length + 1, strcspn(at + length + 1, "&"));
    }
    return found == 1;
}

static bool add_derived(const Message *message, const char *name, const Parameters *parameters,
                        Buffer *out)
{
    if (strcmp(name, "@status") == 0 && message->method == NULL) {
        buffer_number(out, message->status);
        return true;
    }
    if (message->method == NULL)
        return false;
    if (strcmp(name, "@method") == 0) {
        buffer_text(out, message->method);
    } else if (strcmp(name, "@authority") == 0 && message->authority != NULL) {
        add_authority(message->authority, out);
    } else if (strcmp(name, "@path") == 0) {
        buffer_text(out, message->path[0] != '\0' ? message->path : "/");
    } else if (strcmp(name, "@query") == 0) {
        buffer_char(out, '?');
        buffer_text(out, message->query != NULL ? message->query : "");
    } else if (strcmp(name, "@query-param") == 0) {
        const Bare *which = structured_parameter(parameters, "name");
        return which != NULL && which->kind == BARE_STRING &&
               add_query_parameter(message->query, which->text.data, out);
    } else {
        return false;
    }
    return true;
}

static bool add_component(const Message *message, const Item *item, Buffer *out)
{
    if (item->value.kind != BARE_STRING || item->value.text.length == 0)
        return false;
    const char *name = item->value.text.data;
    for (const char *at = name; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            return false;
    structured_write_item(item, out);
    buffer_text(out, ": ");
    if (name[0] == '@')
        return add_derived(message, name, &item->parameters, out);
    return item->parameters.count == 0 && message->field(message->user, name, out);
}

static bool named_before(const InnerList *input, size_t at)
{
    BUFFER_AUTO own = {0};
    structured_write_item(&input->items[at], &own);
    for (size_t i = 0; i < at; i++) {
        BUFFER_AUTO other = {0};
        structured_write_item(&input->items[i], &other);
        if (strcmp(own.data, other.data) == 0)
            return true;
    }
    return false;
}

bool signature_base(const Message *message, const InnerList *input, Buffer *ret_base)
{
    for (size_t i = 0; i < input->count; i++) {
        if (named_before(input, i) || !add_component(message, &input->items[i], ret_base))
            return false;
        buffer_char(ret_base, '\n');
    }
    buffer_text(ret_base, "\"@signature-params\": ");
    structured_write_list(input, ret_base);
    return true;
}

/* r||s as on the wire → DER as OpenSSL wants it. */
static bool to_der(const Buffer *raw, unsigned char **ret_der, int *ret_length)
{
    if (raw->length != 2 * P256_HALF)
        return false;
    const unsigned char *bytes = (const unsigned char *)raw->data;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(bytes, P256_HALF, NULL);
    BIGNUM *s = BN_bin2bn(bytes + P256_HALF, P256_HALF, NULL);
    if (pair == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(pair);
        return false;
    }
    *ret_der = NULL;
    *ret_length = i2d_ECDSA_SIG(pair, ret_der);
    ECDSA_SIG_free(pair);
    return *ret_length > 0;
}

static bool verify_with(EVP_PKEY *key, const EVP_MD *digest, bool pss, const Buffer *base,
                        const unsigned char *signature, size_t length)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *options = NULL;
    bool good = context != NULL && EVP_DigestVerifyInit(context, &options, digest, NULL, key) == 1;
    if (good && pss)
        good = EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(options, EVP_sha512()) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(options, PSS_SALT) == 1;
    good = good && EVP_DigestVerify(context, signature, length, (const unsigned char *)base->data,
                                    base->length) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}

static const char *algorithm_of(EVP_PKEY *key)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC:
        return EVP_PKEY_get_bits(key) == 256 ? "ecdsa-p256-sha256" : NULL;
    case EVP_PKEY_ED25519:
        return "ed25519";
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        return "rsa-pss-sha512";
    default:
        return NULL;
    }
}

bool signature_verify(EVP_PKEY *key, const InnerList *input, const Buffer *base,
                      const Buffer *signature)
{
    const char *algorithm = algorithm_of(key);
    const Bare *stated = structured_parameter(&input->parameters, "alg");
    const unsigned char *bytes = (const unsigned char *)signature->data;
    if (algorithm == NULL || signature->length == 0)
        return false;
    if (stated != NULL &&
        (stated->kind != BARE_STRING || strcmp(stated->text.data, algorithm) != 0))
        return false;
    if (strcmp(algorithm, "ed25519") == 0)
        return verify_with(key, NULL, false, base, bytes, signature->length);
    if (strcmp(algorithm, "rsa-pss-sha512") == 0)
        return verify_with(key, EVP_sha512(), true, base, bytes, signature->length);
    unsigned char *der;
    int length;
    if (!to_der(signature, &der, &length))
        return false;
    bool good = verify_with(key, EVP_sha256(), false, base, der, (size_t)length);
    OPENSSL_free(der);
    return good;
}

bool signature_verify_cms(const Buffer *der, const Buffer *document, STACK_OF(X509) * senders)
{
    const unsigned char *at = (const unsigned char *)der->data;
    if (der->length == 0 || der->length > INT32_MAX || document->length > INT32_MAX)
        return false;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der->length);
    BIO *content = BIO_new_mem_buf(document->data, (int)document->length);
    bool good =
        cms != NULL && content != NULL && at == (const unsigned char *)der->data + der->length &&
        CMS_is_detached(cms) == 1 &&
        CMS_verify(cms, senders, NULL, content, NULL,
                   CMS_BINARY | CMS_DETACHED | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY) == 1;
    BIO_free(content);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return good;
}
