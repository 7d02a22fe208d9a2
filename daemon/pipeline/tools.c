/* SPDX-License-Identifier: Apache-2.0 */
/* What mapping and building work with, opened from the settings. */
#include "daemon/pipeline/tools.h"

#include "daemon/base/digest.h"
#include "daemon/base/text.h"
#include "daemon/dataset/reference.h"

#include <stdio.h>
#include <string.h>

static const NamePair *pairs(const Section *section, const char *name, Arena *arena,
                             size_t *ret_count)
{
    const char *const *keys;
    size_t count = section_keys(section, name, &keys);
    NamePair *all = arena_array(arena, count, sizeof *all);
    for (size_t i = 0; i < count; i++)
        all[i] = (NamePair){keys[i], section_map(section, name, keys[i])};
    *ret_count = count;
    return all;
}

static bool says(const Section *section, const char *name, const char *word)
{
    return strcmp(section_text(section, name), word) == 0;
}

static ProviderSettings provider(const NamedSection *from, Arena *arena)
{
    const Section *section = from->section;
    ProviderSettings settings = {
        .code = from->name,
        .submitter = section_text(section, "submitter"),
        .primary_system = section_text(section, "prim_system"),
        .unknown_gp =
            says(section, "unknown_gp_practice", "withhold") ? GP_WITHHOLD : GP_DEFAULT_CODE,
        .missing_nhs_number =
            says(section, "missing_nhs_number", "hold") ? NHS_NUMBER_HOLD : NHS_NUMBER_SEND,
        .partner_without_code =
            says(section, "partner_without_code", "hold") ? PARTNER_HOLD : PARTNER_LEAD,
        .commissioner = section_text(section, "commissioner")};
    settings.commissioner_by_lot =
        pairs(section, "commissioner_by_lot", arena, &settings.commissioner_by_lot_count);
    settings.default_team = pairs(section, "default_team", arena, &settings.default_team_count);
    return settings;
}

const MappingSettings *tools_settings(const Config *config, Arena *arena)
{
    MappingSettings *settings = arena_alloc(arena, sizeof *settings);
    ProviderSettings *providers = arena_array(arena, config->provider_count, sizeof *providers);
    FeedSettings *feeds = arena_array(arena, config->feed_count, sizeof *feeds);
    for (size_t i = 0; i < config->provider_count; i++)
        providers[i] = provider(&config->providers[i], arena);
    for (size_t i = 0; i < config->feed_count; i++)
        feeds[i] = (FeedSettings){config->feeds[i].name,
                                  section_text(config->feeds[i].section, "id_prefix")};
    *settings = (MappingSettings){.providers = providers,
                                  .provider_count = config->provider_count,
                                  .feeds = feeds,
                                  .feed_count = config->feed_count};
    return settings;
}

static void add_word(Digest *digest, const char *word)
{
    digest_add(digest, word ? word : "", word ? strlen(word) + 1 : 1);
}

static void add_pairs(Digest *digest, const NamePair *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_word(digest, all[i].name);
        add_word(digest, all[i].value);
    }
    add_word(digest, NULL);
}

/* Everything that can change a row without a record having changed. */
static const char *fingerprint(const Tools *tools, Arena *arena)
{
    _cleanup_digest_ Digest *digest = digest_new();
    uint8_t bytes[DIGEST_SIZE];
    char hex[DIGEST_HEX_SIZE];
    add_word(digest, MHSFLOW_VERSION);
    add_word(digest, tools->dataset->name);
    add_word(digest, tools->dataset->version);
    add_word(digest, mapping_version(tools->mapping));
    for (size_t i = 0; i < tools->settings->provider_count; i++) {
        const ProviderSettings *at = &tools->settings->providers[i];
        char policies[64];
        snprintf(policies, sizeof policies, "%d %d %d", (int)at->unknown_gp,
                 (int)at->missing_nhs_number, (int)at->partner_without_code);
        add_word(digest, at->code);
        add_word(digest, at->submitter);
        add_word(digest, policies);
        add_word(digest, at->commissioner);
        add_word(digest, section_text(tools->config->providers[i].section, "legal_basis"));
        add_pairs(digest, at->commissioner_by_lot, at->commissioner_by_lot_count);
        add_pairs(digest, at->default_team, at->default_team_count);
    }
    digest_finish(digest, bytes);
    return arena_text(arena, digest_hex(bytes, hex));
}

bool tools_open_with(const Config *config, const char *mapping, Arena *arena, Tools *ret,
                     Error *err)
{
    const char *reference = section_text(config->main, "reference");
    Tools tools = {.config = config};
    if (!dataset_open(section_text(config->main, "dataset"), arena, &tools.dataset, err) ||
        !mapping_open(mapping, tools.dataset, arena, &tools.mapping, err) ||
        !calendar_load(section_text(config->main, "calendar"), arena, &tools.calendar, err) ||
        (reference && !reference_open(reference, arena, &tools.reference, err)))
        return false;
    tools.settings = tools_settings(config, arena);
    tools.fingerprint = fingerprint(&tools, arena);
    *ret = tools;
    return true;
}

bool tools_open(const Config *config, Arena *arena, Tools *ret, Error *err)
{
    return tools_open_with(config, section_text(config->main, "mapping"), arena, ret, err);
}
