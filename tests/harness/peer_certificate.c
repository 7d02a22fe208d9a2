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
    const char *basic, *usage; /* basicConstraints, keyUsage, instead of what an authority has */
    const char *constraints;   /* nameConstraints; NULL: none */
    int from_days, to_days;    /* from now */
    EVP_PKEY *key;             /* NULL: a new P-256 */
    const EVP_MD *digest;      /* of the signature over it; NULL: SHA-256 */
    bool unknown_critical, tampered;
} Wish;

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    MUST(extension && X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

static void add_unknown(X509 *certificate)
{
    ASN1_OCTET_STRING *nothing = ASN1_OCTET_STRING_new();
    ASN1_OBJECT *object = OBJ_txt2obj("1.3.6.1.4.1.55555.1", 1);
    MUST(nothing && object && ASN1_OCTET_STRING_set(nothing, (const unsigned char *)"\5", 2));
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, nothing);
    MUST(extension && X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
    ASN1_OBJECT_free(object);
    ASN1_OCTET_STRING_free(nothing);
}

/* A certificate ends with its signature: the last bit becomes another. */
static void tamper(X509 **certificate)
{
    unsigned char *bytes = NULL;
    int size = i2d_X509(*certificate, &bytes);
    MUST(size > 0);
    bytes[size - 1] ^= 1;
    const unsigned char *at = bytes;
    X509_free(*certificate);
    *certificate = d2i_X509(NULL, &at, size);
    MUST(*certificate);
    OPENSSL_free(bytes);
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
    const char *basic = wish->authority ? "critical,CA:TRUE" : "critical,CA:FALSE";
    const char *usage = wish->usage ? wish->usage : "critical,keyCertSign,cRLSign";
    add_extension(made.certificate, signer, NID_basic_constraints,
                  wish->basic ? wish->basic : basic);
    if (wish->authority)
        add_extension(made.certificate, signer, NID_key_usage, usage);
    if (wish->constraints)
        add_extension(made.certificate, signer, NID_name_constraints, wish->constraints);
    if (wish->unknown_critical)
        add_unknown(made.certificate);
    if (wish->alternative)
        add_extension(made.certificate, signer, NID_subject_alt_name, wish->alternative);
    if (wish->use)
        add_extension(made.certificate, signer, NID_ext_key_usage, wish->use);
    EVP_PKEY *by = issuer ? issuer->key : made.key;
    const EVP_MD *digest = wish->digest ? wish->digest : EVP_sha256();
    MUST(X509_sign(made.certificate, by,
                   EVP_PKEY_get_base_id(by) == EVP_PKEY_ED25519 ? NULL : digest));
    if (wish->tampered)
        tamper(&made.certificate);
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
    case PEER_TLS_WILDCARD:
        wish.name = "*";
        wish.alternative = "DNS:*";
        break;
    case PEER_TLS_WEAK_KEY:
        wish.key = EVP_RSA_gen(1024);
        break;
    case PEER_TLS_WEAK_CURVE:
        wish.key = EVP_EC_gen("P-192");
        break;
    case PEER_TLS_STATIC_RSA:
    case PEER_TLS_WEAK_DH:
        wish.key = make_key("rsa2048");
        break;
    case PEER_TLS_SHA1_SIGNED:
        wish.digest = EVP_sha1();
        break;
    case PEER_TLS_MD5_SIGNED:
        wish.digest = EVP_md5();
        break;
    case PEER_TLS_TAMPERED:
        wish.tampered = true;
        break;
    case PEER_TLS_UNKNOWN_CRITICAL:
        wish.unknown_critical = true;
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

static Made make_authority(const char *name, PeerTls tls)
{
    Wish wish = {.name = name, .authority = true, .from_days = -40, .to_days = 40};
    if (tls == PEER_TLS_EXPIRED_CA)
        wish.to_days = -1;
    if (tls == PEER_TLS_MD5_SIGNED) /* P-256 has no signature with MD5 */
        wish.key = make_key("rsa2048");
    if (tls == PEER_TLS_MIDDLE_TOO_DEEP)
        wish.basic = "critical,CA:TRUE,pathlen:0";
    return make(&wish, NULL);
}

/* The certificate between the CA and the server's; false: there is none. */
static bool wish_for_middle(PeerTls tls, Wish *ret)
{
    *ret = (Wish){.name = "middle", .authority = true, .from_days = -20, .to_days = 30};
    switch (tls) {
    case PEER_TLS_CHAIN_MISSING:
    case PEER_TLS_MIDDLE_TOO_DEEP:
        return true;
    case PEER_TLS_ISSUER_NOT_CA:
        ret->authority = false;
        return true;
    case PEER_TLS_MIDDLE_EXPIRED:
        ret->to_days = -1;
        return true;
    case PEER_TLS_MIDDLE_NOT_SIGNING:
        ret->usage = "critical,digitalSignature";
        return true;
    case PEER_TLS_MIDDLE_WEAK:
        ret->key = EVP_RSA_gen(1024);
        return true;
    case PEER_TLS_MIDDLE_SHA1:
        ret->digest = EVP_sha1();
        return true;
    case PEER_TLS_MIDDLE_CONSTRAINED:
        ret->constraints = "critical,permitted;DNS:elsewhere.example";
        return true;
    default:
        return false;
    }
}

static Made make_server(PeerTls tls, const Made *authority, SSL_CTX *context)
{
    Wish wish = wish_for(tls), middle_wish;
    if (tls == PEER_TLS_SELF_SIGNED)
        return make(&wish, NULL);
    bool other = tls == PEER_TLS_OTHER_CA;
    if (!other && !wish_for_middle(tls, &middle_wish))
        return make(&wish, authority);
    Made middle = other ? make_authority("another test CA", tls) : make(&middle_wish, authority);
    Made server = make(&wish, &middle);
    /* sent with whatever certificate the context will have */
    if (tls != PEER_TLS_CHAIN_MISSING)
        MUST(X509_up_ref(middle.certificate) &&
             SSL_CTX_add_extra_chain_cert(context, middle.certificate));
    release(&middle);
    return server;
}

SSL_CTX *peer_certificate_context(PeerTls tls, const char *folder)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    MUST(context);
    peer_set_protocol(tls, context);
    Made authority = make_authority("mhsflow test CA", tls);
    Made server = make_server(tls, &authority, context);
    Made client = make(
        &(Wish){.name = "mhsflow test client", .use = "clientAuth", .from_days = -1, .to_days = 30},
        &authority);
    if (tls != PEER_TLS_ANONYMOUS) {
        MUST(SSL_CTX_use_certificate(context, server.certificate) == 1);
        MUST(SSL_CTX_use_PrivateKey(context, server.key) == 1);
    }
    if (tls == PEER_TLS_CLIENT_NEEDED) {
        MUST(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.certificate));
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        /* a session that is taken up again must say whose it is */
        MUST(SSL_CTX_set_session_id_context(context, (const unsigned char *)"peer", 4) == 1);
    }
    write_certificate(folder, "ca.pem", authority.certificate);
    write_certificate(folder, "client.pem", client.certificate);
    write_key(folder, "client.key", client.key);
    release(&authority);
    release(&server);
    release(&client);
    return context;
}
