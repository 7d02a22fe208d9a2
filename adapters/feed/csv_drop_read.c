/* SPDX-License-Identifier: Apache-2.0 */
/* The changes of a CSV drop that was found to be in order, one after the other. */
#include "adapters/feed/csv_drop_read.h"

#include "adapters/feed/csv_drop_parts.h"
#include "adapters/feed/drop_csv.h"
#include "daemon/base/clock.h"
#include "daemon/base/text.h"

#include <stdlib.h>
#include <string.h>

struct CsvDropReader {
    CsvDrop drop;
    size_t file; /* of csv_drop.def; past the last: deletions; past those: parts left over */
    const CsvChecked *checked;
    CsvReader *rows;
    CsvColumns columns;
    CsvParts parts;
    size_t passed; /* how many of checked->passed are behind us */
};

typedef enum CsvRefusal {
#define CSV_REFUSAL(name, code, text, note) CSV_##name,
#include "adapters/feed/csv_drop_refusal.def"
#undef CSV_REFUSAL
} CsvRefusal;

static const struct {
    const char *code, *text;
    bool note;
} refusals[] = {
#define CSV_REFUSAL(name, code, text, note) {code, text, note},
#include "adapters/feed/csv_drop_refusal.def"
#undef CSV_REFUSAL
};

static void refuse(CsvRefusal refusal, const char *type, const char *id, int line, Arena *arena,
                   DropItem *ret)
{
    *ret = (DropItem){.what = DROP_ITEM_REFUSAL,
                      .refusal = {.line = line,
                                  .type = type,
                                  .id = drop_id_is(id) ? arena_text(arena, id) : NULL,
                                  .code = refusals[refusal].code,
                                  .text = refusals[refusal].text,
                                  .note = refusals[refusal].note}};
}

/* ---- one file after the other ---- */

static const CsvChecked *checked_of(const CsvDropReader *reader, const CsvTable *table, bool part)
{
    for (size_t i = 0; i < reader->drop.count; i++)
        if (reader->drop.files[i].table == table && reader->drop.files[i].part == part)
            return &reader->drop.files[i];
    return NULL;
}

/* It was read whole before: what cannot be read now has changed below our feet. */
static bool reopen(const CsvDropReader *reader, const DropFile *file, CsvReader **ret, Error *err)
{
    if (csv_profile_open(reader->drop.feed->profile, file, reader->drop.opened->arena, ret, err))
        return true;
    err->kind = ERROR_LATER;
    *ret = NULL;
    return false;
}

static bool load_parts(CsvDropReader *reader, const CsvTable *table, Error *err)
{
    bool own = table->part_file && strcmp(table->part_file, table->file) == 0;
    const CsvChecked *checked = table->part_file ? checked_of(reader, table, !own) : NULL;
    csv_parts_free(&reader->parts);
    return !checked ||
           csv_parts_load(table, checked->file, reader->drop.feed->profile, &reader->parts, err);
}

static void close_file(CsvDropReader *reader)
{
    csv_close(reader->rows);
    reader->rows = NULL;
    reader->checked = NULL;
    reader->file++;
}

/* The next file that the drop has; reader->rows NULL when there is none. */
static bool open_file(CsvDropReader *reader, Error *err)
{
    for (; reader->file <= csv_table_count() && !reader->rows; reader->file += !reader->rows) {
        const CsvTable *table = reader->file < csv_table_count() ? csv_table(reader->file) : NULL;
        const char *missing;
        reader->checked = checked_of(reader, table, false);
        reader->passed = 0;
        if (table && !load_parts(reader, table, err))
            return false;
        if (!reader->checked)
            continue;
        if (!reopen(reader, reader->checked->file, &reader->rows, err))
            return false;
        if (table) {
            csv_columns_read(table->columns, reader->drop.opened->arena, &reader->columns);
            csv_columns_find(&reader->columns, reader->rows, &missing);
        }
        return true;
    }
    return true;
}

/* ---- one row ---- */

static const char *changed_at(const CsvDropReader *reader, const char *said, Arena *arena)
{
    int64_t instant;
    char text[CLOCK_TEXT_SIZE];
    return *said && clock_parse(said, &instant) ? arena_text(arena, clock_format(instant, text))
                                                : reader->drop.generated_at;
}

static bool has_passed(CsvDropReader *reader, const CsvRow *row)
{
    const CsvChecked *checked = reader->checked;
    while (reader->passed < checked->passed_count && checked->passed[reader->passed] < row->number)
        reader->passed++;
    return reader->passed < checked->passed_count && checked->passed[reader->passed] == row->number;
}

static void read_record(CsvDropReader *reader, const CsvRow *row, Arena *arena, DropItem *ret)
{
    const CsvTable *table = reader->checked->table;
    const CsvProfile *profile = reader->drop.feed->profile;
    const char *id = csv_column_value(&reader->columns, row, "id");
    const char *org = csv_column_value(&reader->columns, row, "org_id");
    Text text = text_new(arena, CSV_RECORD_LIMIT);
    if (!drop_id_is(id)) {
        refuse(CSV_ID, table->type, id, row->line, arena, ret);
        return;
    }
    text_add(&text, "{");
    csv_columns_add(&reader->columns, row, &profile->dialect, &text);
    csv_parts_add(&reader->parts, table, id, &text);
    text_add(&text, "}");
    if (!text_ok(&text)) {
        refuse(CSV_LENGTH, table->type, id, row->line, arena, ret);
        return;
    }
    ret->what = DROP_ITEM_CHANGE;
    ret->change =
        (Change){.op = CHANGE_UPSERT,
                 .seq = reader->drop.opened->seq,
                 .version = reader->drop.opened->seq * 10,
                 .type = table->type,
                 .id = arena_text(arena, id),
                 .org = drop_id_is(org) ? arena_text(arena, org) : NULL,
                 .recorded_at = changed_at(
                     reader, csv_column_value(&reader->columns, row, "updated_at"), arena),
                 .json = text_get(&text)};
}

static bool read_op(const char *word, ChangeOp *ret)
{
    static const char *const words[] = {
#define CHANGE_OP(name, text, meaning) [CHANGE_##name] = text,
#include "daemon/record/change_op.def"
#undef CHANGE_OP
    };
    if (!*word)
        word = "delete";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], word) == 0) {
            *ret = (ChangeOp)i;
            return *ret != CHANGE_UPSERT;
        }
    return false;
}

static const char *named(const CsvDropReader *reader, const CsvRow *row, const char *name)
{
    int column = csv_column(reader->rows, name);
    return column < 0 ? "" : row->fields[column];
}

/* Of a deletion the version is one above that of the drop's own records: it comes after them. */
static void read_deletion(CsvDropReader *reader, const CsvRow *row, Arena *arena, DropItem *ret)
{
    const char *id = named(reader, row, "id"), *survivor = named(reader, row, "survivor_id");
    const CsvTable *table = csv_table_of_type(named(reader, row, "type"));
    const char *reason = named(reader, row, "reason");
    Change change = {.seq = reader->drop.opened->seq, .version = reader->drop.opened->seq * 10 + 1};
    bool known = table && read_op(named(reader, row, "op"), &change.op);
    bool merges = change.op == CHANGE_MERGE || change.op == CHANGE_UNMERGE;
    if (!drop_id_is(id) || !known || (merges && !drop_id_is(survivor))) {
        refuse(drop_id_is(id) ? CSV_DELETION : CSV_ID, table ? table->type : NULL, id, row->line,
               arena, ret);
        return;
    }
    change.type = table->type;
    change.id = arena_text(arena, merges ? survivor : id);
    change.recorded_at = changed_at(reader, named(reader, row, "recorded_at"), arena);
    if (*reason && strlen(reason) <= 40 &&
        strspn(reason, "abcdefghijklmnopqrstuvwxyz_") == strlen(reason))
        change.reason = arena_text(arena, reason);
    if (merges) {
        const char **merged = arena_array(arena, 1, sizeof *merged);
        merged[0] = arena_text(arena, id);
        change.survivor = change.id;
        change.merged = merged;
        change.merged_count = 1;
    }
    *ret = (DropItem){.what = DROP_ITEM_CHANGE, .change = change};
}

static bool own_parts(const CsvTable *table)
{
    return table->part_file && strcmp(table->part_file, table->file) == 0;
}

/* False: nothing to say about this row. */
static bool read_row(CsvDropReader *reader, const CsvRow *row, Arena *arena, DropItem *ret)
{
    if (!reader->checked->table) {
        read_deletion(reader, row, arena, ret);
        return true;
    }
    if (!has_passed(reader, row)) {
        read_record(reader, row, arena, ret);
        return true;
    }
    if (own_parts(reader->checked->table))
        return false;
    refuse(CSV_TWICE, reader->checked->table->type, csv_column_value(&reader->columns, row, "id"),
           row->line, arena, ret);
    return true;
}

bool csv_drop_reader_next(CsvDropReader *reader, Arena *arena, DropItem *ret, Error *err)
{
    const CsvRow *row;
    for (;;) {
        if (!reader->rows && !open_file(reader, err))
            return false;
        if (!reader->rows) {
            *ret = (DropItem){.what = DROP_ITEM_END};
            return true;
        }
        if (!csv_next(reader->rows, &row, err))
            return false;
        if (row && read_row(reader, row, arena, ret))
            return true;
        const char *id;
        int line;
        if (!row && csv_parts_left(&reader->parts, &id, &line)) {
            refuse(CSV_PART, reader->checked->table->type, id, line, arena, ret);
            return true;
        }
        if (!row)
            close_file(reader);
    }
}

bool csv_drop_reader_new(const DropFeed *feed, DropOpened *opened, CsvDropReader **ret, Error *err)
{
    CsvDropReader *reader = arena_alloc(opened->arena, sizeof *reader);
    *reader = (CsvDropReader){.drop = {.feed = feed, .opened = opened}};
    if (!csv_drop_check(&reader->drop, err))
        return false;
    *ret = reader;
    return true;
}

void csv_drop_reader_free(CsvDropReader *reader)
{
    if (!reader)
        return;
    csv_close(reader->rows);
    csv_parts_free(&reader->parts);
}
