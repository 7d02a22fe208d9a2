/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a connection, the same for every feed and route that speaks HTTPS: rows for an
 * adapter's option table, and what they say as HttpSettings. */
#pragma once

#include "daemon/config/option.h"
#include "daemon/net/http.h"

#define CONNECTION_OPTION(name, type, fallback, min, max, help)                                    \
    {                                                                                              \
        name, OPTION_##type, fallback, min, max, NULL, false, OPTION_RELOAD, help                  \
    }

/* Whom we trust, who we are, and by which way. */
#define CONNECTION_OPTIONS                                                                         \
    CONNECTION_OPTION("ca", PATH, NULL, NULL, NULL,                                                \
                      "The certificates (PEM) that may vouch for the other side; the system's "    \
                      "when not set."),                                                            \
        CONNECTION_OPTION("client_certificate", PATH, NULL, NULL, NULL,                            \
                          "Our certificate for the connection (PEM, chain included), where the "   \
                          "other side asks for one."),                                             \
        CONNECTION_OPTION("client_key", SECRET, NULL, NULL, NULL,                                  \
                          "The key of client_certificate (PEM)."),                                 \
        CONNECTION_OPTION("proxy", TEXT, NULL, NULL, NULL,                                         \
                          "A proxy to go through, http://host:port.  The environment's is never "  \
                          "used.")

/* How long things may take, for a route; `total` is its default for one exchange. */
#define CONNECTION_TIMES(total)                                                                    \
    CONNECTION_OPTION("connect_timeout", DURATION, "10s", "1s", "5m",                              \
                      "How long a connection may take to come about."),                            \
        CONNECTION_OPTION("stall_timeout", DURATION, "2m", "1s", "1h",                             \
                          "How long neither side may say anything; the receiver's time to check "  \
                          "a document counts."),                                                   \
        CONNECTION_OPTION("total_timeout", DURATION, total, "1s", "24h",                           \
                          "How long one exchange may take in all.")

/* What CONNECTION_OPTIONS say; the texts live as long as section and arena do. */
HttpSettings connection_settings(const Section *section, Arena *arena);
/* The same with CONNECTION_TIMES. */
HttpSettings connection_settings_timed(const Section *section, Arena *arena);
