/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of matching, without a database. */
#include "daemon/store/match.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

#include <stdlib.h>
#include <string.h>

static const char *const rules[] = {[MATCH_RULE_NO] = "no",
                                    [MATCH_RULE_NHS_NUMBER] = "nhs_number",
                                    [MATCH_RULE_GLOBAL_ID] = "nhs_number_or_global_id"};

const char *match_rule_name(MatchRule rule)
{
    return rules[rule];
}

MatchRule match_rule_of(const char *name)
{
    size_t rule = COUNT_OF(rules) - 1;
    while (rule > 0 && !text_equal(rules[rule], name))
        rule--;
    return (MatchRule)rule;
}

/* ---- who is connected ---- */

static size_t root_of(Identity *people, size_t at)
{
    while (people[at].group != at)
        at = people[at].group = people[people[at].group].group;
    return at;
}

/* The smaller place is the root, so that order in is order out. */
static void connect(Identity *people, size_t one, size_t other)
{
    size_t a = root_of(people, one), b = root_of(people, other);
    if (a < b)
        people[b].group = a;
    else
        people[a].group = b;
}

typedef struct Key {
    const char *text;
    size_t place;
} Key;

static int by_text(const void *a, const void *b)
{
    const Key *one = a, *other = b;
    int order = strcmp(one->text, other->text);
    return order ? order : one->place < other->place ? -1 : one->place > other->place;
}

static void connect_equal(Identity *people, Key *keys, size_t count)
{
    if (count)
        qsort(keys, count, sizeof *keys, by_text);
    for (size_t i = 1; i < count; i++)
        if (strcmp(keys[i - 1].text, keys[i].text) == 0)
            connect(people, keys[i - 1].place, keys[i].place);
}

static int by_group(const void *a, const void *b)
{
    const Identity *one = a, *other = b;
    if (one->group != other->group)
        return one->group < other->group ? -1 : 1;
    return one->known < other->known ? -1 : one->known > other->known;
}

void match_groups(Identity *people, size_t count, MatchRule rule)
{
    _cleanup_arena_ Arena *arena = arena_new((count + 1) * sizeof(Key) + (1 << 20));
    Key *keys = arena_array(arena, count + 1, sizeof *keys);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        people[i].group = i;
        if (rule != MATCH_RULE_NO && people[i].nhs_number)
            keys[used++] = (Key){people[i].nhs_number, i};
    }
    connect_equal(people, keys, used);
    used = 0;
    for (size_t i = 0; i < count; i++)
        if (rule == MATCH_RULE_GLOBAL_ID && people[i].global_id)
            keys[used++] = (Key){people[i].global_id, i};
    connect_equal(people, keys, used);
    for (size_t i = 0; i < count; i++)
        people[i].group = root_of(people, i);
    if (count)
        qsort(people, count, sizeof *people, by_group);
}

/* ---- are they one? ---- */

static bool differ(const char *a, const char *b)
{
    return a && b && strcmp(a, b) != 0;
}

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool is_tied(const Identity *a, const Identity *b, MatchRule rule)
{
    return (same(a->nhs_number, b->nhs_number) && same(a->birth_date, b->birth_date)) ||
           (rule == MATCH_RULE_GLOBAL_ID && same(a->global_id, b->global_id));
}

static MatchVerdict contradiction(const Identity *a, const Identity *b)
{
    if (strcmp(a->feed, b->feed) == 0)
        return MATCH_SEVERAL;
    if (differ(a->nhs_number, b->nhs_number))
        return MATCH_NUMBERS;
    return differ(a->birth_date, b->birth_date) ? MATCH_BIRTHS : MATCH_NOBODY;
}

/* Can everyone be reached from the first by ties? */
static bool all_tied(const Identity *people, size_t count, MatchRule rule)
{
    _cleanup_arena_ Arena *arena = arena_new(count + (1 << 16));
    bool *reached = arena_array(arena, count, sizeof *reached);
    size_t found = 1;
    reached[0] = true;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < count && reached[i]; j++)
                if (!reached[j] && is_tied(&people[i], &people[j], rule)) {
                    reached[j] = more = true;
                    found++;
                }
    }
    return found == count;
}

static bool leads_now(const Identity *people, size_t count, size_t at)
{
    for (size_t i = 0; i < count; i++)
        if (same(people[i].lead_feed, people[at].feed) &&
            same(people[i].lead_person, people[at].person))
            return true;
    return false;
}

static size_t choose_lead(const Identity *people, size_t count)
{
    size_t lead = 0;
    for (size_t i = 1; i < count; i++) {
        bool leads = leads_now(people, count, i), best_leads = leads_now(people, count, lead);
        if (leads != best_leads ? leads : people[i].known < people[lead].known)
            lead = i;
    }
    return lead;
}

MatchVerdict match_decide(const Identity *people, size_t count, MatchRule rule, size_t *ret_lead)
{
    MatchVerdict verdict = MATCH_NOBODY;
    bool feeds = false;
    for (size_t i = 1; i < count; i++)
        feeds = feeds || strcmp(people[i].feed, people[0].feed) != 0;
    if (!feeds || rule == MATCH_RULE_NO)
        return MATCH_NOBODY;
    for (size_t i = 0; i < count && verdict == MATCH_NOBODY; i++)
        for (size_t j = 0; j < i && verdict == MATCH_NOBODY; j++)
            verdict = contradiction(&people[i], &people[j]);
    if (verdict != MATCH_NOBODY)
        return verdict;
    if (!all_tied(people, count, rule))
        return MATCH_NO_BIRTH;
    *ret_lead = choose_lead(people, count);
    return MATCH_SAME;
}
