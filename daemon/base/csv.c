/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a CSV file by RFC 4180. */
#include "daemon/base/csv.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LARGEST_FIELD ((size_t)64 << 10)
#define LARGEST_ROW ((size_t)8 << 20)
#define MOST_COLUMNS 1024
#define BUFFER_SIZE ((size_t)64 << 10)

struct CsvReader {
    const char *name;
    FILE *file;
    Arena *kept, *rows; /* for the header; for the row at hand */
    char buffer[BUFFER_SIZE];
    size_t at, filled;
    int line;
    char delimiter;
    CsvRow header, row;
};

static bool bad(const CsvReader *reader, size_t column, Error *err, const char *what)
{
    return error_set(err, ERROR_DATA, "csv.syntax", "%s:%d: field %zu: %s", reader->name,
                     reader->line, column + 1, what);
}

/* The next byte, or -1 at the end.  Peeking keeps it. */
static int look(CsvReader *reader, bool take)
{
    if (reader->at == reader->filled) {
        reader->at = 0;
        reader->filled = fread(reader->buffer, 1, sizeof reader->buffer, reader->file);
        if (!reader->filled)
            return -1;
    }
    int byte = (unsigned char)reader->buffer[reader->at];
    reader->at += take;
    return byte;
}

/* Whatever of the buffer is plain goes to the field in one piece. */
static void take_plain(CsvReader *reader, Text *field, const char *stops, size_t stop_count)
{
    size_t from = reader->at;
    while (reader->at < reader->filled && !memchr(stops, reader->buffer[reader->at], stop_count))
        reader->at++;
    text_add_bytes(field, reader->buffer + from, reader->at - from);
}

static bool read_quoted(CsvReader *reader, Text *field, size_t column, Error *err)
{
    look(reader, true);
    for (;;) {
        int byte = look(reader, false);
        if (byte < 0)
            return bad(reader, column, err, "the file ends inside quotes");
        if (byte != '"') {
            if (byte == '\n')
                reader->line++;
            if (byte == '\n' || byte == '\0')
                text_add_bytes(field, &reader->buffer[reader->at++], 1);
            else
                take_plain(reader, field, "\"\n\0", 3);
        } else {
            look(reader, true);
            if (look(reader, false) != '"')
                return true;
            text_add_bytes(field, "\"", 1);
            look(reader, true);
        }
        if (!text_ok(field))
            return bad(reader, column, err, "longer than 64 KiB");
    }
}

static bool read_plain(CsvReader *reader, Text *field, size_t column, Error *err)
{
    int byte;
    const char stops[] = {reader->delimiter, '\n', '\r', '"', '\0'};
    while ((byte = look(reader, false)) >= 0 && byte != reader->delimiter && byte != '\n' &&
           byte != '\r') {
        if (byte == '"')
            return bad(reader, column, err, "a quote inside a field that is not quoted");
        if (byte == '\0')
            return bad(reader, column, err, "a NUL byte");
        take_plain(reader, field, stops, sizeof stops);
        if (!text_ok(field))
            return bad(reader, column, err, "longer than 64 KiB");
    }
    return true;
}

static bool check_field(CsvReader *reader, const Text *field, size_t column, Error *err)
{
    if (!text_is_utf8(text_get(field), field->size))
        return bad(reader, column, err, "not valid UTF-8 text");
    return true;
}

/* What stands after a field: true in *ret_more when it was the delimiter. */
static bool end_field(CsvReader *reader, size_t column, bool *ret_more, Error *err)
{
    int byte = look(reader, true);
    *ret_more = byte == reader->delimiter;
    if (byte == '\r' && look(reader, false) == '\n')
        byte = look(reader, true);
    if (byte >= 0 && byte != reader->delimiter && byte != '\n')
        return bad(reader, column, err,
                   byte == '\r' ? "a carriage return alone" : "text after the closing quote");
    return true;
}

static bool read_row(CsvReader *reader, Arena *arena, CsvRow *row, Error *err)
{
    size_t capacity = 0, size = 0;
    bool more = true;
    *row = (CsvRow){.line = reader->line, .number = row->number};
    while (more) {
        Text field = text_new(arena, LARGEST_FIELD);
        bool quoted = look(reader, false) == '"';
        if (row->count == MOST_COLUMNS)
            return bad(reader, row->count, err, "more than 1024 columns");
        if (!(quoted ? read_quoted : read_plain)(reader, &field, row->count, err) ||
            !check_field(reader, &field, row->count, err) ||
            !end_field(reader, row->count, &more, err))
            return false;
        row->fields = arena_grow(arena, row->fields, row->count, &capacity, sizeof *row->fields);
        row->fields[row->count++] = text_get(&field);
        size += field.size;
        if (size > LARGEST_ROW)
            return bad(reader, row->count, err, "the row is longer than 8 MiB");
    }
    reader->line++;
    return true;
}

static bool read_header(CsvReader *reader, Error *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (look(reader, false) < 0)
        return error_set(err, ERROR_DATA, "csv.empty", "%s: the file is empty, a header is needed",
                         reader->name);
    if (reader->filled >= 3 && memcmp(reader->buffer, mark, 3) == 0)
        reader->at = 3;
    if (!read_row(reader, reader->kept, &reader->header, err))
        return false;
    for (size_t i = 0; i < reader->header.count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(reader->header.fields[i], reader->header.fields[j]) == 0)
                return error_set(err, ERROR_DATA, "csv.header",
                                 "%s:1: column %zu has the name of column %zu", reader->name, i + 1,
                                 j + 1);
    return true;
}

static bool start(FILE *file, const char *name, char delimiter, CsvReader **ret, Error *err)
{
    Arena *kept = arena_new(LARGEST_ROW);
    CsvReader *reader = arena_alloc(kept, sizeof *reader);
    *reader = (CsvReader){.name = arena_text(kept, name),
                          .file = file,
                          .kept = kept,
                          .line = 1,
                          .delimiter = delimiter};
    reader->rows = arena_new(LARGEST_ROW);
    if (!read_header(reader, err)) {
        csv_close(reader);
        return false;
    }
    *ret = reader;
    return true;
}

bool csv_open_delimited(const char *path, char delimiter, CsvReader **ret, Error *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return error_errno(err, errno, "csv.open", "could not open file \"%s\"", path);
    return start(file, path, delimiter, ret, err);
}

bool csv_open(const char *path, CsvReader **ret, Error *err)
{
    return csv_open_delimited(path, ',', ret, err);
}

bool csv_open_bytes(const char *name, const char *bytes, size_t size, CsvReader **ret, Error *err)
{
    FILE *file = size ? fmemopen((void *)(uintptr_t)bytes, size, "r") : fopen("/dev/null", "re");
    if (!file)
        return error_errno(err, errno, "csv.open", "could not read \"%s\"", name);
    return start(file, name, ',', ret, err);
}

void csv_close(CsvReader *reader)
{
    if (!reader)
        return;
    fclose(reader->file);
    arena_free(reader->rows);
    arena_free(reader->kept);
}

const CsvRow *csv_header(const CsvReader *reader)
{
    return &reader->header;
}

void csv_rename(CsvReader *reader, size_t column, const char *name)
{
    reader->header.fields[column] = name;
}

int csv_column(const CsvReader *reader, const char *name)
{
    for (size_t i = 0; i < reader->header.count; i++)
        if (strcmp(reader->header.fields[i], name) == 0)
            return (int)i;
    return -1;
}

/* An empty line at the end of a file is not a row; one in a file of one column is a blank row. */
static bool blank_line(const CsvReader *reader, const CsvRow *row)
{
    return row->count == 1 && !row->fields[0][0] && reader->header.count > 1;
}

bool csv_next(CsvReader *reader, const CsvRow **ret_row, Error *err)
{
    do {
        arena_reset(reader->rows);
        if (look(reader, false) < 0) {
            if (ferror(reader->file))
                return error_set(err, ERROR_LATER, "csv.read", "could not read file \"%s\"",
                                 reader->name);
            *ret_row = NULL;
            return true;
        }
        if (!read_row(reader, reader->rows, &reader->row, err))
            return false;
    } while (blank_line(reader, &reader->row));
    reader->row.number++;
    if (reader->row.count != reader->header.count)
        return error_set(err, ERROR_DATA, "csv.fields",
                         "%s:%d: the row has %zu fields, the header has %zu", reader->name,
                         reader->row.line, reader->row.count, reader->header.count);
    *ret_row = &reader->row;
    return true;
}

bool csv_require(const CsvReader *reader, const char *const *names, size_t count, int *ret_columns,
                 Error *err)
{
    for (size_t i = 0; i < count; i++) {
        int column = csv_column(reader, names[i]);
        if (column < 0)
            return error_set(err, ERROR_DATA, "csv.column", "%s:1: column \"%s\" is missing",
                             reader->name, names[i]);
        ret_columns[i] = column;
    }
    return true;
}
