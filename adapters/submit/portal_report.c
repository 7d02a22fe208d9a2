/* SPDX-License-Identifier: Apache-2.0 */
/* The portal's Summary Reports. */
#include "adapters/submit/portal_report.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/csv.h"
#include "daemon/base/text.h"

#include <ctype.h>
#include <string.h>
#include <zip.h>

DEFINE_CLEANUP(zip_t *, zip_discard, zip);
DEFINE_CLEANUP(zip_file_t *, (void)zip_fclose, zip_file);

#define FILE_LIMIT ((size_t)64 << 20)
#define ENTRY_LIMIT 64
#define LINE_LIMIT ((size_t)1000000)
#define CODE_LIMIT 16
#define NAME_LIMIT 64

static const struct {
    const char *file;
    bool required;
} kinds[] = {
#define PORTAL_REPORT(name, file, required) {file, required},
#include "adapters/submit/portal_report.def"
#undef PORTAL_REPORT
};

const char *portal_report_file(PortalReportKind kind)
{
    return kinds[kind].file;
}

/* ---- one line ---- */

static bool is_word(const char *text, size_t size, size_t limit)
{
    if (size == 0 || size > limit)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!isascii((unsigned char)text[i]) || !isalnum((unsigned char)text[i]))
            return false;
    return true;
}

static int64_t count_of(const char *text)
{
    int64_t number;
    return text_to_int64(text, &number) && number >= 0 ? number : -1;
}

/* "[M001901]LocalPatientID", or either part alone. */
static bool read_item(const char *name, const char *value, Arena *arena, PortalItem *ret)
{
    const char *end = *name == '[' ? strchr(name, ']') : NULL;
    const char *element = end ? end + 1 : name;
    *ret = (PortalItem){.value = arena_text(arena, value)};
    if (end && is_word(name + 1, (size_t)(end - name - 1), CODE_LIMIT))
        ret->id = arena_copy(arena, name + 1, (size_t)(end - name - 1));
    if (is_word(element, strlen(element), NAME_LIMIT))
        ret->element = arena_text(arena, element);
    return ret->id || ret->element;
}

typedef struct Columns {
    int code, numerator, denominator;
    int items[PORTAL_ITEM_LIMIT], values[PORTAL_ITEM_LIMIT]; /* -1: not there */
} Columns;

static bool find_columns(const CsvReader *reader, Columns *ret, Error *err)
{
    static const char *const names[] = {"CODE", "NUMERATOR", "DENOMINATOR"};
    int found[3];
    char name[16];
    if (!csv_require(reader, names, COUNT_OF(names), found, err))
        return false;
    *ret = (Columns){found[0], found[1], found[2], {0}, {0}};
    for (int i = 0; i < PORTAL_ITEM_LIMIT; i++) {
        snprintf(name, sizeof name, "DATA_ITEM%d", i + 1);
        ret->items[i] = csv_column(reader, name);
        snprintf(name, sizeof name, "DATA_VALUE%d", i + 1);
        ret->values[i] = csv_column(reader, name);
    }
    return true;
}

static void add_line(PortalReports *reports, PortalReportKind kind, const Columns *columns,
                     const CsvRow *row, Arena *arena)
{
    const char *code = row->fields[columns->code];
    if (!is_word(code, strlen(code), CODE_LIMIT)) {
        reports->unreadable++;
        return;
    }
    reports->lines = arena_grow(arena, reports->lines, reports->count, &reports->capacity,
                                sizeof *reports->lines);
    PortalLine *line = &reports->lines[reports->count++];
    *line = (PortalLine){.kind = kind,
                         .line = row->line,
                         .code = arena_text(arena, code),
                         .numerator = count_of(row->fields[columns->numerator]),
                         .denominator = count_of(row->fields[columns->denominator])};
    for (int i = 0; i < PORTAL_ITEM_LIMIT; i++)
        if (columns->items[i] >= 0 && columns->values[i] >= 0 &&
            read_item(row->fields[columns->items[i]], row->fields[columns->values[i]], arena,
                      &line->items[line->item_count]))
            line->item_count++;
}

bool portal_report_add(PortalReports *reports, PortalReportKind kind, const char *bytes,
                       size_t size, Arena *arena, Error *err)
{
    _cleanup_csv_ CsvReader *reader = NULL;
    Columns columns;
    const CsvRow *row;
    reports->present[kind] = true;
    if (!csv_open_bytes(kinds[kind].file, bytes, size, &reader, err) ||
        !find_columns(reader, &columns, err))
        return false;
    for (;;) {
        if (!arena_check(arena, err) || !csv_next(reader, &row, err))
            return false;
        if (!row)
            return true;
        if (reports->count >= LINE_LIMIT)
            return error_set(err, ERROR_DATA, "report.lines", "the reports have over %zu lines",
                             LINE_LIMIT);
        add_line(reports, kind, &columns, row, arena);
    }
}

/* ---- the zip ---- */

static bool find_kind(const char *path, PortalReportKind *ret)
{
    const char *slash = strrchr(path, '/');
    for (int i = 0; i < PORTAL_REPORT_COUNT; i++)
        if (strcasecmp(slash ? slash + 1 : path, kinds[i].file) == 0) {
            *ret = (PortalReportKind)i;
            return true;
        }
    return false;
}

static bool inflate_entry(zip_t *zip, uint64_t index, PortalReportKind kind, Arena *arena,
                          const char **ret, size_t *ret_size, Error *err)
{
    _cleanup_(zip_file) zip_file_t *file = zip_fopen_index(zip, index, 0);
    Text content = text_new(arena, FILE_LIMIT);
    char buffer[16384];
    zip_int64_t got = -1;
    while (file && (got = zip_fread(file, buffer, sizeof buffer)) > 0 && text_ok(&content))
        text_add_bytes(&content, buffer, (size_t)got);
    if (!text_ok(&content))
        return error_set(err, ERROR_DATA, "report.size", "\"%s\" is larger than %zu bytes",
                         kinds[kind].file, FILE_LIMIT);
    if (got < 0)
        return error_set(err, ERROR_DATA, "report.zip", "cannot unpack \"%s\"", kinds[kind].file);
    *ret = text_get(&content);
    *ret_size = content.size;
    return true;
}

static bool read_entry(zip_t *zip, uint64_t index, PortalReports *reports, Arena *arena, Error *err)
{
    _cleanup_arena_ Arena *work = arena_new(FILE_LIMIT * 4);
    PortalReportKind kind;
    const char *name = zip_get_name(zip, index, 0), *bytes;
    size_t size;
    if (!name || !find_kind(name, &kind))
        return true;
    if (reports->present[kind])
        return error_set(err, ERROR_DATA, "report.twice", "the zip file has \"%s\" twice",
                         kinds[kind].file);
    return inflate_entry(zip, index, kind, work, &bytes, &size, err) &&
           portal_report_add(reports, kind, bytes, size, arena, err);
}

bool portal_reports_read(const char *path, Arena *arena, PortalReports *ret, Error *err)
{
    int number = 0;
    _cleanup_(zip) zip_t *zip = zip_open(path, ZIP_RDONLY | ZIP_CHECKCONS, &number);
    *ret = (PortalReports){0};
    if (!zip)
        return error_set(err, ERROR_DATA, "report.zip", "cannot read \"%s\" as a zip file", path);
    int64_t count = zip_get_num_entries(zip, 0);
    if (count > ENTRY_LIMIT)
        return error_set(err, ERROR_DATA, "report.zip",
                         "the zip file has over %d entries: it is not the portal's reports",
                         ENTRY_LIMIT);
    for (int64_t i = 0; i < count; i++)
        if (!read_entry(zip, (uint64_t)i, ret, arena, err))
            return false;
    for (int i = 0; i < PORTAL_REPORT_COUNT; i++)
        if (kinds[i].required && !ret->present[i])
            return error_set(err, ERROR_DATA, "report.missing", "the zip file has no \"%s\"",
                             kinds[i].file);
    return true;
}
