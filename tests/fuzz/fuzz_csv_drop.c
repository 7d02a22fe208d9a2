/* SPDX-License-Identifier: Apache-2.0 */
/* A row of a hostile CSV drop as a record, and a drop's name.  Byte 1: which table; byte 2: the
 * dialect. */
#include "adapters/feed/csv_drop_check.h"
#include "adapters/feed/drop_encoding.h"
#include "daemon/base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the row holds, what goes to the store is a JSON object. */
static void check_rows(const CsvTable *table, const char *bytes, size_t size,
                       const CsvDialect *dialect, Arena *arena)
{
    CsvReader *reader = NULL;
    CsvColumns columns;
    Error err = {0};
    const char *missing;
    const CsvRow *row;
    if (!csv_open_bytes("rows", bytes, size, &reader, &err))
        return;
    csv_columns_read(table->columns, arena, &columns);
    bool whole = csv_columns_find(&columns, reader, &missing);
    while (whole && arena_used(arena) < (4 << 20) && csv_next(reader, &row, &err) && row) {
        Text text = text_new(arena, CSV_RECORD_LIMIT);
        json_t *value = NULL;
        text_add(&text, "{");
        csv_columns_add(&columns, row, dialect, &text);
        text_add(&text, "}");
        if (text_ok(&text) &&
            (!json_parse(text_get(&text), text.size, &value, &err) || !json_is_object(value)))
            abort();
        json_decref(value);
    }
    csv_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CsvDropName name;
    if (size < 2)
        return 0;
    Arena *arena = arena_new(8 << 20);
    const char *bytes = (const char *)data + 2;
    const char *text = arena_copy(arena, bytes, size - 2);
    if (csv_drop_name_read(text, &name) &&
        (name.order <= 0 || !memchr(name.feed, 0, sizeof name.feed)))
        abort();
    (void)drop_is_utf8(bytes, size - 2);
    CsvDialect dialect = {.dates = data[1] % (CSV_DATES_PLAIN + 1),
                          .list = data[1] & 128 ? ',' : '|'};
    check_rows(csv_table(data[0] % csv_table_count()), bytes, size - 2, &dialect, arena);
    arena_free(arena);
    return 0;
}
