/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and certificates that the sandbox makes for itself and for a sender. */
#ifndef SANDBOX_CERTIFICATE_H
#define SANDBOX_CERTIFICATE_H

#include "tests/sandbox/buffer.h"

/* A private authority (ca.pem) and a server certificate for 127.0.0.1 and localhost (server.pem,
 * server.key) in `folder`; made once. The authority's key is thrown away. Appends the server's two
 * PEM texts. */
bool certificate_server(const char *folder, Buffer *certificate, Buffer *key);
/* signing.key (0600) and signing.crt, P-256, self-signed, in `folder`; refuses to overwrite. */
bool certificate_sender(const char *folder);

#endif
