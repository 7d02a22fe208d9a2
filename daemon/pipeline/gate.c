/* SPDX-License-Identifier: Apache-2.0 */
/* Decides whether a person's rows may flow. */
#include "daemon/pipeline/gate.h"

#include <string.h>

static MapFindingId reason_for(ConsentDecision decision)
{
    switch (decision) {
    case CONSENT_REFUSED:
    case CONSENT_OTHER:
        return FINDING_WITHHELD_REFUSED;
    case CONSENT_WITHDRAWN:
        return FINDING_WITHHELD_WITHDRAWN;
    case CONSENT_NOT_ASKED:
        return FINDING_WITHHELD_NOT_ASKED;
    case CONSENT_LACKS_CAPACITY:
        return FINDING_WITHHELD_LACKS_CAPACITY;
    case CONSENT_NONE:
    case CONSENT_GIVEN:
        break;
    }
    return FINDING_WITHHELD_NO_DECISION;
}

const FindingKind *gate_reason(const PersonBasis *basis, const char *legal_basis)
{
    if (basis->restricted)
        return &finding_kinds[FINDING_WITHHELD_RESTRICTED];
    bool decided = legal_basis && (strcmp(legal_basis, "legal_obligation") == 0 ||
                                   strcmp(legal_basis, "public_task") == 0);
    if (decided || basis->decision == CONSENT_GIVEN)
        return NULL;
    return &finding_kinds[reason_for(basis->decision)];
}

static ConsentDecision decision_of(const Record *consent)
{
    static const struct {
        const char *word;
        ConsentDecision decision;
    } words[] = {{"given", CONSENT_GIVEN},
                 {"refused", CONSENT_REFUSED},
                 {"withdrawn", CONSENT_WITHDRAWN},
                 {"not_asked", CONSENT_NOT_ASKED},
                 {"lacks_capacity", CONSENT_LACKS_CAPACITY}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (field_is(consent->root, "status", words[i].word))
            return words[i].decision;
    return CONSENT_OTHER;
}

static bool day_of(const Record *consent, const char *field, Day *ret)
{
    const char *text = field_text(consent->root, field);
    return text && civil_parse_day(text, ret);
}

static void recheck_on(PersonBasis *basis, Day day)
{
    if (!basis->recheck || day < basis->recheck)
        basis->recheck = day;
}

/* A later day wins; on one day anything but a yes. */
static bool wins(Day day, ConsentDecision decision, bool has_best, Day best_day)
{
    return !has_best || day > best_day || (day == best_day && decision != CONSENT_GIVEN);
}

PersonBasis gate_basis(const RecordList *records, const char *purpose, Day today)
{
    PersonBasis basis = {.decision = CONSENT_NONE};
    bool has_best = false;
    Day best_day = 0, ends = 0;
    const Record *best = NULL;
    for (size_t i = 0; i < records->count; i++) {
        const Record *consent = records->items[i];
        Day from;
        if (strcmp(consent->type, "consent") != 0 || !field_is(consent->root, "purpose", purpose) ||
            !day_of(consent, "valid_from", &from))
            continue;
        if (from > today) {
            recheck_on(&basis, from);
            continue;
        }
        if (!wins(from, decision_of(consent), has_best, best_day))
            continue;
        has_best = true;
        best_day = from;
        best = consent;
        basis.decision = decision_of(consent);
        basis.consent_id = consent->id;
    }
    if (best && basis.decision == CONSENT_GIVEN && day_of(best, "valid_to", &ends)) {
        if (ends < today)
            basis.decision = CONSENT_NONE;
        else
            recheck_on(&basis, ends + 1);
    }
    return basis;
}
