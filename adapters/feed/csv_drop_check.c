/* SPDX-License-Identifier: Apache-2.0 */
/* A CSV drop looked at as a whole, before anything of it is taken in. */
#include "adapters/feed/csv_drop_check.h"

#include "adapters/feed/drop_csv.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/text.h"

#include <stdlib.h>
#include <string.h>

#define MANIFEST "manifest.csv"
#define DELETIONS "deletions.csv"

/* ---- the manifest ---- */

typedef struct ManifestRow {
    const char *file, *sha256;
    int64_t rows;
} ManifestRow;

typedef struct Manifest {
    ManifestRow *rows;
    size_t count, capacity;
} Manifest;

enum {
    COLUMN_FEED,
    COLUMN_SCHEMA,
    COLUMN_MODE,
    COLUMN_TIME,
    COLUMN_FILE,
    COLUMN_ROWS,
    COLUMN_SHA256
};
static const char *const manifest_columns[] = {"feed", "schema", "mode",  "generated_at",
                                               "file", "rows",   "sha256"};

static void check_manifest_row(CsvDrop *drop, const CsvRow *row, const int *columns)
{
    DropProblems *problems = drop->opened->problems;
    const DropFeed *feed = drop->feed;
    const char *mode = drop->opened->candidate->full ? "full" : "delta";
    int64_t instant;
    char text[CLOCK_TEXT_SIZE];
    if (strcmp(row->fields[columns[COLUMN_SCHEMA]], "1") != 0)
        drop_problem_add(problems, DROP_MANIFEST_SCHEMA, MANIFEST, row->line, "schema");
    if (feed->source && strcmp(row->fields[columns[COLUMN_FEED]], feed->source) != 0)
        drop_problem_add(problems, DROP_MANIFEST_FEED, MANIFEST, row->line, "feed");
    if (strcmp(row->fields[columns[COLUMN_MODE]], mode) != 0)
        drop_problem_add(problems, DROP_MANIFEST_MODE, MANIFEST, row->line, "mode");
    if (!clock_parse(row->fields[columns[COLUMN_TIME]], &instant))
        drop_problem_add(problems, DROP_MANIFEST_TIME, MANIFEST, row->line, "generated_at");
    else if (!drop->generated_at)
        drop->generated_at = arena_text(drop->opened->arena, clock_format(instant, text));
}

static void keep_manifest_row(CsvDrop *drop, const CsvRow *row, const int *columns,
                              Manifest *manifest)
{
    Arena *arena = drop->opened->arena;
    const char *file = row->fields[columns[COLUMN_FILE]];
    size_t size = strlen(file);
    if (size < 5 || strcasecmp(file + size - 4, ".csv") != 0)
        file = arena_format(arena, "%s.csv", file);
    ManifestRow kept = {.file = arena_text(arena, file),
                        .sha256 = arena_text(arena, row->fields[columns[COLUMN_SHA256]])};
    for (size_t i = 0; i < manifest->count; i++)
        if (strcmp(manifest->rows[i].file, file) == 0)
            drop_problem_add(drop->opened->problems, DROP_MANIFEST_FILE, MANIFEST, row->line,
                             "file");
    if (!text_to_int64(row->fields[columns[COLUMN_ROWS]], &kept.rows))
        kept.rows = -1;
    manifest->rows = arena_grow(arena, manifest->rows, manifest->count, &manifest->capacity,
                                sizeof *manifest->rows);
    manifest->rows[manifest->count++] = kept;
}

static bool read_manifest(CsvDrop *drop, Manifest *manifest, Error *err)
{
    DropProblems *problems = drop->opened->problems;
    const DropFile *file = drop_files_find(drop->opened->files, MANIFEST);
    _cleanup_csv_ CsvReader *reader = NULL;
    int columns[COUNT_OF(manifest_columns)];
    const CsvRow *row;
    if (!file) {
        drop_problem_add(problems, DROP_MANIFEST_MISSING, MANIFEST, 0, NULL);
        return true;
    }
    if (!drop_csv_open(drop->feed->profile, file, problems, &reader, err) || !reader)
        return reader || problems->refused;
    for (size_t i = 0; i < COUNT_OF(manifest_columns); i++)
        if ((columns[i] = csv_column(reader, manifest_columns[i])) < 0) {
            drop_problem_add(problems, DROP_COLUMN_MISSING, MANIFEST, 1, manifest_columns[i]);
            return true;
        }
    for (;;) {
        if (!drop_csv_next(reader, file, problems, &row, err))
            return false;
        if (!row)
            break;
        check_manifest_row(drop, row, columns);
        keep_manifest_row(drop, row, columns, manifest);
    }
    if (!manifest->count)
        drop_problem_add(problems, DROP_MANIFEST_EMPTY, MANIFEST, 0, NULL);
    return true;
}

/* ---- ids that stand twice in a file ---- */

typedef struct Seen {
    uint64_t hash;
    int64_t version;
    uint64_t number;
} Seen;

typedef struct SeenList {
    Seen *items;
    size_t count, capacity;
} SeenList;

static uint64_t id_hash(const char *id)
{
    uint8_t sum[DIGEST_SIZE];
    uint64_t hash;
    digest_bytes(id, strlen(id), sum);
    memcpy(&hash, sum, sizeof hash);
    return hash;
}

/* Of one id: the highest version first, and of one version the later row. */
static int best_first(const void *a, const void *b)
{
    const Seen *one = a, *other = b;
    if (one->hash != other->hash)
        return one->hash < other->hash ? -1 : 1;
    if (one->version != other->version)
        return one->version > other->version ? -1 : 1;
    return one->number > other->number ? -1 : one->number < other->number;
}

static int by_number(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    return one < other ? -1 : one > other;
}

/* Where the parts stand in the record's own rows, the first row is the record. */
static void find_passed(CsvDrop *drop, CsvChecked *checked, SeenList *seen, bool own_parts)
{
    if (!seen->count)
        return;
    qsort(seen->items, seen->count, sizeof *seen->items, best_first);
    for (size_t i = 1; i < seen->count; i++) {
        const Seen *row = &seen->items[i];
        if (row->hash != row[-1].hash)
            continue;
        checked->passed = arena_grow(drop->opened->arena, checked->passed, checked->passed_count,
                                     &checked->passed_capacity, sizeof *checked->passed);
        /* best_first puts the last row first: with own parts the last of the run stays instead */
        checked->passed[checked->passed_count++] = own_parts ? row[-1].number : row->number;
    }
    if (checked->passed_count)
        qsort(checked->passed, checked->passed_count, sizeof *checked->passed, by_number);
}

/* ---- one file ---- */

static bool known_column(const CsvTable *table, bool part, const CsvColumns *columns,
                         const CsvColumns *parts, const char *name)
{
    for (size_t i = 0; i < columns->count && !part; i++)
        if (strcmp(columns->items[i].name, name) == 0)
            return true;
    for (size_t i = 0; i < parts->count; i++)
        if (strcmp(parts->items[i].name, name) == 0)
            return true;
    return strcmp(name, "id") == 0 || (table->part_key && strcmp(name, table->part_key) == 0);
}

static void check_header(CsvDrop *drop, const CsvChecked *checked, const CsvReader *reader)
{
    DropProblems *problems = drop->opened->problems;
    const CsvProfile *profile = drop->feed->profile;
    const CsvTable *table = checked->table;
    CsvColumns columns, parts = {0};
    const char *missing = NULL;
    csv_columns_read(table->columns, drop->opened->arena, &columns);
    if (table->part_columns)
        csv_columns_read(table->part_columns, drop->opened->arena, &parts);
    if (checked->part ? csv_column(reader, table->part_key) < 0
                      : !csv_columns_find(&columns, reader, &missing))
        drop_problem_add(problems, DROP_COLUMN_MISSING, checked->file->name, 1,
                         csv_profile_column(profile, checked->file->name,
                                            checked->part ? table->part_key : missing));
    size_t place = 0;
    for (const char *said; (said = csv_profile_missing(profile, checked->file, reader, &place));)
        drop_problem_add(problems, DROP_PROFILE_COLUMN, checked->file->name, 1, said);
    const CsvRow *header = csv_header(reader);
    for (size_t i = 0; i < header->count; i++)
        if (!known_column(table, checked->part, &columns, &parts, header->fields[i]))
            drop_problem_add(problems, DROP_COLUMN_UNKNOWN, checked->file->name, 1,
                             header->fields[i]);
}

static void note_row(CsvDrop *drop, const CsvReader *reader, const CsvRow *row, SeenList *seen)
{
    int id = csv_column(reader, "id"), version = csv_column(reader, "version");
    Seen one = {.number = row->number};
    if (id < 0)
        return;
    one.hash = id_hash(row->fields[id]);
    if (version < 0 || !text_to_int64(row->fields[version], &one.version))
        one.version = 0;
    seen->items = arena_grow(drop->opened->arena, seen->items, seen->count, &seen->capacity,
                             sizeof *seen->items);
    seen->items[seen->count++] = one;
}

static bool check_file(CsvDrop *drop, CsvChecked *checked, int64_t rows_said, Error *err)
{
    DropProblems *problems = drop->opened->problems;
    const DropFile *file = checked->file;
    _cleanup_csv_ CsvReader *reader = NULL;
    SeenList seen = {0};
    const CsvRow *row;
    int64_t rows = 0;
    if (!drop_csv_open(drop->feed->profile, file, problems, &reader, err) || !reader)
        return reader || problems->refused;
    if (checked->table)
        check_header(drop, checked, reader);
    for (;;) {
        if (!arena_check(drop->opened->arena, err) ||
            !drop_csv_next(reader, file, problems, &row, err))
            return false;
        if (!row)
            break;
        rows++;
        if (checked->table && !checked->part)
            note_row(drop, reader, row, &seen);
    }
    if (rows != rows_said && !problems->refused)
        drop_problem_add(problems, DROP_FILE_ROWS, file->name, 0, NULL);
    if (checked->table && !checked->part)
        find_passed(drop, checked, &seen,
                    checked->table->part_file &&
                        strcmp(checked->table->part_file, checked->table->file) == 0);
    DropOpened *opened = drop->opened;
    opened->counts[opened->count++] = (DropCount){.file = file->name, .rows = rows};
    return true;
}

/* ---- the drop ---- */

static bool check_named(CsvDrop *drop, const ManifestRow *row, Error *err)
{
    DropProblems *problems = drop->opened->problems;
    const DropFile *file = drop_files_find(drop->opened->files, row->file);
    bool part = false;
    int table = csv_table_find(csv_profile_file(drop->feed->profile, row->file), &part);
    bool deletions = strcmp(row->file, DELETIONS) == 0;
    if (!file || strcasecmp(file->sha256, row->sha256) != 0) {
        drop_problem_add(problems, file ? DROP_FILE_HASH : DROP_FILE_MISSING, row->file, 0, NULL);
        return true;
    }
    if (table < 0 && !deletions) {
        drop_problem_add(problems, DROP_FILE_UNKNOWN, row->file, 0, NULL);
        return true;
    }
    CsvChecked *checked = &drop->files[drop->count++];
    *checked = (CsvChecked){
        .table = deletions ? NULL : csv_table((size_t)table), .file = file, .part = part};
    return check_file(drop, checked, row->rows, err);
}

static void check_unnamed(CsvDrop *drop, const Manifest *manifest)
{
    const DropFiles *files = drop->opened->files;
    for (size_t i = 0; i < files->count; i++) {
        const char *name = files->items[i].name;
        bool named = strcmp(name, MANIFEST) == 0, part;
        for (size_t j = 0; j < manifest->count; j++)
            named |= strcmp(manifest->rows[j].file, name) == 0;
        if (!named)
            drop_problem_add(drop->opened->problems,
                             csv_table_find(csv_profile_file(drop->feed->profile, name), &part) >=
                                         0 ||
                                     strcmp(name, DELETIONS) == 0
                                 ? DROP_FILE_UNNAMED
                                 : DROP_FILE_UNKNOWN,
                             name, 0, NULL);
    }
}

bool csv_drop_check(CsvDrop *drop, Error *err)
{
    Manifest manifest = {0};
    if (!read_manifest(drop, &manifest, err))
        return false;
    if (drop->opened->problems->refused)
        return true;
    drop->files = arena_array(drop->opened->arena, manifest.count + 1, sizeof *drop->files);
    drop->opened->counts =
        arena_array(drop->opened->arena, manifest.count + 1, sizeof *drop->opened->counts);
    check_unnamed(drop, &manifest);
    for (size_t i = 0; i < manifest.count; i++)
        if (!check_named(drop, &manifest.rows[i], err))
            return false;
    return true;
}
