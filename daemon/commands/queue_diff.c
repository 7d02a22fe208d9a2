/* SPDX-License-Identifier: Apache-2.0 */
/* mhsflow queue diff: which rows one submission has that another has not, by table. */
#include "daemon/base/digest.h"
#include "daemon/commands/listing.h"
#include "daemon/commands/store_open.h"
#include "daemon/store/rows.h"
#include "daemon/store/submission.h"

#include <stdlib.h>
#include <string.h>

#define DIFF_CAP ((size_t)1 << 30)

typedef struct DiffRow {
    int order;
    const char *table, *key;
    uint8_t digest[DIGEST_SIZE];
} DiffRow;

typedef struct DiffRows {
    Arena *arena;
    DiffRow *items;
    size_t count, capacity;
} DiffRows;

typedef struct TableDiff {
    int order;
    const char *table;
    int64_t same, added, changed, removed;
} TableDiff;

/* A fragment's digest says whether the row is the same; the row itself is not kept. */
static bool take_row(void *context, const RowOut *row, Error *err)
{
    DiffRows *rows = context;
    DiffRow *at;

    rows->items =
        arena_grow(rows->arena, rows->items, rows->count, &rows->capacity, sizeof *rows->items);
    at = &rows->items[rows->count++];
    *at = (DiffRow){.order = row->table_order,
                    .table = arena_text(rows->arena, row->table),
                    .key = arena_text(rows->arena, row->row_key)};
    digest_bytes(row->fragment, row->fragment_size, at->digest);
    return arena_check(rows->arena, err);
}

static int compare_names(const DiffRow *a, const DiffRow *b)
{
    return a->order != b->order ? (a->order < b->order ? -1 : 1) : strcmp(a->key, b->key);
}

static int compare(const void *a, const void *b)
{
    int names = compare_names(a, b);

    return names ? names
                 : memcmp(((const DiffRow *)a)->digest, ((const DiffRow *)b)->digest, DIGEST_SIZE);
}

static TableDiff *table_of(TableDiff *tables, size_t *count, const DiffRow *row)
{
    for (size_t i = 0; i < *count; i++)
        if (tables[i].order == row->order)
            return &tables[i];
    tables[*count] = (TableDiff){.order = row->order, .table = row->table};
    return &tables[(*count)++];
}

/* Both are sorted by table, key and content: one walk over the two. */
static size_t compare_rows(DiffRows *before, DiffRows *after, TableDiff *tables)
{
    size_t count = 0, i = 0, j = 0;

    qsort(before->items, before->count, sizeof *before->items, compare);
    qsort(after->items, after->count, sizeof *after->items, compare);
    while (i < before->count || j < after->count) {
        const DiffRow *old = i < before->count ? &before->items[i] : NULL;
        const DiffRow *new = j < after->count ? &after->items[j] : NULL;
        int names = !old ? 1 : !new ? -1 : compare_names(old, new);
        TableDiff *table = table_of(tables, &count, names > 0 ? new : old);
        bool same = !names && memcmp(old->digest, new->digest, DIGEST_SIZE) == 0;

        table->same += same;
        table->changed += !names && !same;
        table->removed += names < 0;
        table->added += names > 0;
        i += names <= 0;
        j += names >= 0;
    }
    return count;
}

static int by_order(const void *a, const void *b)
{
    int one = ((const TableDiff *)a)->order, two = ((const TableDiff *)b)->order;

    return one < two ? -1 : one > two;
}

static const ListingColumn columns[] = {
    {"table", "TABLE", LISTING_TEXT, 0},       {"added", "ADDED", LISTING_NUMBER, 0},
    {"changed", "CHANGED", LISTING_NUMBER, 0}, {"removed", "REMOVED", LISTING_NUMBER, 0},
    {"same", "SAME", LISTING_NUMBER, 0},
};

static int print(CommandContext *context, TableDiff *tables, size_t count)
{
    Listing *listing = listing_new(context, columns, sizeof columns / sizeof *columns);
    bool differ = false;

    qsort(tables, count, sizeof *tables, by_order);
    for (size_t i = 0; i < count; i++) {
        const TableDiff *at = &tables[i];
        const char *values[] = {
            at->table, shown_number(context, at->added), shown_number(context, at->changed),
            shown_number(context, at->removed), shown_number(context, at->same)};

        differ |= at->added || at->changed || at->removed;
        listing_row(listing, values);
    }
    listing_end(listing, "Both are empty.");
    return differ ? EXIT_FOUND : EXIT_DONE;
}

static int run_diff(CommandContext *context, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new(DIFF_CAP);
    _cleanup_store_ Store *store = NULL;
    DiffRows before = {.arena = arena}, after = {.arena = arena};
    int64_t one, two;

    if (!command_number(context, 0, &one, err) || !command_number(context, 1, &two, err))
        return EXIT_USAGE;
    if (!command_store(context, &store, err) ||
        !submission_rows(store, one, take_row, &before, err) ||
        !submission_rows(store, two, take_row, &after, err))
        return EXIT_COULD_NOT;
    TableDiff *tables = arena_array(arena, before.count + after.count + 1, sizeof *tables);
    return print(context, tables, compare_rows(&before, &after, tables));
}

const Command queue_diff_commands[] = {
    {"queue", "diff", "OLD NEW", 2, 2,
     "Compare the rows of two submissions: added, changed, removed by table",
     "A row is the same when its table, key and content are.  The header always changes, because "
     "it "
     "says when the file was made.  Exit 0: no difference; 1: there is one.",
     NULL, run_diff},
    {0},
};
