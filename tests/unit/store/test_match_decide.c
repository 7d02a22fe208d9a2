/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/base/cleanup.h"
#include "daemon/store/match.h"
#include "tests/unit/suite.h"

#include <string.h>

#define NO MATCH_RULE_NO
#define NUMBER MATCH_RULE_NHS_NUMBER
#define GLOBAL MATCH_RULE_GLOBAL_ID

typedef struct Row {
    const char *people; /* feed number birth global, separated by blanks; - is not known */
    MatchRule rule;
    MatchVerdict verdict;
    const char *lead; /* feed */
} Row;

static const Row rows[] = {
    {"a n d -", NUMBER, MATCH_NOBODY, NULL},
    {"a n d -;b n d -", NO, MATCH_NOBODY, NULL},
    {"a n d -;a n d -", NUMBER, MATCH_NOBODY, NULL}, /* one feed's own affair */
    {"a n d -;b n d -", NUMBER, MATCH_SAME, "a"},
    {"b n d -;a n d -", NUMBER, MATCH_SAME, "b"}, /* who was known first */
    {"a n d -;b n e -", NUMBER, MATCH_BIRTHS, NULL},
    {"a n - -;b n d -", NUMBER, MATCH_NO_BIRTH, NULL},
    {"a n - -;b n - -", NUMBER, MATCH_NO_BIRTH, NULL},
    {"a n d -;b n d -;a n d -", NUMBER, MATCH_SEVERAL, NULL},
    {"a n d g;b m d g", GLOBAL, MATCH_NUMBERS, NULL},
    {"a n d g;b - - g", GLOBAL, MATCH_SAME, "a"},
    {"a n d g;b - e g", GLOBAL, MATCH_BIRTHS, NULL},
    {"a n - g;b n - g", GLOBAL, MATCH_SAME, "a"}, /* the global id makes up for the birth date */
    {"a n d -;b n d g;c - - g", GLOBAL, MATCH_SAME, "a"}, /* a chain */
    {"a n d -;b n d g;c - e g", GLOBAL, MATCH_BIRTHS, NULL},
    {"a n d -;b n d -;c n - -", NUMBER, MATCH_NO_BIRTH, NULL}, /* one doubt, and nobody moves */
};

static size_t read_people(const char *text, Arena *arena, Identity *ret)
{
    size_t count = 0;
    char *words = arena_text(arena, text);
    for (char *at = words; *at; count++) {
        const char *fields[4];
        for (size_t i = 0; i < COUNT_OF(fields); i++) {
            size_t size = strcspn(at, " ;");
            fields[i] = strncmp(at, "-", size) == 0 ? NULL : arena_copy(arena, at, size);
            at += size + (at[size] != '\0');
        }
        ret[count] = (Identity){.feed = fields[0],
                                .person = arena_format(arena, "P%zu", count),
                                .nhs_number = fields[1],
                                .birth_date = fields[2],
                                .global_id = fields[3],
                                .known = (int64_t)count + 1};
    }
    return count;
}

START_TEST(each_case_has_its_verdict)
{
    Arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        Identity people[8];
        size_t lead = 0, count = read_people(rows[i].people, arena, people);
        MatchVerdict verdict = match_decide(people, count, rows[i].rule, &lead);
        ck_assert_msg(verdict == rows[i].verdict, "%s: %d", rows[i].people, (int)verdict);
        if (rows[i].lead)
            ck_assert_str_eq(people[lead].feed, rows[i].lead);
    }
    arena_free(arena);
}
END_TEST

START_TEST(who_leads_goes_on_leading)
{
    Arena *arena = arena_new(1 << 20);
    Identity people[8];
    size_t lead = 0, count = read_people("a n d -;b n d -;c n d -", arena, people);
    people[2].lead_feed = "b";
    people[2].lead_person = "P1";
    ck_assert_int_eq(match_decide(people, count, NUMBER, &lead), MATCH_SAME);
    ck_assert_str_eq(people[lead].feed, "b");
    people[2].lead_feed = "gone"; /* of a lead that is not there any more */
    ck_assert_int_eq(match_decide(people, count, NUMBER, &lead), MATCH_SAME);
    ck_assert_str_eq(people[lead].feed, "a");
    arena_free(arena);
}
END_TEST

START_TEST(groups_are_who_is_connected)
{
    static const struct {
        MatchRule rule;
        size_t groups;
    } cases[] = {{NO, 6}, {NUMBER, 4}, {GLOBAL, 3}};
    Arena *arena = arena_new(1 << 20);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        Identity people[8];
        size_t groups = 1, count = read_people("a n - -;b m - g;c n - g;d - - -;e m - -;f - - h",
                                               arena, people);
        match_groups(people, count, cases[i].rule);
        for (size_t j = 1; j < count; j++)
            groups += people[j].group != people[j - 1].group;
        ck_assert_uint_eq(groups, cases[i].groups);
    }
    arena_free(arena);
}
END_TEST

START_TEST(rules_have_names)
{
    for (MatchRule rule = NO; rule <= GLOBAL; rule++)
        ck_assert_int_eq(match_rule_of(match_rule_name(rule)), rule);
    ck_assert_int_eq(match_rule_of(NULL), NO);
    ck_assert_int_eq(match_rule_of("?"), NO);
}
END_TEST

SUITE("store/match_decide", each_case_has_its_verdict, who_leads_goes_on_leading,
      groups_are_who_is_connected, rules_have_names);
