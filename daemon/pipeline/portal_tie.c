/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows the lines of the portal's reports speak of. */
#include "daemon/pipeline/portal_tie.h"

#include "daemon/base/text.h"
#include "daemon/dataset/fragment.h"

#include <stdlib.h>
#include <string.h>

#define ROW_CAP ((size_t)4 << 20)

typedef struct Anchor {
    const Element *element;
    const char *value;
    size_t line;
} Anchor;

typedef struct Tying {
    PortalTies *ties;
    Anchor *anchors; /* by table, element, value */
    size_t count, capacity;
    Arena *arena, *row;
} Tying;

/* ---- what a line names ---- */

static const Element *element_of(const Dataset *dataset, const Table *table, const PortalItem *item)
{
    const Element *element = item->id ? dataset_element_by_id(dataset, item->id) : NULL;
    if (element && (!table || element->table == table))
        return element;
    /* The same element under the number of another table, or without one. */
    return table && item->element ? table_element(table, item->element) : NULL;
}

/* The rule's, or that of the first element that says. */
static const Table *table_of(const Dataset *dataset, const PortalLine *line)
{
    const Rule *rule = dataset_rule(dataset, line->code);
    for (size_t i = 0; !rule && i < line->item_count; i++) {
        const Element *element = element_of(dataset, NULL, &line->items[i]);
        if (element)
            return element->table;
    }
    return rule ? rule->table : NULL;
}

/* A key tells rows apart best; then any value. */
static const PortalItem *choose(const Dataset *dataset, const Table *table, const PortalLine *line,
                                const Element **ret)
{
    const PortalItem *chosen = NULL;
    for (size_t i = 0; i < line->item_count; i++) {
        const Element *element = element_of(dataset, table, &line->items[i]);
        if (!element || !*line->items[i].value || (chosen && !element->key))
            continue;
        chosen = &line->items[i];
        *ret = element;
        if (element->key)
            break;
    }
    return chosen;
}

static int compare_place(const Element *one, const Element *two)
{
    return one->table != two->table   ? (one->table->index < two->table->index ? -1 : 1)
           : one->index != two->index ? (one->index < two->index ? -1 : 1)
                                      : 0;
}

static int compare_anchors(const void *a, const void *b)
{
    const Anchor *one = a, *two = b;
    int order = compare_place(one->element, two->element);
    return order ? order : strcmp(one->value, two->value);
}

static void set_anchors(Tying *tying)
{
    const PortalTies *ties = tying->ties;
    for (size_t i = 0; i < ties->reports->count; i++) {
        const PortalLine *line = &ties->reports->lines[i];
        const Table *table = table_of(ties->dataset, line);
        const Element *element = NULL;
        if (!table ||
            (line->kind != PORTAL_REPORT_VALIDATIONS && line->kind != PORTAL_REPORT_DATA_QUALITY))
            continue;
        const PortalItem *item = choose(ties->dataset, table, line, &element);
        if (!item)
            continue;
        tying->anchors = arena_grow(tying->arena, tying->anchors, tying->count, &tying->capacity,
                                    sizeof *tying->anchors);
        tying->anchors[tying->count++] = (Anchor){element, item->value, i};
    }
    if (tying->count)
        qsort(tying->anchors, tying->count, sizeof *tying->anchors, compare_anchors);
}

/* ---- rows ---- */

/* Of the line's items in this row's table: all alike (full), or at least the anchor (not full). */
static bool fits_full(const Dataset *dataset, const PortalLine *line, const Row *row)
{
    for (size_t i = 0; i < line->item_count; i++) {
        const Element *element = element_of(dataset, row->table, &line->items[i]);
        const char *value = element ? row_get(row, element) : NULL;
        if (element && !text_equal(value ? value : "", line->items[i].value))
            return false;
    }
    return true;
}

static void keep(Tying *tying, size_t index, const Row *row, const RowOut *from, bool full)
{
    PortalTied **place = &tying->ties->lines[index];
    if (!*place)
        *place = arena_alloc(tying->arena, sizeof **place);
    PortalTied *tied = *place;
    if (tied->full && !full)
        return;
    if (full && !tied->full)
        *tied = (PortalTied){.full = true};
    tied->same_person = tied->count == 0 ? from->person != NULL
                                         : tied->same_person && from->person &&
                                               text_equal(tied->ties[0].person, from->person) &&
                                               text_equal(tied->ties[0].feed, from->feed);
    if (tied->count < PORTAL_TIES_LIMIT)
        tied->ties[tied->count] = (PortalTie){row->table, arena_text(tying->arena, from->feed),
                                              arena_text(tying->arena, from->person),
                                              arena_text(tying->arena, from->row_key)};
    tied->count++;
}

/* The first anchor that is not before. */
static size_t lower(const Tying *tying, const Anchor *wanted)
{
    size_t low = 0, high = tying->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_anchors(&tying->anchors[middle], wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void look(Tying *tying, const Row *row, const RowOut *from)
{
    const PortalTies *ties = tying->ties;
    for (size_t e = 0; e < row->table->count; e++) {
        const Element *element = &row->table->elements[e];
        const char *value = row_get(row, element);
        if (!value)
            continue;
        Anchor wanted = {element, value, 0};
        for (size_t i = lower(tying, &wanted);
             i < tying->count && compare_anchors(&tying->anchors[i], &wanted) == 0; i++) {
            size_t line = tying->anchors[i].line;
            bool full = fits_full(ties->dataset, &ties->reports->lines[line], row);
            /* Values may be printed otherwise than they were sent; a key is enough, a code is not.
             */
            if (full || element->key)
                keep(tying, line, row, from, full);
        }
    }
}

static bool take_row(void *context, const RowOut *from, Error *err)
{
    Tying *tying = context;
    const Table *table = dataset_table(tying->ties->dataset, from->table);
    Row *row;
    if (!table)
        return error_set(err, ERROR_BUG, "report.table", "a row has a table that is not there");
    tying->ties->rows[table->index]++;
    arena_reset(tying->row);
    if (!fragment_read(table, from->fragment, from->fragment_size, tying->row, &row, err))
        return false;
    look(tying, row, from);
    return arena_check(tying->arena, err);
}

bool portal_tie(Store *store, const Dataset *dataset, const SubmissionInfo *info,
                const PortalReports *reports, Arena *arena, PortalTies *ret, Error *err)
{
    _cleanup_arena_ Arena *row = arena_new(ROW_CAP);
    *ret = (PortalTies){
        .rows = arena_array(arena, dataset->table_count, sizeof *ret->rows),
        .lines = arena_array(arena, reports->count + 1, sizeof(PortalTied *)),
        .reports = reports,
        .dataset = dataset,
    };
    Tying tying = {.ties = ret, .arena = arena, .row = row};
    set_anchors(&tying);
    return submission_rows(store, info->id, take_row, &tying, err);
}

size_t portal_ties_of(PortalTies *ties, size_t line, const PortalTie **ret)
{
    const PortalTied *tied = ties->lines[line];
    const Rule *rule = dataset_rule(ties->dataset, ties->reports->lines[line].code);
    if (!tied)
        return 0;
    *ret = tied->ties;
    if (tied->count == 1)
        return 1;
    if (rule && rule->level == RULE_GROUP && tied->count <= PORTAL_TIES_LIMIT)
        return tied->count;
    if (!tied->same_person)
        return 0;
    ties->one = tied->ties[0];
    ties->one.row_key = NULL;
    *ret = &ties->one;
    return 1;
}
