/* SPDX-License-Identifier: Apache-2.0 */
/* Are people of two feeds one person?  By rule, and only where it is sure.
 *
 * Known by: an NHS number that can be one, and, where the setting says so, a
 * global id.  Everyone whom these connect is looked at together.  They are one
 * person when no feed has two of them, no two NHS numbers and no two birth dates
 * differ, and each is tied to the others by the same NHS number and the same
 * birth date, or by the same global id.  Anything less is doubtful: nobody of them
 * is put together, and each has a finding that says why.
 *
 * Who was known here first leads: all records go under that one's local id, for as
 * long as the lead is there.  What a match rests on is looked at again whenever a
 * person's record changes; when it no longer holds, they part. */
#pragma once

#include "daemon/base/arena.h"
#include "daemon/store/store.h"

typedef enum MatchRule {
    MATCH_RULE_NO,
    MATCH_RULE_NHS_NUMBER,
    MATCH_RULE_GLOBAL_ID, /* NHS number or global id */
} MatchRule;
const char *match_rule_name(MatchRule rule); /* as the setting says it */
MatchRule match_rule_of(const char *name);

typedef enum MatchVerdict {
    MATCH_NOBODY, /* one person, or people of one feed only */
#define MATCH(name, code, doubtful, message, remedy) MATCH_##name,
#include "daemon/store/match.def"
#undef MATCH
    MATCH_COUNT
} MatchVerdict;

/* What one person is known by; NULL: not known. */
typedef struct Identity {
    const char *feed, *person;
    const char *nhs_number, *birth_date, *global_id;
    int64_t known;                       /* smaller: known here earlier */
    const char *lead_feed, *lead_person; /* whom the person goes under until now; NULL: nobody */
    size_t group;                        /* match_groups() */
} Identity;

/* Gives connected people the same group, and sorts by it.  Pure. */
void match_groups(Identity *people, size_t count, MatchRule rule);
/* People of one group.  SAME: *ret_lead is who leads.  Pure. */
MatchVerdict match_decide(const Identity *people, size_t count, MatchRule rule, size_t *ret_lead);

/* The setting.  Another one than before: everybody is looked at anew, in a transaction of its own;
 * until it was called once nobody is matched. */
bool match_settings(Store *store, MatchRule rule, Error *err);
/* Under whom the person's records go: itself, or another feed's.  Replaces both. */
bool match_lead(Store *store, const char **feed, const char **person, Arena *arena, Error *err);
