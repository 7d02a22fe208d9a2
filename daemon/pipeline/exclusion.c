/* SPDX-License-Identifier: Apache-2.0 */
/* What the whole-file check takes out of a month. */
#include "daemon/pipeline/exclusion.h"

#include <stdlib.h>
#include <string.h>

Exclusions exclusions_new(const Table *header, Arena *arena)
{
    return (Exclusions){.arena = arena, .header = header};
}

void exclusions_start_pass(Exclusions *exclusions)
{
    exclusions->file_count = 0;
    exclusions->refused = false;
    exclusions->person_count = 0;
}

void exclusions_add(void *context, const CheckFinding *finding)
{
    Exclusions *all = context;
    bool rejects = severity_rejects(finding->rule->severity);
    bool of_file = !finding->row || (all->header && finding->table == all->header);
    if (!of_file && rejects) {
        all->rows =
            arena_grow(all->arena, all->rows, all->count, &all->capacity, sizeof *all->rows);
        all->rows[all->count++] = (Exclusion){finding->row, *finding};
    } else if (of_file) {
        all->file = arena_grow(all->arena, all->file, all->file_count, &all->file_capacity,
                               sizeof *all->file);
        all->file[all->file_count++] = *finding;
        all->refused |=
            finding->rule->severity == SEVERITY_FILE_REJECTED || (finding->row && rejects);
    }
}

/* By row; of one row's findings the root cause first, then by rule, so that the same one is kept
 * whatever the order. */
static int compare(const void *a, const void *b)
{
    const Exclusion *one = a, *two = b;
    if (one->row != two->row)
        return one->row < two->row ? -1 : 1;
    if (!one->finding.cause_rule != !two->finding.cause_rule)
        return one->finding.cause_rule ? 1 : -1;
    return strcmp(one->finding.rule->id, two->finding.rule->id);
}

bool exclusions_settle(Exclusions *exclusions)
{
    bool found = exclusions->count > exclusions->sorted;
    if (!found)
        return false;
    qsort(exclusions->rows, exclusions->count, sizeof *exclusions->rows, compare);
    size_t kept = 0;
    for (size_t i = 0; i < exclusions->count; i++)
        if (!kept || exclusions->rows[kept - 1].row != exclusions->rows[i].row)
            exclusions->rows[kept++] = exclusions->rows[i];
    exclusions->count = kept;
    exclusions->sorted = kept;
    return true;
}

static int compare_row(const void *key, const void *item)
{
    uint64_t row = *(const uint64_t *)key, other = ((const Exclusion *)item)->row;
    return row < other ? -1 : row > other;
}

const Exclusion *exclusions_row(const Exclusions *exclusions, uint64_t row)
{
    if (!exclusions->sorted)
        return NULL;
    return bsearch(&row, exclusions->rows, exclusions->sorted, sizeof *exclusions->rows,
                   compare_row);
}

/* Where `key` stands or would stand. */
static size_t find_person(const Exclusions *exclusions, const char *key)
{
    size_t low = 0, high = exclusions->person_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(exclusions->people[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void exclusions_add_person(Exclusions *exclusions, const char *key, const Exclusion *cause)
{
    size_t at = find_person(exclusions, key);
    if (at < exclusions->person_count && strcmp(exclusions->people[at].key, key) == 0)
        return;
    exclusions->people = arena_grow(exclusions->arena, exclusions->people, exclusions->person_count,
                                    &exclusions->person_capacity, sizeof *exclusions->people);
    memmove(exclusions->people + at + 1, exclusions->people + at,
            (exclusions->person_count++ - at) * sizeof *exclusions->people);
    exclusions->people[at] = (ExcludedPerson){arena_text(exclusions->arena, key), cause};
}

const Exclusion *exclusions_person(const Exclusions *exclusions, const char *key)
{
    size_t at = find_person(exclusions, key);
    if (at == exclusions->person_count || strcmp(exclusions->people[at].key, key) != 0)
        return NULL;
    return exclusions->people[at].cause;
}
