/* SPDX-License-Identifier: Apache-2.0 */
/* What files and columns a CSV drop may have, and a row as the JSON of a record. */
#include "adapters/feed/csv_drop_table.h"

#include "daemon/base/civil.h"
#include "daemon/base/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const CsvTable tables[] = {
#define CSV_DROP_FILE(file, type, columns, part_file, part_key, part_field, part_columns)          \
    {file, type, columns, part_file, part_key, part_field, part_columns},
#include "adapters/feed/csv_drop.def"
#undef CSV_DROP_FILE
};

size_t csv_table_count(void)
{
    return COUNT_OF(tables);
}

const CsvTable *csv_table(size_t index)
{
    return &tables[index];
}

const CsvTable *csv_table_of_type(const char *type)
{
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        if (strcmp(tables[i].type, type) == 0)
            return &tables[i];
    return NULL;
}

int csv_table_find(const char *file, bool *ret_part)
{
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < COUNT_OF(tables); i++) {
            const char *name = pass ? tables[i].part_file : tables[i].file;
            size_t size = name ? strlen(name) : 0;
            if (name && strncmp(file, name, size) == 0 && strcmp(file + size, ".csv") == 0) {
                *ret_part = pass == 1;
                return (int)i;
            }
        }
    return -1;
}

/* ---- columns ---- */

/* NAME[marks][=FIELD] with marks also behind FIELD. */
static CsvColumn read_column(const char *word, size_t size, Arena *arena)
{
    CsvColumn column = {.at = -1};
    char name[64], field[64];
    size_t name_size = 0, field_size = 0;
    bool behind = false;
    for (size_t i = 0; i < size; i++) {
        char c = word[i];
        column.needed |= c == '!';
        column.list |= c == '|';
        column.boolean |= c == '?';
        column.date |= c == '@';
        column.aside |= c == '#';
        if (c == '=')
            behind = true;
        else if (strchr("!|?@#", c))
            continue;
        else if (behind && field_size < sizeof field)
            field[field_size++] = c;
        else if (!behind && name_size < sizeof name)
            name[name_size++] = c;
    }
    column.name = arena_copy(arena, name, name_size);
    char *whole = behind ? arena_copy(arena, field, field_size) : arena_text(arena, column.name);
    char *dot = strchr(whole, '.');
    column.field = dot ? dot + 1 : whole;
    if (dot) {
        column.in_list = dot - whole > 2 && dot[-1] == ']';
        dot[column.in_list ? -2 : 0] = '\0';
        column.inside = whole;
    }
    return column;
}

void csv_columns_read(const char *text, Arena *arena, CsvColumns *ret)
{
    ret->count = 0;
    for (const char *at = text; *at && ret->count < CSV_COLUMNS_MOST;) {
        size_t size = strcspn(at, " ");
        ret->items[ret->count++] = read_column(at, size, arena);
        at += size + strspn(at + size, " ");
    }
}

bool csv_columns_find(CsvColumns *columns, const CsvReader *reader, const char **ret_missing)
{
    for (size_t i = 0; i < columns->count; i++) {
        CsvColumn *column = &columns->items[i];
        column->at = csv_column(reader, column->name);
        if (column->at < 0 && column->needed) {
            *ret_missing = column->name;
            return false;
        }
    }
    return true;
}

const char *csv_column_value(const CsvColumns *columns, const CsvRow *row, const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcmp(columns->items[i].name, name) == 0 && columns->items[i].at >= 0)
            return row->fields[columns->items[i].at];
    return "";
}

/* ---- values ---- */

const CsvDialect csv_contract = {.dates = CSV_DATES_ISO, .list = '|'};

const char *csv_date(const char *text, CsvDates dates, char buffer[16])
{
    int first = 0, month = 0, third = 0, end = 0, count = 0;
    bool year_first = false;
    Day parsed;
    switch (dates) {
#define CSV_DATES(name, word, form, first_is_year)                                                 \
    case CSV_DATES_##name:                                                                         \
        count = sscanf(text, form, &first, &month, &third, &end);                                  \
        year_first = first_is_year;                                                                \
        break;
#include "adapters/feed/csv_drop_profile.def"
#undef CSV_DATES
    }
    int year = year_first ? first : third, day = year_first ? third : first;
    if (count != 3 || text[end] || day < 1 || month < 1 || year < 1000 || day > 31 || month > 12 ||
        year > 9999)
        return NULL;
    snprintf(buffer, CIVIL_TEXT_SIZE, "%04d-%02d-%02d", year, month, day);
    return civil_parse_day(buffer, &parsed) ? buffer : NULL;
}

static const char *truth(const char *text)
{
    static const struct {
        const char *word, *json;
    } words[] = {{"true", "true"},   {"yes", "true"}, {"y", "true"},  {"1", "true"},
                 {"false", "false"}, {"no", "false"}, {"n", "false"}, {"0", "false"}};
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcasecmp(text, words[i].word) == 0)
            return words[i].json;
    return NULL;
}

static bool add_explicit(const char *text, Text *out)
{
    static const char *const kinds[] = {"declined", "not_known", "not_asked"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (text[0] == '~' && strcmp(text + 1, kinds[i]) == 0) {
            text_addf(out, "{\"nv\":\"%s\"}", kinds[i]);
            return true;
        }
    return false;
}

static void add_list(const char *text, char separator, Text *out)
{
    char item[1024];
    const char stops[] = {separator, '\0'};
    const char *comma = "";
    text_add(out, "[");
    for (const char *at = text; *at;) {
        size_t size = strcspn(at, stops), kept = size < sizeof item ? size : sizeof item - 1;
        memcpy(item, at, kept);
        item[kept] = '\0';
        at += size + (at[size] == separator);
        if (!kept)
            continue;
        text_add(out, comma);
        text_add_json(out, item);
        comma = ",";
    }
    text_add(out, "]");
}

static void add_value(const CsvColumn *column, const char *text, const CsvDialect *dialect,
                      Text *out)
{
    char buffer[16];
    const char *other = NULL;
    if (add_explicit(text, out))
        return;
    if (column->list) {
        add_list(text, dialect->list, out);
        return;
    }
    if (!*text) {
        text_add(out, "null");
        return;
    }
    if (column->boolean && (other = truth(text))) {
        text_add(out, other);
        return;
    }
    if (column->date && dialect->dates != CSV_DATES_ISO)
        other = csv_date(text, dialect->dates, buffer);
    text_add_json(out, other ? other : text);
}

/* Columns of one INSIDE stand together in the declaration. */
static size_t inside_count(const CsvColumns *columns, size_t from)
{
    size_t count = 1;
    while (from + count < columns->count && columns->items[from + count].inside &&
           strcmp(columns->items[from + count].inside, columns->items[from].inside) == 0)
        count++;
    return count;
}

static void add_inside(const CsvColumn *columns, size_t count, const CsvRow *row,
                       const CsvDialect *dialect, Text *out)
{
    bool blank = true;
    for (size_t i = 0; i < count; i++)
        blank &= columns[i].at < 0 || !*row->fields[columns[i].at];
    if (blank) {
        text_add(out, columns->in_list ? "[]" : "null");
        return;
    }
    text_add(out, columns->in_list ? "[{" : "{");
    const char *comma = "";
    for (size_t i = 0; i < count; i++) {
        if (columns[i].at < 0)
            continue;
        text_addf(out, "%s\"%s\":", comma, columns[i].field);
        add_value(&columns[i], row->fields[columns[i].at], dialect, out);
        comma = ",";
    }
    text_add(out, columns->in_list ? "}]" : "}");
}

void csv_columns_add(const CsvColumns *columns, const CsvRow *row, const CsvDialect *dialect,
                     Text *out)
{
    const char *comma = "";
    for (size_t i = 0; i < columns->count;) {
        const CsvColumn *column = &columns->items[i];
        size_t count = column->inside ? inside_count(columns, i) : 1;
        bool there = false;
        for (size_t j = 0; j < count; j++)
            there |= column[j].at >= 0;
        i += count;
        if (!there || column->aside)
            continue;
        text_addf(out, "%s\"%s\":", comma, column->inside ? column->inside : column->field);
        if (column->inside)
            add_inside(column, count, row, dialect, out);
        else
            add_value(column, row->fields[column->at], dialect, out);
        comma = ",";
    }
}
