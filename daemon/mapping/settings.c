/* SPDX-License-Identifier: Apache-2.0 */
/* Looks up what the settings say about a provider or a feed. */
#include "daemon/mapping/settings.h"

#include <string.h>

const ProviderSettings *settings_provider(const MappingSettings *settings, const char *code)
{
    for (size_t i = 0; i < settings->provider_count; i++)
        if (strcmp(settings->providers[i].code, code) == 0)
            return &settings->providers[i];
    return NULL;
}

const char *settings_id_prefix(const MappingSettings *settings, const char *feed)
{
    for (size_t i = 0; feed && i < settings->feed_count; i++)
        if (strcmp(settings->feeds[i].name, feed) == 0)
            return settings->feeds[i].id_prefix ? settings->feeds[i].id_prefix : "";
    return "";
}

const char *settings_pair(const NamePair *pairs, size_t count, const char *name)
{
    for (size_t i = 0; name && i < count; i++)
        if (strcmp(pairs[i].name, name) == 0)
            return pairs[i].value;
    return NULL;
}
