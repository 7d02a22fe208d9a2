/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for the scripted peer. */
#include "tests/harness/peer_certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_SECONDS 86400L

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "peer: %s failed at line %d\n", #condition, __LINE__);                 \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

typedef struct Made {
    X509 *certificate;
    EVP_PKEY *key;
} Made;

typedef struct Wish {
    const char *name;        /* common name */
    size_t name_size;        /* 0: strlen */
    const char *alternative; /* subjectAltName; NULL: none */
    const char *use;         /* extendedKeyUsage; NULL: none */
    bool authority;
    int from_days, to_days; /* from now */
    EVP_PKEY *key;          /* NULL: a new P-256 */
} Wish;

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    MUST(extension && X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

static Made make(const Wish *wish, const Made *issuer)
{
    static long serial = 1000;
    Made made = {X509_new(), wish->key ? wish->key : EVP_EC_gen("P-256")};
    MUST(made.certificate && made.key);
    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), wish->from_days * DAY_SECONDS);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), wish->to_days * DAY_SECONDS);
    X509_set_pubkey(made.certificate, made.key);
    X509_NAME *name = X509_get_subject_name(made.certificate);
    int size = (int)(wish->name_size ? wish->name_size : strlen(wish->name));
    MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)wish->name,
                                    size, -1, 0));
    X509 *signer = issuer ? issuer->certificate : made.certificate;
    X509_set_issuer_name(made.certificate, X509_get_subject_name(signer));
    add_extension(made.certificate, signer, NID_basic_constraints,
                  wish->authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (wish->authority)
        add_extension(made.certificate, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    if (wish->alternative)
        add_extension(made.certificate, signer, NID_subject_alt_name, wish->alternative);
    if (wish->use)
        add_extension(made.certificate, signer, NID_ext_key_usage, wish->use);
    EVP_PKEY *by = issuer ? issuer->key : made.key;
    const EVP_MD *digest = EVP_PKEY_get_base_id(by) == EVP_PKEY_ED25519 ? NULL : EVP_sha256();
    MUST(X509_sign(made.certificate, by, digest));
    return made;
}

static void release(Made *made)
{
    X509_free(made->certificate);
    EVP_PKEY_free(made->key);
}

static FILE *create(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s%s", folder ? folder : "", folder ? "/" : "", name);
    FILE *file = fopen(path, "we");
    MUST(file);
    return file;
}

static void write_certificate(const char *folder, const char *name, X509 *certificate)
{
    FILE *file = create(folder, name);
    MUST(PEM_write_X509(file, certificate));
    fclose(file);
}

static void write_key(const char *folder, const char *name, EVP_PKEY *key)
{
    FILE *file = create(folder, name);
    MUST(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    fclose(file);
}

/* Making an RSA key takes long under valgrind: these two lie in tests/data. */
static EVP_PKEY *read_key(const char *name)
{
    char path[4096];
    const char *root = getenv("MHSFLOW_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/tests/data/%s", root ? root : ".", name);
    FILE *file = fopen(path, "re");
    MUST(file);
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    return key;
}

static EVP_PKEY *make_key(const char *kind)
{
    if (strcmp(kind, "rsa3072") == 0)
        return read_key("sign/rsa3072.private.pem");
    if (strcmp(kind, "rsa2048") == 0)
        return read_key("rfc9421/test-key-rsa.private.pem");
    if (strcmp(kind, "ed25519") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return EVP_EC_gen(strcmp(kind, "p384") == 0 ? "P-384" : "P-256");
}

void peer_make_certificate(const char *certificate_path, const char *key_path, const char *kind,
                           int from_days, int to_days)
{
    Made made = make(&(Wish){.name = "mhsflow test signer",
                             .from_days = from_days,
                             .to_days = to_days,
                             .key = make_key(kind)},
                     NULL);
    write_certificate(NULL, certificate_path, made.certificate);
    write_key(NULL, key_path, made.key);
    release(&made);
}

/* What differs from a good server certificate. */
static Wish wish_for(PeerTls tls)
{
    Wish wish = {.name = "localhost",
                 .alternative = "DNS:localhost,IP:127.0.0.1",
                 .use = "serverAuth",
                 .from_days = -1,
                 .to_days = 30};
    switch (tls) {
    case PEER_TLS_WRONG_NAME:
        wish.name = "elsewhere.example";
        wish.alternative = "DNS:elsewhere.example";
        break;
    case PEER_TLS_EXPIRED:
        wish.from_days = -30;
        wish.to_days = -1;
        break;
    case PEER_TLS_NOT_YET_VALID:
        wish.from_days = 2;
        break;
    case PEER_TLS_NO_SERVER_USE:
        wish.use = "clientAuth";
        break;
    case PEER_TLS_WEAK_KEY:
        wish.key = EVP_RSA_gen(1024);
        break;
    case PEER_TLS_NULL_NAME:
        wish.name = "localhost\0.example";
        wish.name_size = sizeof "localhost\0.example" - 1;
        wish.alternative = NULL;
        break;
    default:
        break;
    }
    return wish;
}

static Made make_authority(const char *name)
{
    return make(&(Wish){.name = name, .authority = true, .from_days = -40, .to_days = 40}, NULL);
}

static Made make_server(PeerTls tls, const Made *authority, SSL_CTX *context)
{
    Wish wish = wish_for(tls);
    if (tls == PEER_TLS_SELF_SIGNED)
        return make(&wish, NULL);
    if (tls == PEER_TLS_OTHER_CA) {
        Made other = make_authority("another test CA");
        Made server = make(&wish, &other);
        MUST(SSL_CTX_add1_chain_cert(context, other.certificate));
        release(&other);
        return server;
    }
    if (tls == PEER_TLS_CHAIN_MISSING || tls == PEER_TLS_ISSUER_NOT_CA) {
        Made middle = make(&(Wish){.name = "middle",
                                   .authority = tls == PEER_TLS_CHAIN_MISSING,
                                   .from_days = -1,
                                   .to_days = 30},
                           authority);
        Made server = make(&wish, &middle);
        if (tls == PEER_TLS_ISSUER_NOT_CA)
            MUST(SSL_CTX_add1_chain_cert(context, middle.certificate));
        release(&middle);
        return server;
    }
    return make(&wish, authority);
}

static void set_protocol(PeerTls tls, SSL_CTX *context)
{
    /* A bad peer may do what our own policy forbids. */
    SSL_CTX_set_security_level(context, 0);
    if (tls == PEER_TLS_1_1_ONLY) {
        SSL_CTX_set_min_proto_version(context, TLS1_1_VERSION);
        SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
        MUST(SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0"));
    }
    if (tls == PEER_TLS_12_ONLY)
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
}

SSL_CTX *peer_certificate_context(PeerTls tls, const char *folder)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    MUST(context);
    set_protocol(tls, context);
    Made authority = make_authority("mhsflow test CA");
    Made server = make_server(tls, &authority, context);
    Made client = make(
        &(Wish){.name = "mhsflow test client", .use = "clientAuth", .from_days = -1, .to_days = 30},
        &authority);
    MUST(SSL_CTX_use_certificate(context, server.certificate) == 1);
    MUST(SSL_CTX_use_PrivateKey(context, server.key) == 1);
    if (tls == PEER_TLS_CLIENT_NEEDED) {
        MUST(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.certificate));
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    write_certificate(folder, "ca.pem", authority.certificate);
    write_certificate(folder, "client.pem", client.certificate);
    write_key(folder, "client.key", client.key);
    release(&authority);
    release(&server);
    release(&client);
    return context;
}
