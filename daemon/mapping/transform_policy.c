/* SPDX-License-Identifier: Apache-2.0 */
/* The transforms that know the provider, the links and the policies for what a feed cannot give. */
#include "daemon/mapping/transform.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

#include <string.h>

#define GP_NOT_KNOWN "V81999" /* national default: GP practice code not known */

static Transformed take(const char *value, const char **ret)
{
    *ret = value;
    return value ? GOT_VALUE : GOT_NOTHING;
}

static Transformed local_id(TransformCall *call, const char *id, const char *suffix,
                            const char **ret)
{
    const MapContext *map = call->row->map;
    const Record *source = call->source ? call->source : call->row->record;
    const char *prefix =
        settings_id_prefix(map->settings, source && source->feed ? source->feed : map->feed);
    if (strlen(prefix) + strlen(id) + strlen(suffix) > LOCAL_ID_MAX) {
        transform_finding(call, FINDING_ID_TOO_LONG);
        return GOT_HOLD;
    }
    *ret = *prefix || *suffix ? arena_format(call->arena, "%s%s%s", prefix, id, suffix) : id;
    return GOT_VALUE;
}

Transformed transform_local_id(TransformCall *call, const char **ret)
{
    return local_id(call, call->text, "", ret);
}

Transformed transform_score_activity_id(TransformCall *call, const char **ret)
{
    return local_id(call, call->text, "-s", ret);
}

Transformed transform_provider(TransformCall *call, const char **ret)
{
    return take(call->row->provider->code, ret);
}

Transformed transform_organisation_code(TransformCall *call, const char **ret)
{
    const Record *organisation = row_link(call->row, LINK_ORGANISATION);
    const char *code = organisation ? field_text(organisation->root, "ods_code") : NULL;
    return take(code ? code : call->row->provider->code, ret);
}

Transformed transform_submitter(TransformCall *call, const char **ret)
{
    const ProviderSettings *provider = call->row->provider;
    return take(provider->submitter ? provider->submitter : provider->code, ret);
}

Transformed transform_primary_system(TransformCall *call, const char **ret)
{
    const char *name = call->row->provider->primary_system;
    return take(name ? name : "MYMUP-like", ret);
}

Transformed transform_nhs_number(TransformCall *call, const char **ret)
{
    char number[11];
    if (!call->text) {
        bool hold = call->row->provider->missing_nhs_number == NHS_NUMBER_HOLD;
        transform_finding(call, hold ? FINDING_NHS_NUMBER_HELD : FINDING_NHS_NUMBER_MISSING);
        return hold ? GOT_HOLD : GOT_NOTHING;
    }
    if (!format_nhs_number(call->text, number)) {
        transform_finding(call, FINDING_NHS_NUMBER_INVALID);
        return GOT_HOLD;
    }
    return take(arena_text(call->arena, number), ret);
}

/* `with`: the number itself. */
Transformed transform_nhs_number_status(TransformCall *call, const char **ret)
{
    bool has_number = call->line->with_count && call->with[0];
    if (!has_number)
        return take("07", ret);
    return take(call->text && strcmp(call->text, "verified") == 0 ? "01" : "02", ret);
}

Transformed transform_gp_practice(TransformCall *call, const char **ret)
{
    if (call->text)
        return take(call->text, ret);
    if (call->row->provider->unknown_gp == GP_WITHHOLD) {
        transform_finding(call, FINDING_GP_WITHHELD);
        return GOT_HOLD;
    }
    transform_finding(call, FINDING_GP_UNKNOWN);
    return take(GP_NOT_KNOWN, ret);
}

static const char *for_lot(const RowContext *row, const char *lot)
{
    const ProviderSettings *provider = row->provider;
    return settings_pair(provider->commissioner_by_lot, provider->commissioner_by_lot_count, lot);
}

/* The lot is the referral's own, or the person's; what belongs to no person goes by the first of
 * its organisation's lots that has a commissioner. */
static const char *commissioner_of_lot(RowContext *row)
{
    const Record *links[] = {row_link(row, LINK_REFERRAL), row->record, row->map->person};
    for (size_t i = 0; i < COUNT_OF(links); i++) {
        const char *lot = links[i] ? field_text(links[i]->root, "lot") : NULL;
        if (lot)
            return for_lot(row, lot);
    }
    const Record *organisation = row_link(row, LINK_ORGANISATION);
    const Field *lots = organisation ? field_get(organisation->root, "lots") : NULL;
    for (size_t i = 0; lots && lots->kind == FIELD_LIST && i < lots->count; i++) {
        const char *code = for_lot(row, lots->items[i].text);
        if (code)
            return code;
    }
    return NULL;
}

Transformed transform_commissioner(TransformCall *call, const char **ret)
{
    if (call->text) {
        const Record *named = references_find(call->row->map->references, row_feed(call->row),
                                              "organisation", call->text);
        const char *code = named ? field_text(named->root, "ods_code") : NULL;
        return take(code ? code : call->text, ret);
    }
    const ProviderSettings *provider = call->row->provider;
    const char *code = commissioner_of_lot(call->row);
    if (!code)
        code = provider->commissioner;
    transform_finding(call, code ? FINDING_COMMISSIONER_BY_LOT : FINDING_COMMISSIONER_MISSING);
    return take(code, ret);
}

/* An organisation's default team: from the settings, or its only one. */
static const char *default_team(RowContext *row, const char *organisation)
{
    const ProviderSettings *provider = row->provider;
    const char *team =
        settings_pair(provider->default_team, provider->default_team_count, organisation);
    const References *references = row->map->references;
    const char *only = NULL;
    size_t found = 0;
    for (size_t i = 0; !team && organisation && i < references_count(references); i++) {
        const Record *record = references_at(references, i);
        if (strcmp(record->type, "team") == 0 && field_is(record->root, "org", organisation) &&
            text_equal(record->feed, row_feed(row))) {
            only = record->id;
            found++;
        }
    }
    return team ? team : found == 1 ? only : NULL;
}

static const char *organisation_id(RowContext *row)
{
    const Record *referral = row_link(row, LINK_REFERRAL);
    const char *id = referral ? field_text(referral->root, "org") : NULL;
    return id ? id : row->record->org;
}

Transformed transform_team(TransformCall *call, const char **ret)
{
    if (call->text)
        return local_id(call, call->text, "", ret);
    const char *team = default_team(call->row, organisation_id(call->row));
    transform_finding(call, team ? FINDING_TEAM_DEFAULT : FINDING_TEAM_MISSING);
    return team ? local_id(call, team, "", ret) : GOT_NOTHING;
}

Transformed transform_other_team(TransformCall *call, const char **ret)
{
    const Record *referral = row_link(call->row, LINK_REFERRAL);
    const char *own = referral ? field_text(referral->root, "team") : NULL;
    if (own && strcmp(own, call->text) == 0)
        return GOT_NOTHING;
    return local_id(call, call->text, "", ret);
}

Transformed transform_partner_team(TransformCall *call, const char **ret)
{
    const char *team = default_team(call->row, call->text);
    if (!team) {
        transform_finding(call, FINDING_TEAM_MISSING);
        return GOT_NOTHING;
    }
    return local_id(call, team, "", ret);
}
