/* SPDX-License-Identifier: Apache-2.0 */
/* Group rules: copies and orphans among the rows that survive, and what falls with them.
 *
 * In rounds.  The first judges copies over the survivors of the record rules; each
 * later one drops the rows whose other half no longer stands, until nothing moves.
 * What falls in a round is judged against the state before it, so the order of
 * rows decides nothing.  A row that falls with another names where that began:
 * among several, the fallen row with the lowest number.  Rules that only warn come
 * last and speak of every row that passed the record rules, also of one that fell
 * with another: else taking one person out could bring new findings on others. */
#include "daemon/dataset/check.h"

#include <stdlib.h>

static void death_add(Checker *checker, CheckDeath death)
{
    if (checker->death_count == checker->death_capacity) {
        checker->death_capacity = checker->death_capacity ? checker->death_capacity * 2 : 64;
        checker->deaths =
            check_resized(checker->deaths, checker->death_capacity, sizeof *checker->deaths);
    }
    checker->deaths[checker->death_count++] = death;
}

static uint16_t rule_place(const Checker *checker, const CheckRule *rule)
{
    return (uint16_t)(rule - checker->rules + 1);
}

static void group_reject(Checker *checker, const CheckRule *rule, CheckTable *table, uint32_t row)
{
    check_find(checker, rule, table, row, NULL);
    if (severity_rejects(rule->rule->severity))
        death_add(checker, (CheckDeath){table, row, row, rule_place(checker, rule),
                                        (uint8_t)table->table->index});
}

static void index_fell(CheckIndex *index, uint32_t row)
{
    uint32_t key = check_value(index->table, row, index->slot);
    uint32_t kept = index->fallen[key];
    const KeptRow *rows = index->table->rows;
    if (!kept || rows[row].number < rows[kept - 1].number)
        index->fallen[key] = row + 1;
}

static void deaths_apply(Checker *checker)
{
    for (size_t i = 0; i < checker->death_count; i++) {
        const CheckDeath *death = &checker->deaths[i];
        KeptRow *row = &death->table->rows[death->row];
        bool first = row->rule == 0;
        if (!first && row->rule <= death->rule)
            continue;
        row->rule = death->rule;
        row->root_row = death->root_row;
        row->root_table = death->root_table;
        if (!first)
            continue;
        death->table->standing--;
        for (size_t j = 0; j < checker->index_count; j++) {
            CheckIndex *index = &checker->indexes[j];
            if (index->table != death->table)
                continue;
            index->standing[check_value(index->table, death->row, index->slot)]--;
            index_fell(index, death->row);
        }
    }
    checker->death_count = 0;
}

static CheckIndex *index_of(Checker *checker, CheckTable *table, size_t slot)
{
    for (size_t i = 0; i < checker->index_count; i++)
        if (checker->indexes[i].table == table && checker->indexes[i].slot == slot)
            return &checker->indexes[i];
    if (checker->index_count == checker->index_capacity) {
        checker->index_capacity = checker->index_capacity ? checker->index_capacity * 2 : 32;
        checker->indexes =
            check_resized(checker->indexes, checker->index_capacity, sizeof *checker->indexes);
    }
    CheckIndex *index = &checker->indexes[checker->index_count++];
    size_t keys = (size_t)key_count(table->slots[slot].pool) + 1;
    *index = (CheckIndex){table, slot, check_zeroed(keys, sizeof *index->standing),
                          check_zeroed(keys, sizeof *index->fallen)};
    for (uint32_t i = 0; i < table->count; i++) {
        if (check_stands(table, i))
            index->standing[check_value(table, i, slot)]++;
        else
            index_fell(index, i);
    }
    return index;
}

static void indexes_free(Checker *checker)
{
    for (size_t i = 0; i < checker->index_count; i++) {
        free(checker->indexes[i].standing);
        free(checker->indexes[i].fallen);
    }
    checker->index_count = 0;
}

/* Whether the rule speaks of this row: what warns also of those that fell in the rounds before. */
static bool judged(const Checker *checker, const CheckRule *rule, const CheckTable *table,
                   uint32_t row)
{
    uint16_t fell_by = table->rows[row].rule;
    if (fell_by == 0 || severity_rejects(rule->rule->severity))
        return fell_by == 0;
    return checker->rules[fell_by - 1].word->stage != STAGE_RECORD;
}

/* Keys start at 1; an absent day is its own mark. */
static bool slot_empty(const CheckTable *table, uint32_t row, size_t slot)
{
    uint32_t value = check_value(table, row, slot);
    return table->slots[slot].pool ? value == KEY_NONE : (Day)value == CHECK_DAY_NONE;
}

static bool slots_equal(const CheckTable *table, const CheckRule *rule, uint32_t a, uint32_t b)
{
    for (size_t i = 0; i < rule->slot_count; i++)
        if (check_value(table, a, rule->slots[i]) != check_value(table, b, rule->slots[i]))
            return false;
    return true;
}

static bool slots_full(const CheckTable *table, const CheckRule *rule, uint32_t row)
{
    for (size_t i = 0; i < rule->slot_count; i++)
        if (slot_empty(table, row, rule->slots[i]))
            return false;
    return true;
}

static uint64_t slots_hash(const CheckTable *table, const CheckRule *rule, uint32_t row)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < rule->slot_count; i++) {
        hash = (hash ^ check_value(table, row, rule->slots[i])) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash;
}

/* Marks every row that has a copy; `fallen` rows count only when asked for. */
static unsigned char *copies_marked(const CheckTable *table, const CheckRule *rule, bool fallen)
{
    uint64_t places = 16;
    while (places < (uint64_t)table->count * 2)
        places *= 2;
    uint32_t *first = check_zeroed(places, sizeof *first);
    unsigned char *marked = check_zeroed(table->count, 1);
    for (uint32_t i = 0; i < table->count; i++) {
        if ((!fallen && !check_stands(table, i)) || !slots_full(table, rule, i))
            continue;
        uint64_t place = slots_hash(table, rule, i) & (places - 1);
        while (first[place] && !slots_equal(table, rule, first[place] - 1, i))
            place = (place + 1) & (places - 1);
        if (first[place])
            marked[i] = marked[first[place] - 1] = 1;
        else
            first[place] = i + 1;
    }
    free(first);
    return marked;
}

void group_unique(Checker *checker, const CheckRule *rule)
{
    CheckTable *table = check_table(checker, rule->rule->table);
    if (table->standing < 2)
        return;
    unsigned char *marked = copies_marked(table, rule, false);
    for (uint32_t i = 0; i < table->count; i++)
        if (marked[i])
            group_reject(checker, rule, table, i);
    free(marked);
}

void file_unique(Checker *checker, const CheckRule *rule)
{
    CheckTable *table = check_table(checker, rule->rule->table);
    if (table->count < 2)
        return;
    unsigned char *marked = copies_marked(table, rule, true);
    for (uint32_t i = 0; i < table->count; i++)
        if (marked[i])
            check_find(checker, rule, table, i, rule->rule->element);
    free(marked);
}

void group_one_blank(Checker *checker, const CheckRule *rule)
{
    CheckTable *table = check_table(checker, rule->rule->table);
    size_t blank = rule->slots[0], key = rule->slots[1];
    if (table->standing < 2)
        return;
    uint32_t *counts = check_zeroed((size_t)key_count(table->slots[key].pool) + 1, sizeof *counts);
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < table->count; i++) {
            uint32_t owner = check_value(table, i, key);
            if (!check_stands(table, i) || owner == KEY_NONE || !slot_empty(table, i, blank))
                continue;
            if (pass == 0)
                counts[owner]++;
            else if (counts[owner] > 1)
                group_reject(checker, rule, table, i);
        }
    free(counts);
}

void group_one_row(Checker *checker, const CheckRule *rule)
{
    CheckTable *table = check_table(checker, rule->rule->table);
    for (uint32_t i = 0; i < table->count && table->standing > 1; i++)
        if (check_stands(table, i))
            group_reject(checker, rule, table, i);
}

void group_no_rows(Checker *checker, const CheckRule *rule)
{
    CheckTable *table = check_table(checker, rule->rule->table);
    for (uint32_t i = 0; i < table->count; i++)
        if (check_stands(table, i))
            group_reject(checker, rule, table, i);
}

void group_linked(Checker *checker, const CheckRule *rule)
{
    CheckTable *table = check_table(checker, rule->rule->table);
    CheckTable *linked = check_table(checker, rule->linked);
    if (table->count == 0 || !check_here(checker, rule->linked))
        return;
    const CheckIndex *index = index_of(checker, linked, rule->linked_slot);
    const Element *element = &rule->rule->table->elements[rule->at];
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t key = check_value(table, i, rule->own_slot);
        if (key == KEY_NONE || index->standing[key] || !judged(checker, rule, table, i))
            continue;
        CheckDeath death = {table, i, i, rule_place(checker, rule), (uint8_t)table->table->index};
        if (index->fallen[key]) {
            const KeptRow *cause = &linked->rows[index->fallen[key] - 1];
            death.root_table = cause->root_table;
            death.root_row = cause->root_row;
            check_find_caused(checker, rule, table, i, element, &checker->tables[cause->root_table],
                              cause->root_row);
        } else {
            check_find(checker, rule, table, i, element);
        }
        if (severity_rejects(rule->rule->severity))
            death_add(checker, death);
    }
}

typedef struct Follower {
    uint32_t key;
    Day start;
    uint32_t other;
} Follower;

static int follower_order(const void *a, const void *b)
{
    const Follower *one = a, *two = b;
    if (one->key != two->key)
        return one->key < two->key ? -1 : 1;
    if (one->start != two->start)
        return one->start < two->start ? -1 : 1;
    return (one->other > two->other) - (one->other < two->other);
}

/* Whether some follower of the key begins on the day with another value than `other`: sorted by
 * value, so only the first and the last of the day need a look. */
static bool followed_on(const Follower *followers, size_t count, uint32_t key, Day day,
                        uint32_t other)
{
    for (int end = 0; end < 2; end++) {
        Follower wanted = {key, day, end ? UINT32_MAX : 0};
        size_t low = 0, high = count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (follower_order(&followers[middle], &wanted) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        if (end && low == 0)
            return false;
        const Follower *found = &followers[end ? low - 1 : low];
        if ((end || low < count) && found->key == key && found->start == day &&
            found->other != other)
            return true;
    }
    return false;
}

void group_followed(Checker *checker, const CheckRule *rule)
{
    CheckTable *table = check_table(checker, rule->rule->table);
    Follower *followers = check_resized(NULL, table->count, sizeof *followers);
    size_t count = 0;
    for (uint32_t i = 0; i < table->count; i++)
        if (judged(checker, rule, table, i))
            followers[count++] = (Follower){check_value(table, i, rule->slots[0]),
                                            (Day)check_value(table, i, rule->slots[2]),
                                            check_value(table, i, rule->slots[3])};
    qsort(followers, count, sizeof *followers, follower_order);
    for (uint32_t i = 0; i < table->count; i++) {
        Day end = (Day)check_value(table, i, rule->slots[1]);
        uint32_t key = check_value(table, i, rule->slots[0]);
        uint32_t other = check_value(table, i, rule->slots[3]);
        if (judged(checker, rule, table, i) && end != CHECK_DAY_NONE &&
            !followed_on(followers, count, key, end, other) &&
            !followed_on(followers, count, key, end + 1, other))
            group_reject(checker, rule, table, i);
    }
    free(followers);
}

/* Copies first; then the cascade; last what only warns. */
void check_groups(Checker *checker)
{
    enum { COPIES, CASCADE, WARNINGS } pass = COPIES;
    while (pass <= WARNINGS) {
        for (size_t i = 0; i < checker->dataset->rule_count; i++) {
            const CheckRule *rule = &checker->rules[i];
            if (rule->word->stage != STAGE_GROUP || rule->skipped)
                continue;
            bool last = !severity_rejects(rule->rule->severity);
            bool linked = rule->finish == group_linked;
            if (pass == (last ? WARNINGS : linked ? CASCADE : COPIES))
                rule->finish(checker, rule);
        }
        bool moved = checker->death_count > 0;
        deaths_apply(checker);
        if (pass != CASCADE || !moved)
            pass++;
    }
    indexes_free(checker);
}
