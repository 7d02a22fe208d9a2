/* SPDX-License-Identifier: Apache-2.0 */
/* Which provider a referral's rows are sent for: its organisation, or that one's lead. */
#include "daemon/base/cleanup.h"
#include "daemon/mapping/row.h"

#include <string.h>

static void say(MapContext *map, MapFindingId id, const ProviderSettings *provider,
                const Record *referral)
{
    map_finding_add(
        map->findings, map->arena,
        &(MapFinding){
            .kind = &finding_kinds[id], .provider = provider, .record = referral, .field = "org"});
}

static const ProviderSettings *listed(MapContext *map, const char *code)
{
    const ProviderSettings *provider = settings_provider(map->settings, code);
    if (provider || !map->settings->any_provider)
        return provider;
    for (size_t i = 0; i < map->referral_count; i++)
        if (map->referrals[i].provider && strcmp(map->referrals[i].provider->code, code) == 0)
            return map->referrals[i].provider;
    ProviderSettings *made = arena_alloc(map->arena, sizeof *made);
    made->code = code;
    return made;
}

static const char *lead_code(const MapContext *map, const Record *organisation)
{
    const char *const fields[] = {"submitting_org", "parent"};
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        const Record *lead = references_find(map->references, organisation->feed, "organisation",
                                             field_text(organisation->root, fields[i]));
        const char *code = lead ? field_text(lead->root, "ods_code") : NULL;
        if (code)
            return code;
    }
    return NULL;
}

static const ProviderSettings *choose(MapContext *map, const Record *referral)
{
    const char *id = field_text(referral->root, "org");
    const Record *organisation =
        references_find(map->references, referral->feed ? referral->feed : map->feed,
                        "organisation", id ? id : referral->org);
    if (!organisation) {
        say(map, FINDING_ORGANISATION_UNKNOWN, NULL, referral);
        return NULL;
    }
    const char *own = field_text(organisation->root, "ods_code");
    const char *code = own ? own : lead_code(map, organisation);
    const ProviderSettings *provider = code ? listed(map, code) : NULL;
    if (!provider) {
        say(map, code ? FINDING_PROVIDER_NOT_SET : FINDING_PARTNER_HELD, NULL, referral);
        return NULL;
    }
    if (own)
        return provider;
    if (provider->partner_without_code == PARTNER_HOLD) {
        say(map, FINDING_PARTNER_HELD, provider, referral);
        return NULL;
    }
    say(map, FINDING_PARTNER_UNDER_LEAD, provider, referral);
    return provider;
}

static bool gate_is_open(const MapContext *map, const ProviderSettings *provider, const bool *open)
{
    for (size_t i = 0; i < map->settings->provider_count; i++)
        if (&map->settings->providers[i] == provider)
            return !open || open[i];
    return true;
}

static void add_once(const ProviderSettings **list, size_t *count, const ProviderSettings *provider)
{
    for (size_t i = 0; i < *count; i++)
        if (list[i] == provider)
            return;
    list[(*count)++] = provider;
}

void provider_choose(MapContext *map, const bool *open)
{
    size_t count = map->index.counts[TYPE_REFERRAL];
    map->referrals = arena_array(map->arena, count, sizeof *map->referrals);
    map->providers = arena_array(map->arena, count, sizeof *map->providers);
    map->withheld = arena_array(map->arena, count, sizeof *map->withheld);
    map->held = arena_array(map->arena, count, sizeof *map->held);
    for (size_t i = 0; i < count; i++) {
        const Record *referral = map->index.by_type[TYPE_REFERRAL][i];
        const ProviderSettings *provider = choose(map, referral);
        if (provider && !gate_is_open(map, provider, open)) {
            add_once(map->withheld, &map->withheld_count, provider);
            provider = NULL;
        }
        map->referrals[map->referral_count++] = (ReferralProvider){referral, provider};
        if (provider)
            add_once(map->providers, &map->provider_count, provider);
    }
}

const ProviderSettings *provider_of_referral(const MapContext *map, const Record *referral)
{
    for (size_t i = 0; i < map->referral_count; i++)
        if (map->referrals[i].referral == referral)
            return map->referrals[i].provider;
    return NULL;
}
