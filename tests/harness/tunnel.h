/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP proxy for tests: it takes CONNECT, joins the two ends on this machine, and remembers
 * where to.  One connection at a time; it sees only what is encrypted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct Tunnel Tunnel;

/* `refusal`: what it answers instead, for example "407 Proxy Authentication Required"; NULL: it
 * joins. */
Tunnel *tunnel_start(const char *refusal);
void tunnel_stop(Tunnel *tunnel);
const char *tunnel_setting(const Tunnel *tunnel); /* "proxy: http://127.0.0.1:PORT\n" */
size_t tunnel_connections(Tunnel *tunnel);
const char *tunnel_target(
    const Tunnel *tunnel); /* "localhost:PORT" of the last; after a stop of talk */
bool tunnel_saw(Tunnel *tunnel, const char *marker);
