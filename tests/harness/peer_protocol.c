/* SPDX-License-Identifier: Apache-2.0 */
/* What a scripted peer offers in its handshake: protocol, ciphers, key exchange. */
#include "tests/harness/peer_certificate.h"

#include <openssl/dh.h>
#include <stdio.h>
#include <stdlib.h>

static void must(bool done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "peer: could not set %s\n", what);
    abort();
}

static void only(SSL_CTX *context, int version, const char *ciphers)
{
    must(SSL_CTX_set_min_proto_version(context, version) == 1, "the protocol");
    must(SSL_CTX_set_max_proto_version(context, version) == 1, "the protocol");
    must(SSL_CTX_set_cipher_list(context, ciphers) == 1, ciphers);
}

/* A group of 1024 bits (RFC 5114). */
static void weak_dh(SSL_CTX *context)
{
    EVP_PKEY *group = NULL;
    EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, "DHX", NULL);
    must(maker && EVP_PKEY_paramgen_init(maker) == 1 &&
             EVP_PKEY_CTX_set_dh_rfc5114(maker, 1) == 1 && EVP_PKEY_paramgen(maker, &group) == 1,
         "a weak group");
    must(SSL_CTX_set0_tmp_dh_pkey(context, group) == 1, "a weak group");
    EVP_PKEY_CTX_free(maker);
}

void peer_set_protocol(PeerTls tls, SSL_CTX *context)
{
    /* A bad peer may do what our own policy forbids. */
    SSL_CTX_set_security_level(context, 0);
    char sha1[] = "ECDSA+SHA1"; /* OpenSSL's macro casts const away */
    switch (tls) {
    case PEER_TLS_12_ONLY:
        only(context, TLS1_2_VERSION, "DEFAULT:@SECLEVEL=0");
        return;
    case PEER_TLS_1_0_ONLY:
        only(context, TLS1_VERSION, "ALL:@SECLEVEL=0");
        return;
    case PEER_TLS_1_1_ONLY:
        only(context, TLS1_1_VERSION, "ALL:@SECLEVEL=0");
        return;
    case PEER_TLS_NULL_CIPHER:
        only(context, TLS1_2_VERSION, "eNULL:@SECLEVEL=0");
        return;
    case PEER_TLS_CBC_ONLY:
        only(context, TLS1_2_VERSION,
             "ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0");
        return;
    case PEER_TLS_STATIC_RSA:
        only(context, TLS1_2_VERSION, "kRSA:@SECLEVEL=0");
        return;
    case PEER_TLS_ANONYMOUS:
        only(context, TLS1_2_VERSION, "aNULL:@SECLEVEL=0");
        must(SSL_CTX_set_dh_auto(context, 1) == 1, "a group");
        return;
    case PEER_TLS_WEAK_DH:
        only(context, TLS1_2_VERSION, "DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0");
        weak_dh(context);
        return;
    case PEER_TLS_SHA1_HANDSHAKE:
        only(context, TLS1_2_VERSION, "DEFAULT:@SECLEVEL=0");
        must(SSL_CTX_set1_sigalgs_list(context, sha1) == 1, "SHA-1");
        return;
    default:
        return;
    }
}
