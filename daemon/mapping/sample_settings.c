/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what a sample says about providers and feeds. */
#include "daemon/mapping/sample_settings.h"

#include "daemon/base/text.h"

#include <string.h>

static const NamePair *read_pairs(const json_t *object, Arena *arena, size_t *ret_count)
{
    NamePair *pairs = arena_array(arena, json_object_size(object), sizeof *pairs);
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (json_is_string(value)) {
            pairs[count].name = arena_text(arena, key);
            pairs[count++].value = arena_text(arena, json_string_value(value));
        }
    }
    *ret_count = count;
    return pairs;
}

static bool says(const json_t *object, const char *key, const char *word)
{
    return text_equal(json_get_text(object, key), word);
}

static bool read_provider(const json_t *object, Arena *arena, ProviderSettings *ret, Error *err)
{
    *ret = (ProviderSettings){
        .code = arena_text(arena, json_get_text(object, "code")),
        .submitter = arena_text(arena, json_get_text(object, "submitter")),
        .primary_system = arena_text(arena, json_get_text(object, "prim_system")),
        .commissioner = arena_text(arena, json_get_text(object, "commissioner")),
        .unknown_gp =
            says(object, "unknown_gp_practice", "withhold") ? GP_WITHHOLD : GP_DEFAULT_CODE,
        .missing_nhs_number =
            says(object, "missing_nhs_number", "hold") ? NHS_NUMBER_HOLD : NHS_NUMBER_SEND,
        .partner_without_code =
            says(object, "partner_without_code", "hold") ? PARTNER_HOLD : PARTNER_LEAD,
    };
    ret->commissioner_by_lot = read_pairs(json_object_get(object, "commissioner_by_lot"), arena,
                                          &ret->commissioner_by_lot_count);
    ret->default_team =
        read_pairs(json_object_get(object, "default_team"), arena, &ret->default_team_count);
    return ret->code || error_set(err, ERROR_DATA, "sample.settings", "a provider needs \"code\"");
}

static bool read_feed(const json_t *object, Arena *arena, FeedSettings *ret, Error *err)
{
    ret->name = arena_text(arena, json_get_text(object, "name"));
    ret->id_prefix = arena_text(arena, json_get_text(object, "id_prefix"));
    return ret->name || error_set(err, ERROR_DATA, "sample.settings", "a feed needs \"name\"");
}

bool sample_settings(const json_t *object, Arena *arena, const MappingSettings **ret, Error *err)
{
    MappingSettings *settings = arena_alloc(arena, sizeof *settings);
    const json_t *providers = json_object_get(object, "providers"),
                 *feeds = json_object_get(object, "feeds");
    size_t provider_count = json_array_size(providers), feed_count = json_array_size(feeds);
    ProviderSettings *provider = arena_array(arena, provider_count, sizeof *provider);
    FeedSettings *feed = arena_array(arena, feed_count, sizeof *feed);
    for (size_t i = 0; i < provider_count; i++)
        if (!read_provider(json_array_get(providers, i), arena, &provider[i], err))
            return false;
    for (size_t i = 0; i < feed_count; i++)
        if (!read_feed(json_array_get(feeds, i), arena, &feed[i], err))
            return false;
    *settings = (MappingSettings){.providers = provider,
                                  .provider_count = provider_count,
                                  .feeds = feed,
                                  .feed_count = feed_count,
                                  .any_provider = provider_count == 0};
    *ret = settings;
    return true;
}
