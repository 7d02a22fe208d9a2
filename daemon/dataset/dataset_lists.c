/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV files of a pack: code lists, assessment scales, rules. */
#include "daemon/base/cleanup.h"
#include "daemon/base/csv.h"
#include "daemon/base/text.h"
#include "daemon/dataset/dataset_read.h"

#include <stdlib.h>
#include <string.h>

/* A file of the pack while it is read: which one, and where its columns are. */
typedef struct PackFile {
    const char *path;
    CsvReader *csv;
    const CsvRow *row;
    int columns[10];
} PackFile;

static void pack_close(PackFile *file)
{
    csv_close(file->csv);
}
#define _cleanup_pack_ __attribute__((cleanup(pack_close)))

static bool pack_open(PackFile *file, const char *path, const char *const *names, size_t count,
                      Error *err)
{
    file->path = path;
    if (csv_open(path, &file->csv, err) && csv_require(file->csv, names, count, file->columns, err))
        return true;
    err->kind = ERROR_CONFIG; /* a pack is a setting, not a record */
    return error_wrap(err, "reading the pack");
}

static bool pack_next(PackFile *file, Error *err)
{
    if (csv_next(file->csv, &file->row, err))
        return true;
    err->kind = ERROR_CONFIG;
    return error_wrap(err, "reading the pack");
}

static const char *pack_field(const PackFile *file, int column)
{
    return file->row->fields[file->columns[column]];
}

static const char *pack_copy(const PackFile *file, int column, Arena *arena)
{
    return arena_text(arena, pack_field(file, column));
}

static const char *pack_copy_or_null(const PackFile *file, int column, Arena *arena)
{
    return *pack_field(file, column) ? pack_copy(file, column, arena) : NULL;
}

#define PACK_ERROR(file, err, ...)                                                                 \
    (error_set(err, ERROR_CONFIG, "dataset.pack", __VA_ARGS__),                                    \
     error_wrap(err, "%s:%d", (file)->path, (file)->row->line))

static int code_compare(const void *a, const void *b)
{
    const Code *one = a, *two = b;
    int order = strcmp(one->code, two->code);
    return order ? order : (one->from > two->from) - (one->from < two->from);
}

static bool code_read(const PackFile *file, Arena *arena, Code *code, Error *err)
{
    code->code = pack_copy(file, 0, arena);
    code->meaning = pack_copy(file, 1, arena);
    if (!*code->code)
        return PACK_ERROR(file, err, "the code is blank");
    const char *from = pack_field(file, 2), *to = pack_field(file, 3);
    if (*from && !civil_parse_month(from, &code->from))
        return PACK_ERROR(file, err, "\"%s\" is not a month such as 2026-04", from);
    if (*to && !civil_parse_month(to, &code->to))
        return PACK_ERROR(file, err, "\"%s\" is not a month such as 2026-04", to);
    if (code->to && code->from > code->to)
        return PACK_ERROR(file, err, "the code ends before it begins");
    return true;
}

/* The same code twice is two periods of time; they must not overlap. */
static bool codes_check(const CodeList *list, const char *path, Error *err)
{
    for (size_t i = 1; i < list->count; i++) {
        const Code *before = &list->codes[i - 1], *code = &list->codes[i];
        if (text_equal(before->code, code->code) && (!before->to || before->to >= code->from))
            return error_set(err, ERROR_CONFIG, "dataset.pack",
                             "%s: code \"%s\" holds twice at once", path, code->code);
    }
    return true;
}

bool dataset_read_codes(Dataset *dataset, Arena *arena, const char *name, const CodeList **ret,
                        Error *err)
{
    static const char *const names[] = {"code", "meaning", "from", "to"};
    const CodeList *known = dataset_codes(dataset, name);
    if (known) {
        *ret = known;
        return true;
    }
    _cleanup_pack_ PackFile file = {0};
    if (!pack_open(&file, arena_format(arena, "%s/codes/%s.csv", dataset->folder, name), names,
                   COUNT_OF(names), err))
        return false;
    CodeList *list = arena_alloc(arena, sizeof *list);
    list->name = arena_text(arena, name);
    size_t capacity = 0;
    for (;;) {
        if (!pack_next(&file, err))
            return false;
        if (!file.row)
            break;
        list->codes = arena_grow(arena, list->codes, list->count, &capacity, sizeof *list->codes);
        list->codes[list->count] = (Code){0};
        if (!code_read(&file, arena, &list->codes[list->count++], err) || !arena_check(arena, err))
            return false;
    }
    if (list->count > 1)
        qsort(list->codes, list->count, sizeof *list->codes, code_compare);
    if (!codes_check(list, file.path, err))
        return false;
    *ret = list;
    return true;
}

static int scale_order(const void *a, const void *b)
{
    return strcmp(((const Scale *)a)->code, ((const Scale *)b)->code);
}

bool dataset_read_scales(Dataset *dataset, Arena *arena, Error *err)
{
    static const char *const names[] = {"code", "tool", "term", "min", "max", "values", "accepted"};
    _cleanup_pack_ PackFile file = {0};
    if (!pack_open(&file, arena_format(arena, "%s/scales.csv", dataset->folder), names,
                   COUNT_OF(names), err))
        return false;
    size_t capacity = 0;
    for (;;) {
        if (!pack_next(&file, err) || !arena_check(arena, err))
            return false;
        if (!file.row)
            break;
        const char *accepted = pack_field(&file, 6);
        if (!text_equal(accepted, "Y") && !text_equal(accepted, "N"))
            return PACK_ERROR(&file, err, "accepted must be Y or N");
        dataset->scales = arena_grow(arena, dataset->scales, dataset->scale_count, &capacity,
                                     sizeof *dataset->scales);
        dataset->scales[dataset->scale_count++] = (Scale){
            .code = pack_copy(&file, 0, arena),
            .tool = pack_copy(&file, 1, arena),
            .term = pack_copy(&file, 2, arena),
            .min = pack_copy_or_null(&file, 3, arena),
            .max = pack_copy_or_null(&file, 4, arena),
            .values = pack_copy_or_null(&file, 5, arena),
            .accepted = *accepted == 'Y',
        };
    }
    if (dataset->scale_count > 1)
        qsort(dataset->scales, dataset->scale_count, sizeof *dataset->scales, scale_order);
    for (size_t i = 1; i < dataset->scale_count; i++)
        if (text_equal(dataset->scales[i - 1].code, dataset->scales[i].code))
            return error_set(err, ERROR_CONFIG, "dataset.pack", "%s: code \"%s\" stands twice",
                             file.path, dataset->scales[i].code);
    return true;
}

static bool level_parse(const char *text, RuleLevel *ret)
{
    static const char *const names[] = {"file", "group", "record"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_equal(text, names[i])) {
            *ret = (RuleLevel)i;
            return true;
        }
    return false;
}

static bool severity_parse(const char *text, Severity *ret)
{
    for (Severity s = SEVERITY_FILE_REJECTED; s <= SEVERITY_WARNING; s++)
        if (text_equal(text, severity_name(s))) {
            *ret = s;
            return true;
        }
    return false;
}

enum {
    RULE_ID,
    RULE_TABLE,
    RULE_ELEMENT,
    RULE_LEVEL,
    RULE_SEVERITY,
    RULE_CHECK,
    RULE_ARGUMENTS,
    RULE_MESSAGE,
    RULE_REMEDY,
    RULE_NOTE
};

static bool rule_read(const Dataset *dataset, const PackFile *file, Arena *arena, Rule *rule,
                      Error *err)
{
    const char *table = pack_field(file, RULE_TABLE), *element = pack_field(file, RULE_ELEMENT);
    *rule = (Rule){
        .id = pack_copy(file, RULE_ID, arena),
        .check = pack_copy(file, RULE_CHECK, arena),
        .arguments = pack_copy(file, RULE_ARGUMENTS, arena),
        .message = pack_copy(file, RULE_MESSAGE, arena),
        .remedy = pack_copy(file, RULE_REMEDY, arena),
        .note = pack_copy(file, RULE_NOTE, arena),
        .line = file->row->line,
    };
    if (!*rule->id || !*rule->check)
        return PACK_ERROR(file, err, "a rule needs an id and a check");
    if (*table && !(rule->table = dataset_table(dataset, table)))
        return PACK_ERROR(file, err, "rule %s: no table \"%s\"", rule->id, table);
    if (*element && (!rule->table || !(rule->element = table_element(rule->table, element))))
        return PACK_ERROR(file, err, "rule %s: no element \"%s\" in its table", rule->id, element);
    if (!level_parse(pack_field(file, RULE_LEVEL), &rule->level))
        return PACK_ERROR(file, err, "rule %s: level is file, group or record", rule->id);
    if (!severity_parse(pack_field(file, RULE_SEVERITY), &rule->severity))
        return PACK_ERROR(file, err, "rule %s: unknown severity \"%s\"", rule->id,
                          pack_field(file, RULE_SEVERITY));
    return true;
}

static int rule_compare(const void *a, const void *b)
{
    return strcmp((*(const Rule *const *)a)->id, (*(const Rule *const *)b)->id);
}

/* An id that stands twice would make findings ambiguous. */
static bool rules_check(const Dataset *dataset, const char *path, Error *err)
{
    _cleanup_arena_ Arena *arena = arena_new((size_t)1 << 20);
    const Rule **sorted = arena_array(arena, dataset->rule_count + 1, sizeof(const Rule *));
    for (size_t i = 0; i < dataset->rule_count; i++)
        sorted[i] = &dataset->rules[i];
    qsort(sorted, dataset->rule_count, sizeof *sorted, rule_compare);
    for (size_t i = 1; i < dataset->rule_count; i++)
        if (text_equal(sorted[i - 1]->id, sorted[i]->id))
            return error_set(err, ERROR_CONFIG, "dataset.pack", "%s:%d: rule %s stands twice", path,
                             sorted[i]->line, sorted[i]->id);
    return true;
}

bool dataset_read_rules(Dataset *dataset, Arena *arena, Error *err)
{
    static const char *const names[] = {"id",    "table",     "element", "level",  "severity",
                                        "check", "arguments", "message", "remedy", "note"};
    _cleanup_pack_ PackFile file = {0};
    if (!pack_open(&file, arena_format(arena, "%s/rules.csv", dataset->folder), names,
                   COUNT_OF(names), err))
        return false;
    size_t capacity = 0;
    for (;;) {
        if (!pack_next(&file, err) || !arena_check(arena, err))
            return false;
        if (!file.row)
            return rules_check(dataset, file.path, err);
        dataset->rules = arena_grow(arena, dataset->rules, dataset->rule_count, &capacity,
                                    sizeof *dataset->rules);
        if (!rule_read(dataset, &file, arena, &dataset->rules[dataset->rule_count++], err))
            return false;
    }
}
