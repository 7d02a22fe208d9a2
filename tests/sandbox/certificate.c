/* SPDX-License-Identifier: Apache-2.0 */
/* Makes P-256 keys and X.509 certificates with OpenSSL. */
#include "tests/sandbox/certificate.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

static const long VALID_SECONDS = 60L * 60 * 24 * 3650;
/* Far enough back for a site whose clock stands on another day than the machine's. */
static const long BACK_SECONDS = 60L * 60 * 24 * 3650;

typedef struct Extension {
    int id;
    const char *value;
} Extension;

static bool add_extensions(X509 *certificate, X509 *issuer, const Extension *extensions)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (; extensions->value != NULL; extensions++) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, &context, extensions->id, extensions->value);
        bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
        X509_EXTENSION_free(extension);
        if (!added)
            return false;
    }
    return true;
}

static bool set_serial(X509 *certificate)
{
    unsigned char random[16];
    if (RAND_bytes(random, sizeof random) != 1)
        return false;
    random[0] &= 0x7f;
    BIGNUM *number = BN_bin2bn(random, sizeof random, NULL);
    bool set = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return set;
}

/* `issuer` NULL = self-signed. */
static X509 *make(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key,
                  const Extension *extensions)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = certificate != NULL ? X509_get_subject_name(certificate) : NULL;
    bool made = certificate != NULL && X509_set_version(certificate, 2) &&
                set_serial(certificate) &&
                X509_gmtime_adj(X509_getm_notBefore(certificate), -BACK_SECONDS) != NULL &&
                X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_SECONDS) != NULL &&
                X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
                                           -1, -1, 0) &&
                X509_set_issuer_name(certificate,
                                     issuer != NULL ? X509_get_subject_name(issuer) : subject) &&
                X509_set_pubkey(certificate, key) &&
                add_extensions(certificate, issuer != NULL ? issuer : certificate, extensions) &&
                X509_sign(certificate, issuer_key, EVP_sha256()) > 0;
    if (!made) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static void take_pem(BIO *bio, Buffer *out)
{
    char *data = NULL;
    long length = BIO_get_mem_data(bio, &data);
    buffer_add(out, data, (size_t)length);
    BIO_free(bio);
}

static bool certificate_text(X509 *certificate, Buffer *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool written = bio != NULL && PEM_write_bio_X509(bio, certificate) == 1;
    take_pem(bio, out);
    return written;
}

static bool key_text(EVP_PKEY *key, Buffer *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool written =
        bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    take_pem(bio, out);
    return written;
}

static bool write_in(const char *folder, const char *name, unsigned mode, const Buffer *text)
{
    BUFFER_AUTO path = {0};
    buffer_format(&path, "%s/%s", folder, name);
    return buffer_write_file(path.data, mode, text->data, text->length);
}

static bool read_in(const char *folder, const char *name, Buffer *out)
{
    BUFFER_AUTO path = {0};
    buffer_format(&path, "%s/%s", folder, name);
    return buffer_read_file(out, path.data, 65536);
}

static bool make_server(const char *folder, Buffer *certificate, Buffer *key)
{
    static const Extension authority_extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
        {0, NULL}};
    static const Extension server_extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid"},
        {0, NULL}};
    EVP_PKEY *authority_key = EVP_EC_gen("P-256");
    EVP_PKEY *server_key = EVP_EC_gen("P-256");
    X509 *authority =
        make(authority_key, "mhsflow sandbox authority", NULL, authority_key, authority_extensions);
    X509 *server = authority == NULL ? NULL
                                     : make(server_key, "mhsflow sandbox server", authority,
                                            authority_key, server_extensions);
    BUFFER_AUTO authority_text = {0};
    bool made = server != NULL && certificate_text(authority, &authority_text) &&
                certificate_text(server, certificate) && key_text(server_key, key) &&
                write_in(folder, "server.key", 0600, key) &&
                write_in(folder, "server.pem", 0644, certificate) &&
                write_in(folder, "ca.pem", 0644, &authority_text);
    X509_free(server);
    X509_free(authority);
    EVP_PKEY_free(server_key);
    EVP_PKEY_free(authority_key);
    return made;
}

bool certificate_server(const char *folder, Buffer *certificate, Buffer *key)
{
    BUFFER_AUTO authority = {0};
    /* ca.pem is written last: when it is there, all three are. */
    if (read_in(folder, "ca.pem", &authority) && read_in(folder, "server.pem", certificate) &&
        read_in(folder, "server.key", key))
        return true;
    buffer_clear(certificate);
    buffer_clear(key);
    return make_server(folder, certificate, key);
}

bool certificate_sender(const char *folder)
{
    static const Extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature,nonRepudiation"},
        {NID_subject_key_identifier, "hash"},
        {0, NULL}};
    BUFFER_AUTO path = {0};
    BUFFER_AUTO certificate = {0};
    BUFFER_AUTO key = {0};
    buffer_format(&path, "%s/signing.key", folder);
    if (access(path.data, F_OK) == 0)
        return false;
    EVP_PKEY *pair = EVP_EC_gen("P-256");
    X509 *made = make(pair, "mhsflow sandbox sender", NULL, pair, extensions);
    bool written = made != NULL && certificate_text(made, &certificate) && key_text(pair, &key) &&
                   write_in(folder, "signing.key", 0600, &key) &&
                   write_in(folder, "signing.crt", 0644, &certificate);
    X509_free(made);
    EVP_PKEY_free(pair);
    return written;
}
