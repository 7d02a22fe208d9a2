/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of a connection. */
#include "daemon/net/connection.h"

#include "daemon/base/file.h"

HttpSettings connection_settings(const Section *section, Arena *arena)
{
    const char *key = section_text(section, "client_key");
    return (HttpSettings){
        .ca_bundle = section_text(section, "ca"),
        .client_certificate = section_text(section, "client_certificate"),
        .client_key = key ? file_credential_path(key, arena) : NULL,
        .proxy = section_text(section, "proxy"),
    };
}

HttpSettings connection_settings_timed(const Section *section, Arena *arena)
{
    HttpSettings settings = connection_settings(section, arena);
    settings.connect_timeout_ms = section_number(section, "connect_timeout");
    settings.stall_timeout_ms = section_number(section, "stall_timeout");
    settings.total_timeout_ms = section_number(section, "total_timeout");
    return settings;
}
