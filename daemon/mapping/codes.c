/* SPDX-License-Identifier: Apache-2.0 */
/* Code lists of a mapping: codes/NAME.csv to a hash from local values to rows. */
#include "daemon/base/cleanup.h"
#include "daemon/base/csv.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"
#include "daemon/mapping/plan.h"

#include <string.h>

#define FILE_LIMIT ((size_t)4 << 20)

static unsigned char fold(unsigned char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (unsigned char)(letter + 32) : letter;
}

/* The next letter of a text in which runs of spaces are one, and those at its ends none. */
static unsigned char next_letter(const char **at)
{
    const char *text = *at;
    bool space = *text == ' ' || *text == '\t';
    while (*text == ' ' || *text == '\t')
        text++;
    if (*text == '\0') {
        *at = text;
        return '\0';
    }
    *at = space ? text : text + 1;
    return space ? ' ' : fold((unsigned char)*text);
}

static const char *skip_spaces(const char *text)
{
    return text + strspn(text, " \t");
}

static bool equal_folded(const char *a, const char *b)
{
    a = skip_spaces(a);
    b = skip_spaces(b);
    while (true) {
        unsigned char left = next_letter(&a), right = next_letter(&b);
        if (left != right)
            return false;
        if (!left)
            return true;
    }
}

static size_t hash_folded(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    text = skip_spaces(text);
    for (unsigned char letter = next_letter(&text); letter; letter = next_letter(&text))
        hash = (hash ^ letter) * UINT64_C(1099511628211);
    return (size_t)(hash ^ (hash >> 32));
}

static bool holds(const CodeRow *row, Month month)
{
    return (!row->from || row->from <= month) && (!row->to || row->to >= month);
}

const CodeRow *code_table_find(const CodeTable *table, const char *local, Month month)
{
    if (!table->bucket_count)
        return NULL;
    const CodeRow *row = table->buckets[hash_folded(local) & (table->bucket_count - 1)];
    while (row && !(equal_folded(row->local, local) && holds(row, month)))
        row = row->next;
    return row;
}

/* In file order within a bucket: rows are added at the front, so from the last to the first. */
static void index_rows(CodeTable *table, Arena *arena)
{
    table->bucket_count = 16;
    while (table->bucket_count < table->count * 2)
        table->bucket_count *= 2;
    table->buckets = arena_array(arena, table->bucket_count, sizeof *table->buckets);
    for (size_t i = table->count; i > 0; i--) {
        CodeRow *row = &table->rows[i - 1];
        if (strcmp(row->local, "~national") == 0)
            table->national = row;
        const CodeRow **bucket =
            &table->buckets[hash_folded(row->local) & (table->bucket_count - 1)];
        row->next = *bucket;
        *bucket = row;
    }
}

static bool row_error(const CodeRow *row, Error *err, const char *what)
{
    return error_set(err, ERROR_CONFIG, "mapping.codes", "%s:%d: %s", row->file, row->line, what);
}

enum { LOCAL, NATIONAL, NOTE, FROM, TO, COLUMNS };

static bool read_row(Mapping *mapping, const CsvRow *csv, const int columns[COLUMNS], int finding,
                     const char *file, Arena *arena, CodeRow *ret, Error *err)
{
    *ret = (CodeRow){.file = file, .line = csv->line};
    ret->local = arena_text(arena, csv->fields[columns[LOCAL]]);
    ret->national = arena_text(arena, csv->fields[columns[NATIONAL]]);
    ret->note = arena_text(arena, csv->fields[columns[NOTE]]);
    if (!ret->local[0])
        return row_error(ret, err, "the column \"local\" is blank");
    const char *from = csv->fields[columns[FROM]], *to = csv->fields[columns[TO]];
    if ((*from && !civil_parse_month(from, &ret->from)) ||
        (*to && !civil_parse_month(to, &ret->to)))
        return row_error(ret, err, "\"from\" and \"to\" are months, YYYY-MM");
    if (ret->from && ret->to && ret->from > ret->to)
        return row_error(ret, err, "\"from\" is after \"to\"");
    if (finding >= 0 && csv->fields[finding][0]) {
        ret->finding = finding_kind(csv->fields[finding]);
        if (!ret->finding)
            return row_error(ret, err, "the column \"finding\" names no kind of finding");
    }
    if (ret->from)
        mapping_note_change(mapping, ret->from, arena);
    if (ret->to)
        mapping_note_change(mapping, ret->to + 1, arena);
    return true;
}

static bool overlaps(const CodeRow *a, const CodeRow *b)
{
    return (!a->to || !b->from || a->to >= b->from) && (!b->to || !a->from || b->to >= a->from);
}

/* One local value means one thing in any month. */
static bool check_doubles(const CodeTable *table, Error *err)
{
    for (size_t i = 0; i < table->bucket_count; i++)
        for (const CodeRow *a = table->buckets[i]; a; a = a->next)
            for (const CodeRow *b = a->next; b; b = b->next)
                if (equal_folded(a->local, b->local) && overlaps(a, b))
                    return row_error(b, err,
                                     "this local value has a row already for the same months");
    return true;
}

static bool read_table(Mapping *mapping, CodeTable *table, const char *bytes, size_t size,
                       Arena *arena, Error *err)
{
    static const char *const names[COLUMNS] = {"local", "national", "note", "from", "to"};
    _cleanup_csv_ CsvReader *reader = NULL;
    int columns[COLUMNS];
    const CsvRow *csv = NULL;
    size_t capacity = 0;
    if (!csv_open_bytes(table->file, bytes, size, &reader, err) ||
        !csv_require(reader, names, COLUMNS, columns, err))
        return false;
    int finding = csv_column(reader, "finding");
    while (true) {
        if (!csv_next(reader, &csv, err) || !arena_check(arena, err))
            return false;
        if (!csv)
            break;
        table->rows = arena_grow(arena, table->rows, table->count, &capacity, sizeof *table->rows);
        CodeRow *row = &table->rows[table->count++];
        if (!read_row(mapping, csv, columns, finding, table->file, arena, row, err))
            return false;
    }
    index_rows(table, arena);
    return check_doubles(table, err);
}

bool code_table_load(Mapping *mapping, const YamlNode *place, const char *name, Arena *arena,
                     const CodeTable **ret, Error *err)
{
    for (size_t i = 0; i < mapping->code_count; i++)
        if (strcmp(mapping->codes[i]->name, name) == 0) {
            *ret = mapping->codes[i];
            return true;
        }
    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] || !*name)
        return yaml_error(place, err, "\"%s\" is not a name of small letters, digits, _ and -",
                          name);
    CodeTable *table = arena_alloc(arena, sizeof *table);
    table->name = arena_text(arena, name);
    table->file = arena_format(arena, "codes/%s.csv", name);
    char *bytes = NULL;
    size_t size = 0;
    const char *path = arena_format(arena, "%s/%s", mapping->folder, table->file);
    if (!file_read(path, FILE_LIMIT, arena, &bytes, &size, err) ||
        !read_table(mapping, table, bytes, size, arena, err)) {
        err->kind = ERROR_CONFIG;
        return error_wrap(err, "%s:%d", place->file, place->line);
    }
    mapping->codes = arena_grow(arena, mapping->codes, mapping->code_count, &mapping->code_capacity,
                                sizeof *mapping->codes);
    mapping->codes[mapping->code_count++] = table;
    *ret = table;
    return true;
}
