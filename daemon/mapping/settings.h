/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings say about feeds and providers, as the mapping needs it.
 *
 * Plain values, so that a mapping is a pure function and `mhsflow try` can run
 * without a settings file.  pipeline fills it from the settings.  Each policy is
 * for something that a feed may not be able to give; each use of one is a counted
 * finding (finding.def). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef enum UnknownGp { GP_DEFAULT_CODE, GP_WITHHOLD } UnknownGp;
typedef enum MissingNhsNumber { NHS_NUMBER_SEND, NHS_NUMBER_HOLD } MissingNhsNumber;
typedef enum PartnerWithoutCode { PARTNER_LEAD, PARTNER_HOLD } PartnerWithoutCode;

typedef struct NamePair {
    const char *name, *value;
} NamePair;

typedef struct ProviderSettings {
    const char *code;           /* ODS code: OrgIDProvider */
    const char *submitter;      /* ODS code: OrgIDSubmit; NULL: the provider itself */
    const char *primary_system; /* PrimSystemInUse */
    UnknownGp unknown_gp;
    MissingNhsNumber missing_nhs_number;
    PartnerWithoutCode partner_without_code;
    const char *commissioner;            /* when neither record nor lot says one; NULL: none */
    const NamePair *commissioner_by_lot; /* lot → ODS code */
    size_t commissioner_by_lot_count;
    const NamePair *default_team; /* organisation id → team id, both as the feed has them */
    size_t default_team_count;
} ProviderSettings;

typedef struct FeedSettings {
    const char *name, *id_prefix;
} FeedSettings;

typedef struct MappingSettings {
    const ProviderSettings *providers;
    size_t provider_count;
    const FeedSettings *feeds;
    size_t feed_count;
    bool any_provider; /* try: a provider that is not listed has the defaults */
} MappingSettings;

const ProviderSettings *settings_provider(const MappingSettings *settings, const char *code);
const char *settings_id_prefix(const MappingSettings *settings, const char *feed); /* "" */
const char *settings_pair(const NamePair *pairs, size_t count, const char *name);
