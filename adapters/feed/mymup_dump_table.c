/* SPDX-License-Identifier: Apache-2.0 */
/* The eight files of a MYMUP dump as clean tables in memory. */
#include "adapters/feed/mymup_dump_table.h"

#include "adapters/feed/drop_csv.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/file.h"
#include "daemon/base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FILE_MOST ((size_t)128 << 20)
#define COLUMNS_MOST 256

static const struct {
    const char *part, *columns, *lost;
} kinds[] = {
#define MYMUP_FILE(name, part, columns, lost) {part, columns, lost},
#include "adapters/feed/mymup_dump.def"
#undef MYMUP_FILE
};

MymupFile mymup_file_of(const char *name)
{
    int kind = 0;
    size_t size = strlen(name);
    if (size < 5 || strcasecmp(name + size - 4, ".csv") != 0)
        return MYMUP_FILE_COUNT;
    while (kind < MYMUP_FILE_COUNT && !strcasestr(name, kinds[kind].part))
        kind++;
    return (MymupFile)kind;
}

const char *mymup_file_part(MymupFile file)
{
    return kinds[file].part;
}

const char *mymup_file_lost(MymupFile file)
{
    return kinds[file].lost;
}

/* ---- the header ---- */

/* A doubled name would not be read at all: it gets .1, .2, as other readers of this export do. */
static const char *unique(const char *name, const char **columns, size_t count, Arena *arena)
{
    const char *candidate = name;
    for (int number = 1;; number++) {
        bool taken = false;
        for (size_t i = 0; i < count; i++)
            taken |= strcmp(columns[i], candidate) == 0;
        if (!taken)
            return candidate;
        candidate = arena_format(arena, "%s.%d", name, number);
    }
}

/* The first line's fields; *at moves behind the line. */
static size_t read_header(const char **at, const char **columns, Arena *arena)
{
    size_t count = 0;
    for (bool more = true; more && count < COLUMNS_MOST; count++) {
        Text field = text_new(arena, 4096);
        bool quoted = false;
        for (; **at && (quoted || !strchr(",\r\n", **at)); ++*at) {
            if (**at == '"')
                quoted = !quoted;
            else
                text_add_bytes(&field, *at, 1);
        }
        more = **at == ',';
        *at += more;
        columns[count] = unique(mymup_clean_column(text_get(&field), arena), columns, count, arena);
    }
    *at += **at == '\r';
    *at += **at == '\n';
    return count;
}

static bool check_columns(const MymupSheet *sheet, MymupFile kind, DropProblems *problems)
{
    const char *needed = kinds[kind].columns;
    while (needed && *needed) {
        size_t size = strcspn(needed, " ");
        bool there = false;
        for (size_t i = 0; i < sheet->count; i++)
            there |= strncmp(sheet->columns[i], needed, size) == 0 && !sheet->columns[i][size];
        if (!there) {
            char name[64];
            size_t kept = size < sizeof name ? size : sizeof name - 1;
            memcpy(name, needed, kept);
            name[kept] = '\0';
            drop_problem_add(problems, DROP_COLUMN_MISSING, sheet->file->name, 1, name);
            return false;
        }
        needed += size + (needed[size] == ' ');
    }
    return true;
}

/* ---- rows ---- */

/* Control characters, which people paste in and no CSV may hold, become blanks. */
static void blank_controls(char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (((unsigned char)bytes[i] < ' ' && !strchr("\t\r\n", bytes[i])) || bytes[i] == 0x7F ||
            !bytes[i])
            bytes[i] = ' ';
}

/* The file with its clean header; the rest as it is. */
static bool clean_text(MymupSheet *sheet, const DropFile *file, Arena *arena, Text *ret, Error *err)
{
    char *bytes;
    size_t size;
    if (!file_read(file->path, FILE_MOST, arena, &bytes, &size, err))
        return false;
    blank_controls(bytes, size);
    const char *end = bytes + size;
    if (strncmp(bytes, "\xef\xbb\xbf", 3) == 0)
        bytes += 3;
    const char *at = bytes;
    sheet->file = file;
    sheet->columns = arena_array(arena, COLUMNS_MOST, sizeof *sheet->columns);
    sheet->count = read_header(&at, sheet->columns, arena);
    *ret = text_new(arena, FILE_MOST + FILE_MOST / 8);
    for (size_t i = 0; i < sheet->count; i++) {
        text_add(ret, i ? "," : "");
        text_add(ret, sheet->columns[i]);
    }
    text_add(ret, "\n");
    text_add_bytes(ret, at, (size_t)(end - at));
    return true;
}

bool mymup_table_read(MymupTable *table, MymupFile kind, const DropFile *file, Arena *arena,
                      DropProblems *problems, Error *err)
{
    _cleanup_csv_ CsvReader *reader = NULL;
    MymupSheet *sheet = arena_alloc(arena, sizeof *sheet);
    Error failure = {0};
    Text text;
    if (!clean_text(sheet, file, arena, &text, err))
        return false;
    table->sheets++;
    if (!csv_open_bytes(file->path, text_get(&text), text.size, &reader, &failure)) {
        reader = NULL;
        drop_problem_add(problems, DROP_CSV_HEADER, file->name, 1, NULL);
        return true;
    }
    if (!check_columns(sheet, kind, problems))
        return true;
    for (;;) {
        const CsvRow *row;
        if (!arena_check(arena, err) || !drop_csv_next(reader, file, problems, &row, err))
            return false;
        if (!row)
            return true;
        MymupRow kept = {.sheet = sheet, .line = row->line};
        kept.values = arena_array(arena, sheet->count, sizeof *kept.values);
        for (size_t i = 0; i < sheet->count; i++)
            kept.values[i] = mymup_clean_value(row->fields[i], arena);
        table->rows =
            arena_grow(arena, table->rows, table->count, &table->capacity, sizeof *table->rows);
        table->rows[table->count++] = kept;
    }
}

const char *mymup_value(const MymupRow *row, const char *column)
{
    for (size_t i = 0; i < row->sheet->count; i++)
        if (strcmp(row->sheet->columns[i], column) == 0)
            return row->values[i];
    return "";
}

bool mymup_has_column(const MymupRow *row, const char *column)
{
    for (size_t i = 0; i < row->sheet->count; i++)
        if (strcmp(row->sheet->columns[i], column) == 0)
            return true;
    return false;
}

void mymup_row_hash(const MymupRow *row, uint8_t ret[DIGEST_SIZE])
{
    _cleanup_digest_ Digest *digest = digest_new();
    for (size_t i = 0; i < row->sheet->count; i++) {
        digest_add(digest, row->sheet->columns[i], strlen(row->sheet->columns[i]) + 1);
        digest_add(digest, row->values[i], strlen(row->values[i]) + 1);
    }
    digest_finish(digest, ret);
}

/* ---- rows that stand there twice ---- */

typedef struct Hashed {
    uint8_t hash[DIGEST_SIZE];
    size_t place;
} Hashed;

static int by_hash(const void *a, const void *b)
{
    const Hashed *one = a, *other = b;
    int order = memcmp(one->hash, other->hash, DIGEST_SIZE);
    return order ? order : one->place < other->place ? -1 : one->place > other->place;
}

void mymup_table_unite(MymupTable *table)
{
    if (!table->count)
        return;
    Hashed *all = calloc(table->count, sizeof *all);
    bool *again = calloc(table->count, sizeof *again);
    if (!all || !again)
        abort();
    for (size_t i = 0; i < table->count; i++) {
        mymup_row_hash(&table->rows[i], all[i].hash);
        all[i].place = i;
    }
    qsort(all, table->count, sizeof *all, by_hash);
    for (size_t i = 1; i < table->count; i++)
        again[all[i].place] = memcmp(all[i].hash, all[i - 1].hash, DIGEST_SIZE) == 0;
    size_t kept = 0;
    for (size_t i = 0; i < table->count; i++)
        if (!again[i])
            table->rows[kept++] = table->rows[i];
    table->again = (int64_t)(table->count - kept);
    table->count = kept;
    free(all);
    free(again);
}
