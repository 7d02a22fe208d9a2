/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for the scripted peer: good ones and every kind of bad one, made at start. */
#pragma once

#include "tests/harness/peer.h"

#include <openssl/ssl.h>

/* A server context as `tls` wants it; the test CA and a client's certificate are written to
 * `folder` as ca.pem, client.pem and client.key.  Ends the program when that cannot be done. */
SSL_CTX *peer_certificate_context(PeerTls tls, const char *folder);

/* What it offers in its handshake. */
void peer_set_protocol(PeerTls tls, SSL_CTX *context);

/* A certificate of its own CA's and its key as PEM files, for tests of signing: `kind` is "p256",
 * "rsa3072", "rsa2048", "ed25519" or "p384"; valid from `from_days` to `to_days` from now. */
void peer_make_certificate(const char *certificate_path, const char *key_path, const char *kind,
                           int from_days, int to_days);
