/* SPDX-License-Identifier: Apache-2.0 */
/* What is known and open outside the data set. */
#include "daemon/dataset/reference.h"

#include "daemon/base/cleanup.h"
#include "daemon/base/csv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct ReferenceLine {
    const char *code;
    Day from, to;
} ReferenceLine;

struct Reference {
    ReferenceLine *lines[REFERENCE_KINDS]; /* by code */
    size_t counts[REFERENCE_KINDS], capacities[REFERENCE_KINDS];
};

static const char *const kind_names[REFERENCE_KINDS] = {"organisation", "site", "practice",
                                                        "school", "postcode"};

bool reference_kind(const char *name, size_t size, ReferenceKind *ret)
{
    for (size_t i = 0; i < REFERENCE_KINDS; i++)
        if (strlen(kind_names[i]) == size && memcmp(kind_names[i], name, size) == 0) {
            *ret = (ReferenceKind)i;
            return true;
        }
    return false;
}

bool reference_has(const Reference *reference, ReferenceKind kind)
{
    return reference && reference->counts[kind] > 0;
}

/* Capitals, no spaces, cut to the size: no real postcode is longer. */
static void postcode_plain(const char *text, char *plain, size_t size)
{
    size_t used = 0;
    for (; *text && used + 1 < size; text++)
        if (*text != ' ')
            plain[used++] = (char)toupper((unsigned char)*text);
    plain[used] = '\0';
}

static int line_order(const void *a, const void *b)
{
    return strcmp(((const ReferenceLine *)a)->code, ((const ReferenceLine *)b)->code);
}

static bool line_read(const CsvRow *row, const int *columns, Reference *reference, Arena *arena,
                      Error *err)
{
    const char *kind_name = row->fields[columns[0]], *code = row->fields[columns[1]];
    const char *from = row->fields[columns[2]], *to = row->fields[columns[3]];
    ReferenceKind kind;
    if (!reference_kind(kind_name, strlen(kind_name), &kind))
        return error_set(err, ERROR_DATA, "reference.kind",
                         "line %d: the kind is not one of organisation, site, practice, school, "
                         "postcode",
                         row->line);
    if (!*code)
        return error_set(err, ERROR_DATA, "reference.code", "line %d: the code is blank",
                         row->line);
    ReferenceLine line = {.from = INT32_MIN, .to = INT32_MAX};
    if ((*from && !civil_parse_day(from, &line.from)) || (*to && !civil_parse_day(to, &line.to)))
        return error_set(err, ERROR_DATA, "reference.date",
                         "line %d: a date is not written as CCYY-MM-DD", row->line);
    char plain[16];
    if (kind == REFERENCE_POSTCODE)
        postcode_plain(code, plain, sizeof plain);
    line.code = arena_text(arena, kind == REFERENCE_POSTCODE ? plain : code);
    size_t *count = &reference->counts[kind];
    reference->lines[kind] = arena_grow(arena, reference->lines[kind], *count,
                                        &reference->capacities[kind], sizeof line);
    reference->lines[kind][(*count)++] = line;
    return true;
}

bool reference_open(const char *path, Arena *arena, const Reference **ret, Error *err)
{
    static const char *const names[] = {"kind", "code", "from", "to"};
    int columns[COUNT_OF(names)];
    _cleanup_csv_ CsvReader *csv = NULL;
    if (!csv_open(path, &csv, err) || !csv_require(csv, names, COUNT_OF(names), columns, err))
        return error_wrap(err, "reading the reference data \"%s\"", path);
    Reference *reference = arena_alloc(arena, sizeof *reference);
    for (;;) {
        const CsvRow *row;
        if (!csv_next(csv, &row, err))
            return error_wrap(err, "reading the reference data \"%s\"", path);
        if (!row)
            break;
        if (!line_read(row, columns, reference, arena, err) || !arena_check(arena, err))
            return error_wrap(err, "reading the reference data \"%s\"", path);
    }
    for (size_t i = 0; i < REFERENCE_KINDS; i++)
        if (reference->counts[i] > 1)
            qsort(reference->lines[i], reference->counts[i], sizeof(ReferenceLine), line_order);
    *ret = reference;
    return true;
}

bool reference_is_open(const Reference *reference, ReferenceKind kind, const char *code, Day first,
                       Day last)
{
    char plain[16];
    if (kind == REFERENCE_POSTCODE) {
        postcode_plain(code, plain, sizeof plain);
        code = plain;
    }
    const ReferenceLine *lines = reference->lines[kind];
    size_t low = 0, high = reference->counts[kind];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(lines[middle].code, code) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < reference->counts[kind] && strcmp(lines[low].code, code) == 0; low++)
        if (lines[low].from <= last && lines[low].to >= first)
            return true;
    return false;
}
