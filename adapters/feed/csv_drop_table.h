/* SPDX-License-Identifier: Apache-2.0 */
/* What files and columns a CSV drop may have (csv_drop.def), and a row as the JSON of a record. */
#pragma once

#include "daemon/base/csv.h"
#include "daemon/base/text.h"

#define CSV_COLUMNS_MOST 48
#define CSV_RECORD_LIMIT ((size_t)256 << 10)

typedef enum CsvDates {
#define CSV_DATES(name, word, form, year_first) CSV_DATES_##name,
#include "adapters/feed/csv_drop_profile.def"
#undef CSV_DATES
} CsvDates;

/* How values are written. */
typedef struct CsvDialect {
    CsvDates dates;
    char list; /* separates the entries of a list */
} CsvDialect;
extern const CsvDialect csv_contract; /* yyyy-mm-dd, | */

typedef struct CsvColumn {
    const char *name;           /* in the file */
    const char *inside, *field; /* in the record: INSIDE.FIELD, or FIELD with `inside` NULL */
    bool in_list;               /* INSIDE[].FIELD */
    bool needed, list, boolean, date, aside;
    int at; /* in the file at hand; -1: not there */
} CsvColumn;

typedef struct CsvColumns {
    CsvColumn items[CSV_COLUMNS_MOST];
    size_t count;
} CsvColumns;

typedef struct CsvTable {
    const char *file, *type, *columns;
    const char *part_file, *part_key, *part_field, *part_columns; /* NULL: no parts */
} CsvTable;

size_t csv_table_count(void);
const CsvTable *csv_table(size_t index);
const CsvTable *csv_table_of_type(const char *type); /* NULL: none */
/* The table whose rows, or whose parts, stand in "FILE.csv"; -1: none. */
int csv_table_find(const char *file, bool *ret_part);

void csv_columns_read(const char *text, Arena *arena, CsvColumns *ret);
/* Their places in a file.  False: `ret_missing` is needed and not there. */
bool csv_columns_find(CsvColumns *columns, const CsvReader *reader, const char **ret_missing);
const char *csv_column_value(const CsvColumns *columns, const CsvRow *row, const char *name);

/* Adds "field":value for each column of the record that the file has, without braces.  Blank is
 * null; ~declined, ~not_known and ~not_asked are explicit; what is no date of the dialect stays as
 * it is. */
void csv_columns_add(const CsvColumns *columns, const CsvRow *row, const CsvDialect *dialect,
                     Text *out);

/* "4/7/2026" as "2026-07-04"; NULL when it is no such date. */
const char *csv_date(const char *text, CsvDates dates, char buffer[16]);
